"""Settings of the GPU's matrix products, and switches of attention, which change nothing: there is one way.

References
----------
https://docs.pytorch.org/docs/stable/backends.html#module-torch.backends.cuda
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import backend, cuda_availability
from tinygrad_edu.missing_names import error_of_module as _error_of_module

PRECISIONS = ("highest", "high", "medium")


def is_built() -> bool:
    """Tell whether this package can use a GPU at all, if there is one: always."""
    return True


class MatmulSettings:
    """How float32 matrices are multiplied on the GPU: ``torch.backends.cuda.matmul``.

    Attributes
    ----------
    precision : {"highest", "high", "medium"}
        See :func:`tinygrad_edu.set_float32_matmul_precision`.
    """

    def __init__(self) -> None:
        self.precision = "highest"

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 may be rounded to TensorFloat-32, which has 10 bits after the point in place of 23."""
        return self.precision != "highest"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        set_float32_matmul_precision("high" if value else "highest")


matmul = MatmulSettings()


def get_float32_matmul_precision() -> str:
    """Return how float32 matrices are multiplied on the GPU."""
    return matmul.precision


def set_float32_matmul_precision(precision: str) -> None:
    """Say how exactly float32 matrices are multiplied on the GPU; the CPU is always exact.

    Parameters
    ----------
    precision : {"highest", "high", "medium"}
        ``"highest"`` computes in float32. The others let cuBLAS round the factors to TensorFloat-32, on cards
        that can (compute capability 8.0 and above): several times as fast, with about three decimal digits.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.set_float32_matmul_precision.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.get_float32_matmul_precision()
    'highest'
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"set_float32_matmul_precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    if cuda_availability.is_cuda_available():
        backend.use_tf32(precision != "highest")
    matmul.precision = precision


attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}
"""Which ways of computing attention PyTorch may take."""


def enable_flash_sdp(enabled: bool) -> None:
    """Allow flash attention or forbid it; it changes nothing."""
    attention["flash"] = enabled


def flash_sdp_enabled() -> bool:
    """Tell whether flash attention is allowed."""
    return attention["flash"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow memory-efficient attention or forbid it; it changes nothing."""
    attention["mem_efficient"] = enabled


def mem_efficient_sdp_enabled() -> bool:
    """Tell whether memory-efficient attention is allowed."""
    return attention["mem_efficient"]


def enable_math_sdp(enabled: bool) -> None:
    """Allow attention by products of matrices or forbid it; it changes nothing."""
    attention["math"] = enabled


def math_sdp_enabled() -> bool:
    """Tell whether attention by products of matrices is allowed."""
    return attention["math"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow cuDNN's attention or forbid it; it changes nothing."""
    attention["cudnn"] = enabled


def cudnn_sdp_enabled() -> bool:
    """Tell whether cuDNN's attention is allowed."""
    return attention["cudnn"]


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
