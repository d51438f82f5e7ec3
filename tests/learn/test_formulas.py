"""The formulas shown to learners are those of the operations: their numbers are the numbers of forward and backward."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.learn.formula_numbers import evaluate_elements
from tests.ops.op_table import DIFFERENTIABLE, prepare
from tests.ops.samples import flatten
from tinygrad_edu import ops
from tinygrad_edu.autograd.observer import Observer, observed_by
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.learn.formulas import TABLE, formula_of
from tinygrad_edu.learn.formulas.elementwise import ELEMENTWISE
from tinygrad_edu.learn.formulas.evaluate import FUNCTIONS, evaluate
from tinygrad_edu.learn.formulas.notation import parse
from tinygrad_edu.learn.formulas.text import TextWriter
from tinygrad_edu.learn.formulas.whole import WHOLE
from tinygrad_edu.ops.common import unbroadcast

pytestmark = pytest.mark.host("formulas are computed by NumPy")

for module in pkgutil.walk_packages(ops.__path__, "tinygrad_edu.ops."):
    importlib.import_module(module.name)


def subclasses(kind):
    for sub in kind.__subclasses__():
        if sub.__module__.startswith("tinygrad_edu.ops"):
            yield sub
        yield from subclasses(sub)


OPERATIONS = {kind.__name__: kind for kind in subclasses(Op)}
OPERATIONS.pop("BinaryOp")  # what those of two operands have in common


def positional(kind):
    parameters = inspect.signature(kind.forward).parameters.values()
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY and p.name != "self"]


# ---- the table as a whole --------------------------------------------------------------------------------


def test_every_operation_has_a_formula():
    """Those without a row have a docstring that says it; they are counted."""
    without = [name for name in OPERATIONS if name not in TABLE]
    for name in without:
        formula = formula_of(OPERATIONS[name])
        assert formula.expression == ""
        assert formula.text == formula.said
        assert len(formula.said) > 10, name
        assert "References" not in formula.said
    assert len(OPERATIONS) >= 180
    assert len(without) <= 59, (
        f"give one a row in tinygrad_edu/learn/formulas, or raise this number: {sorted(without)}"
    )


def test_every_row_is_of_an_operation():
    assert len(TABLE) == len(ELEMENTWISE) + len(WHOLE)
    assert set(TABLE) - set(OPERATIONS) == {"AccumulateGrad"}


RECURRENT = {"RNNLayer", "LSTMLayer", "GRULayer"}


@pytest.mark.parametrize(
    "row", [row for row in TABLE.values() if row.name in OPERATIONS], ids=lambda row: row.name
)
def test_names_are_those_of_forward(row):
    """Each input of forward has its gradient, or is said to have none; all other names are explained."""
    if row.name in RECURRENT:
        return  # their gradients are of one step of time
    inputs = positional(OPERATIONS[row.name])
    with_gradient = [key.partition("[")[0] for key in row.gradients]
    assert sorted([*with_gradient, *row.without_gradient]) == sorted(inputs)
    assert set(row.local) <= set(row.gradients)
    options = inspect.signature(OPERATIONS[row.name].forward).parameters
    written = [row.expression, *row.gradients.values()]
    names = {
        n.id for text in written for step in parse(text) for n in ast.walk(step) if isinstance(n, ast.Name)
    }
    words = names - set(FUNCTIONS) - set(options) - {"out", "g"}
    unexplained = [word for word in words if len(word) > 1 and word not in EXPLAINED]
    assert unexplained == []


EXPLAINED = {
    "sum",
    "prod",
    "argmax",
    "median",
    "x_hat",
    "reshape",
    "permute",
    "inverse",
    "det",
    "cat",
    "start",
}
EXPLAINED |= {"rounded", "window", "left"}


@pytest.mark.parametrize("name", [*TABLE, *[name for name in OPERATIONS if name not in TABLE]])
def test_markup_is_well_formed(name):
    formula = TABLE[name] if name in TABLE else formula_of(OPERATIONS[name])
    for markup in [formula.markup, *formula.local_markup.values(), *formula.gradient_markup.values()]:
        tree = ElementTree.fromstring(markup)
        for leaf in tree.iter():
            assert leaf.tag in ELEMENTS, leaf.tag
            if leaf.tag in FIXED:
                assert len(leaf) == FIXED[leaf.tag]
    assert formula.text
    assert formula._repr_html_() == formula.markup


# How many children MathML wants.
FIXED = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msqrt": 1}
ELEMENTS = {
    "div",
    "small",
    "span",
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "mtable",
    "mtr",
    "mtd",
    "mspace",
} | {*FIXED}


# ---- elements by themselves ------------------------------------------------------------------------------


class Recorder(Observer):
    """Keeps what the operations of a list have computed, forward and backward."""

    def __init__(self, names):
        self.names, self.seen, self.options = names, [], {}

    def forward(self, run, node, arrays, options):
        out = run()
        if type(node).__name__ in self.names:  # copies: it may be changed in place later
            self.options[node] = [x if x is None else np.array(x) for x in arrays], options, np.array(out)
        return out

    def backward(self, run, node, grad_outputs):
        gradients = run()
        if node in self.options:
            self.seen.append((type(node), *self.options[node], grad_outputs[0], gradients))
        return gradients


def recorded(entry, names):
    recorder = Recorder(names)
    with observed_by(recorder):
        for sample in entry.samples:
            call, run = prepare(entry, sample)
            if call.differentiable:
                outputs = [y for y in flatten(run()) if isinstance(y, torch.Tensor) and y.requires_grad]
                seeds = [torch.randn(y.shape, dtype=y.dtype) for y in outputs]
                torch.autograd.backward(outputs, seeds)
    return recorder.seen


ROUNDED = {True: np.trunc, False: np.floor}
LIMITS = {"low": -np.inf, "high": np.inf}


def values_of(kind, arrays, options, out, g):
    """Return what the names of a formula stand for."""
    values = {**dict(zip(positional(kind), arrays, strict=True)), **options, "g": g}
    for name, limit in LIMITS.items():
        if values.get(name, 0) is None:
            values[name] = limit
    if kind.__name__ == "Dropout":
        values["m"] = out != 0
    if kind.__name__ == "RoundedDivide":
        values["rounded"] = ROUNDED[options["towards_zero"]]
    if kind.__name__ == "Stepwise":
        values["function"] = getattr(np, options["function"])
    return values


def check(kind, arrays, options, out, g, gradients):
    row = TABLE[kind.__name__]
    found = row.evaluate(values_of(kind, arrays, options, out, g))
    np.testing.assert_allclose(
        np.broadcast_to(found["out"], out.shape), out, rtol=1e-9, atol=1e-12, err_msg=kind.__name__
    )
    for name, x, gradient in zip(positional(kind), arrays, gradients, strict=True):
        if gradient is None:
            continue
        ours = unbroadcast(np.broadcast_to(found[f"dL/d{name}"], out.shape), x.shape)
        np.testing.assert_allclose(ours, gradient, rtol=1e-9, atol=1e-12, err_msg=name)


def is_real(arrays):
    return all(np.asarray(x).dtype.kind != "c" for x in arrays if x is not None)


# Options with which the formula is not all: the limits of logit, and a dropout that leaves nothing.
ELSEWHERE = [("eps", 0.1), ("eps", 0.2), ("p", 1.0)]

# What no call of the table of operations reaches.
X, Y = np.array([[-1.5, 0.25, 2.0]]), np.array([[0.5, -2.0, 1.0]])
DIRECT = {
    "Move": ((X,), {"device": torch.device("cpu")}),
    "Clone": ((X,), {}),
    "Fill": ((X,), {"value": 3.0}),
    "NotZero": ((X,), {}),
    "Stepwise": ((X,), {"function": "floor"}),
    "Keep": ((X, X > 0), {}),
    "ReluBackward": ((X, np.maximum(Y, 0)), {}),
    "CopyInto": ((X, Y), {}),
    "Cast": ((X,), {"dtype": np.dtype(np.float64)}),
    "Ldexp": ((X, np.array([[1, 2, 3]])), {}),
}


def test_formulas_of_single_elements_are_those_of_the_operations():
    """On all calls in the table of operations whose gradients are checked by finite differences there."""
    names, reached = {row.name for row in ELEMENTWISE}, set()
    for entry in DIFFERENTIABLE:
        for kind, arrays, options, out, g, gradients in recorded(entry, names):
            if g is None or not is_real([*arrays, out]) or any(item in options.items() for item in ELSEWHERE):
                continue
            check(kind, arrays, options, out, g, gradients)
            reached.add(kind.__name__)
    assert names - reached <= set(DIRECT), names - reached - set(DIRECT)


def run_directly(kind, arrays, options, g=None):
    """Return the output, the gradient that is given back to it, and the gradients of the inputs."""
    node = kind()
    node.needs_input_grad = tuple([x is not None and np.asarray(x).dtype.kind == "f" for x in arrays])
    out = node.forward(*arrays, **options)
    first = out[0] if isinstance(out, tuple) else out
    g = np.random.default_rng(0).standard_normal(first.shape) if g is None else g
    gradients = node.backward(g, None) if isinstance(out, tuple) else node.backward(g)
    return first, g, gradients if isinstance(gradients, tuple) else (gradients,)


@pytest.mark.parametrize("name", DIRECT)
def test_formulas_of_operations_that_are_called_by_others(name):
    arrays, options = DIRECT[name]
    out, g, gradients = run_directly(OPERATIONS[name], arrays, options)
    check(OPERATIONS[name], arrays, options, out, g, gradients)


def test_a_wrong_formula_is_found():
    """The check can fail: with the derivatives of b and a interchanged."""
    kind = OPERATIONS["Mul"]
    out, g, gradients = run_directly(kind, (X, Y), {})
    check(kind, (X, Y), {}, out, g, gradients)
    with pytest.raises(AssertionError):
        check(kind, (X, Y), {}, out, g, gradients[::-1])


# ---- whole arrays, and elements that meet ----------------------------------------------------------------

RNG = np.random.default_rng(1)
V, M, N = RNG.uniform(0.5, 2, 4), RNG.standard_normal((3, 4)), RNG.standard_normal((4, 2))
SQUARE = RNG.standard_normal((3, 3)) + 3 * np.eye(3)
SUM = {"dims": (0,), "keepdim": False}
ALONG = {"dim": 0, "keepdim": False, "largest": True}
TAKEN = np.array([2, 0, 2])  # twice the same
INDEX = (TAKEN,)

# name: (inputs, options, what else the formula names)
ARRAYS = {
    "MatMul": ((M, N), {}, {}),
    "Inverse": ((SQUARE,), {}, {}),
    "Solve": ((SQUARE, RNG.standard_normal((3, 2))), {}, {}),
    "Det": ((SQUARE,), {}, {"det": np.linalg.det}),
    "Attention": (
        (*RNG.standard_normal((3, 1, 2, 3, 4)), RNG.standard_normal((1, 2, 3, 3))),
        {"causal": False, "scale": 0.5},
        {},
    ),
    "Reshape": ((M,), {"shape": (2, 6)}, {"reshape": np.reshape}),
    "ReshapeCopy": ((M.T,), {"shape": (2, 6)}, {"reshape": np.reshape}),
    "Permute": (
        (RNG.standard_normal((2, 3, 4)),),
        {"dims": (1, 2, 0)},
        {"permute": np.transpose, "inverse": np.argsort},
    ),
}

ELEMENTS_OF = {
    "Sum": ((V,), SUM, {}),
    "Mean": ((V,), SUM, {"n": 4}),
    "Prod": ((V,), {"dim": 0, "keepdim": False}, {}),
    "Var": ((V,), {**SUM, "correction": 1}, {"n": 4}),
    "LogSumExp": ((V,), SUM, {}),
    "Extremum": ((np.array([1.0, 3.0, 3.0, 2.0]),), {**SUM, "largest": True}, {}),
    "ExtremumAlongDim": ((V,), ALONG, {}),
    "Median": ((np.array([1.0, 3.0, 2.0, 5.0, 2.0]),), {"ignore_nan": False}, {}),
    "Cumsum": ((V,), {"dim": 0}, {}),
    "Cumprod": ((V,), {"dim": 0}, {}),
    "LogCumsumExp": ((V,), {"dim": 0}, {}),
    "Softmax": ((V,), {"dim": 0}, {}),
    "LogSoftmax": ((V,), {"dim": 0}, {}),
    "SoftmaxCrossEntropy": (
        (M, np.array([1, 0, 3]), None),
        {"ignore_index": -100, "reduction": "mean"},
        {"n": 3},
    ),
    "Embedding": ((M, TAKEN), {}, {}),
    "SumBags": ((M, np.array([1, 0, 1])), {"bags": 2}, {}),
    "Normalize": ((V,), {"dims": (0,), "eps": 1e-3}, {"n": 4}),
    "LayerNorm": ((M, V, V + 1), {"ndim": 1, "eps": 1e-3}, {"n": 4}),
    "BatchNorm": ((M, V, V + 1), {"eps": 1e-3}, {"n": 3}),
    "Expand": ((V,), {"shape": (3, 4)}, {}),
    "Flip": ((V,), {"dims": (0,)}, {"n": 4}),
    "Roll": ((V,), {"shifts": (1,), "dims": (0,)}, {"n": 4, "shifts": 1}),
    "ConstantPad": ((V,), {"widths": ((2, 1),), "value": 7.0}, {"left": 2, "n": 4}),
    "Triangle": ((M,), {"diagonal": 1, "lower": True}, {}),
    "Diagonal": ((M,), {"offset": 1, "dim1": 0, "dim2": 1}, {}),
    "Unfold": ((V,), {"dim": 0, "size": 2, "step": 1}, {}),
    "GetItem": ((V,), {"index": (slice(3, 0, -2),)}, {"index": np.array([3, 1])}),
    "GetItems": ((V,), {"index": INDEX}, {"index": TAKEN}),
    "IndexPutZeros": ((V[:3],), {"index": INDEX, "shape": (4,)}, {"index": TAKEN}),
    "SetItem": ((V, V[:1] + 1), {"index": (np.array([2]),), "in_place": False}, {"index": np.array([2])}),
    "Gather": ((V,), {"dim": 0, "index": TAKEN}, {}),
    "ScatterZeros": ((V[:3], TAKEN), {"dim": 0, "shape": (4,)}, {}),
    "Scatter": ((V, V[:1] + 1), {"dim": 0, "index": np.array([2])}, {}),
}


# How far indices go that stand in no input alone.
SIZES = {
    "Cumprod": {"k": 4},
    "LogCumsumExp": {"k": 4},
    "LayerNorm": {"j": 4},
    "BatchNorm": {"j": 3},
    "SumBags": {"b": 2},
    "ConstantPad": {"i": 7, "j": 4},
    "Expand": {"k": 3},
    "Triangle": {"i": 3, "j": 4},
    "Diagonal": {"i": 3, "j": 4},
    "Unfold": {"l": 3, "k": 2, "j": 4},
    "GetItem": {"i": 2, "j": 4},
    "GetItems": {"i": 3, "j": 4},
    "IndexPutZeros": {"i": 3, "j": 4},
    "ScatterZeros": {"i": 3, "j": 4},
    "Scatter": {"i": 1, "j": 4},
    "SetItem": {"i": 1, "j": 4},
    "Gather": {"i": 3, "j": 4},
    "Embedding": {"i": 3, "r": 3},
    "ExtremumAlongDim": {"i": 4},
}


@pytest.mark.parametrize("name", ARRAYS)
def test_formulas_of_whole_arrays(name):
    arrays, options, extra = ARRAYS[name]
    kind = OPERATIONS[name]
    out, g, gradients = run_directly(kind, arrays, options)
    values = {**dict(zip(positional(kind), arrays, strict=True)), **options, **extra, "g": g}
    found = TABLE[name].evaluate(values)
    np.testing.assert_allclose(found["out"], out, rtol=1e-9)
    compared = 0
    for key in TABLE[name].gradients:
        expected = gradients[positional(kind).index(key)]
        np.testing.assert_allclose(found[f"dL/d{key}"], expected, rtol=1e-9, atol=1e-12)
        compared += 1
    assert compared


@pytest.mark.parametrize("name", ELEMENTS_OF)
def test_formulas_of_elements_that_meet(name):
    arrays, options, extra = ELEMENTS_OF[name]
    kind = OPERATIONS[name]
    out, g, gradients = run_directly(kind, arrays, options)
    inputs = dict(zip(positional(kind), arrays, strict=True))
    values = {**options, **inputs, **extra}
    if np.ndim(g) == 0:
        g = np.asarray(g).item()
    ours, found = evaluate_elements(TABLE[name], {**values, "g": g}, SIZES.get(name, {}))
    np.testing.assert_allclose(ours, out, rtol=1e-9, atol=1e-12)
    assert set(found) == set(inputs) - set(TABLE[name].without_gradient)
    for key, gradient in found.items():
        np.testing.assert_allclose(gradient, gradients[positional(kind).index(key)], rtol=1e-9, atol=1e-12)


def test_the_formula_of_a_linear_layer():
    x, weight, bias = M, RNG.standard_normal((2, 4)), RNG.standard_normal(2)
    out, g, gradients = run_directly(OPERATIONS["Linear"], (x, weight, bias), {})
    row = TABLE["Linear"]
    found = evaluate(row.expression, {"x": x, "weight": weight, "bias": bias, "g": g})
    np.testing.assert_allclose(found["out"], out)
    for key, expected in zip(("x", "weight"), gradients, strict=False):
        np.testing.assert_allclose(evaluate(row.gradients[key], found)["result"], expected)
    assert row.gradients["bias[i]"] == "sum[n](g[n, i])"
    np.testing.assert_allclose(g.sum(0), gradients[2])


def test_the_formula_of_a_convolution():
    """With stride, padding and dilation."""
    x, weight, bias = (
        RNG.standard_normal((2, 2, 5, 4)),
        RNG.standard_normal((3, 2, 2, 2)),
        RNG.standard_normal(3),
    )
    geometry = importlib.import_module("tinygrad_edu.ops.nn.conv").Geometry((2, 2), (1, 1), (2, 2), 1)
    out, g, gradients = run_directly(OPERATIONS["Conv2d"], (x, weight, bias), {"geometry": geometry})
    values = {"x": x, "weight": weight, "bias": bias, "g": g, "s": 2, "p": 1, "d": 2}
    ours, found = evaluate_elements(TABLE["Conv2d"], values, {"u": 5, "v": 4})
    np.testing.assert_allclose(ours, out)
    for key, expected in zip(("x", "weight", "bias"), gradients, strict=True):
        np.testing.assert_allclose(found[key], expected)


# Windows of 2 by 2 pixels of an image of 4 by 2, each read along its rows.
WINDOWS = [(0, 1, 2, 3), (4, 5, 6, 7)]


@pytest.mark.parametrize(
    ("name", "options", "extra"),
    [
        (
            "MaxPool2d",
            {"kernel": "max_pool2d_forward", "arguments": ((2, 2), (2, 2), (0, 0), (1, 1), (2, 1))},
            {},
        ),
        ("AvgPool2d", {"output_size": (2, 1), "window": ((2, 2), (2, 2), (0, 0), True, 0)}, {"n": 4}),
        ("AdaptiveAvgPool2d", {"output_size": (2, 1)}, {"n": np.array([4, 4])}),
    ],
)
def test_formulas_of_pooling(name, options, extra):
    x = RNG.standard_normal((1, 1, 4, 2))
    out, g, gradients = run_directly(OPERATIONS[name], (x,), options)
    values = {"x": x.ravel(), "g": g.ravel(), "window": WINDOWS, **extra}
    ours, found = evaluate_elements(TABLE[name], values, {"i": 2, "j": 8})
    np.testing.assert_allclose(ours, out.ravel())
    np.testing.assert_allclose(found["x"], gradients[0].ravel())


def test_formulas_of_joining():
    parts = [V, V + 1]
    for name, out in (("Cat", np.concatenate(parts)), ("Stack", np.stack(parts))):
        ours, g, gradients = run_directly(OPERATIONS[name], parts, {"dim": 0})
        np.testing.assert_array_equal(ours, out)
        for k in range(2):
            found = evaluate(TABLE[name].gradients["tensors[k]"], {"g": g, "start": [0, 4, 8], "k": k})
            np.testing.assert_array_equal(found["result"], gradients[k])


@pytest.mark.parametrize("name", ["Split", "SplitWithSizes", "Unbind"])
def test_formulas_of_taking_apart(name):
    places = [0, 2, 3] if name == "Unbind" else [slice(0, 2), slice(2, 4)]
    node = OPERATIONS[name]()
    node.needs_input_grad = (True,)
    outputs = node.forward(V, places=places, dim=0)
    g = [np.asarray(RNG.standard_normal(y.shape)) for y in outputs]
    gradient = node.backward(*g)
    for k, output in enumerate(outputs):
        values = {"x": V, "places": places, "g": g, "k": k}
        formula = TABLE[name].expression.partition(" = ")[2]
        np.testing.assert_array_equal(evaluate(formula, values)["result"], output)
        np.testing.assert_array_equal(
            gradient[places[k]], evaluate(TABLE[name].gradients["x[places[k]]"], values)["result"]
        )
    together = OPERATIONS["PutTogether"]()
    together.needs_input_grad = (True,) * len(g)
    together.forward(*g, places=places, dim=0, shape=V.shape)
    for k, piece in enumerate(together.backward(V)):
        values = {"g": V, "places": places, "k": k}
        np.testing.assert_array_equal(
            evaluate(TABLE["PutTogether"].gradients["pieces[k]"], values)["result"], piece
        )


# ---- recurrent layers: one step of time --------------------------------------------------------------------


def in_time(notation, t, values):
    """Evaluate one formula at time t: h[t - 1] is the state before, of the first step h0; after the last there is 0."""
    padded = {
        name: Steps(x) if name in OF_STEPS or name[:2] in ("a_", "d_", "m_") else x
        for name, x in values.items()
    }
    return evaluate(notation, {**padded, "t": t, "tanh": np.tanh})


OF_STEPS = {"g", "h", "c", "i", "f", "u", "o", "r", "z", "n", "gates"}


class Steps:
    """What there is before the first step, then all steps; after the last nothing."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __getitem__(self, t):
        return self.arrays.get(t, 0)


def split(steps, names):
    """Return the parts of the gates of every step by their names."""
    parts = {t: np.split(x, len(names)) for t, x in steps.items()}
    return {name: {t: parts[t][k] for t in parts} for k, name in enumerate(names)}


@pytest.mark.parametrize("name", sorted(RECURRENT))
def test_formulas_of_recurrent_layers(name):
    """Of three steps of one sequence: states step by step, then gradients step by step from the last."""
    size, count, parts = 2, 3, {"RNNLayer": 1, "LSTMLayer": 4, "GRULayer": 3}[name]
    rng = np.random.default_rng(3)
    gates, weight, bias, h0, c0, grad = (
        rng.standard_normal(shape)
        for shape in (
            (count, parts * size),
            (parts * size, size),
            parts * size,
            (1, size),
            (1, size),
            (count, size),
        )
    )
    steps = importlib.import_module("tinygrad_edu.ops.nn.recurrent").Steps((1,) * count, False)
    arrays = {
        "RNNLayer": (gates, weight, h0),
        "LSTMLayer": (gates, weight, None, h0, c0),
        "GRULayer": (gates, weight, bias, h0),
    }[name]
    node = OPERATIONS[name]()
    node.needs_input_grad = tuple([x is not None for x in arrays])
    options = {"relu": False} if name == "RNNLayer" else {}
    states = node.forward(*arrays, steps=steps, **options)[0]
    grad_gates = node.backward(grad, *[None] * (len(node.forward(*arrays, steps=steps, **options)) - 1))[0]

    values = {name: {} for name in (*OF_STEPS, "d_a", "d_h", "d_c", "d_m")}
    values |= {"weight_hh": weight, "bias_hh": bias}
    values["gates"] = {t: gates[t] for t in range(count)}
    values["g"] = {t: grad[t] for t in range(count)}
    values["h"][-1], values["c"][-1] = h0[0], c0[0]
    for t in range(count):
        forward_in_time(name, t, values)
        np.testing.assert_allclose(values["h"][t], states[t], rtol=1e-9)
    for name_of_part in ("d_a", "d_m"):
        values[name_of_part][count] = np.zeros(parts * size)
    for t in reversed(range(count)):
        np.testing.assert_allclose(backward_in_time(name, t, values), grad_gates[t], rtol=1e-9)


GATES = {"RNNLayer": ("",), "LSTMLayer": ("i", "f", "u", "o"), "GRULayer": ("r", "z", "n")}


def forward_in_time(name, t, values):
    """Compute the steps of the formula at time t into ``values``."""
    for step in TABLE[name].expression.split("; "):
        target = step.partition("[")[0]
        notation = step.partition(" = ")[2]
        values.setdefault(target, {})[t] = in_time(notation, t, values)["result"]
        if target in ("a", "m"):
            for gate, part in zip(GATES[name], np.split(values[target][t], len(GATES[name])), strict=True):
                values.setdefault(f"{target}_{gate}", {})[t] = part
        if name == "GRULayer":
            for gate, part in zip(GATES[name], np.split(values["gates"][t], 3), strict=True):
                values.setdefault(f"a_{gate}", {})[t] = part


def backward_in_time(name, t, values):
    """Compute the gradients of the formula at time t into ``values``; return that of the gates."""
    found = []
    for key, gradient in TABLE[name].gradients.items():
        result = in_time(gradient, t, values)["result"]
        target = key.partition("[")[0]
        values.setdefault(f"d_{target}", {})[t] = result
        if target == "gates" or target.startswith("a_"):
            found.append((GATES[name].index(target[2:]) if target != "gates" else 0, result))
    gates = np.concatenate([part for _, part in sorted(found, key=lambda pair: pair[0])])
    values["d_a"][t] = gates
    if name == "GRULayer":
        r, z, n = np.split(gates, 3)
        values["d_m"][t] = np.concatenate([r, z, n * values["r"][t]])
    return gates


# ---- formula_of ---------------------------------------------------------------------------------------------


def test_the_formula_of_a_node_a_class_and_a_name():
    w = torch.tensor([2.0], requires_grad=True)
    y = w * 3
    assert formula_of(y.grad_fn) is formula_of(type(y.grad_fn)) is formula_of("Mul")
    leaf = y.grad_fn.next_edges[0][0]
    assert formula_of(leaf).text.startswith("variable.grad += g")
    with pytest.raises(ValueError, match="expected one of the operations in the table, got 'Mull'"):
        formula_of("Mull")


def test_the_formula_of_a_function_of_ones_own():
    class Cube(torch.autograd.Function):
        """x^3; dy/dx = 3 x^2."""

        @staticmethod
        def forward(ctx, x):
            return x**3

        @staticmethod
        def backward(ctx, grad_output):
            return None

    y = Cube.apply(torch.ones(1, requires_grad=True))
    assert formula_of(y.grad_fn).text == "x^3; dy/dx = 3 x^2."
    assert (
        formula_of(y.grad_fn).markup
        == '<div class="formula"><div><span>x^3; dy/dx = 3 x^2.</span></div></div>'
    )

    class Mul(torch.autograd.Function):
        """Not the engine's."""

        @staticmethod
        def forward(ctx, x):
            return x**3

    assert formula_of(Mul.apply(torch.ones(1, requires_grad=True)).grad_fn).text == "Not the engine's."


def test_numbers_in_the_place_of_names():
    row = formula_of("Mul")
    assert row.with_numbers("a", {"g": "0.5", "b": "-3.0"}) == "0.5 × (-3.0)"
    ElementTree.fromstring(f"<math>{row.with_numbers('a', {'g': '0.5', 'b': '-3.0'}, markup=True)}</math>")
    assert row.local_text == {"a": "dout/da = b", "b": "dout/db = a"}


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        ("-a / b ** 2", "-a / b^2"),
        ("a - (b - c)", "a - (b - c)"),
        ("a / (b / c)", "a / (b / c)"),
        ("(a + b) * c", "(a + b) * c"),
        ("exp(-x ** 2)", "e^(-x^2)"),
        ("(-x) ** 2", "(-x)^2"),
        ("sum[j <= i](x[j])", "sum_{j <= i}(x_j)"),
        ("a.T @ g", "a^T @ g"),
    ],
)
def test_the_text(notation, text):
    assert TextWriter().expression(notation) == text
