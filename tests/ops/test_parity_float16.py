"""The table of operations in float16 against PyTorch: values, gradients, shapes and dtypes."""

from __future__ import annotations

import pytest

from tests.ops.op_table import ids, prepare
from tests.ops.test_parity_torch import WITH_PARITY, check_gradients, check_same, torch_call

pytestmark = [pytest.mark.torch_parity, pytest.mark.filterwarnings("ignore:Using padding='same'")]

TOLERANCE = 2e-3  # two steps of float16
REFUSALS = ("not implemented for 'Half'", "either float or double")
GRADIENT_TOLERANCE = 2e-2  # PyTorch rounds after each of its kernels


def require_refusal(error):
    """Raise unless it says that PyTorch's CPU can do less than ours."""
    if not any(text in str(error) for text in REFUSALS):
        raise error


@pytest.mark.parametrize(("entry", "sample"), WITH_PARITY, ids=ids(WITH_PARITY))
def test_like_torch(entry, sample):
    try:
        other, expected = torch_call(entry, sample, "float16")
    except (RuntimeError, NotImplementedError) as error:
        require_refusal(error)
        return
    call, run = prepare(entry, sample, dtype="float16")
    found = run()
    check_same(found, expected, TOLERANCE, sample.label)
    if entry.torch_gradient:
        try:
            check_gradients(call, found, other, expected, GRADIENT_TOLERANCE, sample.label)
        except (RuntimeError, NotImplementedError) as error:
            require_refusal(error)
