"""Fourier transforms: derivatives by finite differences, values and gradients of PyTorch, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import tensor_from_array, to_numpy
from tinygrad_edu.autograd import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 6))
Z = RNG.standard_normal((2, 5, 6)) + 1j * RNG.standard_normal((2, 5, 6))

# Programs of a real tensor x (2, 5, 6), a complex one z of the same shape, and a window w of 4 numbers.
ONE = [
    f"torch.fft.{name}({x}{options})"
    for name, x in [
        ("fft", "z"),
        ("fft", "x"),
        ("ifft", "z"),
        ("rfft", "x"),
        ("irfft", "z"),
        ("hfft", "z"),
        ("ihfft", "x"),
    ]
    for options in ("", ", 3", ", n=9, norm='ortho'", ", dim=1, norm='forward'", ", 1", ", 4, -2, 'backward'")
]
MANY = [
    f"torch.fft.{name}({x}{options})"
    for name, x in [
        ("fft2", "z"), ("ifft2", "z"), ("rfft2", "x"), ("irfft2", "z"), ("hfft2", "z"), ("ihfft2", "x"), ("fftn", "x"),
        ("ifftn", "z"), ("rfftn", "x"), ("irfftn", "z"), ("hfftn", "z"), ("ihfftn", "x"),
    ]
    for options in ("", ", s=(3, 7)", ", s=(-1, 4), dim=(2, 0), norm='ortho'", ", dim=(1,), norm='forward'")
    if "2(" not in f"{name}(" or "(1,)" not in options
]  # fmt: skip
SHIFTS = [
    f"torch.fft.{name}(z{dim})" for name in ("fftshift", "ifftshift") for dim in ("", ", 1", ", (0, -1)")
]
SHORT = """
torch.stft(x[0], 4, window=w, return_complex=True)
torch.stft(x[0, 0], 4, 1, return_complex=True, center=False)
torch.stft(x[0], 5, 2, 4, w, return_complex=False, pad_mode='constant', normalized=True)
x[0].stft(4, 3, 3, w[:3], False, onesided=False, return_complex=True)
torch.stft(x[0], 6, 1, 4, w, center=False, align_to_window=True, return_complex=True)
torch.stft(x[0], 6, 1, 4, w, center=False, align_to_window=False, return_complex=True)
torch.stft(z[0], 4, window=w)
torch.stft(x[0], 4, window=w + 1j)
torch.istft(torch.stft(x[0], 4, window=w, return_complex=True), 4, window=w)
torch.istft(torch.stft(x[0], 5, 2, 4, w, normalized=True, return_complex=True), 5, 2, 4, w, normalized=True, length=6)
torch.istft(z[:, :3], 4, 2, window=w, length=9)
z[0, :3].istft(4, 2, window=w, center=False)
torch.istft(z[:, :4], 4, 2, window=w, return_complex=True)
torch.istft(z[:, :4], 4, 2, window=w, onesided=False)
""".strip().splitlines()
PROGRAMS = [*ONE, *MANY, *SHIFTS, *SHORT]


def run(program, engine=torch):
    return lambda x, z, w: eval(program, {"torch": engine, "x": x, "z": z, "w": w})


def inputs():
    return tuple([tensor_from_array(array.copy(), True) for array in (X, Z, np.array([0.5, 1.0, 0.9, 0.4]))])


@pytest.mark.gradcheck
@pytest.mark.filterwarnings("ignore:The length of signal is shorter")
@pytest.mark.parametrize("program", PROGRAMS)
def test_derivatives(program):
    x, z, w = inputs()
    small = (x[:1, :, :].detach().requires_grad_(), z[:1, :, :].detach().requires_grad_(), w)
    assert gradcheck(run(program), small)
    if program in PROGRAMS[::6] + SHORT:
        assert gradgradcheck(run(program), small)


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:The length of signal is shorter", "ignore:A window was not provided")
@pytest.mark.filterwarnings("ignore:stft with return_complex")
@pytest.mark.parametrize("program", PROGRAMS)
def test_values_and_gradients_are_those_of_pytorch(program):
    pytorch = pytest.importorskip("torch")
    ours = inputs()
    theirs = [pytorch.tensor(to_numpy(x), requires_grad=True) for x in ours]
    expected, found = run(program, pytorch)(*theirs), run(program)(*ours)
    assert (str(found.dtype), tuple(found.shape)) == (str(expected.dtype), tuple(expected.shape))
    np.testing.assert_allclose(to_numpy(found), expected.detach().resolve_conj().numpy(), 1e-9, 1e-12)
    seed = np.linspace(1, 2, found.numel()).reshape(found.shape) * (1 - 0.5j if found.is_complex() else 1)
    expected.backward(pytorch.tensor(seed, dtype=expected.dtype))
    found.backward(torch.tensor(seed, dtype=found.dtype))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            np.testing.assert_allclose(to_numpy(a.grad), b.grad.resolve_conj().numpy(), 1e-9, 1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_precision_is_kept(dtype):
    y = torch.fft.rfft(torch.ones(4, dtype=dtype))
    assert y.dtype == (torch.complex64 if dtype == torch.float32 else torch.complex128)
    assert torch.fft.irfft(y).dtype == dtype
    assert torch.fft.fft(torch.tensor([1, 2])).dtype == torch.complex64


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "call", ["fftfreq(5)", "fftfreq(4, 0.1)", "rfftfreq(5, d=2.0)", "rfftfreq(4)", "fftfreq(0)"]
)
def test_frequencies_are_those_of_pytorch(call):
    pytorch = pytest.importorskip("torch")
    found, expected = eval(f"torch.fft.{call}"), eval(f"torch.fft.{call}", {"torch": pytorch})
    assert str(found.dtype) == str(expected.dtype)
    np.testing.assert_allclose(to_numpy(found), expected.numpy(), 1e-6)


REFUSED = [
    ("torch.fft.fft(torch.tensor(1.0))", IndexError, "tensor has no dimensions"),
    ("torch.fft.fft(torch.ones(3), 0)", RuntimeError, r"Invalid number of data points \(0\) specified"),
    ("torch.fft.irfft(torch.ones(1))", RuntimeError, r"Invalid number of data points \(0\) specified"),
    ("torch.fft.fft(torch.ones(3), norm='x')", RuntimeError, "Invalid normalization mode"),
    ("torch.fft.fft(torch.ones(3).half())", RuntimeError, "Unsupported dtype"),
    ("torch.fft.rfft(torch.ones(3) * 1j)", RuntimeError, "rfft expects a real input tensor"),
    ("torch.fft.ihfftn(torch.ones(3) * 1j)", RuntimeError, "(?i)complex"),
    ("torch.fft.rfftn(torch.tensor(1.0))", RuntimeError, "must transform at least one axis"),
    ("torch.fft.fftn(torch.ones(3, 3), dim=(0, -2))", RuntimeError, "FFT dims must be unique"),
    ("torch.fft.fftn(torch.ones(3, 3), (3,), (0, 1))", RuntimeError, "must have the same length"),
    ("torch.fft.fftn(torch.ones(3), (3, 3))", RuntimeError, "input tensor only has 1 dimensions"),
    ("torch.fft.fft2(torch.ones(3))", IndexError, "Dimension out of range"),
    ("torch.fft.fftfreq(4, dtype=torch.int64)", RuntimeError, "requires a floating point or complex dtype"),
    ("torch.fft.fftfreq(-1)", RuntimeError, None),
    ("torch.stft(torch.ones(8), 4)", RuntimeError, "return_complex"),
    ("torch.stft(torch.ones(8), 9, center=False, return_complex=True)", RuntimeError, "expected 0 < n_fft"),
    ("torch.stft(torch.ones(8), 4, 0, return_complex=True)", RuntimeError, "hop_length > 0"),
    ("torch.stft(torch.ones(8), 4, win_length=5, return_complex=True)", RuntimeError, "win_length <= n_fft"),
    ("torch.stft(torch.ones(8), 4, window=torch.ones(3), return_complex=True)", RuntimeError, "1D window tensor"),
    ("torch.stft(torch.ones(1, 1, 8), 4, return_complex=True, center=False)", RuntimeError, "1D or 2D"),
    ("torch.stft(torch.ones(8) * 1j, 4, onesided=True)", RuntimeError, "Cannot have onesided output"),
    ("torch.istft(torch.ones(3, 4), 4)", RuntimeError, "requires a complex-valued input"),
    ("torch.istft(torch.ones(3, 4) * 1j, 8)", RuntimeError, "frequency dimension"),
    ("torch.istft(torch.ones(3, 4) * 1j, 4, window=torch.zeros(4))", RuntimeError, "window overlap add min"),
]  # fmt: skip


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:A window was not provided", "ignore:stft with return_complex")
@pytest.mark.parametrize(("program", "error", "message"), REFUSED, ids=[program for program, *_ in REFUSED])
def test_what_is_refused(program, error, message):
    pytorch = pytest.importorskip("torch")
    for engine in (pytorch, torch):
        with pytest.raises(error, match=message):
            eval(program, {"torch": engine})


def test_a_signal_comes_back():
    x, window = torch.randn(2, 40), torch.rand(8) + 0.5
    spectrum = torch.stft(x, 8, 2, window=window, return_complex=True)
    assert torch.allclose(torch.istft(spectrum, 8, 2, window=window), x, atol=1e-5)


def test_scipy_is_imported_with_the_first_transform():
    program = (
        "import sys, tinygrad_edu as torch; x = torch.ones(4); assert 'scipy.fft' not in sys.modules; "
        "torch.fft.fft(x); assert 'scipy.fft' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
