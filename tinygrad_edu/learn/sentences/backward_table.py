"""What each operation did with the gradient: a function for each kind of operation, found by the name of the class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygrad_edu.learn.sentences.forward_table import FLAT, MOVES, kept_rows, slope_of
from tinygrad_edu.learn.sentences.words import (
    axes,
    called,
    capital,
    count,
    first,
    is_single,
    item,
    listed,
    number,
    part_note,
    shape,
    share,
    signed,
    stretched_axes,
    target_name,
    transposed,
    wanted,
)
from tinygrad_edu.learn.tape import BackwardStep, ForwardStep, Value
from tinygrad_edu.numpy_dtypes import is_floating

# ---- the operations ------------------------------------------------------------------------------------------


def add(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    sent = wanted(back)
    names = [called(step, s.input) for s in sent]
    if step.op == "Sub" and sent[-1].input == 1:
        other = f"{names[-1]} gets it with the other sign"
        return (
            f"A difference: {names[0]} gets the gradient as it is, {other}"
            if len(names) == 2
            else f"A difference: {other}"
        )
    end = f", {number(item(grad))}" if is_single(grad) else ""
    gets = f"{names[0]} gets" if len(set(names)) == 1 else f"{listed(names)} each get"
    what = "difference" if step.op == "Sub" else "sum"
    return f"A {what} hands the gradient on as it is: {gets} all of it{end}"


def mul(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    parts = []
    for sent in wanted(back):
        if sent.value is None:
            continue
        mine, other = called(step, sent.input), called(step, 1 - sent.input)
        factor = step.inputs[1 - sent.input]
        other = f"the conjugate of {other}" if grad.window.dtype.kind == "c" else other
        text = f"the gradient of {mine} is g times {other}"
        if sent.value.shape == grad.shape and is_floating(grad.window.dtype):
            where = "" if is_single(grad) else "the first is "
            value = factor.number if factor.value is None else first(factor.value)
            text += f": {where}{number(first(grad))} × {signed(value)} = {number(first(sent.value))}"
        parts.append(text)
    return f"the product rule: {'; '.join(parts)}"


def relu(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    x, sent = step.inputs[0].value, back.sent[0]
    assert x is not None
    name = step.inputs[0].name or target_name(sent.target, sent.output_nr)
    if is_single(x):
        if item(x) > 0:
            passed = f"so the gradient {number(item(grad))} goes through to {name}"
            return f"this ReLU is open: its input was {number(item(x))}, {passed}"
        return f"this ReLU is closed: its input was {number(item(x))}, so nothing reaches {name}"
    closed = int(np.count_nonzero(~(x.window > 0)))
    if not closed:
        return f"all {x.window.size:,} ReLUs are open: the gradient goes through as it is{part_note(x)}"
    rest = (
        "nothing goes on from here" if closed == x.window.size else "the others pass the gradient on as it is"
    )
    return f"{share(closed, x.window.size)} ReLUs are closed, where nothing passes; {rest}{part_note(x)}"


def saturating(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    x, y = step.inputs[0].value, step.outputs[0]
    if x is None or y.window.dtype.kind == "c":
        return ""
    slopes, name = slope_of(step.op, y.window), step.op.lower()
    flat = int(np.count_nonzero(slopes < FLAT))
    if is_single(x):
        slope = float(slopes.ravel()[0])
        if flat:
            at = f"at {number(item(x))} its slope is only {number(slope)}"
            return f"{name} is saturated: {at}, so next to nothing passes"
        formula = "out (1 - out)" if step.op == "Sigmoid" else "1 - out^2"
        value = back.sent[0].value
        end = f": {number(item(grad))} × {number(slope)} = {number(item(value))}" if value is not None else ""
        return f"the slope of {name} is {formula} = {number(slope)} here{end}"
    if not flat:
        return f"the gradient is multiplied by the slope of {name}, {number(slopes.min())} to {number(slopes.max())}"
    slow = f"the slope of {name} is below {FLAT} there, and next to nothing passes"
    return f"{share(flat, y.window.size)} are saturated: {slow}{part_note(y)}"


def dropout(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    y, x, p = step.outputs[0], step.inputs[0].value, step.options["p"]
    assert x is not None
    gone = int(np.count_nonzero((y.window == 0) & (x.window != 0)))
    factor = number(1 / (1 - p)) if p < 1 else "0"
    others = f"the others get theirs times {factor}"
    return f"what dropout had set to 0 gets no gradient, {share(gone, y.window.size)}; {others}"


def moved(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    value = back.sent[0].value
    if value is None:
        return ""
    fill = "; what was not taken gets 0" if value.size > grad.size else ""
    return f"the gradient only moves back to where the numbers were, {shape(grad.shape)} -> {shape(value.shape)}{fill}"


def expand(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    value = back.sent[0].value
    if value is None:
        return ""
    dims = stretched_axes(value.shape, grad.shape)
    over = f"summed over {axes(dims)}, because {shape(value.shape)} was stretched to {shape(grad.shape)}"
    return f"the gradients of all copies are {over}" if dims else "the gradient goes back as it is"


def split(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    unused = sum(g is None for g in back.grads)
    end = (
        f"; {count(unused, 'piece')} that nobody used {'counts' if unused == 1 else 'count'} as 0"
        if unused
        else ""
    )
    return f"the gradients of the pieces are put together again{end}"


def joined(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return f"the gradient is cut into {count(len(back.sent), 'piece')}, and each tensor gets its own"


def reduced(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    x = step.inputs[0].value
    if x is None:
        return ""
    n = x.size // grad.size
    single = is_single(grad)
    if step.op == "Sum":
        each = f"the gradient of the sum, {number(item(grad))}" if single else "the gradient of its sum"
        return f"each of the {count(n, 'summand')} gets {each}" if n > 1 else f"the only summand gets {each}"
    each = f": {number(item(grad))} / {n} = {number(item(grad) / n)}" if single else ""
    return f"each of the {count(n, 'number')} in a mean gets 1/{n} of its gradient{each}"


def cast(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    x = step.inputs[0].value
    return (
        ""
        if x is None
        else f"the gradient goes back from {grad.dtype} to {x.dtype}, the dtype of what came in"
    )


def running_sum(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return (
        "each number is in all sums from its own on, and gets all their gradients: a running sum from the end"
    )


def triangle(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return "the gradient has the same triangle: what became 0 gets none"


def padded(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return "the border is cut off the gradient again"


def variance(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return "each number gets g times 2 (x - mean) / (n - correction): the farther from the mean, the more"


def log_sum_exp(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return "each number gets its softmax as a share of the gradient: the largest gets the most"


def product_of_all(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return "each factor gets the gradient times the product of all others"


def extremum(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    x, value = step.inputs[0].value, back.sent[0].value
    if x is None or value is None:
        return ""
    which = "smallest" if not step.options.get("largest", True) else "largest"
    which = "middle one" if step.op == "Median" else which
    if is_single(grad) and value.array is not None:
        places = np.argwhere(value.array != 0)
        if len(places) == 1:
            place = tuple(int(i) for i in places[0])
            spot = place[0] if len(place) == 1 else place
            top = number(x.window[place]) if x.array is not None else ""
            return (
                f"only the {which}, {top} at position {spot}, gets the gradient; the other {x.size - 1} get 0"
            )
        if len(places) > 1:
            return f"{len(places)} numbers are equally the {which}: they share the gradient, the others get 0"
    return f"only the {which} of each {x.size // grad.size} numbers gets a gradient, the others get 0"


def pooled(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    value = back.sent[0].value
    if value is None:
        return ""
    if step.op == "MaxPool2d":
        return f"only the winner of each window gets the gradient: at most {share(grad.size, value.size)}"
    return f"each window hands its gradient out evenly, {shape(grad.shape)} -> {shape(value.shape)}"


def matmul(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    a, b = step.inputs[0].value, step.inputs[1].value
    if a is None or b is None:
        return ""
    names = called(step, 0), called(step, 1)
    parts = {
        0: f"to {names[0]} goes g @ {names[1]}^T: {shape(grad.shape)} @ {transposed(b.shape)} -> {shape(a.shape)}",
        1: f"to {names[1]} goes {names[0]}^T @ g: {transposed(a.shape)} @ {shape(grad.shape)} -> {shape(b.shape)}",
    }
    return "; ".join([parts[sent.input] for sent in wanted(back)])


def linear(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    x, weight = step.inputs[0].value, step.inputs[1].value
    if x is None or weight is None:
        return ""
    rows = grad.size // grad.shape[-1]
    columns, size = grad.shape[-1], x.shape[-1]
    product = f"{shape((columns, rows))} @ {shape((rows, size))}"
    parts = {
        0: f"to {called(step, 0)} goes g @ W: {shape(grad.shape)} @ {shape(weight.shape)} -> {shape(x.shape)}",
        1: f"to {called(step, 1)} goes g^T @ x: {product} -> {shape(weight.shape)}",
        2: f"to {called(step, 2)} goes the sum of g over {count(rows, 'row')}",
    }
    return "; ".join([parts[sent.input] for sent in wanted(back)])


def convolution(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    positions = grad.size // grad.shape[1]
    parts = {
        0: "every pixel gets the gradients of all windows that have seen it",
        1: f"each weight gets the sum over {count(positions, 'window')}, of gradient times the pixel that it met",
        2: f"each bias gets the sum of {count(positions, 'gradient')}",
    }
    return "; ".join([parts[sent.input] for sent in wanted(back)])


def softmax(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    if step.op == "LogSoftmax":
        return "each score gets g - p times the sum of g: raising one probability lowers the others"
    return "each score gets p (g - the mean of g, weighted with p): raising one probability lowers the others"


def cross_entropy(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    target, value = step.inputs[1].value, back.sent[0].value
    if target is None or value is None or value.array is None or target.array is None:
        return ""
    row, right = value.array[0], int(target.array[0])
    rows, weighted = len(value.array), step.inputs[2].value is not None
    text = "each score gets its probability p, minus 1 at the right class: p - onehot"
    text += ", times the weight of the class" if weighted else ""
    if step.options["reduction"] == "mean" and rows > 1:
        kept = kept_rows(target, step)
        text += (
            ", divided by the sum of the weights" if weighted else f", divided by the number of rows, {kept}"
        )
    if not 0 <= right < len(row):
        return text
    where = f"in row 0, the right class {right}" if rows > 1 else f"the right class {right}"
    return f"{text}. {capital(where)} gets {number(row[right])}: a step against the gradient raises its score"


def embedding(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    indices, weight = step.inputs[1].value, step.inputs[0].value
    if indices is None or weight is None or indices.array is None:
        return ""
    rows, counts = np.unique(indices.array, return_counts=True)
    twice = int(np.count_nonzero(counts > 1))
    looked_up = f"{count(len(rows), 'row')} that {'was' if len(rows) == 1 else 'were'} looked up"
    text = f"only the {looked_up}, of {weight.shape[0]}, get a gradient"
    return text + (f"; {twice} of them several times, where the gradients add up" if twice else "")


def normalized(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return (
        "what would only shift the mean or stretch the spread is taken out of the gradient, for the normalisation "
        "undoes it; the rest is divided by the standard deviation"
    )


def recurrent(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    steps = step.options.get("steps")
    n = len(steps.batch_sizes) if steps is not None else 0
    way = {"LSTMLayer": ", from cell to cell through the forget gate alone"}.get(
        step.op, ", from state to state"
    )
    return f"the gradient goes back through {count(n, 'step')} of time{way}; the weights get the sum over all of them"


def attention(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return (
        "each value gets the share of the gradient that its weight was; queries and keys get theirs through the "
        "softmax of their products"
    )


def where(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return "the gradient goes to what was chosen; the others get 0"


def flat(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    return f"{step.op} is flat between its steps: its derivative is 0, and nothing passes"


BACKWARD: dict[str, Callable[[BackwardStep, ForwardStep, Value], str]] = {
    "Add": add,
    "Sub": add,
    "Mul": mul,
    "Relu": relu,
    "Sigmoid": saturating,
    "Tanh": saturating,
    "Dropout": dropout,
    **dict.fromkeys(MOVES, moved),
    "Expand": expand,
    "Split": split,
    "SplitWithSizes": split,
    "Unbind": split,
    "Cat": joined,
    "Stack": joined,
    "Sum": reduced,
    "Mean": reduced,
    "Prod": product_of_all,
    "Cast": cast,
    "Cumsum": running_sum,
    "Triangle": triangle,
    "ConstantPad": padded,
    "Var": variance,
    "LogSumExp": log_sum_exp,
    "Extremum": extremum,
    "ExtremumAlongDim": extremum,
    "Median": extremum,
    "MaxPool2d": pooled,
    "AvgPool2d": pooled,
    "AdaptiveAvgPool2d": pooled,
    "MatMul": matmul,
    "Linear": linear,
    "Conv2d": convolution,
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
    "Attention": attention,
    "Where": where,
    "Keep": where,
    "Clamp": where,
    "Maximum": where,
    "Minimum": where,
    "Stepwise": flat,
    "RoundedDivide": flat,
}
