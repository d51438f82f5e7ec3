"""Sums of products in Einstein's notation.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.einsum.html
"""

from __future__ import annotations

import math
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

from tinygrad_edu.arguments import wrong_type
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.half import in_float32, is_half_alone
from tinygrad_edu.ops.linalg.matmul import matmul
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.shape.layout import permute, reshape


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sum of products, written with one letter a dimension (Einstein's notation).

    Parameters
    ----------
    equation : str
        The letters of every operand's dimensions, and after "->" those of the result's: "ij,jk->ik". Letters
        that the result lacks are summed; a letter twice in one operand takes the diagonal; "..." stands for
        any dimensions, which are broadcast. Without "->" the result has the letters that occur once, in
        order.
    *operands : Tensor
        One for each term, or one list of them. Without an equation, each is followed by a list of numbers from 0 to
        51, or ``...``, in the place of its letters, and a last list says which the result has.

    Returns
    -------
    Tensor
        With one dimension for each letter after "->".

    Raises
    ------
    RuntimeError
        If the equation does not fit the operands.

    Notes
    -----
    Every operand is brought to the same letters with ``permute`` and ``reshape``, pairs are multiplied with
    ``matmul`` or elementwise, and letters that are not in the output are summed.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.einsum.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(3, 4)).shape
    torch.Size([2, 4])
    >>> torch.einsum("ii", torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    >>> torch.einsum(torch.ones(2, 3), [0, 1], torch.ones(3, 4), [1, 2], [0, 2]).shape
    torch.Size([2, 4])
    """
    if this_thread.mode.autocast:
        return under_autocast(einsum, equation, *operands)
    if isinstance(equation, TensorBase):
        equation, operands = equation_of_lists((equation, *operands))
    tensors = (
        list(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else list(operands)
    )
    if is_half_alone(tuple(tensors)):
        return in_float32(einsum, equation, *tensors)
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
    if left and len(aligned) == 1:
        result = sum(result, left, keepdim=True)
    return (
        reshape(result, tuple([result.shape[i] for i in range(len(output))])) if order else result.reshape(())
    )


def equation_of_lists(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the equation and the operands of ``(operand, list, operand, list, ..., [list of the result])``."""
    pairs, result = (args, None) if len(args) % 2 == 0 else (args[:-1], args[-1])
    equation = ",".join([letters_of(numbers) for numbers in pairs[1::2]])
    return equation if result is None else f"{equation}->{letters_of(result)}", pairs[::2]


def letters_of(numbers: Any) -> str:
    """Return the letters that stand for a list of numbers."""
    if not isinstance(numbers, list | tuple):
        raise TypeError(f"einsum(): expected a list of numbers after each operand, got {numbers!r}")
    wrong = [n for n in numbers if n is not ... and not (isinstance(n, int) and 0 <= n < len(ascii_letters))]
    if wrong:
        raise ValueError(f"einsum(): expected numbers from 0 to 51 or Ellipsis, got {wrong[0]!r}")
    letters = ascii_uppercase + ascii_lowercase
    return "".join(["..." if n is ... else letters[n] for n in numbers])


def multiply_and_sum(a: Array, b: Array, dims: list[int]) -> Array:
    """Return the sum over ``dims`` of a * b, with these dimensions kept; a matrix product if it can be one.

    A dimension of size 1 stands for "not there". Those that only a has make the rows, those that only b has
    the columns, those of both are the batch, or are summed; what is summed and only one has, is summed first.
    """
    a, b = sum_alone(a, b, dims), sum_alone(b, a, dims)
    dims = [i for i in dims if a.shape[i] != 1]
    shared = [i for i in range(a.ndim) if i not in dims and a.shape[i] == b.shape[i]]
    rows = [i for i in range(a.ndim) if i not in dims and i not in shared and b.shape[i] == 1]
    columns = [i for i in range(a.ndim) if i not in dims and i not in shared and a.shape[i] == 1]
    if not dims:
        return a * b
    left = permute(a, [*shared, *rows, *columns, *dims])
    right = permute(b, [*shared, *rows, *dims, *columns])
    batch = [a.shape[i] for i in shared]
    m, n = [a.shape[i] for i in rows], [b.shape[i] for i in columns]
    k = math.prod([a.shape[i] for i in dims])
    product = matmul(reshape(left, (*batch, math.prod(m), k)), reshape(right, (*batch, k, math.prod(n))))
    spread = reshape(product, (*batch, *m, *n, *[1] * len(dims)))
    places = [*shared, *rows, *columns, *dims]
    return permute(spread, [places.index(i) for i in range(a.ndim)])


def sum_alone(x: Array, other: Array, dims: list[int]) -> Array:
    """Return x summed over those of ``dims`` that the other operand does not have."""
    alone = tuple([i for i in dims if x.shape[i] != 1 and other.shape[i] == 1])
    return sum(x, alone, keepdim=True) if alone else x


def parse_equation(equation: str, operands: list[Any]) -> tuple[list[str], str]:
    """Return the letters of every operand and of the output; "..." becomes digits."""
    if not isinstance(equation, str):
        raise wrong_type("einsum", "equation", "str", equation)
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
            raise explained(
                RuntimeError(
                    f"einsum(): the number of subscripts in the equation ({len(terms[i])}) does not match the "
                    f"number of dimensions ({x.ndim}) for operand {i}"
                )
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
                    raise explained(
                        RuntimeError(
                            f"einsum(): operands do not broadcast: subscript {letter} has size {sizes[letter]} "
                            f"and {size}"
                        )
                    )
                sizes[letter] = max(size, sizes[letter])


def align(x: Array, term: str, order: list[str]) -> Array:
    """Return an operand with one dimension for every letter of ``order``, of size 1 for those it lacks."""
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
