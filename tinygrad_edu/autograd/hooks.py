"""Hooks of tensors, called in a backward."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.node import Node
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array
from tinygrad_edu.type_names import type_name


def apply_hooks(node: Node, grads: list[Array | None]) -> None:
    """Let the tensors' hooks see, and replace, the gradients of a node's outputs; then fill retained grads."""
    for output_nr, hook in list(node.tensor_hooks):
        grad = grads[output_nr]
        if grad is None:
            continue
        as_tensor = grad if isinstance(grad, TensorBase) else tensor_from_array(grad)
        answer = hook(as_tensor)
        if answer is not None:
            check_hook_answer(answer, as_tensor)
            grads[output_nr] = answer if isinstance(grad, TensorBase) else answer.array
    for output_nr, reference in node.retained:
        tensor, grad = reference(), grads[output_nr]
        if tensor is not None and grad is not None and tensor.edge() == (node, output_nr):
            tensor.accumulate_grad(grad)


def check_hook_answer(answer: Any, grad: TensorBase) -> None:
    """Raise unless a hook gave back a Tensor of the gradient's shape and dtype."""
    if not isinstance(answer, TensorBase):
        raise TypeError(f"hook: expected a Tensor or None, got {type_name(answer)}")
    if answer.shape != grad.shape:
        raise RuntimeError(f"hook: expected a gradient of shape {list(grad.shape)}, got {list(answer.shape)}")
    if answer.dtype != grad.dtype:
        raise RuntimeError(f"hook: expected a gradient of type {grad.dtype}, got {answer.dtype}")
