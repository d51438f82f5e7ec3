"""In what order the elements of results lie in memory, for ``view`` to take them where PyTorch's does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.device import tensor_from_array
from tests.ops.op_table import TABLE, torch_function
from tests.ops.samples import Call, flatten
from tinygrad_edu import ops

pytestmark = [
    pytest.mark.torch_parity,
    pytest.mark.host("looks at NumPy's memory"),
    pytest.mark.filterwarnings(
        "ignore:Using padding='same'",
        "ignore:index_reduce",
        r"ignore:torch\.\w+ is deprecated",
        "ignore:.*non-contiguous",
    ),
]
torch = pytest.importorskip("torch")

IN_ROWS = {
    name: reason
    for reason, names in {
        "LAPACK's matrices lie in columns, and PyTorch leaves them so": """
            cholesky cholesky_inverse cholesky_solve geqrf inverse linalg.cholesky linalg.cholesky_ex linalg.eig
            linalg.eigh linalg.householder_product linalg.inv linalg.inv_ex linalg.ldl_factor linalg.ldl_factor_ex
            linalg.ldl_solve linalg.lstsq linalg.lu_factor linalg.lu_factor_ex linalg.lu_solve linalg.qr linalg.solve
            linalg.solve_ex linalg.solve_triangular linalg.svd linalg.tensorinv lu lu_solve orgqr ormqr qr svd
            triangular_solve""",
        "the kernel writes rows": "erf gelu mish relu sigmoid silu softplus binary_cross_entropy_with_logits",
        "PyTorch's has the order of the first operand, NumPy's only one that all of them have": "addcdiv addcmul addr",
        "sorted and replaced in rows": "argsort as_strided_scatter index_put msort put sort",
        "PyTorch's are columns of one matrix": "argwhere nonzero unravel_index",
        "PyTorch's is a view, or made of views": "einsum kron",
    }.items()
    for name in names.split()
}
"""The operations whose results lie in rows where PyTorch's do not, and why."""


def reversed_order(array):
    return np.asfortranarray(array)


def rotated_order(array):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, 0)), 0, -1) if array.ndim else array


LAYOUTS = {"rows": np.ascontiguousarray, "reversed": reversed_order, "rotated": rotated_order}


def strides(tensor):
    """Return the strides that mean something: of sizes above 1, if there are elements."""
    sizes = tuple(tensor.shape)
    return [step for size, step in zip(sizes, tensor.stride(), strict=True) if size > 1 and 0 not in sizes]


def samples_of(entry, dtype):
    """Return the calls that can be made with numbers of a dtype; arrays in the table are for floating-point ones."""
    if dtype == "float32":
        return entry.samples
    return [s for s in entry.samples if entry.integers and not any(isinstance(x, np.ndarray) for x in s.args)]


def results(entry, sample, layout, dtype):
    """Return the pairs of results, here and in PyTorch; none where PyTorch refuses, such as a view that cannot be."""
    other = Call(sample, lambda array, grad: torch.as_tensor(array), dtype, layout)
    try:
        expected = flatten(other.run(torch_function(entry, torch)))
    except RuntimeError:
        return []
    call = Call(sample, lambda array, grad: tensor_from_array(array), dtype, layout)
    found = flatten(call.run(entry.call or getattr(ops, entry.name)))
    return [(a, b) for a, b in zip(found, expected, strict=True) if hasattr(b, "stride")]


def test_results_lie_as_in_pytorch():
    """What lies in rows in PyTorch does so here, and can be seen by ``view``; the rest is alike but for ``IN_ROWS``."""
    wrong, different = [], set()
    for entry, dtype, layout in itertools.product(TABLE, ["float32", "int64"], LAYOUTS):
        for sample in samples_of(entry, dtype) if entry.parity else []:
            for a, b in results(entry, sample, LAYOUTS[layout], dtype):
                if strides(a) != strides(b):
                    different.add(entry.name)
                    if entry.name not in IN_ROWS or b.is_contiguous():
                        wrong.append(
                            f"{sample.label} {dtype} {layout}: {a.stride()}, in PyTorch {b.stride()}"
                        )
    assert not wrong, "\n".join(wrong)
    assert different == set(IN_ROWS)
