"""Sparse tensors in a file: a layout, and the parts that such a tensor is made of.

References
----------
https://github.com/pytorch/pytorch/blob/main/torch/_utils.py, _rebuild_sparse_tensor
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.layouts import LAYOUTS, layout, sparse_coo, sparse_csr
from tinygrad_edu.serialization.checks import expect
from tinygrad_edu.serialization.container import LoadError
from tinygrad_edu.size import Size
from tinygrad_edu.sparse.making import sparse_coo_tensor, sparse_csr_tensor


def make_layout(name: Any) -> layout:
    """Make a ``torch.layout`` of its name."""
    expect(type(name) is str and name in LAYOUTS, "a layout")
    return LAYOUTS[name]


def make_sparse_tensor(kind: Any, parts: Any) -> Any:
    """Make a sparse tensor of its parts, which are looked at as if a program had given them."""
    number_of_tensors = {sparse_coo: 2, sparse_csr: 3}.get(kind) if isinstance(kind, layout) else None
    if number_of_tensors is None:
        raise LoadError("load: expected a tensor of layout sparse_coo or sparse_csr, got another one")
    expect(type(parts) is tuple and len(parts) > number_of_tensors, "a sparse tensor")
    size, *flags = parts[number_of_tensors:]
    expect(all(isinstance(part, Tensor) for part in parts[:number_of_tensors]), "a sparse tensor")
    expect(type(size) in (Size, tuple, list), "a sparse tensor")
    try:
        if kind is sparse_csr:
            return sparse_csr_tensor(parts[0], parts[1], parts[2], size)
        return sparse_coo_tensor(parts[0], parts[1], size, is_coalesced=bool(flags and flags[0] is True))
    except (RuntimeError, TypeError) as error:
        raise LoadError(f"load: the file is damaged: {error}") from None
