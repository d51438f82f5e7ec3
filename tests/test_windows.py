"""Windows: against SciPy's, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal.windows

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu.signal import windows

# Options here, and the window of SciPy's that must come out.
WINDOWS = {
    "bartlett": ({}, "bartlett"),
    "blackman": ({}, "blackman"),
    "cosine": ({}, "cosine"),
    "exponential": ({"tau": 2.0}, ("exponential", None, 2.0)),
    "gaussian": ({"std": 1.5}, ("gaussian", 1.5)),
    "general_cosine": ({"a": [0.5, 0.3, 0.2]}, ("general_cosine", [0.5, 0.3, 0.2])),
    "general_hamming": ({"alpha": 0.7}, ("general_hamming", 0.7)),
    "hamming": ({}, "hamming"),
    "hann": ({}, "hann"),
    "kaiser": ({"beta": 5.0}, ("kaiser", 5.0)),
    "nuttall": ({}, "nuttall"),
}


@pytest.mark.parametrize("sym", [True, False])
@pytest.mark.parametrize("M", [0, 1, 2, 7, 8])
@pytest.mark.parametrize("name", WINDOWS)
def test_like_scipy(name, M, sym):
    options, theirs = WINDOWS[name]
    found = getattr(windows, name)(M, sym=sym, dtype=torch.float64, **options)
    expected = scipy.signal.windows.get_window(theirs, M, fftbins=not sym) if M else np.zeros(0)
    np.testing.assert_allclose(to_numpy(found), expected, atol=5e-7 if name == "nuttall" else 1e-12)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("M", [0, 1, 2, 7])
@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hann", "kaiser"])
def test_what_torch_itself_has_is_the_same(name, M, periodic):
    found = getattr(torch, f"{name}_window")(M, periodic, dtype=torch.float64)
    expected = getattr(windows, name)(M, sym=not periodic, dtype=torch.float64)
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))


def test_options():
    window = torch.hamming_window(4, False, 0.5, 0.25, dtype=torch.float16, requires_grad=True)
    assert window.dtype is torch.float16
    assert window.requires_grad
    np.testing.assert_allclose(window.tolist(), [0.25, 0.625, 0.625, 0.25])
    assert torch.hann_window(3).dtype is torch.get_default_dtype()
    np.testing.assert_allclose(
        windows.exponential(3, center=0.0, sym=False, dtype=torch.float64).tolist(), np.exp([0, -1, -2])
    )


REFUSED = {
    "a negative length": (lambda: windows.hann(-1), ValueError, "non-negative window length"),
    "integers": (lambda: windows.hann(3, dtype=torch.int64), ValueError, "expects float32 or float64"),
    "tau": (lambda: windows.exponential(3, tau=0.0), ValueError, "Tau must be positive"),
    "a center": (lambda: windows.exponential(3, center=1.0), ValueError, "Center must be None"),
    "std": (lambda: windows.gaussian(3, std=-1.0), ValueError, "must be positive"),
    "beta": (lambda: windows.kaiser(3, beta=-1.0), ValueError, "must be non-negative"),
    "no list": (lambda: windows.general_cosine(3, a=0.5), TypeError, "must be a list/tuple"),
    "an empty list": (lambda: windows.general_cosine(3, a=[]), ValueError, "cannot be empty"),
    "torch: a negative length": (lambda: torch.hann_window(-1), RuntimeError, "non-negative window_length"),
    "torch: integers": (
        lambda: torch.hann_window(3, dtype=torch.int64),
        RuntimeError,
        "floating point dtypes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()
