"""Hooks on modules, and the note that tells in which layer an error happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.function import Function, FunctionContext

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module


class PassThrough(Function):
    """Returns its tensors unchanged, and reports the gradients that come back through them."""

    @staticmethod
    def forward(ctx: FunctionContext, report: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the tensors."""
        ctx.report = report
        ctx.set_materialize_grads(False)
        return tensors

    @staticmethod
    def backward(ctx: FunctionContext, *grads: Tensor | None) -> tuple[Any, ...]:
        """Report the gradients; pass on what the report answers, or else what came."""
        answer = ctx.report(grads)
        return (None, *(grads if answer is None else answer))


class BackwardHooks:
    """Calls a module's backward hooks once both its output's and its input's gradients are known."""

    def __init__(self, module: Module, hooks: list[Any]) -> None:
        self.module = module
        self.hooks = hooks
        self.grad_output: tuple[Any, ...] = ()

    def wrap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments with their tensors passed through ``see_grad_input``."""
        return pass_tensors(args, self.see_grad_input)

    def wrap_outputs(self, output: Any) -> Any:
        """Return the output (a Tensor or a tuple) passed through ``see_grad_output``."""
        if isinstance(output, Tensor):
            return pass_tensors((output,), self.see_grad_output)[0]
        return pass_tensors(output, self.see_grad_output) if isinstance(output, tuple) else output

    def see_grad_output(self, grads: tuple[Any, ...]) -> None:
        """Keep the gradient of the output."""
        self.grad_output = grads

    def see_grad_input(self, grads: tuple[Any, ...]) -> Any:
        """Call the hooks; what one returns replaces the gradient of the input."""
        for hook in list(self.hooks):
            answer = hook(self.module, grads, self.grad_output)
            if answer is not None:
                grads = answer if isinstance(answer, tuple) else (answer,)
        return grads


def pass_tensors(values: tuple[Any, ...], report: Any) -> tuple[Any, ...]:
    """Return the values with those that are Tensors passed through ``PassThrough``."""
    positions = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not positions:
        return values
    passed = PassThrough.apply(report, *[values[i] for i in positions])
    result = list(values)
    for i, tensor in zip(positions, passed, strict=True):
        result[i] = tensor
    return tuple(result)


def note_layer(error: Exception, module: Module) -> None:
    """Add to an error in which layer it happened; the path grows on the way out, one module at a time."""
    inner, path = getattr(error, "layer_path", (None, ""))
    if inner is not None:
        name = next((name for name, child in module.named_modules() if child is inner), None)
        if name is None:
            return  # the inner module is not part of this one: keep what is known
        path = f"{name}.{path}" if path else name
        error.__notes__.pop()
    else:
        error.layer_type = type(module).__name__  # type: ignore[attr-defined]
    error.layer_path = module, path  # type: ignore[attr-defined]
    where = f"'{path}' ({error.layer_type}) of {type(module).__name__}" if path else type(module).__name__  # type: ignore[attr-defined]
    error.add_note(f"in layer {where}")
