"""How wide a text is: without a browser, from the widths of Helvetica's letters and what is added for wider fonts."""

from __future__ import annotations

import html

# Widths in thousandths of the size of the font; everything else counts as WIDE. The fonts of Linux are wider.
WIDTHS = {
    **dict.fromkeys("ijl|'!.,:;·", 270),
    **dict.fromkeys("ftrI()[]{}/\\-` ", 345),
    **dict.fromkeys('ckszvxyJ"*', 510),
    **dict.fromkeys("abdeghnopqu0123456789_+=<>~L#$?", 570),
    **dict.fromkeys("ABEFKPSTVXYZ&×→µ", 670),
    **dict.fromkeys("CDGHNOQRUw", 740),
    **dict.fromkeys("mMW%@…", 880),
}
WIDE = 900
WIDER, WIDER_BOLD = 1.12, 1.22


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return about how many pixels a text is wide.

    Examples
    --------
    >>> round(text_width("Conv2d", 10), 1)
    39.5
    """
    return sum([WIDTHS.get(letter, WIDE) for letter in text]) * size / 1000 * (WIDER_BOLD if bold else WIDER)


def escape(text: str) -> str:
    """Return a text as it may stand in SVG and HTML, between tags and in attributes."""
    printable = "".join([letter if letter.isprintable() else " " for letter in text])
    return html.escape(printable, quote=True)


def shortened(text: str, letters: int) -> str:
    """Return a text of at most so many letters: the middle of a longer one is left out."""
    if len(text) <= letters:
        return text
    return f"{text[: letters // 2]}…{text[len(text) - letters + letters // 2 + 1 :]}"
