"""Discrete Fourier transforms along one dimension.

A transform is linear: y = F x, with a matrix F of elements e^(-2 pi i j k / n). So the gradient goes back through the
conjugated and transposed matrix, F^H, which is the matrix of the inverse transform, but for the factor 1/n. Which
factor belongs where, ``ADJOINT_NORM`` says.

References
----------
.. [1] https://docs.pytorch.org/docs/stable/fft.html
.. [2] J. W. Cooley and J. W. Tukey, "An algorithm for the machine calculation of complex Fourier series", Math. Comput.
   19, 1965.
.. [3] https://github.com/pytorch/pytorch/blob/main/tools/autograd/derivatives.yaml, at _fft_c2c, _fft_r2c and _fft_c2r.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, fft_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.autocast import in_float32
from tinygrad_edu.ops.common import as_float, cast, normalize_dim, raw, require_tensor
from tinygrad_edu.ops.elementwise.complex_numbers import conj
from tinygrad_edu.ops.indexing.index import getitem
from tinygrad_edu.ops.shape.pad import ConstantPad

ADJOINT_NORM = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm with which the transform of the other direction is the adjoint, F^H in place of F^-1."""


class Transform(Op):
    """Y = F X along some dimensions, or F^-1 X; the derivative is the transform of the other direction."""

    def forward(self, z: Array, *, dims: tuple[int, ...], inverse: bool, norm: str) -> Array:
        self.dims, self.inverse, self.norm = dims, inverse, norm
        transform = fft_module(z).ifftn if inverse else fft_module(z).fftn
        return transform(z, None, dims, norm)

    def backward(self, grad_output: Array) -> Array:
        norm = ADJOINT_NORM[self.norm]
        return Transform.compute(grad_output, dims=self.dims, inverse=not self.inverse, norm=norm)


class RealTransform(Op):
    """The first half of F x, n // 2 + 1 numbers: of real x, the second half is the first one conjugated, in reverse.

    The derivative is that of "transform, and take a half": fill up with zeros, transform back, take the real part.
    """

    def forward(self, x: Array, *, dim: int, norm: str) -> Array:
        self.dim, self.norm, self.size = dim, norm, x.shape[dim]
        return fft_module(x).rfft(x, None, dim, norm)

    def backward(self, grad_output: Array) -> Array:
        whole = with_zeros(grad_output, self.dim, self.size)
        norm = ADJOINT_NORM[self.norm]
        return Transform.compute(whole, dims=(self.dim,), inverse=True, norm=norm).real


class RealInverse(Op):
    """n real numbers x whose transform has the first half Z, n // 2 + 1 numbers.

    The derivative is the first half of the transform; those of its numbers count twice that stand for one of the
    second half as well: all but the first, and the last if n is even.
    """

    def forward(self, z: Array, *, dim: int, size: int, norm: str) -> Array:
        self.dim, self.norm = dim, norm
        x = fft_module(z).irfft(z, size, dim, norm)
        count = array_module(x).full((size // 2 + 1,), 2, x.dtype)
        count[0] = 1
        if size % 2 == 0:
            count[-1] = 1
        self.save_for_backward(count.reshape((-1,) + (1,) * (z.ndim - 1 - dim)))
        return x

    def backward(self, grad_output: Array) -> Array:
        (count,) = self.saved
        return RealTransform.compute(grad_output, dim=self.dim, norm=ADJOINT_NORM[self.norm]) * count


def with_zeros(x: Array, dim: int, size: int) -> Array:
    """Return x with so many zeros behind it that it has this size along a dimension."""
    widths = [(0, 0)] * x.ndim
    widths[dim] = (0, size - x.shape[dim])
    return ConstantPad.compute(x, widths=tuple(widths), value=0)


def resized(x: Tensor, dim: int, size: int) -> Tensor:
    """Return x with this size along a dimension: cut off, or filled up with zeros."""
    if x.shape[dim] > size:
        return getitem(x, (slice(None),) * dim + (slice(size),))
    return with_zeros(x, dim, size) if x.shape[dim] < size else x


def as_transformable(name: str, x: Any, wants: str) -> Tensor:
    """Return x as floating-point numbers ("real"), complex ones ("complex"), or either ("any").

    Half precision is refused, but under autocast, where it becomes float32.
    """
    require_tensor(name, x)
    if raw(x).dtype.kind == "c" and wants == "real":
        raise RuntimeError(f"{name} expects a real input tensor, but got {x.dtype}")
    x = as_float(name, x)
    if this_thread.mode.autocast:
        x = in_float32(x)
    if raw(x).dtype in HALF_DTYPES:
        raise RuntimeError(
            f"{name}: Unsupported dtype {x.dtype}: expected float32, float64, complex64 or complex128"
        )
    if wants == "complex" and raw(x).dtype.kind != "c":
        return cast(x, dtypes.promote_types(x.dtype, dtypes.complex64).numpy_dtype)
    return x


def check_norm(norm: Any) -> str:
    """Return the norm, "backward" if it is None; raise unless it is one of the three."""
    if norm is None:
        return "backward"
    if norm not in ADJOINT_NORM:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"; expected "backward", "ortho" or "forward"')
    return norm


def check_size(size: int) -> int:
    """Return the number of points of a transform, which has at least one."""
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return size


def _arguments(name: str, x: Tensor, n: Any, dim: Any, norm: Any, half: bool = False) -> tuple[int, int, str]:
    """Return the dimension, the number of points and the norm of a transform; of a half, the number of the whole."""
    if x.ndim == 0:
        raise IndexError(f"{name}: Dimension specified as {dim} but tensor has no dimensions")
    dim = normalize_dim(name, dim, x.ndim)
    default = 2 * (x.shape[dim] - 1) if half else x.shape[dim]
    return dim, check_size(default if n is None else as_int(name, "n", n)), check_norm(norm)


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""Discrete Fourier transform: y_k = sum over j of x_j e^(-2 pi i j k / n).

    Parameters
    ----------
    input : Tensor
        (\*, n, \*), real or complex.
    n : int, optional
        The number of points: the input is cut off, or filled up with zeros.
    dim : int
        Along which dimension.
    norm : {"backward", "ortho", "forward"}, optional
        Divide by n in the inverse transform (the default), by sqrt(n) in both, or by n in this one.

    Returns
    -------
    Tensor
        (\*, n, \*), complex.

    Raises
    ------
    RuntimeError
        If n is below 1, the norm is unknown, or the numbers are of float16.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.fft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.fft(torch.tensor([1.0, 0.0, -1.0, 0.0]))
    tensor([0.+0.j, 2.+0.j, 0.+0.j, 2.+0.j])
    """
    return _complex_transform("fft", input, n, dim, norm, inverse=False)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Inverse of :func:`fft`: x_j = 1/n sum over k of y_k e^(2 pi i j k / n).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.ifft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.ifft(torch.tensor([4.0, 0.0, 0.0, 0.0]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    return _complex_transform("ifft", input, n, dim, norm, inverse=True)


def _complex_transform(name: str, input: Any, n: Any, dim: Any, norm: Any, inverse: bool) -> Tensor:
    z = as_transformable(name, input, "complex")
    dim, size, norm = _arguments(name, z, n, dim, norm)
    return Transform.apply(resized(z, dim, size), dims=(dim,), inverse=inverse, norm=norm)


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Discrete Fourier transform of real numbers: the first n // 2 + 1 numbers of it, which tell the others.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.rfft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.rfft(torch.tensor([1.0, 0.0, -1.0, 0.0]))
    tensor([0.+0.j, 2.+0.j, 0.+0.j])
    """
    x = as_transformable("rfft", input, "real")
    dim, size, norm = _arguments("rfft", x, n, dim, norm)
    return RealTransform.apply(resized(x, dim, size), dim=dim, norm=norm)


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Inverse of :func:`rfft`: n real numbers, by default an even number of them, twice the input's size less 2.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.irfft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.irfft(torch.tensor([0.0, 2.0, 0.0]))
    tensor([ 1.,  0., -1.,  0.])
    """
    z = as_transformable("irfft", input, "complex")
    dim, size, norm = _arguments("irfft", z, n, dim, norm, half=True)
    return RealInverse.apply(resized(z, dim, size // 2 + 1), dim=dim, size=size, norm=norm)


def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Discrete Fourier transform, which is real, of numbers of which the first half is given: x_(n-j) = conj(x_j).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.hfft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.hfft(torch.tensor([1.0, 0.5, 0.0]))
    tensor([2., 1., 0., 1.])
    """
    z = as_transformable("hfft", input, "complex")
    dim, size, norm = _arguments("hfft", z, n, dim, norm, half=True)
    return RealInverse.apply(
        resized(conj(z), dim, size // 2 + 1), dim=dim, size=size, norm=ADJOINT_NORM[norm]
    )


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Inverse of :func:`hfft`: the first n // 2 + 1 numbers of the inverse transform of real ones.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.ihfft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.ihfft(torch.tensor([2.0, 1.0, 0.0, 1.0])).real
    tensor([1.0000, 0.5000, 0.0000])
    """
    x = as_transformable("ihfft", input, "real")
    dim, size, norm = _arguments("ihfft", x, n, dim, norm)
    return conj(RealTransform.apply(resized(x, dim, size), dim=dim, norm=ADJOINT_NORM[norm]))
