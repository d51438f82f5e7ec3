"""``torch.__version__``: text that compares as a version does.

References
----------
https://packaging.python.org/en/latest/specifications/version-specifiers/
"""

from __future__ import annotations

import re
from typing import Any

from tinygrad_edu import version


class TorchVersion(str):
    """Text that compares as a version does: "0.10" comes after "0.9"; with text and with tuples of numbers.

    Only text that begins with no number compares as text does.

    Examples
    --------
    >>> TorchVersion("0.10.0") > "0.9", TorchVersion("1.2.0") >= (1, 2), TorchVersion("1.2.0rc1") < "1.2"
    (True, True, True)
    """

    __slots__ = ()

    def _compared(self, other: Any) -> tuple[Any, Any] | None:
        """Return two keys, of the version and of something else; None if that cannot be compared."""
        if isinstance(other, list | tuple):
            other = ".".join(map(str, other))
        if not isinstance(other, str):
            return None
        keys = version_key(self), version_key(other)
        return keys if None not in keys else (str(self), str(other))

    def __eq__(self, other: object) -> bool:
        keys = self._compared(other)
        return keys is not None and keys[0] == keys[1]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        keys = self._compared(other)
        return NotImplemented if keys is None else keys[0] < keys[1]

    def __gt__(self, other: Any) -> bool:
        keys = self._compared(other)
        return NotImplemented if keys is None else keys[0] > keys[1]

    def __le__(self, other: Any) -> bool:
        keys = self._compared(other)
        return NotImplemented if keys is None else keys[0] <= keys[1]

    def __ge__(self, other: Any) -> bool:
        keys = self._compared(other)
        return NotImplemented if keys is None else keys[0] >= keys[1]

    def __hash__(self) -> int:
        return str.__hash__(self)


def version_key(text: str) -> tuple[Any, ...] | None:
    """Return what versions are ordered by: the numbers without zeros at the end, whether it is final, its stage.

    Examples
    --------
    >>> version_key("1.10.0rc2"), version_key("1.10+cpu"), version_key("nightly")
    (((1, 10), False, 'rc', 2, ''), ((1, 10), True, '', 0, 'cpu'), None)
    """
    found = re.fullmatch(r"v?(\d+(?:\.\d+)*)[.-]?(?:(dev|a|b|rc)\.?(\d*))?(?:\+(.+))?", text.strip().lower())
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    stage = " dev" if found[2] == "dev" else found[2] or ""  # the space lets it come before "a"
    return tuple(numbers), not stage, stage, int(found[3] or 0), found[4] or ""


__version__ = TorchVersion(version.__version__)
