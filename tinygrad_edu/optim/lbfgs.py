"""L-BFGS: Newton's method with a curvature that is guessed from the last steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.grad_mode import enable_grad, no_grad
from tinygrad_edu.autograd.observer import observed_block
from tinygrad_edu.ops import cat
from tinygrad_edu.optim.checks import check_lr, check_numbers
from tinygrad_edu.optim.complex_parameters import as_real
from tinygrad_edu.optim.line_search import Point, strong_wolfe
from tinygrad_edu.optim.optimizer import Optimizer, ParamsT
from tinygrad_edu.optim.state import zeros_for
from tinygrad_edu.type_names import type_name

CURVED = 1e-10  # y^T s below this says nothing about the curvature


class LBFGS(Optimizer):
    r"""Walk in the direction of Newton's method, with the inverse Hessian built from the last steps.

    Meant for small, deterministic problems: ``step`` needs a closure, calls it many times, and all parameters are
    one group.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize; one group.
    lr : float or Tensor of one element
        The step's length, in directions; with a line search, the first one tried.
    max_iter : int
        The most directions in one ``step``.
    max_eval : int, optional
        The most calls of the closure in one ``step``; by default 1.25 ``max_iter``.
    tolerance_grad : float
        Stop when no element of the gradient is larger.
    tolerance_change : float
        Stop when neither the loss nor a parameter changes by more.
    history_size : int
        How many steps are remembered.
    line_search_fn : str, optional
        "strong_wolfe", or None for steps of length ``lr``.

    Notes
    -----
    With :math:`s_i` the last steps, :math:`y_i` what the gradient :math:`g` changed by in each, and
    :math:`\rho_i = 1 / y_i^T s_i`, the direction is :math:`-H g` where

    .. math::
        H_{i + 1} = (I - \rho_i s_i y_i^T) H_i (I - \rho_i y_i s_i^T) + \rho_i s_i s_i^T, \qquad
        H_0 = \frac{y^T s}{y^T y} I \text{ of the last step}

    It costs two loops over what is remembered, no matrix. ``state`` of the first parameter holds :math:`y_i` as
    "old_dirs", :math:`s_i` as "old_stps", :math:`\rho_i` as "ro", and the last direction "d" and step "t".

    References
    ----------
    J. Nocedal and S. Wright, Numerical Optimization, 2nd edition, 2006, algorithms 7.4 and 7.5.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (w[0] - 1) ** 2 + 10 * (w[1] - w[0]) ** 2
    ...     loss.backward()
    ...     return loss
    >>> _ = optimizer.step(closure)
    >>> w.detach().round(decimals=3)
    tensor([1., 1.])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        max_iter = as_int("LBFGS", "max_iter", max_iter)
        check_numbers(tolerance_grad=tolerance_grad, tolerance_change=tolerance_change)
        defaults = dict(
            lr=lr,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else as_int("LBFGS", "max_eval", max_eval),
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=as_int("LBFGS", "history_size", history_size),
            line_search_fn=line_search_fn,
        )
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Walk in up to ``max_iter`` directions.

        Parameters
        ----------
        closure : callable
            Computes the loss, calls backward and returns the loss.

        Returns
        -------
        The closure's loss before the first direction.
        """
        closure = self._before_step(closure)
        if not callable(closure):
            raise TypeError(f"step(): argument 'closure' must be callable, not {type_name(closure)}")
        if self.param_groups[0]["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        with observed_block("Optimizer.step#LBFGS.step", "optimizer"):
            loss = self._walk(closure)
        self.step_count += 1
        self._after_step(closure)
        return loss

    def _walk(self, closure: Callable[[], Any]) -> Any:
        """Do what ``step`` does."""
        group, state = self.param_groups[0], self.state[self.param_groups[0]["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss, loss, grad = self._evaluate(closure)
        evaluations = 1
        for iteration in range(1, group["max_iter"] + 1):
            used_up = iteration > 1 and evaluations >= group["max_eval"]
            if used_up or largest(grad) <= group["tolerance_grad"]:
                break
            state["n_iter"] += 1
            direction = state["d"] = self._direction(grad, state)
            state["t"] = self._first_step(grad, state)
            state["prev_flat_grad"], state["prev_loss"] = grad, loss
            start = Point(0.0, loss, grad, grad.dot(direction).item())
            if start.slope > -group["tolerance_change"]:
                break
            most = group["max_eval"] - evaluations
            found, used = self._advance(closure, start, direction, state["t"], most, iteration)
            state["t"], loss, grad = found.step, found.loss, found.grad
            evaluations += used
            if largest(direction) * abs(found.step) <= group["tolerance_change"]:
                break
            if used and abs(loss - start.loss) < group["tolerance_change"]:
                break
        state["func_evals"] += evaluations
        return first_loss

    def _direction(self, grad: Tensor, state: dict[str, Any]) -> Tensor:
        """Return :math:`-H g`, after taking the last step into the memory."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -grad
        history_size = self.param_groups[0]["history_size"]
        remember(state, grad - state["prev_flat_grad"], state["d"] * state["t"], history_size)
        changes, steps, rho = state["old_dirs"], state["old_stps"], state["ro"]
        alphas = state.setdefault("al", [None] * history_size)
        direction = -grad
        for i in reversed(range(len(steps))):
            alphas[i] = steps[i].dot(direction) * rho[i]
            direction = direction - alphas[i] * changes[i]
        direction = direction * state["H_diag"]
        for i in range(len(steps)):
            direction = direction + (alphas[i] - changes[i].dot(direction) * rho[i]) * steps[i]
        return direction

    def _first_step(self, grad: Tensor, state: dict[str, Any]) -> float:
        """Return the length to try first: ``lr``, but the very first step is no longer than 1 altogether."""
        lr = self.param_groups[0]["lr"]
        lr = lr.item() if isinstance(lr, Tensor) else lr
        return lr * min(1.0, 1.0 / grad.abs().sum().item()) if state["n_iter"] == 1 else lr

    def _advance(
        self,
        closure: Callable[[], Any],
        start: Point,
        direction: Tensor,
        step: float,
        most: int,
        iteration: int,
    ) -> tuple[Point, int]:
        """Move the parameters; return the point where they are, and how often the closure was called."""
        group = self.param_groups[0]
        if group["line_search_fn"] is None:
            self._move(direction, step)
            if iteration == group["max_iter"]:  # nobody would use what the closure says
                return start._replace(step=step), 0
            _, loss, grad = self._evaluate(closure)
            return Point(step, loss, grad, grad.dot(direction).item()), 1
        line = Line(self, closure, direction)
        size, tolerance = largest(direction), group["tolerance_change"]
        found, used = strong_wolfe(line.evaluate, start, step, size, tolerance, most)
        self._move(direction, found.step)
        return found, used

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Tensor]:
        """Return the loss as the closure gives it and as a number, and the gradient as one vector."""
        with enable_grad():
            loss = closure()
        params = self.param_groups[0]["params"]
        grads = [as_real(zeros_for(p) if p.grad is None else p.grad).reshape(-1) for p in params]
        return loss, float(loss), cat(grads).clone()

    def _move(self, direction: Tensor, step: float) -> None:
        """Add a multiple of the direction to the parameters."""
        first = 0
        for param in self.param_groups[0]["params"]:
            numbers = as_real(param)
            piece = direction[first : first + numbers.numel()]
            numbers.add_(piece.reshape(numbers.shape), alpha=step)
            first += numbers.numel()


class Line:
    """The losses along a direction; looking at them leaves the parameters where they are."""

    def __init__(self, optimizer: LBFGS, closure: Callable[[], Any], direction: Tensor) -> None:
        self.optimizer, self.closure, self.direction = optimizer, closure, direction

    def evaluate(self, step: float) -> Point:
        """Return what the closure says so many directions away."""
        params = self.optimizer.param_groups[0]["params"]
        values = [param.clone() for param in params]
        self.optimizer._move(self.direction, step)
        _, loss, grad = self.optimizer._evaluate(self.closure)
        for param, value in zip(params, values, strict=True):
            param.copy_(value)
        return Point(step, loss, grad, grad.dot(self.direction).item())


def remember(state: dict[str, Any], change: Tensor, step: Tensor, history_size: int) -> None:
    """Keep a step :math:`s` and the change :math:`y` of the gradient in it, unless they say nothing."""
    curvature = change.dot(step)
    if curvature.item() <= CURVED:
        return
    if len(state["old_dirs"]) == history_size:
        for name in ("old_dirs", "old_stps", "ro"):
            state[name].pop(0)
    state["old_dirs"].append(change)
    state["old_stps"].append(step)
    state["ro"].append(1.0 / curvature)
    state["H_diag"] = curvature / change.dot(change)


def largest(x: Tensor) -> float:
    """Return the size of the largest element."""
    return float(x.abs().max().item())
