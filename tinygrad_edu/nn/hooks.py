"""How the gradients of a module's inputs and outputs are caught, for its backward hooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.function import Function, FunctionContext
from tinygrad_edu.autograd.grad_mode import is_grad_enabled

Grads = tuple[Any, ...]
"""Gradients of several values; None for what has none."""


class PassThrough(Function):
    """Returns its tensors unchanged, and reports the gradients that come back through them."""

    @staticmethod
    def forward(
        ctx: FunctionContext, report: Callable[[Grads], Grads], zeros: bool, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the tensors, on the same memory; ``zeros`` are reported where no gradient has come, or None."""
        ctx.report = report
        ctx.set_materialize_grads(zeros)
        outputs = tuple([tensor.detach() for tensor in tensors])
        constants = [y for x, y in zip(tensors, outputs, strict=True) if not x.requires_grad]
        ctx.mark_non_differentiable(*constants)
        return outputs

    @staticmethod
    def backward(ctx: FunctionContext, *grads: Tensor | None) -> tuple[Any, ...]:
        """Report the gradients, and pass on what the report answers."""
        return (None, None, *ctx.report(grads))


class BackwardHooks:
    """Calls a module's backward hooks once the gradients of both its output and its input are known.

    One object serves one call of the module: ``wrap_inputs`` before forward, ``wrap_outputs`` after it.
    """

    def __init__(self, module: Any, pre_hooks: list[Any], hooks: list[Any]) -> None:
        self.module = module
        self.pre_hooks = pre_hooks
        self.hooks = hooks
        self.num_inputs = self.num_outputs = 0
        self.input_positions: list[int] = []
        self.output_positions: list[int] = []
        self.grad_output: Grads | None = None

    def wrap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments, with their tensors passed through ``see_grad_input``."""
        self.num_inputs = len(args)
        args, self.input_positions = pass_tensors(args, self.see_grad_input, zeros=True)
        return args

    def wrap_outputs(self, output: Any) -> Any:
        """Return the output (a Tensor or a tuple), passed through ``see_grad_output``."""
        outputs = output if isinstance(output, tuple) else (output,)
        self.num_outputs = len(outputs)
        outputs, self.output_positions = pass_tensors(outputs, self.see_grad_output, zeros=False)
        return outputs if isinstance(output, tuple) else outputs[0]

    def see_grad_output(self, grads: Grads) -> Grads:
        """Keep the gradient of the output, after the pre-hooks; they may replace it."""
        grad_output = placed(grads, self.output_positions, self.num_outputs)
        for hook in self.pre_hooks:
            answer = hook(self.module, grad_output)
            grad_output = replaced(grad_output, answer, "Backward pre hook", "grad_output")
        self.grad_output = grad_output
        if not self.input_positions:
            self._call_without_grad_input()
        return tuple([grad_output[i] for i in self.output_positions])

    def see_grad_input(self, grads: Grads) -> Grads:
        """Call the hooks; what one returns replaces the gradient of the input."""
        if self.grad_output is None:  # it came to the input by another way than through the output
            return grads
        grad_input = placed(grads, self.input_positions, self.num_inputs)
        for hook in self.hooks:
            answer = hook(self.module, grad_input, self.grad_output)
            grad_input = replaced(grad_input, answer, "Backward hook", "grad_input")
        self.grad_output = None
        return tuple([grad_input[i] for i in self.input_positions])

    def _call_without_grad_input(self) -> None:
        """Call the hooks of a module whose inputs need no gradient, such as the first layer of a network."""
        if self.hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs "
                "since no inputs require gradients.",
                stacklevel=2,
            )
        for hook in self.hooks:
            answer = hook(self.module, (None,) * self.num_inputs, self.grad_output)
            if answer is not None and any(grad is not None for grad in answer):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None "
                    f"or None for all gradients, got {answer}"
                )
        self.grad_output = None


def pass_tensors(
    values: tuple[Any, ...], report: Callable[[Grads], Grads], zeros: bool
) -> tuple[tuple[Any, ...], list[int]]:
    """Pass the Tensors among the values through ``PassThrough``; return the values, and where Tensors are.

    If none of them needs a gradient, nothing is done, and there are no places.
    """
    positions = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not is_grad_enabled() or not any(values[i].requires_grad for i in positions):
        return values, []
    passed = PassThrough.apply(report, zeros, *[values[i] for i in positions])
    return placed(passed, positions, len(values), values), positions


def placed(
    some: tuple[Any, ...], positions: list[int], length: int, others: tuple[Any, ...] | None = None
) -> tuple[Any, ...]:
    """Return a tuple with ``some`` at their positions, and in the other places ``others``, or None."""
    result = [None] * length if others is None else list(others)
    for position, value in zip(positions, some, strict=True):
        result[position] = value
    return tuple(result)


def replaced(grads: Grads, answer: Any, who: str, what: str) -> Grads:
    """Return the gradients, or what a hook has answered instead."""
    if answer is None:
        return grads
    answers = answer if isinstance(answer, tuple | list) else (answer,)
    if len(answers) != len(grads):
        raise RuntimeError(
            f"{who} returned an invalid number of {what}, got {len(answers)}, but expected {len(grads)}"
        )
    return tuple(answers)
