"""What the lines of a list call things."""

from __future__ import annotations

import builtins
import keyword
import re


def snake_case(name: str) -> str:
    """Return max_pool2d for MaxPool2d."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def identifier(text: str) -> str:
    """Return a name for Python that is made of a text, and none that a line has for something else."""
    name = re.sub(r"\W", "_", text)
    if not name.isidentifier():
        name = f"p_{name}"
    taken = (
        keyword.iskeyword(name)
        or hasattr(builtins, name)
        or re.fullmatch(r"[txrg]\d+|keep|replay|history|number|inf|nan", name)
    )
    return f"{name}_" if taken else name
