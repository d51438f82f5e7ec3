"""Short-time Fourier transform: of one piece of a signal after the other, and back.

References
----------
.. [1] D. W. Griffin and J. S. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Trans. ASSP 32,
   1984.
"""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_edu.arguments import as_int, require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import optional_tensors, raw, require_tensor
from tinygrad_edu.ops.elementwise.arithmetic import square
from tinygrad_edu.ops.elementwise.complex_numbers import view_as_real
from tinygrad_edu.ops.fft.transform import fft, ifft, irfft, resized, rfft
from tinygrad_edu.ops.indexing.index import getitem
from tinygrad_edu.ops.shape.layout import expand, reshape, transpose
from tinygrad_edu.ops.shape.pad import pad


class Frames(Op):
    r"""(\*, length) cut into (\*, count, size): frames ``hop`` apart; the gradients of shared places add up."""

    def forward(self, x: Array, *, size: int, hop: int) -> Array:
        self.hop, self.length = hop, x.shape[-1]
        xp = array_module(x)
        windows = xp.lib.stride_tricks.sliding_window_view(x, size, -1)
        return xp.ascontiguousarray(windows[..., ::hop, :])

    def backward(self, grad_output: Array) -> Array:
        return OverlapAdd.compute(grad_output, hop=self.hop, length=self.length)


class OverlapAdd(Op):
    r"""(\*, count, size) frames, each added ``hop`` places behind the one before: (\*, length)."""

    def forward(self, frames: Array, *, hop: int, length: int) -> Array:
        self.hop, self.size = hop, frames.shape[-1]
        y = array_module(frames).zeros((*frames.shape[:-2], length), frames.dtype)
        for i in range(frames.shape[-2]):
            y[..., i * hop : i * hop + self.size] += frames[..., i, :]
        return y

    def backward(self, grad_output: Array) -> Array:
        return Frames.compute(grad_output, size=self.size, hop=self.hop)


def check_signal(name: str, x: Any) -> None:
    """Raise unless x is a Tensor of numbers that can be transformed."""
    require_tensor(name, x)
    if not (x.is_floating_point() or x.is_complex()):
        raise RuntimeError(f"{name}: expected a tensor of floating point or complex values, got {x.dtype}")


def check_lengths(
    name: str, n_fft: Any, hop_length: Any, win_length: Any, window: Any
) -> tuple[int, int, int]:
    """Return the size of the transform, the hop and the size of the window; raise unless they fit together."""
    n_fft = as_int(name, "n_fft", n_fft)
    hop = n_fft // 4 if hop_length is None else as_int(name, "hop_length", hop_length)
    size = n_fft if win_length is None else as_int(name, "win_length", win_length)
    optional_tensors(name, window=window)
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < size <= n_fft:
        raise RuntimeError(
            f"{name}: expected 0 < win_length <= n_fft, but got win_length={size} and n_fft={n_fft}"
        )
    if window is not None and tuple(window.shape) != (size,):
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={size}, but got window with size "
            f"{list(window.shape)}"
        )
    return n_fft, hop, size


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    r"""Short-time Fourier transform: each frame of a signal, times a window, is transformed.

    Parameters
    ----------
    input : Tensor
        (length,) or (batch, length), real or complex.
    n_fft : int
        The size of a frame.
    hop_length : int, optional
        How far frames are apart; n_fft // 4 by default.
    win_length : int, optional
        The size of the window, which has zeros on both sides up to n_fft; n_fft by default.
    window : Tensor, optional
        (win_length,); ones by default.
    center : bool
        Pad the signal, so that the middle of frame t is at t * hop_length.
    pad_mode : str
        How, as of ``nn.functional.pad``.
    normalized : bool
        Divide by sqrt(n_fft).
    onesided : bool, optional
        Return n_fft // 2 + 1 frequencies, which tell the others; by default if input and window are real.
    return_complex : bool
        Return complex numbers, or (\*, 2) real ones; must be given if input and window are real.
    align_to_window : bool, optional
        Without ``center``: the window, not the frame, begins where the signal does.

    Returns
    -------
    Tensor
        (\*, frequencies, frames).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.stft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    check_signal("stft", input)
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    require_bools("stft", center=center, normalized=normalized)
    n_fft, hop, size = check_lengths("stft", n_fft, hop_length, win_length, window)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, got {list(input.shape)}")
    is_complex = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None and not is_complex:
        raise RuntimeError("stft requires the return_complex parameter be given for real inputs")
    onesided = not is_complex if onesided is None else onesided
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    x = padded_signal(input, n_fft, size, pad_mode, center, bool(align_to_window))
    if not 0 < n_fft <= x.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x.shape[-1]}, but got n_fft={n_fft}")
    frames = Frames.apply(x, size=n_fft, hop=hop)
    if window is not None or size < n_fft:
        frames = frames * whole_window(window, size, n_fft, input)
    norm = "ortho" if normalized else "backward"
    spectrum = transpose((rfft if onesided else fft)(frames, norm=norm), -1, -2)
    return spectrum if return_complex or (return_complex is None) else view_as_real(spectrum)


def padded_signal(x: Tensor, n_fft: int, size: int, pad_mode: str, center: bool, align: bool) -> Tensor:
    """Return the signal with what is put before and behind it."""
    if center:
        rows = reshape(x, (*[1] * (3 - x.ndim), *x.shape))
        rows = pad(rows, (n_fft // 2, n_fft // 2), pad_mode)
        return reshape(rows, (*x.shape[:-1], rows.shape[-1]))
    if align:
        left = (n_fft - size) // 2
        return pad(x, (left, n_fft - size - left))
    return x


def whole_window(window: Tensor | None, size: int, n_fft: int, like: Tensor) -> Tensor:
    """Return the window, ones if there is none, in the middle of n_fft numbers, the others zeros."""
    if window is None:
        xp, dtype = array_module(raw(like)), raw(like).real.dtype
        window = tensor_from_array(xp.ones((size,), dtype))
    left = (n_fft - size) // 2
    return pad(window, (left, n_fft - size - left))


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    r"""Inverse of :func:`stft`: the signal whose frames are closest to these, by the sum of squares.

    Every frame is transformed back, multiplied by the window and added in its place; the sum is divided by that of the
    squares of the windows. Where frames are those of one signal, that is the signal.

    Parameters
    ----------
    input : Tensor
        (frequencies, frames) or (batch, frequencies, frames), complex.
    n_fft, hop_length, win_length, window, center, normalized, onesided
        As they were given to ``stft``.
    length : int, optional
        Of the signal, which is cut off, or filled up with zeros.
    return_complex : bool
        Whether the signal is complex.

    Returns
    -------
    Tensor
        (length,) or (batch, length).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.istft.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> window = torch.tensor([0.5, 1.0, 1.0, 0.5])
    >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> torch.istft(torch.stft(x, 4, window=window, return_complex=True), 4, window=window)
    tensor([1., 2., 3., 4.])
    """
    require_tensor("istft", input)
    require_bools("istft", center=center, normalized=normalized, return_complex=return_complex)
    n_fft, hop, size = check_lengths("istft", n_fft, hop_length, win_length, window)
    onesided = check_spectrum(input, n_fft, hop, size, onesided)
    norm = "ortho" if normalized else "backward"
    frames = transpose(input, -1, -2)
    if return_complex:
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        frames = ifft(frames, norm=norm)
    else:
        if window is not None and window.is_complex():
            raise RuntimeError("Complex windows are incompatible with return_complex=False")
        frames = irfft(frames, n_fft, norm=norm)
    whole = whole_window(window, size, n_fft, input)
    total = n_fft + hop * (frames.shape[-2] - 1)
    signal = OverlapAdd.apply(frames * whole, hop=hop, length=total)
    squares = expand(square(whole), (frames.shape[-2], n_fft))
    envelope = OverlapAdd.apply(squares, hop=hop, length=total)
    start = n_fft // 2 if center else 0
    end = total - start if length is None else start + as_int("istft", "length", length)
    return divided(signal, envelope, start, end)


def divided(signal: Tensor, envelope: Tensor, start: int, end: int) -> Tensor:
    """Return signal / envelope from ``start`` to ``end``, with zeros for what the signal has not."""
    part = (..., slice(start, end))
    signal, envelope = getitem(signal, part), getitem(envelope, part)
    if raw(envelope).size and (abs(raw(envelope)) < 1e-11).any():
        raise RuntimeError(
            "istft: expected windows that overlap to more than 0 everywhere, window overlap add min: 0"
        )
    quotient = signal / envelope
    if quotient.shape[-1] < end - start:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. "
            "Please check your center and hop_length settings.",
            stacklevel=3,
        )
    return resized(quotient, quotient.ndim - 1, end - start)


def check_spectrum(x: Tensor, n_fft: int, hop: int, size: int, onesided: bool | None) -> bool:
    """Return whether half of the frequencies is there; raise unless there are as many of them as there have to be."""
    if not x.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True, got "
            f"{x.dtype}"
        )
    if x.numel() == 0:
        raise RuntimeError(f"istft: input tensor cannot be empty, got {list(x.shape)}")
    if x.ndim not in (2, 3):
        raise RuntimeError(f"istft: expected a tensor with 2 or 3 dimensions, but got {x.ndim}")
    if hop > size:
        raise RuntimeError(f"istft: expected 0 < hop_length <= win_length, got {hop} and {size}")
    frequencies = x.shape[-2]
    onesided = frequencies != n_fft if onesided is None else onesided
    expected = n_fft // 2 + 1 if onesided else n_fft
    if frequencies != expected:
        raise RuntimeError(
            f"istft: expected the frequency dimension (2nd to the last) of the input tensor to be {expected} with "
            f"onesided={onesided} and n_fft={n_fft}, but got {frequencies}"
        )
    return onesided
