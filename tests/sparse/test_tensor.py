"""What a sparse tensor is: its parts, its place in the graph, text, files, errors."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.sparse.conftest import PLACES, dense_of, make_sparse

pytestmark = [
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled"),  # PyTorch's
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state"),
]

SHOWN = {
    "coo": lambda torch: torch.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3)),
    "coalesced": lambda torch: torch.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.5]).coalesce(),
    "leaf": lambda torch: torch.sparse_coo_tensor([[0], [1]], [1.0], (2, 3), requires_grad=True),
    "past": lambda torch: torch.sparse_coo_tensor([[0], [1]], torch.ones(1, requires_grad=True)),
    "product": lambda torch: torch.sparse_coo_tensor([[0], [1]], [1.0], requires_grad=True) * 2,
    "hybrid": lambda torch: torch.sparse_coo_tensor([[0, 2]], torch.ones(2, 2)),
    "ints": lambda torch: torch.sparse_coo_tensor([[0, 2]], torch.tensor([1, 2], dtype=torch.int16)),
    "float64": lambda torch: torch.tensor([[0, 0.5]], dtype=torch.float64).to_sparse(),
    "empty": lambda torch: torch.sparse_coo_tensor(torch.zeros(1, 0).long(), torch.zeros(0, 2), (3, 2)),
    "size alone": lambda torch: torch.sparse_coo_tensor((2, 3)),
    "long": lambda torch: torch.eye(30).to_sparse(),
    "many": lambda torch: torch.ones(40, 40).to_sparse(),
    "csr": lambda torch: torch.sparse_csr_tensor([0, 1, 3], [2, 0, 1], [3.0, 4.0, 5.0]),
    "csr leaf": lambda torch: torch.sparse_csr_tensor([0, 1], [2], [3.0], (1, 3), requires_grad=True),
    "csr long": lambda torch: torch.eye(30).to_sparse_csr(),
    "zeros_like": lambda torch: torch.zeros_like(torch.eye(2).to_sparse()),
}


@pytest.mark.host("on another device, the text says so")
@pytest.mark.torch_parity
@pytest.mark.parametrize("name", SHOWN)
def test_text(reference, name):
    assert repr(SHOWN[name](torch)) == repr(SHOWN[name](reference))


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", sorted(set(SHOWN) - {"size alone"}))
def test_parts(reference, name):
    ours, theirs = SHOWN[name](torch), SHOWN[name](reference)
    facts = ("is_sparse", "is_sparse_csr", "shape", "ndim", "requires_grad", "is_leaf", "itemsize")
    for fact in facts:
        assert getattr(ours, fact) == getattr(theirs, fact), fact
    assert [str(ours.layout), str(ours.dtype)] == [str(theirs.layout), str(theirs.dtype)]
    methods = ["sparse_dim", "dense_dim", "_nnz", "numel", "is_floating_point"]
    for method in methods + ["is_coalesced"] * ours.is_sparse:
        assert getattr(ours, method)() == getattr(theirs, method)(), method
    parts = ["_indices", "_values"] if ours.is_sparse else ["crow_indices", "col_indices", "values"]
    for part in parts:
        assert getattr(ours, part)().tolist() == getattr(theirs, part)().tolist()
    assert isinstance(ours, torch.Tensor)
    assert len(ours) == len(theirs)


def test_a_leaf_collects_a_gradient_of_its_pattern():
    s, _ = make_sparse(torch, "uncoalesced", requires_grad=True)
    for times in (1, 2):
        torch.sparse.mm(s, torch.ones(4, 2, dtype=torch.float64)).sum().backward()
        assert s.grad.layout is torch.sparse_coo
        assert s.grad._indices().tolist() == s._indices().tolist()
        assert s.grad._values().tolist() == [2.0 * times] * 5
    s.grad = None
    assert s.grad is None


def test_the_gradient_goes_on_to_what_the_values_were_made_of():
    v = torch.tensor([1.0, 2.0], requires_grad=True)
    s = torch.sparse_coo_tensor([[0, 1], [1, 1]], v * v)
    s.to_dense().sum().backward()
    assert v.grad.tolist() == [2.0, 4.0]
    assert not s.is_leaf


def test_detach_and_the_own_flag():
    v = torch.ones(2)
    s = torch.sparse_coo_tensor([[0, 1]], v).requires_grad_()
    assert s.requires_grad
    assert not v.requires_grad
    assert not s.detach().requires_grad
    s._values().detach().fill_(7)
    assert v.tolist() == [7, 7]  # one memory


def test_autograd_grad_and_hooks():
    seen = []
    s = torch.eye(2).to_sparse().requires_grad_()
    s.register_hook(lambda grad: seen.append(grad.layout))
    s.register_hook(lambda grad: grad * 10)
    (grad,) = torch.autograd.grad((s * 3).to_dense().sum(), s)
    assert seen == [torch.sparse_coo]
    assert dense_of(grad).tolist() == [[30, 0], [0, 30]]
    (s * 3).backward(torch.full((2, 2), 2.0).to_sparse())
    assert dense_of(s.grad).tolist() == [[60, 0], [0, 60]]


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_copies(layout, requires_grad):
    s = make_sparse(torch, "coalesced")[0].to_sparse(layout=layout).requires_grad_(requires_grad)
    for made in (copy.deepcopy(s), pickle.loads(pickle.dumps(s))):
        assert (made.layout, made.shape, made.requires_grad) == (s.layout, s.shape, requires_grad)
        np.testing.assert_array_equal(dense_of(made), dense_of(s))
    copied = copy.deepcopy(s)
    copied._values().detach().fill_(0)
    assert s._values().tolist() != copied._values().tolist()


@pytest.mark.torch_parity
@pytest.mark.parametrize("kind", sorted(PLACES))
@pytest.mark.parametrize("layout", ["sparse_coo", "sparse_csr"])
def test_files_are_exchanged_with_pytorch(reference, kind, layout):
    for writer, reader in ((torch, reference), (reference, torch), (torch, torch)):
        made = make_sparse(writer, kind)[0]
        made = made.to_sparse_csr() if layout == "sparse_csr" else made
        file = io.BytesIO()
        writer.save({"adjacency": made}, file)
        file.seek(0)
        loaded = reader.load(file)["adjacency"]
        assert repr(loaded) == repr(made)


def test_a_forged_file_is_refused():
    """Places outside of the size would have a product write outside of its memory."""
    s = torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0])
    s._size = torch.Size((1,))
    file = io.BytesIO()
    torch.save(s, file)
    file.seek(0)
    with pytest.raises(RuntimeError, match="size is inconsistent with indices"):
        torch.load(file)


DENSE, S = torch.ones(2, 3), torch.eye(2, 3).to_sparse()
ERRORS = {
    "dense function": (lambda: torch.cos(S), NotImplementedError, "torch.sparse_coo .*to_dense"),
    "dense method": (lambda: S.exp(), NotImplementedError, "has no sparse form"),
    "numpy": (lambda: S.numpy(), TypeError, "can't convert Sparse layout tensor to numpy"),
    "uncoalesced": (lambda: torch.sparse_coo_tensor([[0, 0]], [1, 2]).values(), RuntimeError, "call .coalesce"),
    "dense values": (lambda: DENSE.values(), RuntimeError, "values expected sparse tensor layout but got Strided"),
    "dense coalesce": (lambda: DENSE.coalesce(), RuntimeError, "expected sparse coordinate tensor layout"),
    "sparse + dense": (lambda: S + DENSE, RuntimeError, r"Use add\(dense, sparse\) instead"),
    "sparse + number": (lambda: S + 1, RuntimeError, r"add\(sparse, dense\) is not supported"),
    "sparse / dense": (lambda: S / DENSE, RuntimeError, "Sparse division requires a scalar"),
    "sizes": (lambda: S + S.t(), RuntimeError, "to have same sizes"),
    "inner": (lambda: S @ DENSE, RuntimeError, r"\[2, 3\] @ \[2, 3\] \(k is 3 and 2\)"),
    "dtypes": (lambda: S @ torch.ones(3, 1, dtype=torch.float64), RuntimeError, "same dtype"),
    "outside": (lambda: torch.sparse_coo_tensor([[0, 5]], [1, 2], (3,)), RuntimeError, "size is 3 but found index 5"),
    "negative": (lambda: torch.sparse_coo_tensor([[0, -1]], [1, 2], (3,)), RuntimeError, "found negative index -1"),
    "nnz": (lambda: torch.sparse_coo_tensor([[0, 1]], [1]), RuntimeError, "must have same nnz"),
    "dimensions": (lambda: torch.sparse_coo_tensor([[0]], [1], (3, 3)), RuntimeError, "number of dimensions must be"),
    "rows": (lambda: torch.sparse_csr_tensor([0, 2, 1], [0], [1.0]), RuntimeError, "ascend from 0 to nnz"),
    "columns": (lambda: torch.sparse_csr_tensor([0, 1], [3], [1.0], (1, 3)), RuntimeError, "more than 3 columns"),
    "sparse_dim": (lambda: DENSE.to_sparse(3), RuntimeError, "range, but 3 is given"),
    "mask": (lambda: DENSE.sparse_mask(DENSE), RuntimeError, "expected mask to be a sparse Tensor"),
    "slice": (lambda: S[0:1], NotImplementedError, "expected ints to index a sparse tensor"),
    "integers": (lambda: torch.sparse_coo_tensor([[0]], [1]).requires_grad_(), RuntimeError, "floating point"),
}  # fmt: skip


@pytest.mark.host("indices are not looked at on a card")
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_in_place():
    s = torch.eye(2).to_sparse()
    same = s
    s += torch.ones(2, 2).to_sparse()
    s *= 2
    assert same is s
    assert dense_of(s).tolist() == [[4, 2], [2, 4]]
    assert s.zero_()._nnz() == 0


def test_a_module_keeps_one_as_a_buffer():
    layer = torch.nn.Module()
    layer.register_buffer("adjacency", torch.eye(2).to_sparse())
    assert layer.double().adjacency.dtype == torch.float64
    other = torch.nn.Module()
    other.register_buffer("adjacency", torch.zeros(2, 2).to_sparse())
    other.load_state_dict(layer.state_dict())
    assert dense_of(other.adjacency).tolist() == [[1, 0], [0, 1]]
    other.adjacency = torch.zeros(2, 2)
    with pytest.raises(RuntimeError, match=r"expected layout torch.strided, got torch.sparse_coo"):
        other.load_state_dict(layer.state_dict())
