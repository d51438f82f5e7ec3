"""``GradScaler``: a loss is multiplied so that small gradients do not vanish in float16, and the gradients divided."""

from __future__ import annotations

import enum
import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import creation, cuda_availability, dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_numbers
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.backend import array_module
from tinygrad_edu.float_errors import quietly


class Stage(enum.Enum):
    """What has been done for an optimizer since the last ``update``."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def as_float32(number: float) -> float:
    """Return a number as float32 has it, in which PyTorch keeps the scale; infinity for what is too large."""
    return float(quietly(np.float32, number))


class GradScaler:
    """Multiplies a loss by a number, divides the gradients by it, and adapts that number.

    A step whose gradients are not finite is left out, and the scale becomes smaller; after ``growth_interval`` steps
    without such, it becomes larger.

    Parameters
    ----------
    device : str
        ``"cuda"`` or ``"cpu"``. Where there is no GPU, ``"cuda"`` warns and turns it off, as in PyTorch.
    init_scale : float
        The scale at the start.
    growth_factor, backoff_factor : float
        What it is multiplied by: more than 1, and less than 1.
    growth_interval : int
        After how many steps it grows.
    enabled : bool
        With False, ``scale`` gives back what it gets and ``step`` calls the optimizer.

    References
    ----------
    Paulius Micikevicius and others: Mixed Precision Training. https://arxiv.org/abs/1710.03740
    https://docs.pytorch.org/docs/stable/amp.html#torch.amp.GradScaler

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1)
    >>> scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale((2 * w).sum()).backward()
    >>> w.grad
    tensor([16.])
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        require_numbers("GradScaler", init_scale=init_scale, growth_interval=growth_interval)
        require_numbers("GradScaler", growth_factor=growth_factor, backoff_factor=backoff_factor)
        self._enabled = bool(enabled)
        if enabled and device == "cuda" and not cuda_availability.is_cuda_available():
            warnings.warn(
                "GradScaler is enabled for CUDA, but CUDA is not available. Disabling.", stacklevel=2
            )
            self._enabled = False
        if self._enabled and growth_factor <= 1.0:
            raise AssertionError(f"GradScaler: expected growth_factor > 1, got {growth_factor}")
        if self._enabled and backoff_factor >= 1.0:
            raise AssertionError(f"GradScaler: expected backoff_factor < 1, got {backoff_factor}")
        self._scale = as_float32(init_scale)
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._has_scaled = False
        self._forget_optimizers()

    def _forget_optimizers(self) -> None:
        self._stages: dict[int, Stage] = {}  # by the id of the optimizer
        self._found_inf: dict[int, bool] = {}

    # ---- a step of training --------------------------------------------------------------------------

    def scale(self, outputs: Any) -> Any:
        """Return a Tensor, or an iterable of them, multiplied by the scale.

        Raises
        ------
        ValueError
            If it is something else.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            self._has_scaled = True
            # in float32, as in PyTorch: a loss in float16 would become infinite
            return outputs * creation.full((), self._scale, dtype=dtypes.float32, device=outputs.device)
        if not isinstance(outputs, Iterable):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, list | tuple) else scaled

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, in place; before they are clipped.

        Raises
        ------
        RuntimeError
            If it was done since the last ``update``, or the step was.
        ValueError
            If a gradient is of float16.
        """
        if not self._enabled:
            return
        self._require_scaled("unscale_")
        stage = self._stages.get(id(optimizer), Stage.READY)
        if stage is Stage.UNSCALED:
            raise RuntimeError(
                "unscale_: it has already been called on this optimizer since the last update()"
            )
        if stage is Stage.STEPPED:
            raise RuntimeError("unscale_: it is being called after step()")
        self._unscale_gradients(optimizer)
        self._stages[id(optimizer)] = Stage.UNSCALED

    def _unscale_gradients(self, optimizer: Any) -> None:
        """Multiply the gradients by 1 / scale, and note whether all are finite."""
        inverse = as_float32(1.0 / self._scale) if self._scale else float("inf")
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if any(grad.dtype is dtypes.float16 for grad in grads):
            raise ValueError("unscale_: expected gradients of float32 or float64, got FP16 gradients")
        with no_grad():
            for grad in grads:
                if not array_module(grad.array).isfinite(grad.array).all():
                    self._found_inf[id(optimizer)] = True
                grad.mul_(inverse)
        if grads:
            self._found_inf.setdefault(id(optimizer), False)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Divide the gradients, unless that was done, and call ``optimizer.step`` if all of them are finite.

        Raises
        ------
        RuntimeError
            If it was called since the last ``update``, or with a closure.
        AssertionError
            If no parameter has a gradient.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("step: closure use is not supported if GradScaler is enabled")
        self._require_scaled("step")
        if self._stages.get(id(optimizer)) is Stage.STEPPED:
            raise RuntimeError("step: it has already been called since the last update()")
        if id(optimizer) not in self._stages:
            self.unscale_(optimizer)
        if id(optimizer) not in self._found_inf:
            raise AssertionError("step: no inf checks were recorded for this optimizer")
        result = None if self._found_inf[id(optimizer)] else optimizer.step(*args, **kwargs)
        self._stages[id(optimizer)] = Stage.STEPPED
        return result

    def update(self, new_scale: Any = None) -> None:
        """Adapt the scale to what the steps have found, or set it.

        Raises
        ------
        AssertionError
            If no gradients were looked at since the last ``update``.
        """
        if not self._enabled:
            return
        self._require_scaled("update")
        if new_scale is not None:
            self._scale = as_float32(float(new_scale))
        elif not self._found_inf:
            raise AssertionError("update: no inf checks were recorded prior to update")
        elif any(self._found_inf.values()):
            self._scale = as_float32(self._scale * self._backoff_factor)
            self._growth_tracker = 0
        else:
            self._count_success()
        self._forget_optimizers()

    def _count_success(self) -> None:
        """Note a step with finite gradients, and let the scale grow after so many."""
        self._growth_tracker += 1
        if self._growth_tracker == self._growth_interval:
            larger = self._scale * self._growth_factor
            if math.isfinite(as_float32(larger)):
                self._scale = as_float32(larger)
            self._growth_tracker = 0

    def _require_scaled(self, name: str) -> None:
        if not self._has_scaled:
            raise AssertionError(f"{name}: expected scaler.scale(loss) to be called earlier in the iteration")

    # ---- questions and settings ----------------------------------------------------------------------

    def is_enabled(self) -> bool:
        """Tell whether it does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """Return the scale; 1 if it is turned off."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """Return what the scale is multiplied by to grow."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by to grow."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """Return what the scale is multiplied by after gradients that are not finite."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by after gradients that are not finite."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Return after how many steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many steps the scale grows."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """Return its state, to be saved; an empty dict if it is turned off."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that was saved.

        Raises
        ------
        RuntimeError
            If it is empty, because it comes from a scaler that was turned off.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("load_state_dict: the state is empty, as that of a disabled GradScaler is")
        values = [
            state_dict[key]
            for key in ("growth_factor", "backoff_factor", "growth_interval", "_growth_tracker")
        ]
        self._scale = as_float32(state_dict["scale"])
        self._growth_factor, self._backoff_factor, self._growth_interval, self._growth_tracker = values
