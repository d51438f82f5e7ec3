"""The summary of a run: how many calls ended how, and the worst offenders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tests.fuzz import judge
from tests.fuzz.runner import Result

MEANINGS = {
    judge.CLEAR: "an error of ours that names operation or argument",
    judge.RAW: "an error of NumPy, Numba, Python or our insides",
    judge.NAMELESS: "an error that names nothing",
    judge.RETURNED: "a result",
    judge.HANG: f"nothing within {judge.SECONDS} s",
    judge.MEMORY: "out of memory",
    judge.CRASH: "the end of the process",
}
LENIENT, STRICT = "returned where PyTorch raises", "raised where PyTorch returns"


def faults(result: Result) -> list[str]:
    """Return what is to be mended about a call, if anything."""
    kind, there = result.here.kind, result.there
    found = [kind] if kind in (judge.RAW, judge.NAMELESS, judge.HANG, judge.CRASH) else []
    if kind == judge.RETURNED and there.startswith("raised"):
        found.append(LENIENT)
    if kind in (judge.CLEAR, judge.RAW, judge.NAMELESS) and there == "returned":
        found.append(STRICT)
    return found


def summary(results: list[Result]) -> str:
    """Return a table: what became of the calls here, against what PyTorch does."""
    counts: Counter[tuple[str, str]] = Counter()
    for result in results:
        counts[result.here.kind, result.there.partition(" ")[0]] += 1
    total = max(len(results), 1)
    lines = [
        "| here | PyTorch raises | PyTorch returns | not compared | all | % |",
        "|---|---|---|---|---|---|",
    ]
    for kind in judge.KINDS:
        columns = [counts[kind, there] for there in ("raised", "returned")]
        everything = sum(n for (k, _), n in counts.items() if k == kind)
        numbers = [*columns, everything - sum(columns), everything]
        cells = [MEANINGS[kind], *[f"{n:,}" for n in numbers], f"{100 * everything / total:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def offenders(results: Iterable[Result], most: int = 12) -> str:
    """Return the names and the places with the most faults, and an example of each."""
    by_fault: dict[str, list[Result]] = {}
    for result in results:
        for fault in faults(result):
            by_fault.setdefault(fault, []).append(result)
    lines = []
    for fault, found in by_fault.items():
        lines.append(f"\n{fault}: {len(found)}")
        names = Counter(result.call.name for result in found).most_common(most)
        lines.append("  names: " + ", ".join(f"{name} {n}" for name, n in names))
        for place, n in Counter(place_of(result) for result in found).most_common(most):
            example = next(result for result in found if place_of(result) == place)
            lines += [f"  {n:4d} {place}", f"       {example.call.wrong}", f"       {said(example)}"]
    return "\n".join(lines)


def place_of(result: Result) -> str:
    return result.here.place or result.call.name


def said(result: Result) -> str:
    here = f"{result.here.error}: {result.here.message}" if result.here.error else result.here.kind
    return " ".join(here.split())[:150] + (
        f"  [{' '.join(result.there.split())[:150]}]" if result.there else ""
    )
