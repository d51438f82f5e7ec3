"""Pages of one file each: styles, scripts and data are written into the HTML, and nothing is fetched from anywhere."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

# Whatever is in the data, the browser asks nobody for anything.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{styles}
</style>
</head>
<body>
{body}
<script type="application/json" id="data">{data}</script>
<script>
{scripts}
</script>
</body>
</html>
"""

FRAME = (
    '<iframe srcdoc="{page}" title="{title}" style="width:100%;height:{height}px;border:1px solid #8886;'
    'border-radius:8px" sandbox="allow-scripts"></iframe>'
)


def page(title: str, body: str, styles: Sequence[str], scripts: Sequence[str], data: Any) -> str:
    """Return a page.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML, which the package has written.
    styles, scripts : sequence of str
        CSS, and JavaScript, which finds ``data`` as JSON in the element with the id "data".
    data : Any
        What JSON can hold; it may have any text in it.
    """
    return PAGE.format(
        policy=html.escape(POLICY),
        title=html.escape(title),
        styles="\n".join(styles),
        body=body,
        data=json_in_html(data),
        scripts="\n".join(["'use strict';", *scripts]),
    )


def json_in_html(data: Any) -> str:
    """Return JSON that can stand in a script element: no text in it can end that element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def in_frame(page_text: str, title: str, height: int) -> str:
    """Return a page as part of another one, such as a notebook: neither sees the other's styles."""
    return FRAME.format(page=html.escape(page_text), title=html.escape(title), height=height)


def assets(package: str, names: Sequence[str]) -> list[str]:
    """Return the texts of the files that lie in a package."""
    folder = resources.files(package)
    return [folder.joinpath(name).read_text(encoding="utf-8") for name in names]
