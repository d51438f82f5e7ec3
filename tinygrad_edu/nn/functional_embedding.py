"""Lookups in tables of vectors, with PyTorch's arguments: ``embedding`` and ``embedding_bag``.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#sparse-functions
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_number, require_bools
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.ops.nn.embedding import check_lookup
from tinygrad_edu.ops.nn.embedding_bag import check_bags


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Look up rows of ``weight``: (*) integers -> (*, embedding_dim).

    Parameters
    ----------
    padding_idx : int, optional
        A row whose gradient is left out.
    max_norm : float, optional
        Rows that are looked up and longer than it are shortened first, in place.
    norm_type : float
        The p of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is looked up.
    sparse : bool
        Give the weight a sparse gradient: of the rows that are looked up, and of no others.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
    """
    require_bools("embedding", scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    if max_norm is not None:
        check_lookup("embedding", input, weight)
        shorten_rows("embedding", input, weight, max_norm, norm_type)
    return ops.embedding(input, weight, padding_idx, scale_grad_by_freq, sparse)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Look up rows of ``weight``, and return the sum, the mean or the largest elements of each bag of them.

    The arguments are those of :func:`tinygrad_edu.ops.embedding_bag`, and ``max_norm``, ``norm_type`` and ``sparse``
    of :func:`embedding`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
    """
    options: dict[str, Any] = {
        "scale_grad_by_freq": scale_grad_by_freq,
        "mode": mode,
        "include_last_offset": include_last_offset,
        "padding_idx": padding_idx,
        "sparse": sparse,
    }
    if max_norm is not None:
        check_bags((input, weight, offsets, per_sample_weights), **options)
        shorten_rows("embedding_bag", input, weight, max_norm, norm_type)
    return ops.embedding_bag(input, weight, offsets, per_sample_weights=per_sample_weights, **options)


def shorten_rows(name: str, input: Tensor, weight: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale those rows that are looked up and longer than ``max_norm`` down to it, in place and once each."""
    max_norm = as_number(name, "max_norm", max_norm)
    norm_type = as_number(name, "norm_type", norm_type)
    with no_grad():
        numbers = ops.unique(input)
        rows = weight[numbers]
        norms = ops.norm(rows, norm_type, 1, keepdim=True)
        weight[numbers] = ops.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)
