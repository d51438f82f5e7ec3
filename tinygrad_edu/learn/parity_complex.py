"""Operations on complex numbers, and Fourier transforms, that the parity report runs; see ``parity_recipes``."""

from __future__ import annotations

import functools
from typing import Any

from tinygrad_edu import Tensor, fft, ops
from tinygrad_edu.learn.parity_recipe import Recipe, op, real, two


def on_complex(name: str, x: Tensor, y: Tensor) -> Any:
    """Call an operation of ``ops`` on x + iy."""
    return getattr(ops, name)(ops.complex(x, y))


def transform(name: str, x: Tensor, y: Tensor) -> Any:
    """Call a Fourier transform on x + iy, or on x if it takes real numbers only."""
    return getattr(fft, name)(x if name.startswith(("rfft", "ihfft")) else ops.complex(x, y))


def back_from_frames(x: Tensor, y: Tensor, n_fft: int) -> Tensor:
    """Turn x + iy, short-time transforms, into a signal."""
    return ops.istft(ops.complex(x, y), n_fft)


def of_parts(prefix: str, function: Any, names: str) -> list[Recipe]:
    """Write a row for each of several functions of a complex tensor, which is made of two real ones."""
    small, typical = [(real(*shape), real(*shape)) for shape in ((3, 5), (1024, 1024))]
    return [
        op(prefix + name, small, typical, function=functools.partial(function, name))
        for name in names.split()
    ]


COMPLEX = [
    *two("complex polar", real, real),
    *of_parts("", on_complex, "conj conj_physical resolve_conj resolve_neg real imag view_as_real adjoint"),
    op("view_as_complex", (real(3, 2),), (real(1024, 2),)),
    *of_parts("fft.", transform, "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 hfft2 ihfft2"),
    *of_parts("fft.", transform, "fftn ifftn rfftn irfftn hfftn ihfftn"),
    op("stft", (real(2, 9), 4), (real(16, 4096), 256), return_complex=True),
    op("istft", (real(3, 5), real(3, 5), 4), (real(129, 65), real(129, 65), 256), function=back_from_frames),
]
