"""What may mend an error of shapes or dtypes: a change of one operand with which the operation would go.

Every hint has been tried on the shapes: what it proposes fits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_edu.autograd.errors.expressions import enclosed


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
    if "for index, got" in message:
        return of_index(operation, message, operands)
    if "dtype" in message or " type " in message or "Input type" in message:
        hint = of_dtypes([x for x in operands if names_dtype(message, x)] or operands)
        if hint:
            return hint
    if "Target" in message and "out of bounds" in message:
        return of_classes(message)
    if operation in OF_MESSAGE:
        return OF_MESSAGE[operation](message)
    if operation in OF_BOTH:
        return OF_BOTH[operation](operands, message)
    known = OF_OPERATION.get(operation)
    if known is None and ("broadcast" in message or "must match the size" in message):
        known = of_broadcast
    return known(operands) if known is not None and operands else ""


def called(x: Operand, method: str) -> str:
    """Return the text of a method called on an operand."""
    return f"{enclosed(x.text)}.{method}"


def of_devices(operands: Sequence[Operand]) -> str:
    """Propose to bring an operand to the device of the first."""
    first = operands[0]
    other = next(x for x in operands if x.device != first.device)
    return f"{called(other, f'to({enclosed(first.text)}.device)')} brings it to {first.device}, where {first.text} is"


def names_dtype(message: str, x: Operand) -> bool:
    """Tell whether a message speaks of the dtype of an operand; one that it leaves out, such as an index, is right."""
    return re.search(rf"\b{x.dtype}\b", message) is not None


def of_index(operation: str, message: str, operands: Sequence[Operand]) -> str:
    """Propose integers for an index; it is the first operand of an embedding, and the second of all else."""
    x = operands[0 if "embedding" in operation else 1] if len(operands) > 1 else None
    if x is None or not message.endswith(f"got {x.dtype}"):
        return ""
    return f"{called(x, 'long()')}: an index is made of integers"


def of_dtypes(operands: Sequence[Operand]) -> str:
    """Propose one dtype; a complex one if there is one, for the others have no place for an imaginary part."""
    dtypes = list(dict.fromkeys(x.dtype for x in operands))
    if len(dtypes) < 2:
        return ""
    of_complex = next((x for x in operands if x.dtype.startswith("complex")), None)
    if of_complex is not None:
        other = next(x for x in operands if x.dtype != of_complex.dtype)
        if other.text == "weight":
            return f"dtype=torch.{of_complex.dtype} for the layer would fit"
        return f"{called(other, f'to({enclosed(of_complex.text)}.dtype)')} makes it {of_complex.dtype}"
    if "float32" in dtypes:
        other = next(x for x in operands if x.dtype != "float32")
        why = "; numbers that come from NumPy are float64" if other.dtype == "float64" else ""
        return f"{called(other, 'float()')} is float32, as the other{why}"
    first, other = operands[0], next(x for x in operands if x.dtype != operands[0].dtype)
    return f"{called(other, f'to({enclosed(first.text)}.dtype)')} makes it {first.dtype}"


def of_matmul(operands: Sequence[Operand]) -> str:
    """Propose a transpose, the other order or a flattening: (m, k) @ (k, n) -> (m, n)."""
    if len(operands) < 2 or not operands[0].shape or not operands[1].shape:
        return ""
    a, b = operands[0], operands[1]
    if len(b.shape) == 2 and a.shape[-1] == b.shape[1]:
        return f"{enclosed(a.text)} @ {called(b, 'T')} is {list(a.shape)} @ {list(b.shape[::-1])}, which fits"
    if len(a.shape) == 2 and len(b.shape) <= 2 and a.shape[0] == b.shape[0]:
        return f"{called(a, 'T')} @ {enclosed(b.text)} is {list(a.shape[::-1])} @ {list(b.shape)}, which fits"
    if len(a.shape) > 2 and len(b.shape) == 2 and math.prod(a.shape[1:]) == b.shape[0]:
        return of_flattening(a, b.shape[0])
    if len(a.shape) == len(b.shape) == 2 and b.shape[1] == a.shape[0]:
        product = f"{enclosed(b.text)} @ {enclosed(a.text)}"
        return f"the other order, {product}, is {list(b.shape)} @ {list(a.shape)}, which fits"
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
    made_for = (
        f"the layer is made for {in_features} features, and {x.text} has {x.shape[-1]}: in_features={x.shape[-1]} "
        "would fit"
    )
    if len(x.shape) < 3:
        return made_for
    return f"{made_for}, or in_features={math.prod(x.shape[1:])} after {called(x, 'flatten(1)')}"


def of_convolution(operands: Sequence[Operand], message: str) -> str:
    """Propose a dimension for the channels, or their place; or that the kernel fits."""
    if "Kernel size can't be greater" in message:
        return "the image is too small for the kernel: a smaller kernel_size, more padding, or less pooling before"
    if len(operands) < 2 or len(operands[1].shape) < 3:
        return ""
    x, weight = operands[0], operands[1]
    groups = re.search(r"groups=(\d+)", message)
    channels, dims = weight.shape[1] * (int(groups[1]) if groups else 1), len(weight.shape) - 2
    if len(x.shape) == dims + 1 and channels == 1:  # taken for one image
        return f"a batch of images with one channel? {called(x, 'unsqueeze(1)')} is {with_one(x.shape, 1)}"
    if len(x.shape) == dims and channels == 1:
        return f"one image without channels? {called(x, 'unsqueeze(0)')} is {with_one(x.shape, 0)}"
    if len(x.shape) == dims + 2 and x.shape[-1] == channels != x.shape[1]:
        order = (0, dims + 1, *range(1, dims + 1))
        moved = [x.shape[i] for i in order]
        return f"channels come before the pixels: {called(x, f'permute{order}')} is {moved}"
    return of_channels(channels, x, dims, int(groups[1]) if groups else 1)


def of_transposed_convolution(operands: Sequence[Operand], _message: str) -> str:
    """Propose a layer for as many channels as there are; its weight is (in_channels, out_channels / groups, ...)."""
    if len(operands) < 2 or len(operands[1].shape) < 3:
        return ""
    return of_channels(operands[1].shape[0], operands[0], len(operands[1].shape) - 2, 1)


def of_channels(channels: int, x: Operand, dims: int, groups: int) -> str:
    """Propose a layer for as many channels as there are, in a batch or in one image."""
    if len(x.shape) not in (dims + 1, dims + 2):
        return ""
    given = x.shape[-dims - 1]
    if given == channels or given % groups:
        return ""
    return f"the layer is made for {channels} channels: in_channels={given} would fit"


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
        reshaped = called(b, f"reshape({enclosed(a.text)}.shape)")
        return f"as many elements: {reshaped} fits, if they are in the same order"
    return ""


def broadcasts(a: Sequence[int], b: Sequence[int]) -> bool:
    """Tell whether two shapes broadcast: from the end, sizes are equal or one of them is 1."""
    return all(x == y or 1 in (x, y) for x, y in zip(reversed(a), reversed(b), strict=False))


def of_join(operands: Sequence[Operand]) -> str:
    """Name the Tensor that differs from the first one, and a dimension along which they can be joined."""
    difference, place = of_difference(operands)
    return difference + (f"; dim={place} would fit" if place is not None else "")


def of_stack(operands: Sequence[Operand]) -> str:
    """Name the Tensor that differs from the first one: stack joins equal ones only, along a new dimension."""
    difference, place = of_difference(operands)
    return difference + (f"; cat joins them along dim={place}" if place is not None else "")


def of_difference(operands: Sequence[Operand]) -> tuple[str, int | None]:
    """Say in what a Tensor differs from the first one; and the dimension, if there are two, and it is the only one."""
    for x in operands[1:]:
        if len(x.shape) != len(operands[0].shape):
            said = f"{x.text} has {len(x.shape)} dimensions, {operands[0].text} has {len(operands[0].shape)}"
            return said, None
        if x.shape != operands[0].shape:
            where = [i for i, (n, m) in enumerate(zip(x.shape, operands[0].shape, strict=True)) if n != m]
            said = f"{x.text} differs in dimension {', '.join(map(str, where))}"
            return said, where[0] if len(where) == 1 and len(operands) == 2 else None
    return "", None


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
    reshaped = called(b, f"reshape({enclosed(a.text)}.shape)")
    return f"{reshaped} is {list(a.shape)}, if the elements are in the same order"


def of_features(operands: Sequence[Operand]) -> str:
    """Propose a batch norm for as many channels as there are, or their place."""
    if len(operands) < 2 or len(operands[0].shape) < 2 or not operands[1].shape:
        return ""
    x, features = operands[0], operands[1].shape[0]
    if x.shape[1] == features:
        return ""
    if len(x.shape) == 3 and x.shape[2] == features:
        return (
            f"channels come second: {called(x, 'transpose(1, 2)')} is {[x.shape[0], x.shape[2], x.shape[1]]}"
        )
    return f"the layer is made for {features} channels: num_features={x.shape[1]} would fit"


def of_last_dimensions(operands: Sequence[Operand], message: str) -> str:
    """Propose a layer norm over as many of the last dimensions as were asked for."""
    found = re.search(r"Given normalized_shape=\[([\d, ]+)\]", message)
    count = len(found[1].split(",")) if found else 0
    if not operands or not 0 < count <= len(operands[0].shape):
        return ""
    last = list(operands[0].shape[-count:])
    return f"normalized_shape={last[0] if count == 1 else last} would fit"


def of_view(message: str) -> str:
    """Propose a shape in which one size is another, so that it has as many elements as there are."""
    found = re.search(r"shape '\[([\d, -]*)\]' is invalid for input of size (\d+)", message)
    if not found or not found[1]:
        return ""
    shape, total = [int(size) for size in found[1].split(",")], int(found[2])
    if -1 in shape:
        return f"there are {total} elements, and {-math.prod(shape)} does not divide that"
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

OF_BOTH = {
    **dict.fromkeys(["conv1d", "conv2d", "conv3d", "_conv"], of_convolution),
    **dict.fromkeys(["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"], of_transposed_convolution),
    "layer_norm": of_last_dimensions,
}
"""What is found by the operands and the message."""

OF_OPERATION = {
    **dict.fromkeys(["matmul", "mm", "mv", "bmm", "dot"], of_matmul),
    "linear": of_linear,
    "cat": of_join,
    "stack": of_stack,
    **dict.fromkeys(["hstack", "vstack", "dstack", "column_stack"], of_stack),
    **dict.fromkeys(["cross_entropy", "nll_loss"], of_class_targets),
    **dict.fromkeys(["binary_cross_entropy", "binary_cross_entropy_with_logits"], of_same_size),
    "batch_norm": of_features,
}
