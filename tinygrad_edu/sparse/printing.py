"""How a sparse tensor is printed: as PyTorch prints it."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu._tensor_str import contents, with_suffixes
from tinygrad_edu.backend import to_numpy

INDENT = len("tensor(")


def sparse_repr(tensor: Any) -> str:
    """Return what ``repr`` of a sparse tensor shows: what it is made of, and what that does not show by itself.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([[0.0, 2.0], [0.0, 0.0]]).to_sparse()
    tensor(indices=tensor([[0],
                           [1]]),
           values=tensor([2.]),
           size=(2, 2), nnz=1, layout=torch.sparse_coo)
    """
    if tensor.is_sparse:
        parts = {"indices": tensor._indices(), "values": tensor._elements}
    else:
        parts = {
            "crow_indices": tensor.crow_indices(),
            "col_indices": tensor.col_indices(),
            "values": tensor._elements,
        }
    shown = [part_text(name, part) for name, part in parts.items()]
    text = "tensor(" + (",\n" + " " * INDENT).join(shown)
    return with_suffixes(text, suffixes(tensor), INDENT, new_line=tensor.is_sparse)


def part_text(name: str, part: Any) -> str:
    """Return the text of one of the tensors that a sparse one is made of."""
    array, prefix = to_numpy(part.array), f"{name}=tensor("
    size = f", size={tuple(array.shape)}" if array.size == 0 else ""
    return f"{prefix}{contents(array, INDENT + len(prefix))}{size})"


def suffixes(tensor: Any) -> list[str]:
    """Return what is said after the parts."""
    default = dtypes.get_default_dtype()
    evident = (default, dtypes.promote_types(default, dtypes.complex64), dtypes.int64, dtypes.bool_)
    found = [] if tensor.device.type == "cpu" else [f"device='{tensor.device}'"]
    found += [f"size={tuple(tensor.shape)}", f"nnz={tensor._nnz()}"]
    if tensor.dtype not in evident:
        found.append(f"dtype={tensor.dtype}")
    found.append(f"layout={tensor.layout}")
    if tensor.grad_fn is not None:
        found.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        found.append("requires_grad=True")
    return found
