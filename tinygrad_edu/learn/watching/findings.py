"""What is wrong with a training, in words, found in its records.

Each fault has a function, which returns sentences; the bounds are the constants above it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.learn.watching.records import Record

RECENT = 20
"""How many of the last steps say how it stands now."""

FEW = 5
"""With fewer steps than that nothing is said of how things go."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes
    ----------
    kind : str
        Which fault: "loss not finite", "no gradient", "dead", ...
    text : str
        The sentence.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def findings(head: Record, records: list[Record]) -> list[Finding]:
    """Return what is wrong in the records of a training; the worst first."""
    return [Finding(kind, text) for kind, find in FAULTS.items() for text in find(head, records)]


def report(head: Record, records: list[Record]) -> str:
    """Return a sentence on the whole, and one for each thing that is wrong."""
    found = findings(head, records)
    return "\n".join([summary(head, records), *[f"- {finding}" for finding in found]])


def summary(head: Record, records: list[Record]) -> str:
    """Say how many steps there were, and what became of the loss."""
    losses = values(records, "loss")
    went = f", the loss went from {losses[0]:.4g} to {losses[-1]:.4g}" if losses else ""
    end = "; nothing is wrong that is looked for here." if not findings(head, records) else ":"
    return f"{head['model']}, {len(records)} step{'s' if len(records) != 1 else ''}{went}{end}"


def values(records: list[Record], key: str) -> list[float]:
    """Return a number of every record that has it."""
    return [record[key] for record in records if record.get(key) is not None]


def recent(records: list[Record]) -> list[Record]:
    """Return the last steps."""
    return records[-RECENT:]


def of_parameters(records: list[Record], key: str) -> dict[str, list[float]]:
    """Return a number of every parameter over the steps at which it had one."""
    found: dict[str, list[float]] = {}
    for record in records:
        for name, entry in record["parameters"].items():
            if entry.get(key) is not None:
                found.setdefault(name, []).append(entry[key])
    return found


# ---- the faults ------------------------------------------------------------------------------------------


def loss_not_finite(head: Record, records: list[Record]) -> Iterator[str]:
    """Say where the loss is NaN or infinite."""
    before: float | None = None
    for record in records:
        loss = record["loss"]
        if loss is not None and not math.isfinite(loss):
            was = f"; at the step before it was {before:.4g}" if before is not None else ""
            yield (
                f"the loss is {loss} at step {record['step']}{was}. Run that step under learn.detect_anomaly() to see "
                "where it begins"
            )
            return
        before = loss


def no_gradient(head: Record, records: list[Record]) -> Iterator[str]:
    """Name parameters that never get a gradient, or only zeros."""
    if not records:
        return
    norms = of_parameters(records, "gradient_norm")
    steps = f"{len(records)} steps" if len(records) > 1 else "1 step"
    without = [name for name in head["parameters"] if name not in norms]
    if without:
        verb = "has" if len(without) == 1 else "have"
        yield (
            f"{named(without)} {verb} never got a gradient in {steps}: not used in the loss, or cut off from it by "
            "detach() or no_grad()"
        )
    zero = [name for name, seen in norms.items() if len(seen) >= FEW and max(seen) == 0]
    if zero:
        verb = "gets" if len(zero) == 1 else "get"
        yield f"{named(zero)} {verb} a gradient of exactly 0 at every step: nothing reaches it"


def never_changed(head: Record, records: list[Record]) -> Iterator[str]:
    """Name parameters that get a gradient, and that no step changes."""
    norms, ratios = of_parameters(records, "gradient_norm"), of_parameters(records, "update_ratio")
    same = [
        name
        for name, seen in ratios.items()
        if len(seen) >= FEW and max(seen) == 0 and max(norms.get(name, [0.0])) > 0
    ]
    if same:
        verb = "gets a gradient, and has" if len(same) == 1 else "get gradients, and have"
        yield (
            f"{named(same)} {verb} not changed in {len(records)} steps: not among the optimizer's parameters, a "
            "learning rate of 0, or steps so small that rounding undoes them"
        )


EXPLODED = 100.0
"""How many times the norm of the first steps it is, when we say that gradients explode."""


def exploding(head: Record, records: list[Record]) -> Iterator[str]:
    """Say whether the norm of all gradients has grown beyond measure."""
    norms = values(records, "gradient_norm")
    if len(norms) < 2 * FEW:
        return
    first = float(np.median(norms[:FEW]))
    for record in records[FEW:]:
        now = record["gradient_norm"]
        if now is not None and first > 0 and not now <= EXPLODED * first:
            yield (
                f"gradients explode: their norm was {first:.3g} at first, and is {now:.3g} at step {record['step']}. A "
                "smaller learning rate, or clip_grad_norm_, keeps it down"
            )
            return


FADED = 1e-3
"""The size of a gradient's elements in one layer over that in another, below which we say that it vanishes."""


def through_depth(head: Record, records: list[Record]) -> Iterator[str]:
    """Say whether gradients get lost, or grow, on the way back to the first layer."""
    sizes = []
    for name, norms in of_parameters(recent(records), "gradient_norm").items():
        shape = head["parameters"][name]
        size = float(np.median(norms)) / math.sqrt(max(math.prod(shape), 1))
        if len(shape) >= 2 and math.isfinite(size) and size > 0:
            sizes.append((name, size))
    if len(sizes) < 3 or len(records) < FEW:
        return
    (first, small), (last, large) = sizes[0], sizes[-1]
    if small < FADED * large:
        yield (
            f"gradients vanish on the way back: the elements of that of {first} are about {small:.1e}, those of {last} "
            f"{large:.1e}, {large / small:,.0f} times as large"
        )
    if large < FADED * small:
        yield (
            f"gradients grow on the way back: the elements of that of {first} are about {small:.1e}, those of {last} "
            f"{large:.1e}, {small / large:,.0f} times smaller"
        )


def signal(head: Record, records: list[Record]) -> Iterator[str]:
    """Say whether the numbers fade, or grow, on the way forward from layer to layer."""
    spreads: dict[str, list[float]] = {}
    for record in recent(records):
        for name, entry in record["activations"].items():
            spreads.setdefault(name, []).append(entry["std"])
    sizes = [(name, float(np.median(seen))) for name, seen in spreads.items()]
    if len(sizes) < 3 or len(records) < FEW or not all(math.isfinite(size) for _, size in sizes):
        return
    first, begin = sizes[0]
    for what, (there, spread) in (("fade", min(sizes, key=by_ratio)), ("grow", max(sizes, key=by_ratio))):
        if min(begin, spread) < FADED * max(begin, spread):
            yield (
                f"the numbers {what} on the way forward: the standard deviation behind {layer(first)} is {begin:.1e}, "
                f"behind {layer(there)} {spread:.1e}. Another initialisation, or normalisation, keeps it"
            )


SLOWEST, FASTEST = 1e-4, 1e-2
"""Between these the change of a step over the size of the weights usually lies."""


def update_ratio(head: Record, records: list[Record]) -> Iterator[str]:
    """Name weights that a step changes by too much, or by too little."""
    slow, fast = [], []
    for name, ratios in of_parameters(recent(records), "update_ratio").items():
        ratio = float(np.median(ratios))
        if len(head["parameters"][name]) < 2 or len(ratios) < FEW or not math.isfinite(ratio):
            continue
        if ratio > FASTEST:
            fast.append((name, ratio))
        elif 0 < ratio < SLOWEST:
            slow.append((name, ratio))
    usual = f"usual are {100 * SLOWEST:g} to {100 * FASTEST:g} %"
    if fast:
        name, ratio = max(fast, key=by_ratio)
        yield (
            f"{named([n for n, _ in fast])}: a step changes the weights too much, by {100 * ratio:.2g} % of their size "
            f"in {name} ({usual}): the learning rate is large"
        )
    if slow:
        name, ratio = min(slow, key=by_ratio)
        yield (
            f"{named([n for n, _ in slow])}: a step changes the weights next to nothing, by {100 * ratio:.2g} % of "
            f"their size in {name} ({usual}): the learning rate is small, or the gradient is"
        )


def by_ratio(pair: tuple[str, float]) -> float:
    """Return what pairs are compared by."""
    return pair[1]


DEAD_SHARE = 0.4
"""The share of dead or saturated units from which on it is said."""


def dead_units(head: Record, records: list[Record]) -> Iterator[str]:
    """Name layers whose ReLUs do not fire any more."""
    for name, entry in (records[-1]["units"] if records else {}).items():
        if entry["kind"] == "ReLU" and entry.get("units") and entry["dead"] >= DEAD_SHARE * entry["units"]:
            share = f"{100 * entry['dead'] / entry['units']:.0f} %"
            counted = f"{entry['dead']} of {entry['units']}"
            yield f"{layer(name)}: {share} of its ReLUs ({counted}) never fire since step {entry['since']}"


def saturated_units(head: Record, records: list[Record]) -> Iterator[str]:
    """Name layers whose sigmoids or tanhs lie where they are flat."""
    shares: dict[str, list[float]] = {}
    kinds = {}
    for record in recent(records):
        for name, entry in record["units"].items():
            if entry["kind"] != "ReLU":
                shares.setdefault(name, []).append(entry["silent"])
                kinds[name] = entry["kind"]
    for name, seen in shares.items():
        share = float(np.median(seen))
        if len(seen) >= FEW and share >= DEAD_SHARE:
            saturated = f"{100 * share:.0f} % of its {kinds[name]}s are saturated"
            yield f"{layer(name)}: {saturated}, and let next to nothing back"


def loss_does_not_fall(head: Record, records: list[Record]) -> Iterator[str]:
    """Say so if the loss is at the end what it was at the beginning."""
    losses = values(records, "loss")
    if len(losses) < 2 * RECENT or not all(math.isfinite(x) for x in losses):
        return
    first, last = float(np.median(losses[:RECENT])), float(np.median(losses[-RECENT:]))
    if last >= first:
        yield f"the loss does not fall: {first:.4g} at first, {last:.4g} now"


FAULTS: dict[str, Callable[[Record, list[Record]], Iterator[str]]] = {
    "loss not finite": loss_not_finite,
    "no gradient": no_gradient,
    "never changed": never_changed,
    "exploding": exploding,
    "through depth": through_depth,
    "signal": signal,
    "dead": dead_units,
    "saturated": saturated_units,
    "update ratio": update_ratio,
    "loss": loss_does_not_fall,
}


def layer(name: str) -> str:
    """Return what a layer is called: "layer 3" of a Sequential, else its own name."""
    return f"layer {name}" if name.replace(".", "").isdigit() else name


def named(names: list[str]) -> str:
    """Return a few names, and how many more there are."""
    shown: Any = names[:3]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(shown) + more
