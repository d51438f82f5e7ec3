"""The real CuPy, which can be imported without a card: is it the one that the stand-in obeys?

Skipped where CuPy is not installed: python -m pip install -e '.[gpu]'.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

import tinygrad_edu as torch
from tests.gpu.standin import freeze
from tests.gpu.standin.api import API
from tests.gpu.standin.install import is_installed

if importlib.util.find_spec("cupy") is None or is_installed():
    pytest.skip("CuPy is not installed (python -m pip install -e '.[gpu]')", allow_module_level=True)

WITHOUT_A_CARD = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def test_the_frozen_names_are_those_of_the_installed_version():
    """Another version of CuPy may differ: then `python -m tests.gpu.standin.freeze`, and look at the difference."""
    import cupy

    if cupy.__version__ != API["version"]:
        pytest.skip(f"CuPy {cupy.__version__} is installed, {API['version']} was frozen")
    found = freeze.freeze()
    assert set(found) == set(API)
    for space, names in API.items():
        if space != "version":
            differing = {n: (names.get(n), found[space].get(n)) for n in {*names, *found[space]}}
            assert {n: both for n, both in differing.items() if both[0] != both[1]} == {}, space


@WITHOUT_A_CARD
def test_without_a_card_it_says_what_to_do():
    import cupy

    assert not cupy.cuda.is_available()
    for ask in (lambda: torch.zeros(1, device="cuda"), torch.cuda.synchronize, lambda: torch.ones(1).cuda()):
        with pytest.raises(RuntimeError, match="CUDA is not available: ") as error:
            ask()
        assert "nvidia" in str(error.value).lower()


@WITHOUT_A_CARD
def test_importing_the_package_imports_no_cupy():
    program = "import sys, tinygrad_edu; sys.exit('cupy' in sys.modules or 'numba.cuda' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False)
    assert done.returncode == 0


def test_the_switch_of_tf32_is_there():
    """It has no public name, so it may go. (To set it, CuPy asks the card what it can do.)"""
    from cupy._core import _routines_linalg as linalg

    assert callable(linalg.set_compute_type)
    assert linalg.COMPUTE_TYPE_TF32 != linalg.COMPUTE_TYPE_DEFAULT


def test_kernels_are_compiled_when_they_run_and_not_before():
    """A decorator with a signature would need a card at import."""
    from tinygrad_edu_kernels.dropout import cuda

    assert callable(cuda.dropout)
