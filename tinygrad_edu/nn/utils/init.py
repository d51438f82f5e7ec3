"""Making a layer whose first values do not matter."""

from __future__ import annotations

import inspect
from typing import Any

from tinygrad_edu.nn.module import Module
from tinygrad_edu.random import get_rng_state, set_rng_state


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """Return a layer whose parameters have any values: somebody else sets them.

    The generator of random numbers stands where it stood before. (PyTorch saves the time of drawing; here they
    are drawn all the same.)

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.utils.skip_init(torch.nn.Linear, 5, 1)
    Linear(in_features=5, out_features=1, bias=True)
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(state)
