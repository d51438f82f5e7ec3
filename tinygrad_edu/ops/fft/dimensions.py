"""Discrete Fourier transforms along two or more dimensions, and their results put in order.

A transform along several dimensions is one along each of them, in any order. Where one half tells the other (``rfftn``
and its relatives), it is the last dimension that is halved.

References
----------
https://docs.pytorch.org/docs/stable/fft.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_ints
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.ops.common import normalize_dim, normalize_dims, require_tensor
from tinygrad_edu.ops.elementwise.complex_numbers import conj
from tinygrad_edu.ops.fft.transform import (
    ADJOINT_NORM,
    RealInverse,
    RealTransform,
    Transform,
    as_transformable,
    check_norm,
    check_size,
    resized,
)
from tinygrad_edu.ops.shape.roll import Roll

LAST_TWO = (-2, -1)


def dims_and_sizes(
    name: str, x: Tensor, s: Any, dim: Any, half: bool = False
) -> tuple[tuple[int, ...], list[int]]:
    """Return the dimensions of a transform and its numbers of points; of a half, the number of the whole comes last."""
    given = None if s is None else as_ints(name, "s", s if isinstance(s, list | tuple) else (s,))
    if dim is not None:
        wanted = as_ints(name, "dim", dim if isinstance(dim, list | tuple) else (dim,))
        dims = tuple([normalize_dim(name, d, x.ndim) for d in wanted])
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"{name}: FFT dims must be unique, got {list(wanted)}")
        if given is not None and len(given) != len(dims):
            raise RuntimeError(
                f"{name}: When given, dim and shape arguments must have the same length, got {list(wanted)} and "
                f"{list(given)}"
            )
    elif given is not None:
        if len(given) > x.ndim:
            raise RuntimeError(
                f"{name}: Got shape with {len(given)} values but input tensor only has {x.ndim} dimensions."
            )
        dims = tuple(range(x.ndim - len(given), x.ndim))
    else:
        dims = tuple(range(x.ndim))
    sizes = [x.shape[d] for d in dims]
    if half and sizes:
        sizes[-1] = 2 * (sizes[-1] - 1)
    if given is not None:
        sizes = [size if wish == -1 else wish for wish, size in zip(given, sizes, strict=True)]
    return dims, [check_size(size) for size in sizes]


def fit(x: Tensor, dims: tuple[int, ...], sizes: list[int]) -> Tensor:
    """Return x with these sizes along the dimensions: cut off, or filled up with zeros."""
    for dim, size in zip(dims, sizes, strict=True):
        x = resized(x, dim, size)
    return x


def _complex(name: str, input: Any, s: Any, dim: Any, norm: Any, inverse: bool) -> Tensor:
    z = as_transformable(name, input, "complex")
    dims, sizes = dims_and_sizes(name, z, s, dim)
    return along(fit(z, dims, sizes), dims, inverse, check_norm(norm))


def along(z: Tensor, dims: tuple[int, ...], inverse: bool, norm: str) -> Tensor:
    """Return the transform along these dimensions; along none, z itself."""
    return Transform.apply(z, dims=dims, inverse=inverse, norm=norm) if dims else z


def _of_real(name: str, input: Any, s: Any, dim: Any, norm: Any) -> tuple[Tensor, tuple[int, ...], str]:
    """Return the real numbers to be transformed, the dimensions and the norm."""
    x = as_transformable(name, input, "real")
    dims, sizes = dims_and_sizes(name, x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    return fit(x, dims, sizes), dims, check_norm(norm)


def _of_half(name: str, input: Any, s: Any, dim: Any, norm: Any) -> tuple[Tensor, tuple[int, ...], int, str]:
    """Return the complex numbers to be transformed, the dimensions, the size of the last of them, and the norm."""
    z = as_transformable(name, input, "complex")
    dims, sizes = dims_and_sizes(name, z, s, dim, half=True)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    size = sizes[-1]
    return fit(z, dims, [*sizes[:-1], size // 2 + 1]), dims, size, check_norm(norm)


def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    r"""Discrete Fourier transform along several dimensions.

    Parameters
    ----------
    input : Tensor
        Real or complex.
    s : sequence of int, optional
        The numbers of points along the dimensions: the input is cut off, or filled up with zeros; -1 leaves a size as
        it is.
    dim : sequence of int, optional
        Along which dimensions; by default the last ``len(s)``, or all.
    norm : {"backward", "ortho", "forward"}, optional
        As of :func:`tinygrad_edu.fft.fft`, with the product of the sizes for n.

    Returns
    -------
    Tensor
        Complex.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.fftn.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.fftn(torch.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return _complex("fftn", input, s, dim, norm, inverse=False)


def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Inverse of :func:`fftn`."""
    return _complex("ifftn", input, s, dim, norm, inverse=True)


def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Return the half of :func:`fftn` of real numbers that tells the other one: the last dimension is halved."""
    x, dims, norm = _of_real("rfftn", input, s, dim, norm)
    return along(RealTransform.apply(x, dim=dims[-1], norm=norm), dims[:-1], False, norm)


def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Inverse of :func:`rfftn`."""
    z, dims, size, norm = _of_half("irfftn", input, s, dim, norm)
    return RealInverse.apply(along(z, dims[:-1], True, norm), dim=dims[-1], size=size, norm=norm)


def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Transform along several dimensions of numbers of which half is given, since the result is real."""
    z, dims, size, norm = _of_half("hfftn", input, s, dim, norm)
    z = along(z, dims[:-1], False, norm)
    return RealInverse.apply(conj(z), dim=dims[-1], size=size, norm=ADJOINT_NORM[norm])


def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Inverse of :func:`hfftn`."""
    x, dims, norm = _of_real("ihfftn", input, s, dim, norm)
    half = conj(RealTransform.apply(x, dim=dims[-1], norm=ADJOINT_NORM[norm]))
    return along(half, dims[:-1], True, norm)


def fft2(input: Tensor, s: Any = None, dim: Any = LAST_TWO, norm: str | None = None) -> Tensor:
    """:func:`fftn` along two dimensions."""
    return fftn(input, s, dim, norm)


def ifft2(input: Tensor, s: Any = None, dim: Any = LAST_TWO, norm: str | None = None) -> Tensor:
    """:func:`ifftn` along two dimensions."""
    return ifftn(input, s, dim, norm)


def rfft2(input: Tensor, s: Any = None, dim: Any = LAST_TWO, norm: str | None = None) -> Tensor:
    """:func:`rfftn` along two dimensions."""
    return rfftn(input, s, dim, norm)


def irfft2(input: Tensor, s: Any = None, dim: Any = LAST_TWO, norm: str | None = None) -> Tensor:
    """:func:`irfftn` along two dimensions."""
    return irfftn(input, s, dim, norm)


def hfft2(input: Tensor, s: Any = None, dim: Any = LAST_TWO, norm: str | None = None) -> Tensor:
    """:func:`hfftn` along two dimensions."""
    return hfftn(input, s, dim, norm)


def ihfft2(input: Tensor, s: Any = None, dim: Any = LAST_TWO, norm: str | None = None) -> Tensor:
    """:func:`ihfftn` along two dimensions."""
    return ihfftn(input, s, dim, norm)


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Move frequency 0, which stands first, to the middle, along one, several or all dimensions.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.fftshift(torch.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shifted("fftshift", input, dim, 0)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Undo :func:`fftshift`: move frequency 0 from the middle to the first place."""
    return _shifted("ifftshift", input, dim, 1)


def _shifted(name: str, input: Any, dim: Any, more: int) -> Tensor:
    """Roll by half of each size, rounded down, or up if ``more`` is 1."""
    require_tensor(name, input)
    dims = normalize_dims(name, dim, input.ndim)
    if not dims:
        raise RuntimeError(f"{name}: expected a tensor of at least one dimension")
    return Roll.apply(input, shifts=tuple([(input.shape[d] + more) // 2 for d in dims]), dims=dims)
