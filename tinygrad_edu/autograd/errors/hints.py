"""What may mend an error of shapes or dtypes: a change of one operand with which the operation would go.

Every hint has been tried on the shapes: what it proposes fits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple


class Operand(NamedTuple):
    """A Tensor: what the user calls it, its shape, dtype and device."""

    text: str
    shape: tuple[int, ...]
    dtype: str
    device: str


def hint_for(operation: str, message: str, operands: Sequence[Operand]) -> str:
    """Return a hint, or nothing if none is known."""
    if len({x.device for x in operands}) > 1:
        return of_devices(operands)
    if "dtype" in message or " type " in message or "Input type" in message:
        hint = of_dtypes(operands)
        if hint:
            return hint
    if "Target" in message and "out of bounds" in message:
        return of_classes(message)
    if operation in OF_MESSAGE:
        return OF_MESSAGE[operation](message)
    known = OF_OPERATION.get(operation)
    if known is None and ("broadcast" in message or "must match the size" in message):
        known = of_broadcast
    return known(operands) if known is not None and operands else ""


def called(x: Operand, method: str) -> str:
    """Return the text of a method called on an operand."""
    is_name = x.text.replace(".", "").replace("_", "").isalnum() or x.text.endswith((")", "]"))
    return f"{x.text if is_name else f'({x.text})'}.{method}"


def of_devices(operands: Sequence[Operand]) -> str:
    """Propose to bring an operand to the device of the first."""
    first = operands[0]
    other = next(x for x in operands if x.device != first.device)
    return f"{called(other, f'to({first.text}.device)')} brings it to {first.device}, where {first.text} is"


def of_dtypes(operands: Sequence[Operand]) -> str:
    """Propose one dtype."""
    dtypes = list(dict.fromkeys(x.dtype for x in operands))
    if len(dtypes) < 2:
        return ""
    if "float32" in dtypes:
        other = next(x for x in operands if x.dtype != "float32")
        why = "; numbers that come from NumPy are float64" if other.dtype == "float64" else ""
        return f"{called(other, 'float()')} is float32, as the other{why}"
    first, other = operands[0], next(x for x in operands if x.dtype != operands[0].dtype)
    return f"{called(other, f'to({first.text}.dtype)')} makes it {first.dtype}"


def of_matmul(operands: Sequence[Operand]) -> str:
    """Propose a transpose, the other order or a flattening: (m, k) @ (k, n) -> (m, n)."""
    if len(operands) < 2 or not operands[0].shape or not operands[1].shape:
        return ""
    a, b = operands[0], operands[1]
    if len(b.shape) == 2 and a.shape[-1] == b.shape[1]:
        return f"{a.text} @ {called(b, 'T')} is {list(a.shape)} @ {list(b.shape[::-1])}, which fits"
    if len(a.shape) == 2 and len(b.shape) <= 2 and a.shape[0] == b.shape[0]:
        return f"{called(a, 'T')} @ {b.text} is {list(a.shape[::-1])} @ {list(b.shape)}, which fits"
    if len(a.shape) > 2 and len(b.shape) == 2 and math.prod(a.shape[1:]) == b.shape[0]:
        return of_flattening(a, b.shape[0])
    if len(a.shape) == len(b.shape) == 2 and b.shape[1] == a.shape[0]:
        return f"the other order, {b.text} @ {a.text}, is {list(b.shape)} @ {list(a.shape)}, which fits"
    return ""


def of_flattening(x: Operand, features: int) -> str:
    """Propose to flatten all but the first dimension."""
    return f"flatten first? {called(x, 'flatten(1)')} is {[x.shape[0], features]}"


def of_linear(operands: Sequence[Operand]) -> str:
    """Propose a flattening, a transpose, or a layer of another size; the weight is (out_features, in_features)."""
    if len(operands) < 2 or not operands[0].shape or len(operands[1].shape) != 2:
        return ""
    x, weight = operands[0], operands[1]
    out_features, in_features = weight.shape
    if len(x.shape) > 2 and math.prod(x.shape[1:]) == in_features:
        return of_flattening(x, in_features)
    if math.prod(x.shape) == in_features:
        return f"{called(x, 'flatten()')} is [{in_features}]"
    if len(x.shape) == 2 and x.shape[0] == in_features:
        return f"{called(x, 'T')} is {list(x.shape[::-1])}: features come last"
    if x.shape[-1] == out_features and weight.text != "weight":
        return (
            f"{called(weight, 'T')} is {[in_features, out_features]}: a weight is (out_features, in_features)"
        )
    flat = math.prod(x.shape[1:])
    flattened = f", after a flatten(1) {flat}" if len(x.shape) > 2 else ""
    return (
        f"the layer is made for {in_features} features, and {x.text} has {x.shape[-1]}{flattened}: "
        f"in_features={flat if flattened else x.shape[-1]} would fit"
    )


def of_convolution(operands: Sequence[Operand]) -> str:
    """Propose a dimension for the channels, or their place."""
    if len(operands) < 2 or len(operands[1].shape) < 3:
        return ""
    x, weight = operands[0], operands[1]
    channels, dims = weight.shape[1], len(weight.shape) - 2
    if len(x.shape) == dims + 1 and channels == 1:  # taken for one image
        return f"a batch of images with one channel? {called(x, 'unsqueeze(1)')} is {with_one(x.shape, 1)}"
    if len(x.shape) == dims and channels == 1:
        return f"one image without channels? {called(x, 'unsqueeze(0)')} is {with_one(x.shape, 0)}"
    if len(x.shape) == dims + 2 and x.shape[-1] == channels:
        order = (0, dims + 1, *range(1, dims + 1))
        moved = [x.shape[i] for i in order]
        return f"channels come before the pixels: {called(x, f'permute{order}')} is {moved}"
    if len(x.shape) == dims + 2 and x.shape[1] != channels:
        return f"the layer is made for {channels} channels: in_channels={x.shape[1]} would fit"
    return ""


def with_one(shape: tuple[int, ...], place: int) -> list[int]:
    """Return a shape with a dimension of size 1 put in."""
    return [*shape[:place], 1, *shape[place:]]


def of_broadcast(operands: Sequence[Operand]) -> str:
    """Propose a new dimension, a transpose or a reshape for two operands that do not broadcast."""
    if len(operands) < 2:
        return ""
    a, b = operands[0], operands[1]
    if broadcasts(a.shape, b.shape):
        return ""
    short, long = (b, a) if len(b.shape) <= len(a.shape) else (a, b)
    if len(short.shape) == 2 and broadcasts(short.shape[::-1], long.shape):
        return f"{called(short, 'T')} is {list(short.shape[::-1])}, which fits"
    for place in range(1, len(short.shape) + 1):
        wider = with_one(short.shape, place)
        if len(wider) <= len(long.shape) and broadcasts(wider, long.shape):
            return (
                f"{called(short, f'unsqueeze({place})')} is {wider}, and is stretched to {list(long.shape)}"
            )
    if math.prod(a.shape) == math.prod(b.shape):
        return (
            f"as many elements: {called(b, f'reshape({a.text}.shape)')} fits, if they are in the same order"
        )
    return ""


def broadcasts(a: Sequence[int], b: Sequence[int]) -> bool:
    """Tell whether two shapes broadcast: from the end, sizes are equal or one of them is 1."""
    return all(x == y or 1 in (x, y) for x, y in zip(reversed(a), reversed(b), strict=False))


def of_join(operands: Sequence[Operand]) -> str:
    """Name the Tensor that differs from the first one."""
    for x in operands[1:]:
        if len(x.shape) != len(operands[0].shape):
            return f"{x.text} has {len(x.shape)} dimensions, {operands[0].text} has {len(operands[0].shape)}"
        if x.shape != operands[0].shape:
            same = [i for i, (n, m) in enumerate(zip(x.shape, operands[0].shape, strict=True)) if n != m]
            return f"{x.text} differs in dimension {', '.join(map(str, same))}" + (
                f"; dim={same[0]} would fit" if len(same) == 1 and len(operands) == 2 else ""
            )
    return ""


def of_class_targets(operands: Sequence[Operand]) -> str:
    """Propose class numbers, and one for each example."""
    if len(operands) < 2 or len(operands[0].shape) != 2:
        return ""
    scores, target = operands[0], operands[1]
    if target.shape == (scores.shape[0], 1):
        return f"{called(target, 'squeeze(1)')} is [{target.shape[0]}]: one class number for each example"
    if target.shape == scores.shape[:1] and target.dtype.startswith(("float", "bool")):
        return f"{called(target, 'long()')}: class numbers are integers"
    return ""


def of_same_size(operands: Sequence[Operand]) -> str:
    """Propose the shape of the first for the second, if it has as many elements."""
    if len(operands) < 2 or math.prod(operands[0].shape) != math.prod(operands[1].shape):
        return ""
    a, b = operands[0], operands[1]
    if a.shape == (*b.shape, 1):
        return f"{called(a, f'squeeze({len(b.shape)})')} is {list(b.shape)}, as {b.text} is"
    return (
        f"{called(b, f'reshape({a.text}.shape)')} is {list(a.shape)}, if the elements are in the same order"
    )


def of_features(operands: Sequence[Operand]) -> str:
    """Propose a batch norm for as many channels as there are."""
    if len(operands) < 2 or len(operands[0].shape) < 2:
        return ""
    channels = operands[0].shape[1]
    return f"the layer is made for {operands[1].shape[0]} channels: num_features={channels} would fit"


def of_last_dimension(operands: Sequence[Operand]) -> str:
    """Propose a layer norm over the last dimension."""
    if not operands or not operands[0].shape:
        return ""
    return f"normalized_shape={operands[0].shape[-1]} would fit"


def of_view(message: str) -> str:
    """Propose a shape in which one size is another, so that it has as many elements as there are."""
    found = re.search(r"shape '\[([\d, ]*)\]' is invalid for input of size (\d+)", message)
    if not found or not found[1]:
        return ""
    shape, total = [int(size) for size in found[1].split(",")], int(found[2])
    for place in reversed(range(len(shape))):
        others = math.prod(shape[:place] + shape[place + 1 :])
        if others and total % others == 0:
            fitting = [*shape[:place], total // others, *shape[place + 1 :]]
            return f"there are {total} elements: {fitting} would fit"
    return f"there are {total} elements, and {' * '.join(map(str, shape))} is {math.prod(shape)}"


def of_classes(message: str) -> str:
    """Propose more classes."""
    found = re.search(r"Target (\d+) is out of bounds: expected 0 to (\d+)", message)
    if not found:
        return ""
    return (
        f"the scores have {int(found[2]) + 1} classes, numbered from 0; {int(found[1]) + 1} of them would fit: look at "
        "out_features of the last layer, or at whether the labels begin with 0"
    )


OF_MESSAGE = {"view": of_view, "reshape": of_view}
"""What is found by the message, for the sizes that were asked for are no Tensors."""

OF_OPERATION = {
    **dict.fromkeys(["matmul", "mm", "mv", "bmm", "dot"], of_matmul),
    "linear": of_linear,
    **dict.fromkeys(["conv1d", "conv2d", "conv3d", "_conv"], of_convolution),
    **dict.fromkeys(["cat", "stack", "hstack", "vstack"], of_join),
    **dict.fromkeys(["cross_entropy", "nll_loss"], of_class_targets),
    **dict.fromkeys(["binary_cross_entropy", "binary_cross_entropy_with_logits"], of_same_size),
    "batch_norm": of_features,
    "layer_norm": of_last_dimension,
}
