"""Hooks of tensors: calling them in a backward, and the handles that take them away again."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from tinygrad_edu import _tensor

if TYPE_CHECKING:
    from tinygrad_edu.autograd.node import Node
    from tinygrad_edu.backend import Array


class RemovableHandle:
    """Removes a hook: by ``remove()``, or at the end of a ``with`` block."""

    def __init__(self, hooks: list[Any], entry: Any) -> None:
        self._hooks = hooks
        self._entry = entry

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        for position, entry in enumerate(self._hooks):
            if entry is self._entry:
                del self._hooks[position]
                return

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.remove()


def apply_hooks(node: Node, grads: list[Array | None]) -> None:
    """Let the tensors' hooks see, and replace, the gradients of a node's outputs; then fill retained grads."""
    for output_nr, hook in list(node.tensor_hooks):
        grad = grads[output_nr]
        if grad is None:
            continue
        as_tensor = grad if isinstance(grad, _tensor.Tensor) else _tensor.tensor_from_array(grad)
        answer = hook(as_tensor)
        if answer is not None:
            check_hook_answer(answer, as_tensor)
            grads[output_nr] = answer if isinstance(grad, _tensor.Tensor) else answer.array
    for output_nr, reference in node.retained:
        tensor, grad = reference(), grads[output_nr]
        if tensor is not None and grad is not None and tensor.edge() == (node, output_nr):
            tensor.accumulate_grad(grad)


def check_hook_answer(answer: Any, grad: _tensor.Tensor) -> None:
    """Raise unless a hook gave back a Tensor of the gradient's shape and dtype."""
    if not isinstance(answer, _tensor.Tensor):
        raise TypeError(f"hook: expected a Tensor or None, got {type(answer).__name__}")
    if answer.shape != grad.shape:
        raise RuntimeError(f"hook: expected a gradient of shape {list(grad.shape)}, got {list(answer.shape)}")
    if answer.dtype != grad.dtype:
        raise RuntimeError(f"hook: expected a gradient of type {grad.dtype}, got {answer.dtype}")
