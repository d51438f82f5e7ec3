"""Groups whose members do not follow one another, such as a module that is called twice, become several groups."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.learn.layout.model import Group


def numbered_runs(groups: Sequence[Group]) -> list[Group]:
    """Return the groups so that each is one uninterrupted run: its second run gets a name of its own.

    Boxes that are made of runs can always be put into layers: what lies outside came either before all of a
    run or after it.

    Examples
    --------
    >>> numbered_runs([("net", "a"), ("net", "b"), ("net", "a"), ()])
    [('net', 'net/a'), ('net', 'net/b'), ('net', 'net/a#2'), ()]
    """
    counts: dict[str, int] = {}
    renamed: list[Group] = []
    before: Group = ()
    before_renamed: Group = ()
    for group in groups:
        now: list[str] = []
        for depth, name in enumerate(group):
            if group[: depth + 1] == before[: depth + 1]:
                now.append(before_renamed[depth])
                continue
            full = f"{now[-1]}/{name}" if now else name
            counts[full] = counts.get(full, 0) + 1
            now.append(full if counts[full] == 1 else f"{full}#{counts[full]}")
        before, before_renamed = group, tuple(now)
        renamed.append(before_renamed)
    return renamed
