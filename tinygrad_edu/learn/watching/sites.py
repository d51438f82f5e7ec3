"""Where a network bends: its ReLUs, sigmoids and tanhs, how many of their units are dead or saturated."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.learn.sentences.forward_table import FLAT, slope_of
from tinygrad_edu.learn.watching.statistics import on_host

KINDS = {"Relu": "ReLU", "Sigmoid": "sigmoid", "Tanh": "tanh"}
WITH_CHANNELS = (
    "Conv",
    "BatchNorm",
    "InstanceNorm",
    "GroupNorm",
    "MaxPool",
    "AvgPool",
    "LazyConv",
    "LazyBatchNorm",
)


class Site:
    """One nonlinearity of a network, over all steps.

    Attributes
    ----------
    kind : str
        "ReLU", "sigmoid" or "tanh".
    last_fired : ndarray or None
        Of every unit of a ReLU, the last step at which it let anything through; 0 if it never has.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.last_fired: np.ndarray[Any, Any] | None = None
        self.silent = 0.0  # the share of outputs that are 0, or lie where the curve is flat

    def see(self, output: Any, step: int, axis: int) -> None:
        """Look at what came out at a step; ``axis`` counts the units."""
        y = on_host(output)
        if not y.size:
            return
        if self.kind != "ReLU":
            self.silent = float(np.mean(slope_of(self.kind.capitalize(), y) < FLAT))
            return
        self.silent = float(np.mean(y == 0))
        fired = (y != 0).any(axis=tuple([d for d in range(y.ndim) if d != axis % y.ndim]))
        if self.last_fired is None or self.last_fired.shape != fired.shape:
            self.last_fired = np.zeros(fired.shape, int)
        self.last_fired[fired] = step

    def record(self, step: int, patience: int) -> dict[str, Any]:
        """Return what is written into the record of a step.

        ``dead`` counts the units of a ReLU that have not fired for ``patience`` steps, ``since`` is the first step from
        which on none of them has.
        """
        record: dict[str, Any] = {"kind": self.kind, "silent": self.silent}
        if self.last_fired is not None:
            dead = self.last_fired[self.last_fired <= step - patience]
            record |= {"units": int(self.last_fired.size), "dead": int(dead.size)}
            record["since"] = int(dead.max()) + 1 if dead.size else None
        return record


def axis_of_units(output: Any, made_by: str) -> int:
    """Return which axis counts the units: channels of images, and of signals behind a convolution; else the last."""
    if output.ndim <= 1:
        return 0
    if output.ndim >= 4 or made_by.startswith(WITH_CHANNELS):
        return 1
    return output.ndim - 1
