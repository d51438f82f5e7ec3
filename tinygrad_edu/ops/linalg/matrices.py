"""What the families of linear algebra share: checks of matrices, the error, transposes, small constants.

What a ``backward`` calls of it takes arrays as well as Tensors. In all formulas, A^T is the transpose of a matrix, A^H
the conjugate of that (the same for real numbers), and gA or dL/dA the gradient of the loss.

References
----------
.. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
   Advances in Automatic Differentiation, Springer 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, to_device, to_numpy
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, is_inexact
from tinygrad_edu.ops.common import raw, require_tensor


class LinAlgError(RuntimeError):
    """A matrix does not have what is asked of it: an inverse, a factorization, eigenvalues that can be found.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.LinAlgError.html
    """


def require_matrices(name: str, x: Any, argument: str = "A", square: bool = False) -> None:
    """Raise unless ``x`` is a Tensor of matrices, (*batch, m, n), of float32, float64 or complex numbers."""
    require_linear_dtype(name, x, argument)
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor {argument} must have at least 2 dimensions, got {list(x.shape)}"
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} "
            "matrices"
        )


def require_linear_dtype(name: str, x: Any, argument: str = "A") -> None:
    """Raise unless ``x`` is a Tensor of a dtype that LAPACK knows."""
    require_tensor(name.replace(".", "_"), x, argument)
    dtype = raw(x).dtype
    if not is_inexact(dtype):
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {dtype}")
    if dtype in HALF_DTYPES:
        raise NotImplementedError(f"{name}: not implemented for {dtype}, expected float32 or float64")


def require_same_dtype(name: str, a: Array, b: Array, arguments: str = "A and B") -> None:
    """Raise unless two Tensors have one dtype."""
    if raw(a).dtype != raw(b).dtype:
        raise RuntimeError(
            f"{name}: Expected {arguments} to have the same dtype, but found {raw(a).dtype} and {raw(b).dtype}"
        )


def transposed(x: Array) -> Array:
    """Return X^T, of every matrix of a batch."""
    return x.swapaxes(-1, -2)


def conjugate_transpose(x: Array) -> Array:
    """Return X^H, the transposed and conjugated matrices; for real numbers that is X^T."""
    return x.conj().swapaxes(-1, -2)


def real_part(x: Array) -> Array:
    """Return the real parts; real numbers as they are."""
    return x.real if raw(x).dtype.kind == "c" else x


def beside(x: Array, constant: Array) -> Array:
    """Return a constant array as what ``x`` is: an array, or a Tensor."""
    return tensor_from_array(constant) if isinstance(x, TensorBase) else constant


def identity(x: Array, n: int) -> Array:
    """Return the identity matrix (n, n) in the dtype of ``x``, an array or a Tensor as ``x`` is."""
    return beside(x, array_module(raw(x)).eye(n, dtype=raw(x).dtype))


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the real and imaginary parts of a dtype: float32 for complex64."""
    return np.empty(0, dtype).real.dtype


def on_host(compute: Callable[..., Any], *arrays: Array, **options: Any) -> Any:
    """Call a function of NumPy arrays; what CuPy cannot compute goes to the host and back.

    Returns
    -------
    array, or tuple of arrays
        On the device of the first one.
    """
    device = device_of(arrays[0])
    result = compute(*[to_numpy(x) for x in arrays], **options)
    if isinstance(result, tuple):
        return tuple([to_device(x, device) for x in result])
    return to_device(result, device)


def svd_of_array(a: Array, **options: Any) -> Any:
    """Return U, S and V^H, or what else is asked for; raise what PyTorch does if LAPACK cannot find them."""
    try:
        return array_module(a).linalg.svd(a, **options)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
        ) from error


def check_info(message: str, info: np.ndarray[Any, Any]) -> None:
    """Raise a LinAlgError if one of the numbers that LAPACK gave for the matrices of a batch is not 0.

    Parameters
    ----------
    message : str
        "name: what failed", where {} stands for the number.
    """
    failed = np.flatnonzero(info)
    if failed.size:
        name, _, text = message.format(int(info.reshape(-1)[failed[0]])).partition(": ")
        element = f"(Batch element {failed[0]}): " if info.ndim else ""
        raise LinAlgError(f"{name}: {element}{text}")
