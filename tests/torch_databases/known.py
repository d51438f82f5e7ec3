"""Differences that are meant, or known: by entry, what they look like and why they are there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.torch_databases.operators import Report


@dataclass(frozen=True)
class Known:
    """A reason, the entries it holds for, and a pattern that the text of a difference must match."""

    reason: str
    pattern: str
    entries: tuple[str, ...]


KNOWN: list[Known] = []


def unexplained(report: Report) -> list[str]:
    """Return the differences of an entry for which no reason is listed."""
    patterns = [re.compile(known.pattern) for known in KNOWN if report.name in known.entries]
    return [line for line in report.differences if not any(p.search(line) for p in patterns)]
