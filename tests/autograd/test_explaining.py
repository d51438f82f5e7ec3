"""What an error says of the user's program: each kind of mistake is made, and the note is read.

The errors keep the type and the message that they have anyway; other tests are about those.
"""

from __future__ import annotations

import functools
import linecache
import pickle
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.autograd.errors import explaining
from tinygrad_edu.autograd.errors.explaining import explained, short_path
from tinygrad_edu.autograd.errors.hints import Operand, hint_for

pytestmark = pytest.mark.host("the text would name the device")

F = nn.functional
HERE = short_path(__file__)


def zeros(*shape, **options):
    return torch.zeros(*shape, **options)


def note_of(source, text="", **values):
    """Return the note of the error that an expression raises, whose file has this text."""
    program = compile(source, "<expression>", "exec")
    linecache.cache["<expression>"] = (len(text), None, text.splitlines(keepends=True), "<expression>")
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            exec(program, {"torch": torch, "F": F, "nn": nn}, values)
    finally:
        del linecache.cache["<expression>"]
    return "\n".join(caught.value.__notes__)


def lines_of(error):
    return "\n".join(error.__notes__).split("\n")


# ---- the line and the operands -----------------------------------------------------------------------


def test_the_line_the_names_and_the_shapes():
    x, w = zeros(32, 784), zeros(10, 784)
    with pytest.raises(RuntimeError, match=r"^matmul: mat1 and mat2 shapes cannot be multiplied") as caught:
        x @ w
    place, operands, hint = lines_of(caught.value)
    here = sys._getframe().f_lineno - 2
    assert place == f"at {HERE}:{here}, in test_the_line_the_names_and_the_shapes: x @ w"
    assert operands == "x is float32 [32, 784]; w is float32 [10, 784]"
    assert hint == "Hint: x @ w.T is [32, 784] @ [784, 10], which fits"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(24, 4)
        self.scale = nn.Parameter(zeros(7))

    def forward(self, images, scaled=False):
        return images * self.scale if scaled else self.fc1(images)


def test_a_layer_within_a_model():
    with pytest.raises(RuntimeError, match=r"^linear: ") as caught:
        Net()(zeros(2, 3, 8))
    layer, place, operands, hint = lines_of(caught.value)
    assert layer == "in layer 'fc1' (Linear) of Net"
    assert place.endswith("in forward: return images * self.scale if scaled else self.fc1(images)")
    assert operands == "images is float32 [2, 3, 8]; weight is float32 [4, 24]; bias is float32 [4]"
    assert hint == "Hint: flatten first? images.flatten(1) is [2, 24]"


def test_an_attribute_of_the_model():
    with pytest.raises(RuntimeError, match=r"^mul: ") as caught:
        Net()(zeros(2, 3), scaled=True)
    layer, _, operands = lines_of(caught.value)
    assert layer == "in layer Net"
    assert operands == "images is float32 [2, 3]; self.scale is float32 [7]"


def test_what_is_in_a_built_in_container():
    """The user's line is the call of the container; the operands of the layer have the engine's names."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(5, 2))
    with pytest.raises(RuntimeError) as caught:
        net(zeros(2, 3))
    layer, place, operands, hint = lines_of(caught.value)
    assert layer == "in layer '1' (Linear) of Sequential"
    assert place.endswith("net(zeros(2, 3))")
    assert "weight is float32 [2, 5]" in operands
    assert hint.endswith("in_features=3 would fit")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x + y", "x is float32 [2, 3]; y is float32 [4]"),
        ("x += y", "x is float32 [2, 3]; y is float32 [4]"),
        ("x < y", "x is float32 [2, 3]; y is float32 [4]"),
        ("array - x", "x is float32 [2, 3]"),
        ("array < x", "x is float32 [2, 3]"),
        ("x.add(y)", "x is float32 [2, 3]; y is float32 [4]"),
        ("torch.add(x, y)", "x is float32 [2, 3]; y is float32 [4]"),
        ("torch.add(x, other=y)", "x is float32 [2, 3]; y is float32 [4]"),
        ("torch.Tensor.add(x, y)", "x is float32 [2, 3]; y is float32 [4]"),
        ("(x * 2).add(y[None])", "x * 2 is float32 [2, 3]; y[None] is float32 [1, 4]"),
        ("some['y'] + x", "some['y'] is float32 [4]; x is float32 [2, 3]"),
        ("torch.cat([x, y])", "x is float32 [2, 3]; y is float32 [4]"),
        ("torch.cat(both)", "both[0] is float32 [2, 3]; both[1] is float32 [4]"),
        ("torch.add(*both)", "input is float32 [2, 3]; other is float32 [4]"),
        ("F.linear(y, x)", "y is float32 [4]; x is float32 [2, 3]"),
        ("list(map(torch.add, [x], [y]))", "input is float32 [2, 3]; other is float32 [4]"),
        ("reduce(torch.add, [x, y])", "input is float32 [2, 3]; other is float32 [4]"),
        ("partial(torch.add, x)(y)", "input is float32 [2, 3]; other is float32 [4]"),
        ("pow(x, y)", "x is float32 [2, 3]; y is float32 [4]"),
        ("x @ x", "x is float32 [2, 3]"),
        ("x.view(\n    7,\n    1)", "x is float32 [2, 3]"),
        ("x[5]", "x is float32 [2, 3]"),
        ("'é'; x + y", "x is float32 [2, 3]; y is float32 [4]"),
    ],
)
def test_how_operands_are_written(source, expected):
    x, y = zeros(2, 3), zeros(4)
    note = note_of(
        source,
        source,
        x=x,
        y=y,
        both=(x, y),
        some={"y": y},
        reduce=functools.reduce,
        array=np.zeros(4),
        partial=functools.partial,
    )
    assert expected in note.split("\n")


def test_a_line_that_cannot_be_had():
    note = note_of("x + y", x=zeros(2, 3), y=zeros(4))
    assert note.split("\n")[:2] == ["at <expression>:1", "input is float32 [2, 3]; other is float32 [4]"]


def test_the_text_may_be_newer_than_the_program():
    assert "input is float32 [2, 3]" in note_of("x + y", "def ((", x=zeros(2, 3), y=zeros(4))


# ---- hints -------------------------------------------------------------------------------------------

HINTS = {
    "x @ w": [
        ((5, 3), (5, 2), "x.T @ w is [3, 5] @ [5, 2]"),
        ((4, 3), (2, 3), "x @ w.T is [4, 3] @ [3, 2]"),
        ((4, 3, 2), (6, 5), "x.flatten(1) is [4, 6]"),
        ((2, 3), (4, 2), "the other order, w @ x, is [4, 2] @ [2, 3]"),
    ],
    "F.linear(x, w)": [
        ((4, 2, 3), (7, 5), "in_features=3 would fit, or in_features=6 after x.flatten(1)"),
        ((4, 3), (3, 5), "w.T is [5, 3]"),
        ((4, 2, 2), (7, 4), "x.flatten(1) is [4, 4]"),
        ((4, 2), (7, 4), "x.T is [2, 4]"),
    ],
    "F.conv2d(x, w)": [
        ((8, 28, 28), (3, 1, 5, 5), "x.unsqueeze(1) is [8, 1, 28, 28]"),
        ((28, 28), (3, 1, 5, 5), "x.unsqueeze(0) is [1, 28, 28]"),
        ((8, 28, 28, 3), (6, 3, 5, 5), "x.permute(0, 3, 1, 2) is [8, 3, 28, 28]"),
        ((8, 4, 28, 28), (6, 3, 5, 5), "in_channels=4 would fit"),
        ((4, 28, 28), (6, 3, 5, 5), "in_channels=4 would fit"),
        ((1, 3, 3), (2, 1, 5, 5), "the image is too small for the kernel"),
    ],
    "F.conv2d(x, w, groups=2)": [
        ((1, 6, 8, 8), (8, 2, 3, 3), "made for 4 channels: in_channels=6 would fit")
    ],
    "F.conv_transpose2d(x, w)": [
        ((1, 3, 8, 8), (4, 2, 5, 5), "made for 4 channels: in_channels=3 would fit")
    ],
    "(x + x) @ w": [((4, 3), (2, 3), "(x + x) @ w.T is [4, 3] @ [3, 2]")],
    "x @ (w + w.abs())": [((4, 3), (2, 3), "x @ (w + w.abs()).T is [4, 3] @ [3, 2]")],
    "(-x) @ (w * 2)": [((2, 3), (4, 2), "the other order, (w * 2) @ (-x), is")],
    "torch.cat([x] + [w])": [((3, 2), (2,), "([x] + [w])[1] has 1 dimensions, ([x] + [w])[0] has 2")],
    "torch.cat([x] * 3 + [w])": [((3, 2), (2,), "has 1 dimensions, ([x] * 3 + [w])[0] has 2")],
    "torch.stack([x, w])": [((3, 2), (3, 4), "w differs in dimension 1; cat joins them along dim=1")],
    "torch.hstack([x, w])": [((3, 2), (4, 2), "w differs in dimension 0; cat joins them along dim=0")],
    "nn.LayerNorm((4, 5))(x)": [((3, 5, 4), (1,), "normalized_shape=[5, 4] would fit")],
    "nn.BatchNorm1d(5)(x) ": [((4, 7, 5), (1,), "x.transpose(1, 2) is [4, 5, 7]")],
    "F.embedding(x.double(), w)": [((3,), (4, 2), "x.double().long(): an index is made of integers")],
    "w.gather(0, x)": [((3, 2), (4, 2), "x.long(): an index is made of integers")],
    "w.scatter(0, i, x.double())": [((1, 2), (4, 2), "x.double().float() is float32")],
    "x @ w.to(torch.complex64)": [((2, 3), (3, 2), "x.to(w.to(torch.complex64).dtype) makes it complex64")],
    "nn.Linear(3, 2)(x.to(torch.complex64))": [
        ((2, 3), (1,), "dtype=torch.complex64 for the layer would fit")
    ],
    "x.view(5, -1)": [((4, 6), (1,), "there are 24 elements, and 5 does not divide that")],
    "x + w": [
        ((4, 3), (4,), "w.unsqueeze(1) is [4, 1], and is stretched to [4, 3]"),
        ((4, 3), (3, 4), "w.T is [4, 3]"),
        ((4, 3), (2, 6), "w.reshape(x.shape)"),
    ],
    "torch.cat([x, w])": [((4, 3), (4, 2), "dim=1 would fit"), ((4, 3), (4,), "w has 1 dimensions")],
    "F.cross_entropy(x, w.long())": [((4, 3), (4, 1), "w.long().squeeze(1) is [4]")],
    "F.cross_entropy(x, torch.arange(4))": [
        ((4, 2), (1,), "the scores have 2 classes, numbered from 0; 4 of them")
    ],
    "F.binary_cross_entropy(x, w)": [
        ((4, 1), (4,), "x.squeeze(1) is [4], as w is"),
        ((4, 3), (3, 4), "w.reshape(x.shape) is [4, 3]"),
    ],
    "nn.BatchNorm1d(5)(x)": [((4, 3), (1,), "num_features=3 would fit")],
    "nn.LayerNorm(5)(x)": [((4, 3), (1,), "normalized_shape=3 would fit")],
    "x.view(2, 5)": [((3, 4), (1,), "there are 12 elements: [2, 6] would fit")],
    "x.reshape(5, 7)": [((3, 4), (1,), "there are 12 elements, and 5 * 7 is 35")],
    "F.cross_entropy(x, w)": [((4, 3), (4,), "w.long(): class numbers are integers")],
}
CASES = [(source, *case) for source, cases in HINTS.items() for case in cases]


@pytest.mark.parametrize(("source", "x", "w", "expected"), CASES)
def test_hints(source, x, w, expected):
    index = torch.zeros(1, 2, dtype=torch.int64)
    assert expected in note_of(source, source, x=zeros(*x), w=zeros(*w), i=index).partition("Hint: ")[2]


@pytest.mark.parametrize(
    ("source", "x", "w", "mended"),
    [
        ("x @ w", (5, 3), (5, 2), "x.T @ w"),
        ("x @ w", (4, 3), (2, 3), "x @ w.T"),
        ("x @ w", (4, 3, 2), (6, 5), "x.flatten(1) @ w"),
        ("x + w", (4, 3), (4,), "x + w.unsqueeze(1)"),
        ("F.conv2d(x, w)", (8, 28, 28, 3), (6, 3, 5, 5), "F.conv2d(x.permute(0, 3, 1, 2), w)"),
    ],
)
def test_what_a_hint_proposes_runs(source, x, w, mended):
    values = {"F": F, "x": zeros(*x), "w": zeros(*w)}
    with pytest.raises(RuntimeError):
        eval(source, values)
    eval(mended, values)


def test_dtypes():
    x, w = torch.from_numpy(np.zeros((2, 3))), zeros(3, 4)
    with pytest.raises(RuntimeError, match="dtype") as caught:
        x @ w
    assert lines_of(caught.value)[1:] == [
        "x is float64 [2, 3]; w is float32 [3, 4]",
        "Hint: x.float() is float32, as the other; numbers that come from NumPy are float64",
    ]


@pytest.mark.parametrize(
    "source",
    ["F.batch_norm(torch.zeros(1, 3), None, None, training=True)", "F.conv2d(x, w, groups=2)"],
)
def test_no_hint_that_would_not_help(source):
    """A batch of one fits its layer; 3 channels would not make two groups."""
    assert "Hint" not in note_of(source, source, x=zeros(1, 3, 8, 8), w=zeros(8, 2, 3, 3))


def test_no_hint_where_none_is_known():
    """Two shapes that would broadcast otherwise are no reason to propose it for an operation that does not."""
    note = note_of("F.binary_cross_entropy(x, w)", x=zeros(3, 4), w=zeros(3))
    assert "Hint" not in note


def test_an_array_of_numpy():
    x = zeros(2, 3)
    with pytest.raises(TypeError, match=r"must be Tensor, not numpy") as caught:
        torch.matmul(x, np.zeros((3, 2)))
    assert lines_of(caught.value)[1] == "x is float32 [2, 3]"


def test_devices():
    a, b = Operand("x", (2,), "float32", "cpu"), Operand("model.w", (2,), "float32", "cuda:0")
    assert hint_for("add", "", [a, b]) == "model.w.to(x.device) brings it to cpu, where x is"
    assert hint_for("add", "", [a, a]) == ""


# ---- backward ----------------------------------------------------------------------------------------


def test_a_loss_without_history():
    loss = zeros(3).sum()
    with pytest.raises(RuntimeError, match=r"^element 0 of tensors does not require grad") as caught:
        loss.backward()
    _, operands, hint = lines_of(caught.value)
    assert operands == "loss is float32 []"
    assert hint == "Hint: tinygrad_edu.learn.why_no_grad(loss) says why"


def changed_in_place():
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    y += 1
    y.sum().backward()


def test_a_change_in_place_names_the_line_that_changed():
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        changed_in_place()
    first = changed_in_place.__code__.co_firstlineno
    assert f"last changed by add_ at {__file__}:{first + 3}" in str(caught.value)
    place, name, hint = lines_of(caught.value)
    assert place == f"at {HERE}:{first + 4}, in changed_in_place: y.sum().backward()"
    assert name == "The one that was changed is called y"
    assert "learn.explain()" in hint


def test_with_detection_both_lines_are_named():
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="modified by an") as caught:
        changed_in_place()
    first = changed_in_place.__code__.co_firstlineno
    assert f"ExpBackward0 called at {__file__}:{first + 2}" in str(caught.value)
    assert not any("Hint" in line for line in lines_of(caught.value))


def test_a_leaf_changed_in_place():
    w = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"a leaf Variable .* in-place") as caught:
        w += 1
    assert lines_of(caught.value)[1:] == ["w is float32 [3]"]


# ---- what is left alone ------------------------------------------------------------------------------


class Broken(nn.Module):
    def forward(self, x):
        raise ValueError("the user's own")


def test_an_error_of_the_users_own_has_no_line():
    with pytest.raises(ValueError, match="own") as caught:
        Broken()(1)
    assert caught.value.__notes__ == ["in layer Broken"]


def test_a_note_is_made_once_and_can_be_pickled():
    with pytest.raises(RuntimeError) as caught:
        zeros(2) + zeros(3)
    notes = list(caught.value.__notes__)
    assert explained(caught.value).__notes__ == notes
    assert len(notes) == 1
    assert pickle.loads(pickle.dumps(caught.value)).__notes__ == notes


def test_what_goes_wrong_here_hides_nothing(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(explaining, "note_about", fail)
    with pytest.raises(RuntimeError, match=r"^add: ") as caught:
        zeros(2) + zeros(3)
    assert not hasattr(caught.value, "__notes__")


def test_a_strange_object_beside_a_tensor():
    """Names are looked up, never called: whatever the user's objects do on being asked stays undone."""

    class Trap:
        def __getattr__(self, name):
            raise AssertionError(name)

    some = SimpleNamespace(trap=Trap(), x=zeros(2))
    with pytest.raises(RuntimeError) as caught:
        some.x + zeros(3)
    assert "some.x is float32 [2]; zeros(3) is float32 [3]" in lines_of(caught.value)


def test_it_stands_in_the_traceback(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        textwrap.dedent("""
            import tinygrad_edu as torch

            x = torch.zeros(2, 3)
            y = x @ torch.zeros(2, 4)
        """)
    )
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr.endswith(
        "got [2, 3] @ [2, 4] (k is 3 and 2)\n"
        "at train.py:5: y = x @ torch.zeros(2, 4)\n"
        "x is float32 [2, 3]; torch.zeros(2, 4) is float32 [2, 4]\n"
        "Hint: x.T @ torch.zeros(2, 4) is [3, 2] @ [2, 4], which fits\n"
    )
