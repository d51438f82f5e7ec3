"""What each operation computed: a function for each kind of operation, found by the name of the class."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.learn.sentences.numbers import elementwise
from tinygrad_edu.learn.sentences.words import (
    axes,
    called,
    count,
    is_single,
    item,
    number,
    operand_number,
    part_note,
    shape,
    share,
)
from tinygrad_edu.learn.tape import ForwardStep, Value

# ---- elements by themselves ------------------------------------------------------------------------------


def negated(step: ForwardStep) -> str:
    x, out = step.inputs[0].value, step.outputs[0]
    if x is not None and is_single(x):
        return f"the other sign: {number(item(x))} becomes {number(item(out))}."
    return f"{count(out.size, 'number')} got the other sign."


def compared(step: ForwardStep) -> str:
    y = step.outputs[0]
    if y.window.dtype.kind != "b":
        return ""
    name = str(step.options.get("function", step.op)).replace("_", " ")
    if is_single(y):
        return f"the question was {name}, and the answer is {item(y)}."
    true = int(np.count_nonzero(y.window))
    return f"the question was {name}: it is true of {share(true, y.window.size)}{part_note(y)}."


def relu(step: ForwardStep) -> str:
    x = step.inputs[0].value
    assert x is not None
    if is_single(x):
        value = item(x)
        if value > 0:
            return f"this ReLU is open: its input {number(value)} goes through as it is."
        return f"this ReLU is closed: its input is {number(value)}, so 0.0 comes out."
    closed = int(np.count_nonzero(~(x.window > 0)))
    return f"{share(closed, x.window.size)} ReLUs are closed: their inputs are not positive{part_note(x)}."


def saturating(step: ForwardStep) -> str:
    """Say how many outputs lie where the curve is flat."""
    x, y = step.inputs[0].value, step.outputs[0]
    assert x is not None
    if y.window.dtype.kind == "c":
        return ""
    flat = int(np.count_nonzero(slope_of(step.op, y.window) < FLAT))
    name = step.op.lower()
    if is_single(x):
        end = ", where the curve is nearly flat: it is saturated" if flat else ""
        return f"{name} of {number(item(x))} is {number(item(y))}{end}."
    low, high = number(y.lowest), number(y.highest)
    said = (
        f"{share(flat, y.window.size)} are saturated, where the curve is nearly flat{part_note(y)}"
        if flat
        else "none is saturated"
    )
    return f"{name} squeezes {count(y.size, 'number')} between {low} and {high}; {said}."


FLAT = 0.01
"""A slope below this lets next to nothing of a gradient through."""


def slope_of(op: str, y: Any) -> Any:
    """Return the slope of sigmoid or tanh where its output is y."""
    return y * (1 - y) if op == "Sigmoid" else 1 - y * y


def dropout(step: ForwardStep) -> str:
    p, y, x = step.options["p"], step.outputs[0], step.inputs[0].value
    assert x is not None
    gone = int(np.count_nonzero((y.window == 0) & (x.window != 0)))
    if p == 1:
        return "dropout with p = 1 set everything to 0."
    factor = f"1 / (1 - {p:g}) = {number(1 / (1 - p))}"
    return f"dropout set {share(gone, y.window.size)} to 0 by chance, and multiplied the others by {factor}."


def where(step: ForwardStep) -> str:
    mask = step.inputs[1 if step.op == "Keep" else 0].value
    if mask is None:
        return ""
    true = int(np.count_nonzero(mask.window))
    if step.op == "Keep":
        return f"{share(true, mask.window.size)} are kept, the others become 0{part_note(mask)}."
    a, b = called(step, 1), called(step, 2)
    chosen = f"come from {a}, where the condition holds, the others from {b}{part_note(mask)}"
    return f"{share(true, mask.window.size)} {chosen}."


# ---- moves -------------------------------------------------------------------------------------------------


def moved(step: ForwardStep) -> str:
    """Say of a view, or a rearrangement, that nothing was computed."""
    x, y = step.inputs[0].value, step.outputs[0]
    if x is None:
        return ""
    verb = MOVES[step.op]
    change = f"{shape(x.shape)} -> {shape(y.shape)}" if x.shape != y.shape else f"of shape {shape(y.shape)}"
    how = "a view of the same memory" if step.is_view else "the numbers are only moved"
    return f"{verb}, {change}: {how}, nothing is computed."


MOVES = {
    "Reshape": "another shape",
    "ReshapeCopy": "another shape",
    "Permute": "the dimensions in another order",
    "Flip": "the other way round",
    "Roll": "rolled around the end",
    "GetItem": "A part",
    "GetItems": "some elements",
    "Diagonal": "the diagonal",
    "Unfold": "windows side by side",
    "Gather": "one element for every index",
    "AsStrided": "other strides",
    "Clone": "A copy",
    "Move": "A copy on another device",
}


def expand(step: ForwardStep) -> str:
    x, y = step.inputs[0].value, step.outputs[0]
    if x is None:
        return ""
    return f"{shape(x.shape)} was stretched to {shape(y.shape)}: every number is seen {y.size // max(x.size, 1)} times."


def joined(step: ForwardStep) -> str:
    shapes = [shape(x.value.shape) for x in step.inputs if x.value is not None]
    how = "one after the other" if step.op == "Cat" else "side by side, along a new axis"
    return f"{count(len(shapes), 'tensor')} were put {how}: {shape(step.outputs[0].shape)}."


def split(step: ForwardStep) -> str:
    x = step.inputs[0].value
    apart = f"taken apart along axis {step.options['dim']} into {count(len(step.outputs), 'piece')}"
    return (
        "" if x is None else f"{shape(x.shape)} was {apart}: views of the same memory, nothing is computed."
    )


def cast(step: ForwardStep) -> str:
    x, y = step.inputs[0].value, step.outputs[0]
    return "" if x is None else f"{count(y.size, 'number')} went from {x.dtype} to {y.dtype}."


# ---- sums ----------------------------------------------------------------------------------------------------


def reduced(step: ForwardStep) -> str:
    x, y = step.inputs[0].value, step.outputs[0]
    if x is None:
        return ""
    n = x.size // y.size if y.size else 0
    verb, noun = REDUCTIONS[step.op]
    if is_single(y):
        return f"{count(x.size, 'number')} {'were ' if x.size != 1 else 'was '}{verb}: {noun} is {number(item(y))}."
    dims = step.options.get("dims", (step.options["dim"],) if "dim" in step.options else ())
    over = f" over {axes(dims)}" if dims else ""
    return f"{verb}{over}, {count(n, 'number')} at a time: {shape(x.shape)} -> {shape(y.shape)}."


REDUCTIONS = {
    "Sum": ("added up", "the sum"),
    "Mean": ("averaged", "the mean"),
    "Prod": ("multiplied", "the product"),
    "Var": ("compared with their mean", "the variance"),
    "LogSumExp": ("put into ln(e^x_1 + e^x_2 + ...)", "the result"),
}


def running_sum(step: ForwardStep) -> str:
    return f"running sums along axis {step.options['dim']}: each number, and all before it, added up."


def triangle(step: ForwardStep) -> str:
    side = "above" if step.options.get("lower") else "below"
    return f"what lies {side} the diagonal became 0, the rest stayed."


def padded(step: ForwardStep) -> str:
    x, y, value = step.inputs[0].value, step.outputs[0], step.options.get("value", 0)
    return (
        ""
        if x is None
        else f"A border of {number(value)} was put round: {shape(x.shape)} -> {shape(y.shape)}."
    )


def extremum(step: ForwardStep) -> str:
    x, y = step.inputs[0].value, step.outputs[0]
    if x is None:
        return ""
    which = "largest" if step.options.get("largest", True) else "smallest"
    which = "middle one" if step.op == "Median" else which
    if is_single(y):
        return f"the {which} of {count(x.size, 'number')} is {number(item(y))}."
    return f"the {which} of each {x.size // y.size} numbers was taken: {shape(x.shape)} -> {shape(y.shape)}."


def pooled(step: ForwardStep) -> str:
    x, y = step.inputs[0].value, step.outputs[0]
    if x is None:
        return ""
    what = "the largest number" if step.op == "MaxPool2d" else "the mean"
    return f"of every window {what} was taken: {shape(x.shape)} -> {shape(y.shape)}."


# ---- products --------------------------------------------------------------------------------------------------


def matmul(step: ForwardStep) -> str:
    a, b = step.inputs[0].value, step.inputs[1].value
    if a is None or b is None:
        return ""
    return products(
        f"{shape(a.shape)} @ {shape(b.shape)} -> {shape(step.outputs[0].shape)}", step, a.shape[-1]
    )


def products(shapes: str, step: ForwardStep, n: int, bias: str = "") -> str:
    """Say that each number is a sum of products."""
    out = step.outputs[0]
    each = "the result" if is_single(out) else f"each of the {count(out.size, 'number')}"
    end = f" = {number(item(out))}" if is_single(out) else ""
    return f"{shapes}: {each} is a sum of {count(n, 'product')}{bias}{end}."


def linear(step: ForwardStep) -> str:
    x, weight = step.inputs[0].value, step.inputs[1].value
    if x is None or weight is None:
        return ""
    bias = ", plus a bias" if step.inputs[2].value is not None else ""
    shapes = f"{shape(x.shape)} @ {shape(weight.shape)}^T -> {shape(step.outputs[0].shape)}"
    return products(shapes, step, weight.shape[1], bias)


def convolution(step: ForwardStep) -> str:
    x, weight = step.inputs[0].value, step.inputs[1].value
    if x is None or weight is None:
        return ""
    window = " by ".join([str(size) for size in weight.shape[1:]])
    bias = ", plus a bias" if step.inputs[2].value is not None else ""
    shapes = (
        f"{count(weight.shape[0], 'filter')} slid over {shape(x.shape)} -> {shape(step.outputs[0].shape)}"
    )
    return products(shapes, step, math.prod(weight.shape[1:]), f" of a window of {window}{bias}")


def attention(step: ForwardStep) -> str:
    query, key = step.inputs[0].value, step.inputs[1].value
    if query is None or key is None:
        return ""
    mask = ", none of which comes later" if step.options.get("causal") else ""
    return (
        f"each of {query.shape[-2]} queries took a weighted mean of the values of {key.shape[-2]} keys{mask}."
    )


# ---- losses and layers -------------------------------------------------------------------------------------------


def softmax(step: ForwardStep) -> str:
    y = step.outputs[0]
    if step.op == "LogSoftmax":
        low, high = number(y.lowest), number(y.highest)
        return f"scores became logarithms of probabilities, between {low} and {high}."
    along = f"along axis {step.options['dim']}"
    return f"scores became probabilities that sum to 1 {along}; the largest is {number(y.highest)}."


def cross_entropy(step: ForwardStep) -> str:
    logits, target, out = step.inputs[0].value, step.inputs[1].value, step.outputs[0]
    if logits is None or target is None or logits.array is None or target.array is None:
        return ""
    scores, right = logits.array[0].astype(float), int(target.array[0])
    if not 0 <= right < len(scores):
        return ""
    p = np.exp(scores - scores.max())
    p = float(p[right] / p.sum())
    one = (
        f"the probability of the right class {right} is {number(p)}, and -ln {number(p)} = {number(-math.log(p))}"
        if p
        else (f"the right class {right} has the probability 0")
    )
    if len(logits.array) == 1:
        return f"{one}."
    weighted = "weighted " if step.inputs[2].value is not None else ""
    whole = {"mean": f"the {weighted}mean", "sum": f"the {weighted}sum"}.get(step.options["reduction"])
    rows = kept_rows(target, step)
    end = f"; {whole} over {count(rows, 'row')} is {number(item(out))}" if whole else ""
    return f"in row 0, {one}{end}."


def kept_rows(target: Value, step: ForwardStep) -> int:
    """Return how many rows are not ignored."""
    return int(np.count_nonzero(target.window != step.options["ignore_index"]))


def embedding(step: ForwardStep) -> str:
    weight, indices = step.inputs[0].value, step.inputs[1].value
    if weight is None or indices is None:
        return ""
    some = ", ".join([str(i) for i in indices.window.ravel()[:8]])
    more = ", ..." if indices.size > 8 else ""
    return f"{count(indices.size, 'row')} of {weight.shape[0]} looked up, numbers {some}{more}."


def normalized(step: ForwardStep) -> str:
    what = {"LayerNorm": "every row", "BatchNorm": "every channel"}.get(step.op, "every group of numbers")
    has_weight = len(step.inputs) > 1 and step.inputs[1].value is not None
    end = ", then multiplied by the weight, and the bias added" if has_weight else ""
    return f"{what} was brought to mean 0 and variance 1{end}."


def recurrent(step: ForwardStep) -> str:
    steps = step.options.get("steps")
    n = len(steps.batch_sizes) if steps is not None else 0
    return f"{step.op.removesuffix('Layer')} went through {count(n, 'step')} of time, from state to state."


def single_pow(step: ForwardStep) -> str:
    """Say x ** 2 of arrays as of numbers, but only where the exponent is one number."""
    return elementwise(step) if operand_number(step.inputs[1]) is not None else ""


FORWARD: dict[str, Callable[[ForwardStep], str]] = {
    "Relu": relu,
    "Sigmoid": saturating,
    "Tanh": saturating,
    "Neg": negated,
    "Compare": compared,
    "ElementTest": compared,
    "Dropout": dropout,
    "Where": where,
    "Keep": where,
    "Pow": single_pow,
    **dict.fromkeys(MOVES, moved),
    "Cumsum": running_sum,
    "Triangle": triangle,
    "ConstantPad": padded,
    "Expand": expand,
    "Cat": joined,
    "Stack": joined,
    "Split": split,
    "SplitWithSizes": split,
    "Unbind": split,
    "Cast": cast,
    **dict.fromkeys(REDUCTIONS, reduced),
    "Extremum": extremum,
    "ExtremumAlongDim": extremum,
    "Median": extremum,
    "MaxPool2d": pooled,
    "AvgPool2d": pooled,
    "AdaptiveAvgPool2d": pooled,
    "MatMul": matmul,
    "Linear": linear,
    "Conv2d": convolution,
    "Attention": attention,
    "Softmax": softmax,
    "LogSoftmax": softmax,
    "SoftmaxCrossEntropy": cross_entropy,
    "Embedding": embedding,
    "LayerNorm": normalized,
    "BatchNorm": normalized,
    "Normalize": normalized,
    "RNNLayer": recurrent,
    "LSTMLayer": recurrent,
    "GRULayer": recurrent,
}
