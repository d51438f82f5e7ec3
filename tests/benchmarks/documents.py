"""Put the tables into a document: between the markers, and nowhere else.

In the document's text, written by hand, stands where a table goes::

    <!-- table: steps -->
    ...
    <!-- end of table -->
"""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
END = "<!-- end of table -->"
MARKED = re.compile(r"(<!-- table: ([\w-]+) -->\n)(.*?)(" + re.escape(END) + ")", re.DOTALL)


def fill_in(text: str, tables: dict[str, str]) -> str:
    """Return a document with new tables; those that are not given stay as they are.

    Raises
    ------
    ValueError
        If a table has no place in the document.
    """
    places = [match.group(2) for match in MARKED.finditer(text)]
    if text.count("<!-- table: ") != len(places):
        raise ValueError(f"write-docs: expected '{END}' after every '<!-- table: NAME -->'")
    homeless = sorted(set(tables) - set(places))
    if homeless:
        raise ValueError(f"write-docs: expected a place '<!-- table: {homeless[0]} -->', got {places}")

    def replaced(match: re.Match[str]) -> str:
        opening, name, old, closing = match.groups()
        return f"{opening}{tables[name]}\n{closing}" if name in tables else match.group(0)

    return MARKED.sub(replaced, text)
