"""Tables of vectors: Embedding, and EmbeddingBag for groups of them.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#sparse-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_ints
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter


class _Table(Module):
    """Vectors that are looked up by number: what the two layers have in common."""

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    def make_table(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        weight: Tensor | None,
        freeze: bool,
        **where: Any,
    ) -> None:
        """Check the sizes, and make the parameter ``weight``: of the given Tensor, or drawn."""
        name = type(self).__name__
        require_ints(name, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None:
            require_ints(name, padding_idx=padding_idx)
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(
                    f"{name}: padding_idx must be within num_embeddings, got {padding_idx} for {num_embeddings}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        if weight is None:
            empty = creation.empty(num_embeddings, embedding_dim, **where)
            self.weight = Parameter(empty, requires_grad=not freeze)
            self.reset_parameters()
        elif tuple(weight.shape) != (num_embeddings, embedding_dim):
            raise AssertionError(
                f"{name}: Shape of weight does not match num_embeddings and embedding_dim: expected "
                f"{[num_embeddings, embedding_dim]}, got {list(weight.shape)}"
            )
        else:
            self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0


def size_of_table(embeddings: Tensor) -> tuple[int, int]:
    """Return the numbers of rows and columns of a table that is given."""
    if embeddings.ndim != 2:
        raise AssertionError(
            f"Embeddings parameter is expected to be 2-dimensional, got {list(embeddings.shape)}"
        )
    rows, columns = embeddings.shape
    return rows, columns


class Embedding(_Table):
    """A table of vectors, looked up by number: (*) -> (*, embedding_dim).

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of ``weight``, which starts normally distributed.
    padding_idx : int, optional
        A row that starts as 0 and gets no gradient.
    max_norm : float, optional
        Rows that are longer are shortened to this norm when they are looked up.
    norm_type : float
        The p of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is looked up.
    sparse : bool
        Give the weight a sparse gradient, of the rows that are looked up; see ``optim.SparseAdam``.
    device, dtype
        Of the table.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.Embedding(10, 3)(torch.tensor([[1, 2, 4, 5]])).shape
    torch.Size([1, 4, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.make_table(
            num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device=device, dtype=dtype
        )
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Return a layer with a given table (num_embeddings, embedding_dim); not learned if ``freeze``.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> table = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
        >>> torch.nn.Embedding.from_pretrained(table)(torch.tensor(1))
        tensor([2., 3.])
        """
        rows, columns = size_of_table(embeddings)
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return cls(rows, columns, *options, _weight=embeddings, _freeze=freeze)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        if self.sparse is not False:
            text += ", sparse=True"
        return text


class EmbeddingBag(_Table):
    """Sums, means or largest elements of groups of vectors of a table: (n,) with offsets -> (bags, embedding_dim).

    With bags of one size, (bags, size), it is :class:`Embedding` and then the sum, mean or max over dimension 1.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of ``weight``, which starts normally distributed.
    max_norm : float, optional
        Rows that are longer are shortened to this norm when they are looked up.
    norm_type : float
        The p of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is looked up; not for "max".
    mode : {"mean", "sum", "max"}
        What is made of a bag.
    sparse : bool
        Give the weight a sparse gradient, of the rows that are looked up; not for "max".
    include_last_offset : bool
        Whether the offsets have one entry more, the end of the last bag.
    padding_idx : int, optional
        A row that starts as 0 and counts nothing in a bag.
    device, dtype
        Of the table.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> words, begin = torch.tensor([1, 2, 4, 5, 4]), torch.tensor([0, 2])
    >>> torch.nn.EmbeddingBag(10, 3)(words, begin).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.make_table(
            num_embeddings, embedding_dim, padding_idx, _weight, False, device=device, dtype=dtype
        )
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """Return a layer with a given table (num_embeddings, embedding_dim); not learned if ``freeze``.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> table = torch.tensor([[1.0, 2.0], [4.0, 5.0]])
        >>> torch.nn.EmbeddingBag.from_pretrained(table)(torch.tensor([[1, 0]]))
        tensor([[2.5000, 3.5000]])
        """
        rows, columns = size_of_table(embeddings)
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings)
        layer = cls(rows, columns, *options, include_last_offset, padding_idx)
        layer.weight.requires_grad = not freeze
        return layer

    def forward(
        self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        text += f", mode={self.mode!r}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return text
