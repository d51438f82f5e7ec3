"""Whatever takes an index is given every kind of index, here and in PyTorch: one result, or an error in both."""

from __future__ import annotations

import re

import pytest

import tinygrad_edu
from tests.both import agree, outcome

pytestmark = [
    pytest.mark.torch_parity,
    pytest.mark.host("values of an index are not looked at on a GPU"),
]

TAKES_AN_INDEX = [
    "x.index_select(0, {})",
    "x.index_select(1, {})",
    "x.index_add(0, {}, torch.ones({}.numel(), 4))",
    "x.index_add(-1, {}, torch.ones(3, {}.numel()), alpha=2)",
    "x.clone().index_add_(0, {}, torch.ones({}.numel(), 4))",
    "x.clone().index_copy_(0, {}, torch.ones({}.numel(), 4))",
    "x.clone().index_fill_(0, {}, 7)",
    "x.clone().index_fill_(1, {}, 7)",
    "x.clone().index_put_(({},), torch.tensor(5.0))",
    "x.clone().index_put_(({},), torch.tensor(5.0), accumulate=True)",
    "x[0].gather(0, {})",
    "x.gather(1, {}[None])",
    "x[0].scatter(0, {}, 7.0)",
    "x[0].scatter(0, {}, torch.ones({}.shape))",
    "x[0].scatter_add(0, {}, torch.ones({}.shape))",
    "x[0].clone().scatter_(0, {}, 7.0)",
    "x[0].clone().scatter_add_(0, {}, torch.ones({}.shape))",
    "torch.take_along_dim(x[0], {}, 0)",
    "torch.take_along_dim(x, {}, 1)",
    "torch.take_along_dim(x, {}[None], 1)",
    "torch.take_along_dim(x, {})",
    "torch.nn.functional.embedding({}, x)",
    "torch.nn.functional.embedding({}, x, padding_idx=-1)",
    "torch.nn.functional.one_hot({}, 4)",
    "torch.bincount({})",
    "torch.nn.functional.nll_loss(x[:{}.numel()], {})",
    "torch.nn.functional.cross_entropy(x[:{}.numel()], {})",
    "x[{}]",
    "x[:, {}]",
    "x[{}, {}]",
    "x[0, {}]",
    "x.select(0, {})",
    "x.select(-1, {})",
    "x.narrow(0, {}, 1)",
    "x[0, 0].gather(0, {})",
    "x[0, 0].scatter(0, {}, 7.0)",
    "x[0, 0].index_select(0, {})",
]

INDICES = [
    "torch.tensor([0, 2])",
    "torch.tensor([1, 1, 1])",
    "torch.tensor([-1])",
    "torch.tensor([-3, 0])",
    "torch.tensor([3])",
    "torch.tensor([-4, 1])",
    "torch.tensor([-5])",
    "torch.tensor([10**6])",
    "torch.tensor([2**62])",
    "torch.tensor([0, 1], dtype=torch.int32)",
    "torch.tensor([0, 1], dtype=torch.int16)",
    "torch.tensor([1, 0, 1], dtype=torch.uint8)",
    "torch.tensor([1.0])",
    "torch.tensor([True, False, True])",
    "torch.tensor([], dtype=torch.int64)",
    "torch.tensor([])",
    "torch.tensor(1)",
    "torch.tensor(-1)",
    "torch.tensor(7)",
    "torch.tensor(1.0)",
    "torch.tensor(True)",
    "torch.tensor([[0, 1], [2, 0]])",
    "torch.zeros(2, 0, dtype=torch.int64)",
]

# Where we do something else, and why; patterns of "call | index".
KNOWN = {
    r"take_along_dim.*, [01]\) \| .*(-5|10\*\*6|2\*\*62)": "PyTorch counts round and round; here it is an error",
    r"(nll_loss|cross_entropy).* \| .*dtype=torch.int(32|16)": "classes may be of a smaller integer dtype here",
    r"select\(-?[01], {}\) \| torch.tensor\(True\)": "True is 1 as an index of Python, too",
    r"index_put_.*torch.tensor\(5.0\)\) \| .*uint8": "a mask of bytes is deprecated there, and refused by this one",
    r"accumulate=True\) \| torch.tensor\(True\)": "a mask without dimensions is not implemented there",
}

CASES = [
    (call, index)
    for call in TAKES_AN_INDEX
    for index in INDICES
    if not any(re.search(pattern, f"{call} | {index}") for pattern in KNOWN)
]


def kind(result):
    """Return an outcome; PyTorch's classes of errors of an index depend on the number of dimensions."""
    return "refused" if result[0] == "error" else result


@pytest.mark.parametrize(("call", "index"), CASES)
def test_same_result_or_refused_in_both(call, index):
    torch = pytest.importorskip("torch")
    expression = re.sub(r"\bx\b", "torch.arange(12.0).reshape(3, 4)", call.replace("{}", index))
    ours, theirs = outcome(expression, tinygrad_edu), outcome(expression, torch)
    assert agree(kind(ours), kind(theirs)), f"{expression}\n  here:    {ours}\n  PyTorch: {theirs}"


@pytest.mark.parametrize(
    "call",
    [
        lambda torch, x: torch.take_along_dim(x, torch.tensor([[-1], [0], [-4]]), 1),
        lambda torch, x: torch.take_along_dim(x, torch.tensor([[2, -1]]), 1),
        lambda torch, x: torch.take_along_dim(x[:1], torch.tensor([[2], [0]]), 1),
        lambda torch, x: torch.take_along_dim(x, torch.tensor([3, 3])),
        lambda torch, x: x[0].scatter(0, torch.tensor(1), x[1, 2]),
        lambda torch, x: x[0, 0].gather(0, torch.tensor([0, 0])),
    ],
)
def test_the_gradient_goes_back_where_the_elements_were(call):
    torch = pytest.importorskip("torch")
    gradients = []
    for library in (tinygrad_edu, torch):
        x = library.arange(12.0).reshape(3, 4).requires_grad_()
        y = call(library, x)
        (y * library.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]
