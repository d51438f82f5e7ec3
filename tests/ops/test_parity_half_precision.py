"""The table of operations in half precision against PyTorch: values, gradients, shapes and dtypes."""

from __future__ import annotations

import pytest

from tests.ops.op_table import ids, prepare
from tests.ops.test_parity_torch import WITH_PARITY, check_gradients, check_same, torch_call

pytestmark = [
    pytest.mark.torch_parity,
    pytest.mark.filterwarnings("ignore:Using padding='same'", r"ignore:torch\.\w+ is deprecated"),
]

REFUSALS = (
    "Low precision dtypes not supported",
    "handle types other than float and double",
    "of float, double, cfloat or cdouble",
    "not implemented for 'Half'",
    "not implemented for 'BFloat16'",
    "either float or double",
)
# Two steps of the dtype; and more of them for gradients, which PyTorch rounds after each of its kernels.
TOLERANCES = [
    ("float16", 2e-3, 2e-2),
    pytest.param("bfloat16", 1.6e-2, 1.6e-1, marks=pytest.mark.host("a GPU has no bfloat16")),
]


# PyTorch's exponential of a matrix of half precision is infinite, whatever the matrix; it has no vander of it, and its
# lu_unpack takes what no decomposition gives.
NOT_COMPARED = ("matrix_exp", "linalg.matrix_exp", "linalg.vander", "lu_unpack")
COMPARED = [(entry, sample) for entry, sample in WITH_PARITY if entry.name not in NOT_COMPARED]


def require_refusal(error):
    """Raise unless it says that PyTorch's CPU can do less than ours."""
    if not any(text in str(error) for text in REFUSALS):
        raise error


@pytest.mark.filterwarnings("ignore:index_reduce.. is in beta")
@pytest.mark.parametrize(("entry", "sample"), COMPARED, ids=ids(COMPARED))
@pytest.mark.parametrize(("dtype", "tolerance", "gradient_tolerance"), TOLERANCES)
def test_like_torch(entry, sample, dtype, tolerance, gradient_tolerance):
    try:
        other, expected = torch_call(entry, sample, dtype)
    except (RuntimeError, NotImplementedError) as error:
        require_refusal(error)
        return
    call, run = prepare(entry, sample, dtype=dtype)
    found = run()
    check_same(found, expected, tolerance, sample.label)
    if entry.torch_gradient:
        try:
            check_gradients(call, found, other, expected, gradient_tolerance, sample.label)
        except (RuntimeError, NotImplementedError) as error:
            require_refusal(error)
