"""What is computed with sparse tensors, against NumPy on dense arrays and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.sparse.conftest import PLACES, dense_of, make_sparse

KINDS = sorted(PLACES)
pytestmark = [
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled"),  # PyTorch's
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state"),
]


def softmax_of_kept(x):
    kept = x != 0
    powers = np.where(kept, np.exp(x), 0)
    total = powers.sum(1, keepdims=True)
    return np.divide(powers, total, out=np.zeros_like(x), where=total > 0)


# name: the program for both engines (s is sparse, d dense of its shape, w of (columns, 2)), and the same in NumPy
OPERATIONS = {
    "to_dense": (lambda torch, s, d, w: s.to_dense(), lambda s, d, w: s),
    "coalesce": (lambda torch, s, d, w: s.coalesce(), lambda s, d, w: s),
    "sparse.mm": (lambda torch, s, d, w: torch.sparse.mm(s, w), lambda s, d, w: s @ w),
    "spmm": (lambda torch, s, d, w: torch.spmm(s, w), lambda s, d, w: s @ w),
    "torch.mm": (lambda torch, s, d, w: torch.mm(s, w), lambda s, d, w: s @ w),
    "torch.matmul": (lambda torch, s, d, w: torch.matmul(s, w), lambda s, d, w: s @ w),
    "@": (lambda torch, s, d, w: s @ w, lambda s, d, w: s @ w),
    "@ vector": (lambda torch, s, d, w: s @ w[:, 0], lambda s, d, w: s @ w[:, 0]),
    "mv": (lambda torch, s, d, w: torch.mv(s, w[:, 0]), lambda s, d, w: s @ w[:, 0]),
    "dense @": (lambda torch, s, d, w: d.t() @ s, lambda s, d, w: d.T @ s),
    "sparse @ sparse": (lambda torch, s, d, w: s @ s.t(), lambda s, d, w: s @ s.T),
    "smm": (lambda torch, s, d, w: torch.smm(s, w), lambda s, d, w: s @ w),
    "addmm": (
        lambda torch, s, d, w: torch.sparse.addmm(d[:, :2], s, w, beta=2, alpha=3),
        lambda s, d, w: 2 * d[:, :2] + 3 * (s @ w),
    ),
    "cat": (lambda torch, s, d, w: torch.cat([s, 2 * s]), lambda s, d, w: np.concatenate([s, 2 * s])),
    "cat columns": (lambda torch, s, d, w: torch.cat([s, s], -1), lambda s, d, w: np.concatenate([s, s], -1)),
    "stack": (lambda torch, s, d, w: torch.stack([s, s * 3], 1), lambda s, d, w: np.stack([s, s * 3], 1)),
    "torch.index_select": (
        lambda torch, s, d, w: torch.index_select(s, 0, torch.tensor([2, 0, 2])),
        lambda s, d, w: s[[2, 0, 2]],
    ),
    "+ sparse": (lambda torch, s, d, w: s + 2 * s, lambda s, d, w: 3 * s),
    "- sparse": (lambda torch, s, d, w: s - (s * 3), lambda s, d, w: -2 * s),
    "add alpha": (lambda torch, s, d, w: s.add(s, alpha=4), lambda s, d, w: 5 * s),
    "dense +": (lambda torch, s, d, w: d + s, lambda s, d, w: d + s),
    "* number": (lambda torch, s, d, w: s * 2.5, lambda s, d, w: 2.5 * s),
    "number *": (lambda torch, s, d, w: 2.5 * s, lambda s, d, w: 2.5 * s),
    "* dense": (lambda torch, s, d, w: s.coalesce() * d, lambda s, d, w: s * d),
    "* sparse": (lambda torch, s, d, w: s.coalesce() * s.coalesce(), lambda s, d, w: s * s),
    "/ number": (lambda torch, s, d, w: s / 4, lambda s, d, w: s / 4),
    "neg": (lambda torch, s, d, w: -s, lambda s, d, w: -s),
    "** number": (lambda torch, s, d, w: s.coalesce() ** 2, lambda s, d, w: s**2),
    "relu": (lambda torch, s, d, w: s.coalesce().relu(), lambda s, d, w: np.maximum(s, 0)),
    "tanh": (lambda torch, s, d, w: s.coalesce().tanh(), lambda s, d, w: np.tanh(s)),
    "abs": (lambda torch, s, d, w: s.coalesce().abs(), lambda s, d, w: np.abs(s)),
    "t": (lambda torch, s, d, w: s.t(), lambda s, d, w: s.T),
    "transpose": (lambda torch, s, d, w: s.transpose(0, 1) @ d, lambda s, d, w: s.T @ d),
    "unsqueeze": (lambda torch, s, d, w: s.unsqueeze(1), lambda s, d, w: s[:, None]),
    "select": (lambda torch, s, d, w: s[1], lambda s, d, w: s[1]),
    "element": (lambda torch, s, d, w: s[0, 1], lambda s, d, w: s[0, 1]),
    "index_select": (
        lambda torch, s, d, w: s.index_select(0, torch.tensor([2, 0, 2])),
        lambda s, d, w: s[[2, 0, 2]],
    ),
    "sum": (lambda torch, s, d, w: torch.sparse.sum(s), lambda s, d, w: s.sum()),
    "sum 0": (lambda torch, s, d, w: torch.sparse.sum(s, 0), lambda s, d, w: s.sum(0)),
    "sum [1]": (lambda torch, s, d, w: torch.sparse.sum(s, [1]), lambda s, d, w: s.sum(1)),
    "softmax": (lambda torch, s, d, w: torch.sparse.softmax(s, 1), lambda s, d, w: softmax_of_kept(s)),
    "log_softmax": (
        lambda torch, s, d, w: torch.sparse.log_softmax(s, 1),
        lambda s, d, w: np.log(np.where(s != 0, softmax_of_kept(s), 1)),
    ),
    "sparse_mask": (lambda torch, s, d, w: d.sparse_mask(s.coalesce()), lambda s, d, w: np.where(s != 0, d, 0)),
    "to csr": (lambda torch, s, d, w: s.to_sparse_csr(), lambda s, d, w: s),
    "csr @": (lambda torch, s, d, w: s.to_sparse_csr() @ w, lambda s, d, w: s @ w),
    "csr * number": (lambda torch, s, d, w: s.to_sparse_csr() * 3, lambda s, d, w: s * 3),
    "csr + csr": (lambda torch, s, d, w: s.to_sparse_csr() + s.to_sparse_csr(), lambda s, d, w: 2 * s),
    "norm": (lambda torch, s, d, w: s.norm(), lambda s, d, w: np.sqrt((s**2).sum())),
    "dtype": (lambda torch, s, d, w: s.to(torch.float32).float().double(), lambda s, d, w: s.astype("f4")),
    "clone": (lambda torch, s, d, w: s.clone(), lambda s, d, w: s),
}  # fmt: skip
# PyTorch 2.13 has no derivative there, or none that it can compute in this layout.
NO_DERIVATIVE_THERE = {"smm", "to csr", "csr * number", "csr + csr", "csr @", "index_select"} | {
    "tanh", "norm", "select", "unsqueeze", "cat", "cat columns", "stack", "torch.index_select"
}  # fmt: skip


def operands(torch, kind, requires_grad=False):
    rng = np.random.default_rng(1)
    size = PLACES[kind][0]
    numbers = rng.standard_normal(size), rng.standard_normal((size[1], 2))
    s, dense = make_sparse(torch, kind, requires_grad)
    d, w = (torch.tensor(x, requires_grad=requires_grad) for x in numbers)
    return (s, d, w), (dense, *numbers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_values(name, kind):
    ours, in_numpy = OPERATIONS[name]
    tensors, arrays = operands(torch, kind)
    np.testing.assert_allclose(dense_of(ours(torch, *tensors)), in_numpy(*arrays), rtol=1e-6, atol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_same_as_pytorch(reference, name, kind):
    """Layout, shape, dtype; and the gradients of a sum with weights, that of the sparse operand at its elements."""
    found = []
    has_gradient = name not in NO_DERIVATIVE_THERE and kind in ("coalesced", "empty row")
    for library in (torch, reference):
        tensors, (kept, *_) = operands(library, kind, requires_grad=has_gradient)
        y = OPERATIONS[name][0](library, *tensors)
        result = [str(y.layout), list(y.shape), str(y.dtype), dense_of(y)]
        if has_gradient:
            dense = y.to_dense()
            weights = np.arange(1.0, dense.numel() + 1).reshape(tuple(dense.shape))
            (dense * library.tensor(weights)).sum().backward()
            result += [None if x.grad is None else dense_of(x.grad) for x in tensors]
            result[4] = None if result[4] is None else np.where(kept != 0, result[4], 0)
        found.append(result)
    for ours, theirs in zip(*found, strict=True):
        if isinstance(theirs, np.ndarray):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-10)
        else:
            assert ours == theirs


@pytest.mark.torch_parity
def test_the_gradient_of_a_product_is_sparse_there_too(reference):
    found = []
    for library in (torch, reference):
        (s, _, w), _ = operands(library, "coalesced", requires_grad=True)
        library.sparse.mm(s, w).sum().backward()
        found.append((str(s.grad.layout), s.grad._indices().tolist(), s.grad._values().tolist()))
    assert found[0][:2] == found[1][:2]
    assert found[0][2] == pytest.approx(found[1][2])


@pytest.mark.gradcheck
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_gradients(name):
    """First and second derivatives with respect to the values, the dense matrix and the dense vectors."""
    tensors, _ = operands(torch, "uncoalesced")
    index, size = tensors[0]._indices(), tensors[0].shape
    values = tensors[0]._values().detach().requires_grad_()

    def program(values, d, w):
        return OPERATIONS[name][0](torch, torch.sparse_coo_tensor(index, values, size), d, w).to_dense()

    inputs = (values, tensors[1].requires_grad_(), tensors[2].requires_grad_())
    if name == "dtype":
        pytest.skip("float32 is too coarse for finite differences")
    assert torch.autograd.gradcheck(program, inputs)
    assert torch.autograd.gradgradcheck(program, inputs)


def test_sampled_addmm(reference):
    found = []
    for library in (torch, reference):
        pattern = library.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]).to_sparse_csr()
        rng = np.random.default_rng(0)
        a, b = (library.tensor(rng.standard_normal(shape).astype("f4")) for shape in ((2, 4), (4, 3)))
        found.append(dense_of(library.sparse.sampled_addmm(pattern, a, b, beta=2.0, alpha=0.5)))
    np.testing.assert_allclose(*found, rtol=1e-5)


@pytest.mark.torch_parity
def test_hybrid(reference):
    """Elements that are rows: sums, softmax and transposition along dense dimensions, too."""
    found = []
    for library in (torch, reference):
        values = library.tensor(np.random.default_rng(0).standard_normal((3, 2, 2)))
        s = library.sparse_coo_tensor(library.tensor([[1, 0, 1]]), values, (3, 2, 2))
        results = [
            s,
            s.coalesce(),
            library.sparse.sum(s, 1),
            library.sparse.sum(s, 0),
            library.sparse.sum(s, [0, 2]),
            library.sparse.softmax(s, 0),
            library.sparse.softmax(s, 2),
            values.to_sparse(1),
            values.to_sparse(2),
        ]
        found.append([(dense_of(x), x.sparse_dim(), x.dense_dim()) for x in results])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
        assert ours[1:] == theirs[1:]


def test_rows_that_are_dense_are_joined(reference):
    results = []
    for engine in (torch, reference):
        index, values = engine.tensor([[2, 0]]), engine.tensor([[1.0, 2.0], [3.0, 4.0]])
        x = engine.sparse_coo_tensor(index, values, (3, 2))
        joined = [engine.cat([x, 2 * x], 1), engine.cat([x, x]), engine.stack([x, x], 2)]
        results.append([y.to_dense().tolist() for y in joined] + [y.sparse_dim() for y in joined])
    assert results[0] == results[1]
    with pytest.raises(RuntimeError, match="expected tensors of layout torch.sparse_coo only"):
        torch.cat([torch.eye(2).to_sparse(), torch.eye(2)])
    with pytest.raises(RuntimeError, match="differ in dimension 0 alone"):
        torch.cat([torch.eye(2).to_sparse(), torch.eye(3).to_sparse()])


def test_a_matrix_of_float16_is_rounded_once():
    rows = torch.ones(1, 2000, dtype=torch.float16).to_sparse()
    column = torch.full((2000, 1), 1.0009765625, dtype=torch.float16)
    assert (rows @ column).item() == np.float16(2000 * 1.0009765625)
