"""A watched training as event files, which TensorBoard shows; tensorboardX writes them (the extra ``tensorboard``)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.learn.watching.findings import report
from tinygrad_edu.learn.watching.records import Record


def write_events(head: Record, records: list[Record], folder: str | Path) -> None:
    """Write scalars, histograms and what is wrong, in words, into a folder.

    Raises
    ------
    ImportError
        If tensorboardX is not installed.
    """
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for record in records:
            for name, number in scalars(record):
                writer.add_scalar(name, number, record["step"])
            for name, histogram in histograms(record):
                add_histogram(writer, name, histogram, record["step"])
        writer.add_text("what is wrong", report(head, records).replace("\n", "\n\n"), len(records))


def scalars(record: Record) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a step under their names: "gradient_norm/fc1.weight"."""
    for key in ("loss", "gradient_norm"):
        if record[key] is not None:
            yield key, record[key]
    wanted = (
        ("parameters", ("gradient_norm", "update_ratio", "norm")),
        ("activations", ("std",)),
        ("units", ("silent", "dead")),
    )
    for part, keys in wanted:
        for name, entry in record[part].items():
            for key in keys:
                if entry.get(key) is not None:
                    yield f"{key}/{name or 'model'}", entry[key]


def histograms(record: Record) -> Iterator[tuple[str, Record]]:
    """Yield the histograms of a step under their names."""
    for part in ("parameters", "activations"):
        for name, entry in record[part].items():
            if entry.get("histogram", {}).get("counts"):
                yield f"{part}/{name or 'model'}", entry["histogram"]


def add_histogram(writer: Any, name: str, histogram: Record, step: int) -> None:
    """Write one histogram; the sums are those of numbers in the middle of their bins."""
    counts = np.array(histogram["counts"], float)
    edges = np.linspace(histogram["low"], histogram["high"], counts.size + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    writer.add_histogram_raw(
        name,
        min=histogram["low"],
        max=histogram["high"],
        num=int(counts.sum()),
        sum=math.fsum(counts * middles),
        sum_squares=math.fsum(counts * middles**2),
        bucket_limits=edges[1:].tolist(),
        bucket_counts=counts.tolist(),
        global_step=step,
    )
