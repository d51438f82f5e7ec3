"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.utils.clip_grad import as_list
from tinygrad_edu.type_names import type_name


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all elements of all parameters as one vector.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.utils.parameters_to_vector(torch.nn.Linear(3, 2).parameters()).shape
    torch.Size([8])
    """
    return ops.cat([ops.reshape(p, -1) for p in as_list(parameters)])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of a vector into the parameters, in their order.

    Raises
    ------
    ValueError
        If the vector is longer or shorter than all parameters together.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type_name(vec)}")
    listed = as_list(parameters)
    total = sum([p.numel() for p in listed])
    if vec.numel() != total:
        raise ValueError(f"vector_to_parameters: expected {total} elements, got {vec.numel()}")
    start = 0
    for p in listed:
        p.data = vec.detach()[start : start + p.numel()].view(p.shape).clone()
        p.increment_version("vector_to_parameters")
        start += p.numel()
