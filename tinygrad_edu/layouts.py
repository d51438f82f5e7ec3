"""Layouts: how the numbers of a tensor are kept, all of them or only those that are not zero.

References
----------
https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch-layout
"""

from __future__ import annotations

from typing import Any


class layout:
    """One way of keeping a tensor's numbers: ``torch.strided``, ``torch.sparse_coo`` or ``torch.sparse_csr``.

    Attributes
    ----------
    name : str
        Its name without ``torch.``.
    tensor_class : type
        The class of the tensors that are kept so. It is set where that class is made, which is later than the
        operations that may have such a tensor as their result.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.eye(2).layout, torch.eye(2).to_sparse().layout
    (torch.strided, torch.sparse_coo)
    """

    tensor_class: Any

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return layout_named, (repr(self),)


strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
LAYOUTS = {repr(one): one for one in (strided, sparse_coo, sparse_csr)}


def layout_named(name: str) -> layout:
    """Return the layout that is printed so: "torch.sparse_coo"."""
    return LAYOUTS[name]
