"""Shapes that fit together: several tensors repeated to one shape, and the reverse, a sum down to a shape.

References
----------
https://docs.pytorch.org/docs/stable/notes/broadcasting.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import is_int
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.ops.common import broadcast_shape, require_tensor, unbroadcast
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.shape.layout import expand, reshape
from tinygrad_edu.ops.shape.sizes import sizes_of
from tinygrad_edu.size import Size


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that tensors of these shapes are broadcast to together; an int is a shape of one dimension.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.broadcast_shapes((2,), (3, 1), (1, 1, 1))
    torch.Size([1, 3, 2])
    """
    given = [(shape,) if is_int(shape) else shape for shape in shapes]
    for shape in given:
        if not isinstance(shape, list | tuple) or not all(is_int(size) for size in shape):
            raise explained(
                RuntimeError(
                    f"Input shapes should be of type ints, a tuple of ints, or a list of ints, got {shape!r}"
                )
            )
        if any(size < 0 for size in shape):
            raise explained(
                ValueError(f"Attempting to broadcast a dimension with negative length! got {list(shape)}")
            )
    return Size(broadcast_shape("broadcast_shapes", *[tuple(shape) for shape in given]))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return views of the tensors, all of the shape that they are broadcast to together.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> a, b = torch.broadcast_tensors(torch.tensor([1, 2]), torch.tensor([[3], [4]]))
    >>> a
    tensor([[1, 2],
            [1, 2]])
    """
    for i, x in enumerate(tensors):
        require_tensor("broadcast_tensors", x, f"tensors[{i}]")
    if not tensors:
        return ()
    shape = broadcast_shape("broadcast_tensors", *[tuple(x.shape) for x in tensors])
    return tuple([expand(x, shape) for x in tensors])


def sum_to_size(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Add up along the dimensions that a tensor of this size is repeated along to have the input's shape.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.ones(4, 3).sum_to_size(1, 3)
    tensor([[4., 4., 4.]])
    """
    require_tensor("sum_to_size", input)
    wanted, shape = sizes_of("sum_to_size", sizes if size is None else (size,), "size"), tuple(input.shape)
    pairs = list(zip(reversed(wanted), reversed(shape), strict=False))
    if len(wanted) > len(shape) or any(n not in (1, there) for n, there in pairs):
        raise explained(
            RuntimeError(f"sum_to_size: size {list(wanted)} is not expandable to size {list(shape)}")
        )
    if not wanted:
        return sum(input)
    return unbroadcast(input, wanted) if wanted != shape else reshape(input, shape)
