"""Markdown tables of what was measured. A record is a dictionary, as it is written to JSON::

machine    processor, cores, versions
peaks      rates of a large matrix product and of copies
runs       list of {program, threads, engine, rounds: [{median, min, first, peak, memory}, ...]}
growth     list of {kind, size, engine, threads, ms, memory}
first_run  list of {threads, empty, cached}
kernels    what ``kernels.py`` measured: {rates, rows}
trial      true if the machine was busy and the figures are not to be quoted
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from tests.benchmarks.floor import floor_ms
from tests.benchmarks.growth import GROWTH, slope
from tests.benchmarks.programs import EPOCHS, PROGRAMS
from tests.benchmarks.runner import ENGINES, MALLOC_ENGINES, PEER_PROGRAM_NAMES, PEERS, REPLAYED_ENGINE

NOTHING = "–"
LISTED_KERNELS = 10


def merge(records: list[dict]) -> dict:
    """Return one record of several; where two measured the same thing, the later one counts."""
    merged: dict = {"trial": any(record.get("trial") for record in records)}
    loads = {record.get("machine", {}).get("load") for record in records} - {None}
    keys = {
        "runs": ("comparison", "program", "threads", "engine"),
        "growth": ("kind", "size", "engine", "threads"),
        "first_run": ("threads",),
    }
    for record in records:
        merged["machine"] = {**merged.get("machine", {}), **record.get("machine", {})}
        merged["peaks"] = best_peaks(merged.get("peaks"), record.get("peaks"))
    if loads:
        merged["machine"]["load"] = ", ".join(sorted(loads))
    for part, names in keys.items():
        rows = {}
        for record in records:
            for row in record.get(part, []):
                rows[tuple(row[name] for name in names)] = row
        merged[part] = list(rows.values())
    for record in records:
        merged["kernels"] = record.get("kernels") or merged.get("kernels")
    return merged


def best_peaks(a: dict | None, b: dict | None) -> dict | None:
    """Return the higher rates of two measurements: a busy machine only lowers them."""
    if not a or not b:
        return a or b
    best = {**a, **b}
    for name in a.keys() & b.keys():
        best[name] = best_peaks(a[name], b[name]) if isinstance(a[name], dict) else max(a[name], b[name])
    return best


def runs_of(record: dict, comparison: str, program: str) -> dict[int, dict[str, list[dict]]]:
    """Return {threads: {engine: what its processes measured, in the order in which they ran}}."""
    found: dict[int, dict[str, list[dict]]] = {}
    for run in record["runs"]:
        if (run["comparison"], run["program"]) == (comparison, program):
            found.setdefault(run["threads"], {})[run["engine"]] = run["rounds"]
    return dict(sorted(found.items()))


def ratio(ours: list[dict] | None, theirs: list[dict] | None, name: str) -> str:
    """Return the median over the rounds of ours / theirs: the processes of one round ran one after the other."""
    if not ours or not theirs:
        return NOTHING
    return f"{statistics.median(a[name] / b[name] for a, b in zip(ours, theirs, strict=True)):.2f}"


def ratio_of_minima(ours: list[dict] | None, theirs: list[dict] | None) -> str:
    """Return the least time of ours divided by the least time of theirs."""
    if not ours or not theirs:
        return NOTHING
    return f"{min(r['min'] for r in ours) / min(r['min'] for r in theirs):.2f}"


def milliseconds(rounds: list[dict] | None) -> str:
    """Return the median of the processes' medians."""
    return number(statistics.median(r["median"] for r in rounds)) if rounds else NOTHING


def number(value: float) -> str:
    """Return three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Return a table, or nothing if it has no rows."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


# ---- the tables ---------------------------------------------------------------------------------------


def machine_table(record: dict) -> str:
    """Say where the figures come from, and what the machine can do at best."""
    about = ", ".join(f"{name} {value}" for name, value in record["machine"].items())
    lines = [about + "."]
    peaks = record.get("peaks")
    if peaks:
        memory = ", ".join(
            f"{rate:.0f} GB/s with {count} thread{'s' if count != '1' else ''}"
            for count, rate in peaks["memory_copy"].items()
        )
        lines.append(
            f"One core: {peaks['gflops']:.0f} GFLOP/s in a product of float32 matrices (2048 x 2048), "
            f"{peaks['cache_copy']:.0f} GB/s read and written in a copy within the cache. "
            f"A copy in memory: {memory}."
        )
    if record.get("trial"):
        lines.append("**Trial figures, taken while the machine was busy: not to be quoted.**")
    return "\n".join(lines)


def steps_table(record: dict) -> str:
    """Compare the training steps and the single parts with PyTorch, both as they come."""
    return _comparison(record, [name for name in PROGRAMS if name not in EPOCHS])


def epochs_table(record: dict) -> str:
    """Compare whole epochs with PyTorch, both as they come."""
    return _comparison(record, list(EPOCHS))


def _comparison(record: dict, names: list[str]) -> str:
    head = ["program", "threads", "floor, ms", "PyTorch, ms", "ours, ms", "ours / PyTorch"]
    head += ["ratio of the shortest", "peak memory, ratio"]
    replays = any(PROGRAMS[name].can_be_replayed for name in names)
    head += ["replayed, ms", "replayed / PyTorch"] if replays else []
    rows = []
    for name in names:
        for threads, runs in runs_of(record, "engines", name).items():
            torch, ours = runs.get("torch"), runs.get("tinygrad_edu")
            work = PROGRAMS[name].work
            floor = number(floor_ms(work, record["peaks"], threads)) if work and record["peaks"] else NOTHING
            rows.append([PROGRAMS[name].title, str(threads), floor, milliseconds(torch), milliseconds(ours)])
            rows[-1] += [f"**{ratio(ours, torch, 'median')}**", ratio_of_minima(ours, torch)]
            rows[-1] += [ratio(ours, torch, "peak")]
            if replays:
                replayed = runs.get(REPLAYED_ENGINE)
                rows[-1] += [milliseconds(replayed), f"**{ratio(replayed, torch, 'median')}**"]
    return markdown(head, rows)


def malloc_table(record: dict) -> str:
    """Compare the engines where malloc keeps freed memory for both, and where it does for neither."""
    head = ["program", "threads", "PyTorch, ms", "ours, ms", "ours / PyTorch"]
    head += ["memory kept: PyTorch, ms", "ours, ms", "ours / PyTorch"]
    rows = []
    for name, program in PROGRAMS.items():
        for threads, runs in runs_of(record, "engines", name).items():
            if any(engine in runs for engine in MALLOC_ENGINES):
                rows.append([program.title, str(threads)])
                for pair in (("torch", "tinygrad_edu-plain"), ("torch-malloc", "tinygrad_edu")):
                    torch, ours = (runs.get(engine) for engine in pair)
                    rows[-1] += [milliseconds(torch), milliseconds(ours), ratio(ours, torch, "median")]
    return markdown(head, rows)


def peers_table(record: dict) -> str:
    """Compare the programs that the peers can run as well."""
    rows = []
    counts = sorted({run["threads"] for run in record["runs"] if run["comparison"] == "peers"})
    for name in PEER_PROGRAM_NAMES:
        runs = runs_of(record, "peers", name)
        for key, engine in {**PEERS, **ENGINES}.items():
            measured = [runs.get(threads, {}) for threads in counts]
            if not any(key in of_engines for of_engines in measured):
                continue
            rows.append([PROGRAMS[name].title, engine.title])
            for of_engines in measured:
                theirs, ours = of_engines.get(key), of_engines.get("tinygrad_edu")
                rows[-1] += [milliseconds(theirs), ratio(theirs, ours, "median")]
    head = ["program", "written with"]
    for threads in counts:
        head += [f"ms, {threads} thread{'s' if threads > 1 else ''}", "its time / ours"]
    return markdown(head, rows)


def work_table(record: dict) -> str:
    """Show what a program must compute and move, from which the floor follows."""
    rows = []
    for program in PROGRAMS.values():
        if program.work is not None:
            work = program.work
            bound = "computing" if _is_computing(work, record["peaks"]) else "moving"
            rows.append(
                [
                    program.title,
                    number(work.flops / 1e6),
                    number(work.bytes / 1e6),
                    number(work.working_set / 1e6),
                    bound,
                ]
            )
    return markdown(["program", "MFLOP", "MB moved", "MB in use", "decided by"], rows)


def _is_computing(work: object, peaks: dict) -> bool:
    """Tell whether the floor at one thread is that of the arithmetic."""
    without_bytes = type(work)(work.flops, 0, 0)  # type: ignore[attr-defined, call-arg]
    return floor_ms(without_bytes, peaks, 1) == floor_ms(work, peaks, 1)  # type: ignore[arg-type]


def growth_table(record: dict) -> str:
    """Show the cost of one unit at both ends, and the exponent in the upper half of the sizes."""
    rows = []
    for kind, growth in GROWTH.items():
        for engine in ("torch", "tinygrad_edu"):
            points = sorted(
                (p for p in record["growth"] if (p["kind"], p["engine"]) == (kind, engine)),
                key=lambda p: p["size"],
            )
            if len(points) < 2:
                continue
            first, last = points[0], points[-1]
            upper = points[len(points) // 2 :] if len(points) > 3 else points
            exponent = slope([p["size"] for p in upper], [p["ms"] for p in upper])
            rows.append(
                [
                    growth.title,
                    ENGINES[engine].title,
                    f"{first['size']:,} to {last['size']:,}",
                    number(1e3 * first["ms"] / first["size"]),
                    number(1e3 * last["ms"] / last["size"]),
                    f"{exponent:.2f}",
                    verdict(exponent),
                    number(1024 * (last["memory"] - first["memory"]) / (last["size"] - first["size"])),
                ]
            )
    head = [
        "what grows",
        "engine",
        "from, to",
        "µs a unit at the small end",
        "at the large end",
        "exponent in the upper half",
        "so it is",
        "memory for each further unit, KiB",
    ]
    return markdown(head, rows)


def verdict(exponent: float) -> str:
    """Say in words what an exponent means."""
    if exponent > 1.1:
        return "more than linear"
    return "linear" if exponent >= 0.9 else "less than linear"


def first_run_table(record: dict) -> str:
    """Show the first run of all beside a later one, and the kernels that took longest to compile."""
    tables = []
    for run in record["first_run"]:
        rows = [
            [label, f"{run['empty'][name]:.2f}", f"{run['cached'][name]:.2f}"]
            for label, name in (
                ("from the start of Python to the end of the first step", "total"),
                ("of it, imports and making the model", "import_and_setup"),
                ("of it, the first step", "first_step"),
            )
        ]
        compiling = run["empty"]["compiling"]
        rows.append(
            [
                "of the first step, compiling",
                f"{sum(compiling.values()):.2f}",
                f"{sum(run['cached']['compiling'].values()):.2f}",
            ]
        )
        longest = sorted(compiling.items(), key=lambda item: -item[1])[:LISTED_KERNELS]
        rows += [[f"&nbsp;&nbsp;`{name}`", f"{seconds:.2f}", NOTHING] for name, seconds in longest]
        head = [f"{run['threads']} threads", "nothing compiled yet, s", "later runs, s"]
        tables.append(markdown(head, rows))
    return "\n\n".join(tables)


def kernels_table(record: dict) -> str:
    """Show how long each kernel takes, and its share of what it could be: within the cache, and from memory."""
    measured: dict[tuple[str, str, str], dict[tuple[str, str], dict]] = {}
    for row in record["kernels"]["rows"]:
        key = (row["family"], row["kernel"], row["what"])
        measured.setdefault(key, {})[row["dtype"], row["where"]] = row
    rows = []
    for key, of_kernel in measured.items():
        first = of_kernel["float32", "cache"]
        rate = (
            "GB/s"
            if first["bytes"] / record["kernels"]["rates"]["float32"]["cache"] > _computing(record, first)
            else "G/s"
        )
        amount = first["bytes"] if rate == "GB/s" else first["operations"]
        others = [of_kernel.get(place) for place in (("float32", "memory"), ("float64", "cache"))]
        rows.append([*key, number(1e6 * first["seconds"]), f"{number(amount / first['seconds'])} {rate}"])
        rows[-1] += [f"**{kernel_share(record, first)}**"]
        rows[-1] += [kernel_share(record, row) if row else NOTHING for row in others]
    head = ["family", "kernel", "on", "µs", "moved, or computed", "of the best"]
    table = markdown([*head, "from memory, of the best", "float64, of the best"], rows)
    best = ", ".join(
        f"{dtype} {rates['operations']:.0f} G/s, {rates['cache']:.0f} GB/s in the cache, {rates['memory']:.0f} beyond"
        for dtype, rates in record["kernels"]["rates"].items()
    )
    return f"{table}\n\nThe best that was measured on {record['kernels']['processor']}: {best}."


def _computing(record: dict, row: dict) -> float:
    return row["operations"] / record["kernels"]["rates"][row["dtype"]]["operations"]


def kernel_share(record: dict, row: dict) -> str:
    """Return how near a kernel is to the longer one of moving its bytes and doing its operations, in percent."""
    moving = row["bytes"] / record["kernels"]["rates"][row["dtype"]][row["where"]]
    return f"{100 * max(moving, _computing(record, row)) / row['seconds']:.0f} %"


TABLES: dict[str, tuple[str, Callable[[dict], str]]] = {
    "machine": ("machine", machine_table),
    "steps": ("runs", steps_table),
    "epochs": ("runs", epochs_table),
    "malloc": ("runs", malloc_table),
    "peers": ("runs", peers_table),
    "work": ("runs", work_table),
    "growth": ("growth", growth_table),
    "first-run": ("first_run", first_run_table),
    "kernels": ("kernels", kernels_table),
}
"""Name in the document: the part of the record that it needs, and the function that writes it."""


def all_tables(record: dict) -> dict[str, str]:
    """Return the tables for which a record has something."""
    merged = merge([record])
    tables = {name: write(merged) for name, (part, write) in TABLES.items() if merged.get(part)}
    return {name: table for name, table in tables.items() if table}
