"""Products of matrices: matmul, linear, einsum.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.matmul.html
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.autograd.op import Op, check_same_device
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import raw, require_tensor, unbroadcast
from tinygrad_edu.ops.reduce import sum
from tinygrad_edu.ops.shape import permute, reshape, squeeze, transpose, unsqueeze


class MatMul(Op):
    """Matrix product: (*batch, m, k) @ (*batch, k, n) -> (*batch, m, n).

    With Y = A B: dL/dA = dL/dY B^T and dL/dB = A^T dL/dY.
    """

    def forward(self, a: Array, b: Array) -> Array:
        needs_a, needs_b = self.needs_input_grad
        self.shapes = a.shape, b.shape
        self.save_for_backward(a if needs_b else None, b if needs_a else None)
        return a @ b

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        a, b = self.saved
        shape_a, shape_b = self.shapes
        grad_a = grad_b = None
        if self.needs_input_grad[0]:
            grad_a = unbroadcast(grad_output @ b.swapaxes(-1, -2), shape_a)  # (*batch, m, k)
        if self.needs_input_grad[1]:
            grad_b = unbroadcast(a.swapaxes(-1, -2) @ grad_output, shape_b)  # (*batch, k, n)
        return grad_a, grad_b


def check_matmul(name: str, a: Array, b: Array) -> None:
    """Raise unless two operands can be multiplied."""
    require_tensor(name, a)
    require_tensor(name, b, "other")
    check_same_device(name, (a, b))
    if raw(a).dtype != raw(b).dtype:
        raise RuntimeError(
            f"{name}: expected both operands to have the same dtype, but got {raw(a).dtype} and {raw(b).dtype}"
        )
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(
            f"{name}: both arguments need to be at least 1D, but they are {a.ndim}D and {b.ndim}D"
        )
    inner_a, inner_b = a.shape[-1], b.shape[-2] if b.ndim > 1 else b.shape[0]
    if inner_a != inner_b:
        raise RuntimeError(
            f"{name}: mat1 and mat2 shapes cannot be multiplied: expected (*, m, k) @ (*, k, n), got {list(a.shape)} @ "
            f"{list(b.shape)} (k is {inner_a} and {inner_b})"
        )


def matmul(input: Array, other: Array) -> Array:
    """Matrix product, of batches too; a vector counts as a row on the left and as a column on the right.

    Parameters
    ----------
    input, other : Tensor
        (*batch, m, k) and (*batch, k, n) of one dtype; the batches are broadcast.

    Returns
    -------
    Tensor
        (*batch, m, n).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.matmul(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    check_matmul("matmul", input, other)
    a = unsqueeze(input, 0) if input.ndim == 1 else input
    b = unsqueeze(other, 1) if other.ndim == 1 else other
    product = MatMul.apply(a, b)
    if input.ndim == 1:
        product = squeeze(product, -2)
    return squeeze(product, -1) if other.ndim == 1 else product


def _of_dims(name: str, input: Array, other: Array, dims: tuple[int, int]) -> Array:
    for x, expected in ((input, dims[0]), (other, dims[1])):
        require_tensor(name, x)
        if x.ndim != expected:
            raise RuntimeError(
                f"{name}: expected a {expected}D tensor, got {x.ndim}D of shape {list(x.shape)}"
            )
    return matmul(input, other)


def mm(input: Array, mat2: Array) -> Array:
    """Product of two matrices, without broadcasting."""
    return _of_dims("mm", input, mat2, (2, 2))


def bmm(input: Array, mat2: Array) -> Array:
    """Products of two batches of matrices, (b, m, k) @ (b, k, n) -> (b, m, n), without broadcasting."""
    if input.ndim == 3 and mat2.ndim == 3 and input.shape[0] != mat2.shape[0]:
        raise RuntimeError(f"bmm: expected equal batch sizes, got {list(input.shape)} and {list(mat2.shape)}")
    return _of_dims("bmm", input, mat2, (3, 3))


def mv(input: Array, vec: Array) -> Array:
    """Product of a matrix and a vector."""
    return _of_dims("mv", input, vec, (2, 1))


def dot(input: Array, tensor: Array) -> Array:
    """Product of two vectors: a number."""
    return _of_dims("dot", input, tensor, (1, 1))


def outer(input: Array, vec2: Array) -> Array:
    """All products of an element of one vector with one of another."""
    return reshape(input, (-1, 1)) * reshape(vec2, (1, -1))


def addmm(input: Array, mat1: Array, mat2: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """beta * input + alpha * (mat1 @ mat2)."""
    product = mm(mat1, mat2)
    return (input * beta if beta != 1 else input) + (product * alpha if alpha != 1 else product)


def baddbmm(input: Array, batch1: Array, batch2: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """beta * input + alpha * (batch1 @ batch2)."""
    product = bmm(batch1, batch2)
    return (input * beta if beta != 1 else input) + (product * alpha if alpha != 1 else product)


class Linear(Op):
    """y = x W^T + b, with x (*, in_features), W (out_features, in_features), b (out_features).

    dL/dx = dL/dy W, dL/dW = (dL/dy)^T x and dL/db = sum of dL/dy over the rows.
    """

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        self.save_for_backward(x, weight)
        self.rows = math.prod(x.shape[:-1])
        y = x.reshape((self.rows, x.shape[-1])) @ weight.T  # (rows, out_features)
        if bias is not None:
            y += bias
        return y.reshape((*x.shape[:-1], weight.shape[0]))

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, weight = self.saved
        grad_rows = grad_output.reshape((self.rows, weight.shape[0]))
        grad_x = grad_weight = grad_bias = None
        if self.needs_input_grad[0]:
            grad_x = (grad_rows @ weight).reshape(x.shape)
        if self.needs_input_grad[1]:
            grad_weight = transpose(grad_rows, 0, 1) @ x.reshape((self.rows, weight.shape[1]))
        if self.needs_input_grad[2]:
            grad_bias = sum(grad_rows, 0)
        return grad_x, grad_weight, grad_bias


def linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    """x W^T + b.

    Parameters
    ----------
    input : Tensor
        (*, in_features).
    weight : Tensor
        (out_features, in_features).
    bias : Tensor, optional
        (out_features,).

    Returns
    -------
    Tensor
        (*, out_features).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
    """
    require_tensor("linear", input)
    if weight.ndim == 1:
        product = matmul(input, weight)
        return product if bias is None else product + bias
    if weight.ndim != 2 or input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        raise RuntimeError(
            f"linear: mat1 and mat2 shapes cannot be multiplied: expected input (*, {weight.shape[-1]}) for weight "
            f"{list(weight.shape)}, got {list(input.shape)}"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(f"linear: expected bias ({weight.shape[0]},), got {list(bias.shape)}")
    check_same_device("linear", (input, weight, bias))
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and raw(x).dtype != raw(input).dtype:
            raise RuntimeError(
                f"linear: expected {name} to have the input's dtype {raw(input).dtype}, got {raw(x).dtype}"
            )
    return Linear.apply(input, weight, bias)


def einsum(equation: str, *operands: Any) -> Array:
    """Sum of products, written with one letter a dimension (Einstein's notation).

    Every operand is brought to the same letters with ``permute`` and ``reshape``, pairs are multiplied with
    ``matmul`` or elementwise, and letters that are not in the output are summed.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(3, 4)).shape
    torch.Size([2, 4])
    """
    tensors = (
        list(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else list(operands)
    )
    terms, output = parse_equation(equation, tensors)
    letters = dict.fromkeys("".join(terms))
    order = [*output, *[c for c in letters if c not in output]]
    check_letter_sizes(terms, tensors)
    aligned = [align(x, term, order) for x, term in zip(tensors, terms, strict=True)]
    result = aligned[0]
    for position, x in enumerate(aligned[1:], 1):
        later = set("".join(terms[position + 1 :])) | set(output)
        result = multiply_and_sum(result, x, [i for i, c in enumerate(order) if c not in later])
    left = tuple([i for i, c in enumerate(order) if c not in output])
    if left:
        result = sum(result, left, keepdim=True)
    return (
        reshape(result, tuple([result.shape[i] for i in range(len(output))])) if order else result.reshape(())
    )


def multiply_and_sum(a: Array, b: Array, dims: list[int]) -> Array:
    """Return the sum over ``dims`` of a * b, with these dimensions kept; a matrix product where it can be one.

    A dimension of size 1 stands for "not there". Those that only a has make the rows, those that only b has
    the columns, those of both are the batch, or are summed.
    """
    shared = [i for i in range(a.ndim) if i not in dims and a.shape[i] == b.shape[i]]
    rows = [i for i in range(a.ndim) if i not in dims and i not in shared and b.shape[i] == 1]
    columns = [i for i in range(a.ndim) if i not in dims and i not in shared and a.shape[i] == 1]
    if not dims or any(a.shape[i] != b.shape[i] for i in dims):
        product = a * b
        return sum(product, tuple(dims), keepdim=True) if dims else product
    left = permute(a, [*shared, *rows, *columns, *dims])
    right = permute(b, [*shared, *rows, *dims, *columns])
    batch = [a.shape[i] for i in shared]
    m, n = [a.shape[i] for i in rows], [b.shape[i] for i in columns]
    k = math.prod([a.shape[i] for i in dims])
    product = matmul(reshape(left, (*batch, math.prod(m), k)), reshape(right, (*batch, k, math.prod(n))))
    spread = reshape(product, (*batch, *m, *n, *[1] * len(dims)))
    places = [*shared, *rows, *columns, *dims]
    return permute(spread, [places.index(i) for i in range(a.ndim)])


def parse_equation(equation: str, operands: list[Any]) -> tuple[list[str], str]:
    """Return the letters of every operand and of the output; "..." becomes digits."""
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum(): expected {len(terms)} operands for '{equation}', got {len(operands)}")
    widest = 0
    for i, (term, x) in enumerate(zip(terms, operands, strict=True)):
        require_tensor("einsum", x, f"operands[{i}]")
        if "..." in term:
            width = x.ndim - len(term) + 3
            widest = max(widest, width)
            terms[i] = term.replace("...", _private_letters(width))
        if len(terms[i]) != x.ndim:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(terms[i])}) does not match the number of "
                f"dimensions ({x.ndim}) for operand {i}"
            )
    joined = "".join(terms)
    if not arrow:
        output = _private_letters(widest) + "".join(
            sorted(c for c in set(joined) if joined.count(c) == 1 and c.isalpha())
        )
    output = output.replace("...", _private_letters(widest))
    unknown = [c for c in output if c not in joined]
    if unknown or len(set(output)) != len(output):
        raise RuntimeError(
            f"einsum(): expected output letters to be distinct and among the inputs', got '{equation}'"
        )
    return terms, output


def _private_letters(width: int) -> str:
    """Return digits that stand for the dimensions of an ellipsis, counted from its end."""
    return "".join(str(i) for i in range(width))[::-1]


def check_letter_sizes(terms: list[str], operands: list[Any]) -> None:
    """Raise if two operands disagree on the size of a letter."""
    sizes: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for letter, size in zip(term, x.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                if 1 not in (size, sizes[letter]):
                    raise RuntimeError(
                        f"einsum(): operands do not broadcast: subscript {letter} has size {sizes[letter]} and {size}"
                    )
                sizes[letter] = max(size, sizes[letter])


def align(x: Array, term: str, order: list[str]) -> Array:
    """Return an operand with one dimension for every letter of ``order``, of size 1 where it lacks the letter."""
    for letter in set(term):
        while term.count(letter) > 1:  # a repeated letter takes the diagonal
            x, term = take_diagonal(x, term, letter)
    present = [letter for letter in order if letter in term]
    x = permute(x, [term.index(letter) for letter in present]) if present else x
    sizes = dict(zip(present, x.shape, strict=True))
    return reshape(x, tuple([sizes.get(letter, 1) for letter in order]))


def take_diagonal(x: Array, term: str, letter: str) -> tuple[Array, str]:
    """Return x with the first two dimensions named ``letter`` replaced by their diagonal, at the end."""
    first = term.index(letter)
    second = term.index(letter, first + 1)
    rest = [i for i in range(len(term)) if i not in (first, second)]
    moved = permute(x, [*rest, first, second])
    steps = array_module(raw(x)).arange(x.shape[first])
    return moved[(Ellipsis, steps, steps)], "".join(term[i] for i in rest) + letter
