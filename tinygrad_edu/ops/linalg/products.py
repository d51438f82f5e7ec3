"""Products of tensors beside the matrix product: over chosen dimensions, of all pairs, of vectors in space.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#blas-and-lapack-operations
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.arguments import as_int, as_ints, is_int, require_bools, require_numbers
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import array_module
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import normalize_dim, raw, require_dtype_of, require_tensor
from tinygrad_edu.ops.elementwise.arithmetic import mul
from tinygrad_edu.ops.elementwise.complex_numbers import conj
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.linalg.matmul import bmm, dot, mm, mv, outer, weighted_sum
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.reduce.scan import cumprod
from tinygrad_edu.ops.shape.join import cat
from tinygrad_edu.ops.shape.layout import expand, permute, reshape
from tinygrad_edu.ops.shape.roll import Roll, flip
from tinygrad_edu.ops.shape.triangle import diagonal


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker product: each element of the input times the whole other tensor, block by block.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    require_tensor("kron", input)
    require_tensor("kron", other, "other")
    ndim = max(input.ndim, other.ndim)
    a = (1,) * (ndim - input.ndim) + tuple(input.shape)
    b = (1,) * (ndim - other.ndim) + tuple(other.shape)
    left = reshape(input, tuple([n for size in a for n in (size, 1)]))
    right = reshape(other, tuple([n for size in b for n in (1, size)]))
    return reshape(mul(left, right), tuple([m * n for m, n in zip(a, b, strict=True)]))


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sum of products over dimensions of both tensors: a matrix product after the others are melted into one.

    Parameters
    ----------
    a, b : Tensor
        Any shapes.
    dims : int, or pair of sequences of int
        How many of the last dimensions of ``a`` and the first of ``b``; or which of ``a`` and which of ``b``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.tensordot.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensordot(torch.ones(2, 3, 4), torch.ones(4, 3), dims=([1, 2], [1, 0]))
    tensor([12., 12.])
    """
    if this_thread.mode.autocast:
        return under_autocast(tensordot, a, b, dims)
    require_tensor("tensordot", a, "a")
    require_tensor("tensordot", b, "b")
    if isinstance(dims, TensorBase):
        dims = raw(dims).tolist()
    if is_int(dims):
        dims = as_int("tensordot", "dims", dims)
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise RuntimeError(
                f"tensordot expects dims >= 0 and at most the dimensions of both, but got dims={dims}"
            )
        dims = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    pairs = [[d] if is_int(d) else as_ints("tensordot", "dims", d) for d in dims]
    left = [normalize_dim("tensordot", d, a.ndim) for d in pairs[0]]
    right = [normalize_dim("tensordot", d, b.ndim) for d in pairs[1]]
    if len(left) == len(right):  # a size of 1 goes with any other: what it is multiplied with is added up
        a_is_one = [d for d, e in zip(right, left, strict=True) if a.shape[e] == 1 != b.shape[d]]
        b_is_one = [d for d, e in zip(left, right, strict=True) if b.shape[e] == 1 != a.shape[d]]
        a = sum(a, b_is_one, keepdim=True, dtype=a.dtype) if b_is_one else a
        b = sum(b, a_is_one, keepdim=True, dtype=b.dtype) if a_is_one else b
    sizes = [a.shape[d] for d in left], [b.shape[d] for d in right]
    if sizes[0] != sizes[1]:
        raise RuntimeError(
            f"tensordot: contracted dimensions need to match, but got sizes {sizes[0]} and {sizes[1]}"
        )
    rows = [d for d in range(a.ndim) if d not in left]
    columns = [d for d in range(b.ndim) if d not in right]
    shape = [a.shape[d] for d in rows], [b.shape[d] for d in columns]
    count = math.prod(sizes[0])
    first = reshape(permute(a, (*rows, *left)), (math.prod(shape[0]), count))
    second = reshape(permute(b, (*right, *columns)), (count, math.prod(shape[1])))
    return reshape(mm(first, second), (*shape[0], *shape[1]))


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sum of products over the last dimension of both; of a number, a multiple.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.inner(torch.tensor([1, 2]), torch.tensor([[3, 4], [5, 6]]))
    tensor([11, 17])
    """
    require_tensor("inner", input)
    require_tensor("inner", other, "other")
    if input.ndim == 0 or other.ndim == 0:
        return mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Product of two vectors, the first one conjugated if it is complex."""
    require_tensor("vdot", input)
    require_tensor("vdot", other, "other")
    return dot(conj(input), other)


@rounded_once
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, axis: Any = None) -> Tensor:
    """Vectors at right angles to two others in space: y_i = a_(i+1) b_(i+2) - a_(i+2) b_(i+1), counted around.

    Parameters
    ----------
    input, other : Tensor
        Broadcast against each other; of size 3 along ``dim``.
    dim : int, optional
        Along which dimension; by default the first one of size 3.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cross.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0]), dim=0)
    tensor([0, 0, 1])
    """
    dim = dim if axis is None else axis
    require_tensor("cross", input)
    require_tensor("cross", other, "other")
    require_dtype_of("cross", input, other=other)
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"cross: inputs must have the same number of dimensions, got {input.ndim} and {other.ndim}"
        )
    if dim is None:
        dim = next((d for d, size in enumerate(input.shape) if size == 3), None)
        if dim is None:
            raise RuntimeError(f"cross: no dimension of size 3 in input, got {list(input.shape)}")
    dim = normalize_dim("cross", dim, input.ndim)
    if not input.ndim or input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"cross: inputs dimension {dim} must have length 3. Got {list(input.shape)} and {list(other.shape)}"
        )
    a1, a2 = [Roll.apply(input, shifts=(-n,), dims=(dim,)) for n in (1, 2)]
    b1, b2 = [Roll.apply(other, shifts=(-n,), dims=(dim,)) for n in (1, 2)]
    return a1 * b2 - a2 * b1


def trace(input: Tensor) -> Tensor:
    """Sum of the diagonal of a matrix; integers give int64.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.trace(torch.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if this_thread.mode.autocast:
        return under_autocast(trace, input)
    require_tensor("trace", input)
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return sum(diagonal(input))


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers of each element of a vector in rows, the highest first, or last if ``increasing``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.vander(torch.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    require_tensor("vander", x, "x")
    require_bools("vander", increasing=increasing)
    if x.ndim != 1:
        raise RuntimeError(f"vander: x must be a one-dimensional tensor, got {x.ndim} dimensions")
    n = x.shape[0] if N is None else as_int("vander", "N", N)
    if n < 0:
        raise RuntimeError(f"vander: N must be non-negative, got {n}")
    dtype = "int64" if raw(x).dtype.kind in "bui" else raw(x).dtype
    one = tensor_from_array(array_module(raw(x)).ones((x.shape[0], min(n, 1)), dtype))
    if n < 2:
        return one
    powers = cumprod(expand(reshape(x, (x.shape[0], 1)), (x.shape[0], n - 1)), 1)
    rows = cat([one, powers], 1)
    return rows if increasing else flip(rows, (1,))


@rounded_once
def chain_matmul(*matrices: Tensor) -> Tensor:
    """Product of two or more matrices, in the order that takes the fewest multiplications.

    The cost of every part of the chain is found from those of its parts, the shorter ones first.

    References
    ----------
    T. H. Cormen et al., "Introduction to Algorithms", 3rd ed., section 15.2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.chain_matmul(torch.ones(2, 3), torch.ones(3, 4), torch.ones(4, 1))
    tensor([[12.],
            [12.]])
    """
    for x in matrices:
        require_tensor("chain_matmul", x, "matrices")
        if x.ndim != 2:
            raise RuntimeError(f"chain_matmul: Tensor dimension is {x.ndim}, expected 2 instead")
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices, got none")
    sizes = [x.shape[0] for x in matrices] + [matrices[-1].shape[1]]
    cuts = _best_cuts(sizes)
    return _product_of(matrices, cuts, 0, len(matrices) - 1)


def _best_cuts(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Return behind which matrix to cut each part of the chain; matrix i is of sizes[i] x sizes[i + 1]."""
    n = len(sizes) - 1
    costs, cuts = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [
                (costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            ]
            costs[i, j], cuts[i, j] = min(options)
    return cuts


def _product_of(matrices: Any, cuts: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return matrices[i]
    k = cuts[i, j]
    return mm(_product_of(matrices, cuts, i, k), _product_of(matrices, cuts, k + 1, j))


@rounded_once
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat @ vec), with a matrix (m, k), a vector (k,) and an input broadcast to (m,)."""
    require_tensor("addmv", input)
    require_numbers("addmv", complex_too=True, beta=beta, alpha=alpha)
    return weighted_sum("addmv", input, mv(mat, vec), beta, alpha)


@rounded_once
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2), with vectors (m,) and (n,) and an input broadcast to (m, n)."""
    require_tensor("addr", input)
    require_numbers("addr", complex_too=True, beta=beta, alpha=alpha)
    product = outer(vec1, vec2)
    if {raw(x).dtype.kind for x in (input, product)} == {"b"}:  # sums are "or", products "and"
        beta, alpha = bool(beta), bool(alpha)
    if beta != 1:
        input = input * beta
    return input + (product if alpha == 1 else product * alpha)


@rounded_once
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (sum over the batch of batch1 @ batch2), with (b, m, k), (b, k, n) and (m, n)."""
    require_tensor("addbmm", input)
    require_numbers("addbmm", complex_too=True, beta=beta, alpha=alpha)
    product = bmm(batch1, batch2)
    return weighted_sum("addbmm", input, sum(product, 0, dtype=product.dtype), beta, alpha)
