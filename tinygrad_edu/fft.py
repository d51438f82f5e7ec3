"""``torch.fft``: discrete Fourier transforms.

References
----------
https://docs.pytorch.org/docs/stable/fft.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.frequencies import fftfreq as fftfreq, rfftfreq as rfftfreq
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.ops.fft.dimensions import (
    fft2 as fft2,
    fftn as fftn,
    fftshift as fftshift,
    hfft2 as hfft2,
    hfftn as hfftn,
    ifft2 as ifft2,
    ifftn as ifftn,
    ifftshift as ifftshift,
    ihfft2 as ihfft2,
    ihfftn as ihfftn,
    irfft2 as irfft2,
    irfftn as irfftn,
    rfft2 as rfft2,
    rfftn as rfftn,
)
from tinygrad_edu.ops.fft.transform import (
    fft as fft,
    hfft as hfft,
    ifft as ifft,
    ihfft as ihfft,
    irfft as irfft,
    rfft as rfft,
)

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
