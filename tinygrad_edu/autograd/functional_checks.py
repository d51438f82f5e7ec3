"""What ``autograd.functional`` asks of inputs, of outputs and of vectors, and what it refuses in strict mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tinygrad_edu.autograd.tensor_base import TensorBase

Tensors: TypeAlias = tuple[Any, ...]

STRICT = "This is not allowed in strict mode."
WITH_GRAPH = "This is not allowed in strict mode when create_graph=True."
OF_OUTPUTS = (
    "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
    "differentiable manner from the input when running in strict mode."
)
OF_GRADIENTS = (
    "The gradient with respect to input {} is independent of the inputs of the user-provided function. "
    + STRICT
)
OF_JACOBIAN = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is "
    f"independent of the input. {STRICT} You should ensure that your function is twice differentiable and that the "
    "jacobian depends on the inputs (this would be violated by a linear function for example)."
)
OF_NOTHING = "The output of the user-provided function is independent of input {}. " + STRICT


def as_tuple(tensors: Any, what: str, name: str) -> tuple[Tensors, bool]:
    """Return one Tensor or a tuple of them as a tuple, and whether it was one."""
    is_one = not isinstance(tensors, tuple)
    several = (tensors,) if is_one else tensors
    for i, x in enumerate(several):
        if not isinstance(x, TensorBase):
            which = f"given {what} has" if is_one else f"value at index {i} has"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the {which} type "
                f"{type(x)}."
            )
    return several, is_one


def new_inputs(inputs: Any, name: str, create_graph: bool) -> tuple[Tensors, bool]:
    """Return new Tensors with the inputs' numbers, to tell them from those that the function knows anyway."""
    several, is_one = as_tuple(inputs, "inputs", name)
    return tuple([_anew(x, create_graph, True) for x in several]), is_one


def _anew(x: Any, keep_history: bool, requires_grad: bool) -> Any:
    return x.view_as(x) if keep_history and x.requires_grad else x.detach().requires_grad_(requires_grad)


def values_of(func: Callable[..., Any], inputs: Tensors, name: str, strict: bool) -> tuple[Tensors, bool]:
    """Return the outputs of the function as a tuple, and whether it was one Tensor."""
    outputs, is_one = as_tuple(func(*inputs), "outputs of the user-provided function", name)
    require_grad(outputs, strict, OF_OUTPUTS)
    return outputs, is_one


def single_number(func: Callable[..., Any], inputs: Tensors, name: str, strict: bool) -> Any:
    """Return the output of a function that gives one number."""
    outputs, is_one = values_of(func, inputs, name, strict)
    if not is_one:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {name} should contain a single element"
        )
    return outputs[0]


def vector_of_inputs(v: Any, inputs: Tensors, one_input: bool, name: str, create_graph: bool) -> Tensors:
    """Return v, which may be left out if there is one input of one number."""
    if v is None and (len(inputs) != 1 or inputs[0].numel() != 1):
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a "
            "single element."
        )
    return checked_vector(v, inputs, one_input, name, create_graph)


def checked_vector(v: Any, like: Tensors, one: bool, name: str, create_graph: bool) -> Tensors:
    """Return v as a tuple, after a look at its shapes; a tuple of None where it is not given."""
    if v is None:
        return (None,) * len(like)
    several, _ = as_tuple(v, "v", name)
    if len(several) != len(like):
        raise RuntimeError(
            "The given v should contain a single Tensor."
            if one
            else f"v is a tuple of invalid length: should be {len(like)} but got {len(several)}."
        )
    for i, (x, expected) in enumerate(zip(several, like, strict=True)):
        if x.shape != expected.shape:
            entry = "" if one else f"Entry {i} in "
            raise RuntimeError(f"{entry}v has invalid size: should be {expected.shape} but got {x.shape}.")
    return tuple([_anew(x, create_graph, False) for x in several])


def check_strategy(strategy: str, strict: bool, vectorize: bool, create_graph: bool) -> None:
    """Raise for what ``jacobian`` does not do together, as in PyTorch."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
            "Please either set `strict=False` or `vectorize=False`."
        )
    if strategy == "forward-mode" and create_graph:
        raise NotImplementedError(
            'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not '
            'supported together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for "
            "`vectorize=True`."
        )


def require_grad(tensors: Any, strict: bool, message: str) -> None:
    """Raise in strict mode if one of them does not depend on anything."""
    for i, x in enumerate(tensors if strict else ()):
        if x is None or not x.requires_grad:
            raise RuntimeError((OF_NOTHING if x is None else message).format(i))
