"""What an operation says about arguments it cannot work with: what it expected, and what it got."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import ops


def zeros(*shape, dtype=torch.float32):
    return torch.zeros(shape, dtype=dtype)


def ints(*shape):
    return zeros(*shape, dtype=torch.int64)


# (name, call, kind of error, what the message must contain)
SHAPES = [
    (
        "add",
        lambda: ops.add(zeros(2, 3), zeros(2)),
        RuntimeError,
        ["(3)", "(2)", "[2, 3] and [2]", "dimension 1"],
    ),
    ("where", lambda: ops.where(zeros(2) > 0, zeros(3), 0.0), RuntimeError, ["[2]", "[3]"]),
    (
        "matmul",
        lambda: ops.matmul(zeros(2, 3), zeros(4, 5)),
        RuntimeError,
        ["[2, 3] @ [4, 5]", "k is 3 and 4"],
    ),
    ("matmul of numbers", lambda: ops.matmul(zeros(), zeros(2)), RuntimeError, ["at least 1D", "0D and 1D"]),
    (
        "matmul of batches",
        lambda: ops.matmul(zeros(2, 3, 3), zeros(3, 3, 3)),
        RuntimeError,
        ["[2, 3, 3]", "[3, 3, 3]"],
    ),
    ("mm", lambda: ops.mm(zeros(2), zeros(2, 2)), RuntimeError, ["2D", "1D", "[2]"]),
    ("bmm", lambda: ops.bmm(zeros(2, 3, 3), zeros(1, 3, 3)), RuntimeError, ["[2, 3, 3]", "[1, 3, 3]"]),
    ("linear", lambda: ops.linear(zeros(2, 3), zeros(4, 5)), RuntimeError, ["(*, 5)", "[2, 3]", "[4, 5]"]),
    ("linear bias", lambda: ops.linear(zeros(2, 3), zeros(4, 3), zeros(3)), RuntimeError, ["(4,)", "[3]"]),
    ("reshape", lambda: ops.reshape(zeros(2, 3), (4, 2)), RuntimeError, ["[4, 2]", "size 6"]),
    (
        "reshape with two -1",
        lambda: ops.reshape(zeros(2, 3), (-1, -1)),
        RuntimeError,
        ["only one", "[-1, -1]"],
    ),
    ("view", lambda: zeros(2, 3).t().view(6), RuntimeError, ["[3, 2]", "[6]", ".reshape"]),
    ("expand", lambda: zeros(2).expand(3), RuntimeError, ["(3)", "(2)", "[2]"]),
    ("permute", lambda: ops.permute(zeros(2, 3), (0, 0)), RuntimeError, ["2 dimensions", "[0, 0]"]),
    ("cat", lambda: ops.cat([zeros(2, 3), zeros(3, 2)]), RuntimeError, ["2", "3"]),
    ("stack", lambda: ops.stack([zeros(2), zeros(3)]), RuntimeError, ["[2]", "[3]", "entry 1"]),
    ("split", lambda: ops.split(zeros(5), [2, 2]), RuntimeError, ["5", "[2, 2]"]),
    (
        "conv2d channels",
        lambda: ops.conv2d(zeros(1, 3, 5, 5), zeros(2, 4, 3, 3)),
        RuntimeError,
        ["4 channels", "3 channels"],
    ),
    ("conv2d size", lambda: ops.conv2d(zeros(1, 3, 2, 5), zeros(2, 3, 3, 3)), RuntimeError, ["(2)", "(3)"]),
    (
        "conv2d kernel of size 0",
        lambda: ops.conv2d(zeros(1, 3, 5, 5), zeros(2, 3, 0, 3)),
        RuntimeError,
        ["greater than zero", "(0, 3)"],
    ),
    (
        "conv_transpose2d kernel of size 0",
        lambda: ops.conv_transpose2d(zeros(1, 3, 5, 5), zeros(3, 2, 3, 0)),
        RuntimeError,
        ["greater than zero", "(3, 0)"],
    ),
    (
        "conv2d dims",
        lambda: ops.conv2d(zeros(5, 5), zeros(2, 3, 3, 3)),
        RuntimeError,
        ["[5, 5]", "[2, 3, 3, 3]"],
    ),
    (
        "conv2d bias",
        lambda: ops.conv2d(zeros(1, 3, 5, 5), zeros(2, 3, 3, 3), zeros(3)),
        RuntimeError,
        ["2 elements", "[3]"],
    ),
    (
        "conv2d stride",
        lambda: ops.conv2d(zeros(1, 3, 5, 5), zeros(2, 3, 3, 3), stride=(1, 2, 3)),
        RuntimeError,
        ["2 ints", "(1, 2, 3)"],
    ),
    ("max_pool2d", lambda: ops.max_pool2d(zeros(1, 1, 2, 2), 3), RuntimeError, ["3", "2"]),
    (
        "max_pool2d padding",
        lambda: ops.max_pool2d(zeros(1, 1, 4, 4), 2, padding=2),
        RuntimeError,
        ["pad=2", "kernel_size=2"],
    ),
    ("avg_pool2d dims", lambda: ops.avg_pool2d(zeros(4, 4), 2), RuntimeError, ["3D or 4D", "[4, 4]"]),
    ("layer_norm", lambda: ops.layer_norm(zeros(2, 3), (4,)), RuntimeError, ["[4]", "[2, 3]"]),
    ("layer_norm weight", lambda: ops.layer_norm(zeros(2, 3), (3,), zeros(2)), RuntimeError, ["[3]", "[2]"]),
    (
        "batch_norm",
        lambda: ops.batch_norm(zeros(2, 3), zeros(4), zeros(4)),
        RuntimeError,
        ["running_mean", "3", "[4]"],
    ),
    ("group_norm", lambda: ops.group_norm(zeros(2, 3, 4), 2), RuntimeError, ["[2, 3, 4]", "num_groups=2"]),
    ("cross_entropy target", lambda: ops.cross_entropy(zeros(4, 3), ints(5)), ValueError, ["[4]", "[5]"]),
    (
        "cross_entropy weight",
        lambda: ops.cross_entropy(zeros(4, 3), ints(4), zeros(2)),
        RuntimeError,
        ["3 classes", "[2]"],
    ),
    (
        "binary_cross_entropy",
        lambda: ops.binary_cross_entropy(zeros(2), zeros(3)),
        ValueError,
        ["[2]", "[3]"],
    ),
    ("embedding", lambda: ops.embedding(ints(2), zeros(3)), RuntimeError, ["2-D", "[3]"]),
    ("gather", lambda: ops.gather(zeros(2, 2), 0, ints(2)), RuntimeError, ["2", "1"]),
    (
        "scatter",
        lambda: ops.scatter(zeros(2, 2), 0, ints(2, 2), zeros(1, 2)),
        RuntimeError,
        ["[2, 2]", "[1, 2]"],
    ),
    (
        "index_add",
        lambda: ops.index_add(zeros(3, 2), 0, ints(2), zeros(3, 2)),
        RuntimeError,
        ["[2, 2]", "[3, 2]"],
    ),
    (
        "einsum",
        lambda: ops.einsum("ij,jk->ik", zeros(2, 3), zeros(4, 2)),
        RuntimeError,
        ["subscript j", "3", "4"],
    ),
    ("pad", lambda: ops.pad(zeros(2), (1, 1, 1)), RuntimeError, ["[1, 1, 1]"]),
    ("setitem", lambda: torch.zeros(3).__setitem__(slice(None), zeros(2)), RuntimeError, ["[2]", "[3]"]),
]

DIMENSIONS = [
    ("sum", lambda: ops.sum(zeros(2, 3), 2), IndexError, ["[-2, 1]", "got 2"]),
    ("softmax", lambda: ops.softmax(zeros(2, 3), -3), IndexError, ["[-2, 1]", "got -3"]),
    ("max", lambda: ops.max(zeros(2, 3), 5), IndexError, ["[-2, 1]", "got 5"]),
    ("mean", lambda: ops.mean(zeros(2, 3), (0, 0)), RuntimeError, ["once", "(0, 0)"]),
    ("transpose", lambda: ops.transpose(zeros(2, 3), 0, 2), IndexError, ["[-2, 1]", "got 2"]),
    ("unsqueeze", lambda: ops.unsqueeze(zeros(2), 3), IndexError, ["[-2, 1]", "got 3"]),
    ("cumsum", lambda: ops.cumsum(zeros(2), "a"), TypeError, ["int", "str"]),
    ("flatten", lambda: ops.flatten(zeros(2, 3), 1, 0), RuntimeError, ["start_dim"]),
    ("narrow", lambda: ops.narrow(zeros(3), 0, 2, 2), RuntimeError, ["(2)", "(3)"]),
    ("select", lambda: ops.select(zeros(3), 0, 3), IndexError, ["3", "[3]"]),
    ("topk", lambda: ops.topk(zeros(3), 4), RuntimeError, ["k=4", "size 3"]),
    ("amax", lambda: ops.amax(zeros(0, 3)), RuntimeError, ["at least one element", "[0, 3]"]),
    ("argmax", lambda: ops.argmax(zeros(0)), IndexError, ["at least one element", "[0]"]),
    ("index", lambda: zeros(3)[3], IndexError, ["3"]),
    ("too many indices", lambda: zeros(3)[0, 0], IndexError, ["too many"]),
]

DTYPES = [
    ("mean", lambda: ops.mean(ints(2)), RuntimeError, ["floating point", "torch.int64"]),
    ("var", lambda: ops.var(ints(2)), RuntimeError, ["floating-point", "int64"]),
    (
        "matmul",
        lambda: ops.matmul(zeros(2, 2), zeros(2, 2, dtype=torch.float64)),
        RuntimeError,
        ["float32", "float64"],
    ),
    (
        "linear",
        lambda: ops.linear(zeros(2, 2), zeros(2, 2, dtype=torch.float64)),
        RuntimeError,
        ["float32", "float64"],
    ),
    (
        "conv2d",
        lambda: ops.conv2d(zeros(1, 1, 3, 3), zeros(1, 1, 2, 2, dtype=torch.float64)),
        RuntimeError,
        ["float32", "float64"],
    ),
    ("where", lambda: ops.where(ints(2), zeros(2), zeros(2)), RuntimeError, ["boolean", "int64"]),
    ("masked_fill", lambda: ops.masked_fill(zeros(2), ints(2), 0), RuntimeError, ["boolean", "int64"]),
    (
        "masked_fill value",
        lambda: ops.masked_fill(ints(2), zeros(2) == 0, float("nan")),
        RuntimeError,
        ["int64", "nan"],
    ),
    ("gather", lambda: ops.gather(zeros(2), 0, zeros(2)), RuntimeError, ["int64", "float32"]),
    ("embedding", lambda: ops.embedding(zeros(2), zeros(3, 2)), RuntimeError, ["int64", "float32"]),
    ("one_hot", lambda: ops.one_hot(zeros(2)), RuntimeError, ["LongTensor", "float32"]),
    ("cross_entropy", lambda: ops.cross_entropy(zeros(2, 3), zeros(2) > 0), RuntimeError, ["Long", "bool"]),
    ("nll_loss", lambda: ops.nll_loss(zeros(2, 3), zeros(2)), RuntimeError, ["Long", "float32"]),
    ("sub of masks", lambda: ops.sub(zeros(2) > 0, zeros(2) > 0), RuntimeError, ["bool", "^"]),
    ("neg of a mask", lambda: -(zeros(2) > 0), RuntimeError, ["bool", "~"]),
    ("bitwise_and", lambda: ops.bitwise_and(zeros(2), zeros(2)), RuntimeError, ["integers", "float32"]),
    ("bitwise_not", lambda: ops.bitwise_not(zeros(2)), RuntimeError, ["integers", "float32"]),
    ("pow", lambda: ops.pow(ints(2), -1), RuntimeError, ["negative", "-1"]),
    ("floor_divide", lambda: ops.floor_divide(ints(2), 0), RuntimeError, ["zero"]),
    ("remainder", lambda: ops.remainder(ints(2), 0), RuntimeError, ["zero"]),
    ("float index", lambda: zeros(3)[torch.tensor([0.5])], IndexError, ["long", "float32"]),
    (
        "class weights that need a gradient",
        lambda: ops.cross_entropy(zeros(2, 3), ints(2), zeros(3).requires_grad_()),
        RuntimeError,
        ["weight", "detach"],
    ),
    ("bincount", lambda: ops.bincount(torch.tensor([-1])), RuntimeError, ["non-negative"]),
]

ARGUMENTS = [
    ("add", lambda: ops.add(zeros(2), "a"), TypeError, ["add", "number", "str"]),
    ("exp", lambda: ops.exp([1.0]), TypeError, ["exp", "Tensor", "list"]),
    ("sum", lambda: ops.sum(1.0), TypeError, ["sum", "Tensor", "float"]),
    ("cat", lambda: ops.cat([zeros(2), 1.0]), TypeError, ["Tensor", "element 1", "float"]),
    ("cat of nothing", lambda: ops.cat([]), ValueError, ["non-empty"]),
    ("cat of one tensor", lambda: ops.cat(zeros(2)), TypeError, ["tuple of Tensors"]),
    ("clamp", lambda: ops.clamp(zeros(2)), RuntimeError, ["min", "max"]),
    ("div", lambda: ops.div(zeros(2), 2, rounding_mode="up"), RuntimeError, ["trunc", "floor", "up"]),
    ("gelu", lambda: ops.gelu(zeros(2), "erf"), RuntimeError, ["none", "tanh", "erf"]),
    ("norm", lambda: ops.norm(zeros(2), "nuc"), RuntimeError, ["two dimensions", "nuc"]),
    ("pad", lambda: ops.pad(zeros(2), (1, 1), "mirror"), NotImplementedError, ["mirror", "reflect"]),
    (
        "mse_loss",
        lambda: ops.mse_loss(zeros(2), zeros(2), reduction="average"),
        ValueError,
        ["average", "mean", "sum", "none"],
    ),
    ("huber_loss", lambda: ops.huber_loss(zeros(2), zeros(2), delta=0), RuntimeError, ["delta", "0"]),
    (
        "label_smoothing",
        lambda: ops.cross_entropy(zeros(2, 3), ints(2), label_smoothing=1.5),
        RuntimeError,
        ["0.0 and 1.0", "1.5"],
    ),
    ("dropout", lambda: ops.dropout(zeros(2), 1.5), ValueError, ["between 0 and 1", "1.5"]),
    (
        "conv padding",
        lambda: ops.conv2d(zeros(1, 1, 3, 3), zeros(1, 1, 2, 2), padding="full"),
        ValueError,
        ["full", "same"],
    ),
    (
        "same with stride",
        lambda: ops.conv2d(zeros(1, 1, 3, 3), zeros(1, 1, 2, 2), stride=2, padding="same"),
        RuntimeError,
        ["strided"],
    ),
    (
        "batch_norm",
        lambda: ops.batch_norm(zeros(1, 3), None, None, training=True),
        ValueError,
        ["more than 1 value", "[1, 3]"],
    ),
    ("negative step", lambda: zeros(3)[::-1], ValueError, ["greater than zero"]),
    ("index by a string", lambda: zeros(3)["a"], TypeError, ["str"]),
    ("einsum operands", lambda: ops.einsum("ij,jk", zeros(2, 2)), RuntimeError, ["2 operands", "got 1"]),
    ("einsum output", lambda: ops.einsum("ij->ik", zeros(2, 2)), RuntimeError, ["output", "ij->ik"]),
]

# Nobody looks at the numbers of a GPU: the host would have to wait for them.
VALUES = [
    (
        "cross_entropy int8 target",
        lambda: ops.cross_entropy(zeros(1, 300), torch.tensor([-1], dtype=torch.int8)),
        IndexError,
        ["Target -1", "299"],
    ),
    (
        "cross_entropy uint8 target",
        lambda: ops.cross_entropy(zeros(1, 200), torch.tensor([200], dtype=torch.uint8)),
        IndexError,
        ["Target 200", "199"],
    ),
    ("embedding", lambda: ops.embedding(ints(2) + 5, zeros(3, 2)), IndexError, ["0 to 2", "5"]),
    ("cross_entropy", lambda: ops.cross_entropy(zeros(2, 3), ints(2) + 7), IndexError, ["0 to 2", "7"]),
    ("gather", lambda: ops.gather(zeros(2), 0, ints(1) + 2), RuntimeError, ["2", "size 2"]),
    (
        "out of memory of a probability",
        lambda: ops.binary_cross_entropy(zeros(2) + 2, zeros(2)),
        RuntimeError,
        ["0 and 1", "2.0"],
    ),
]

CASES = [*SHAPES, *DIMENSIONS, *DTYPES, *ARGUMENTS, *VALUES]
MARKED = [
    *CASES[: -len(VALUES)],
    *(pytest.param(*case, marks=pytest.mark.host("checks of values")) for case in VALUES),
]


@pytest.mark.parametrize(
    ("name", "call", "error", "parts"), MARKED, ids=[case[0].replace(" ", "_") for case in CASES]
)
def test_the_message_names_what_was_expected_and_what_came(name, call, error, parts):
    with pytest.raises(error) as raised:
        call()
    missing = [part for part in parts if part not in str(raised.value)]
    assert not missing, f"{missing} not in: {raised.value}"


def test_a_different_target_size_warns():
    for loss in (ops.mse_loss, ops.l1_loss, ops.huber_loss, ops.smooth_l1_loss):
        with pytest.warns(
            UserWarning, match=r"target size \(torch.Size\(\[4, 1\]\)\).*input size \(torch.Size\(\[4\]\)\)"
        ):
            loss(zeros(4), zeros(4, 1))


def test_kl_div_warns_about_its_mean():
    with pytest.warns(UserWarning, match="batchmean"):
        ops.kl_div(zeros(2), zeros(2) + 0.5)


class ArrayElsewhere:
    """Stands for an array on another device: all that the check looks at."""

    def __init__(self, array):
        self.array, self.device = array, type("Device", (), {"id": 1})()
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim


@pytest.mark.parametrize("name", ["add", "mul", "matmul", "maximum", "linear"])
def test_mixing_devices_names_both(name):
    far = torch.tensor(np.zeros((2, 2), np.float32))
    far.array = ArrayElsewhere(far.array)
    with pytest.raises(RuntimeError, match=r"same device, got \[2, 2\] on (cpu|cuda:0), \[2, 2\] on cuda:1"):
        getattr(ops, name)(zeros(2, 2), far)


def test_a_copy_of_another_shape_names_both():
    with pytest.raises(RuntimeError, match=r"\[4\].*\[2, 3\]|\[2, 3\].*\[4\]"):
        torch.zeros(2, 3).copy_(torch.zeros(4))
