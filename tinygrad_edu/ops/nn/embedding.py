"""Embedding: rows of a table, looked up by number; and one-hot vectors.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call, tell_read
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, check_numel, is_on_host
from tinygrad_edu.layouts import sparse_coo
from tinygrad_edu.ops.common import check_positions, raw, require_tensor
from tinygrad_edu.ops.elementwise.select import keep
from tinygrad_edu.ops.indexing.index import index_put_zeros
from tinygrad_edu.ops.summation import add_at


class Embedding(Op):
    """y[...] = weight[indices[...]]; a row used several times gets the sum of all its gradients, or their mean."""

    def forward(
        self,
        weight: Array,
        indices: Array,
        *,
        padding_idx: int | None = None,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Array:
        self.shape, self.padding_idx, self.scale_grad_by_freq = weight.shape, padding_idx, scale_grad_by_freq
        self.sparse = sparse
        self.save_for_backward(indices)
        return weight[indices]

    def backward(self, grad_output: Array) -> tuple[Array, None]:
        (indices,) = self.saved
        if self.sparse:
            return self.sparse_gradient(grad_output, raw(indices)), None
        if self.scale_grad_by_freq:
            grad_output = grad_output * self.shares(raw(indices), raw(grad_output).dtype)
        if kernel_table.has_kernels(grad_output):
            copies = grad_output.reshape((indices.size, self.shape[1])), indices.reshape(-1)
            padding_idx = -1 if self.padding_idx is None else self.padding_idx
            kernels = kernel_table.embedding(grad_output)
            return kernels.embedding_backward(*copies, self.shape[0], padding_idx), None
        if self.padding_idx is not None:
            grad_output = keep(grad_output, (indices != self.padding_idx)[..., None])
        return index_put_zeros(grad_output, raw(indices), self.shape), None

    def sparse_gradient(self, grad_output: Array, indices: Array) -> Any:
        """Return the gradients of the rows that were looked up, in this order, as a sparse Tensor."""
        if self.scale_grad_by_freq:
            raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")
        rows, places = grad_output.reshape((indices.size, self.shape[1])), indices.reshape(-1)
        if self.padding_idx is not None:
            kept = places != self.padding_idx
            rows, places = rows[kept], places[kept]
        return sparse_coo.tensor_class.from_parts(places[None].astype("int64"), rows, self.shape)

    def shares(self, indices: Array, dtype: Any) -> Array:
        """Return 1 / how often its row is used, for every index: (*, 1)."""
        uses = add_at(indices, array_module(indices).ones(indices.shape), self.shape[:1])
        return (1 / uses[indices]).astype(dtype)[..., None]


def check_lookup(name: str, input: Array, weight: Array, error: type[Exception] = IndexError) -> None:
    """Raise unless the input is of integers that number rows of a table."""
    require_tensor(name, input)
    require_tensor(name, weight, "weight")
    if weight.ndim != 2:
        raise explained(RuntimeError(f"{name}: 'weight' must be 2-D, got {list(weight.shape)}"))
    check_positions(name, raw(input), weight.shape[0], error=error)


def embedding(
    input: Array,
    weight: Array,
    padding_idx: int | None = None,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Array:
    """Look up rows of ``weight``.

    Parameters
    ----------
    input : Tensor
        (*) of integers from 0 to num_embeddings - 1.
    weight : Tensor
        (num_embeddings, embedding_dim).
    padding_idx : int, optional
        A row whose gradient is left out.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is used, so that frequent words do not learn faster.
    sparse : bool
        Give the weight a sparse gradient: of the rows that are looked up, and of no others.

    Returns
    -------
    Tensor
        (*, embedding_dim).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> table = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), table)
    tensor([[1., 2.],
            [0., 0.]])
    """
    check_lookup("embedding", input, weight)
    rows = weight.shape[0]
    if padding_idx is not None:
        padding_idx = as_int("embedding", "padding_idx", padding_idx)
        if not -rows <= padding_idx < rows:
            raise AssertionError(
                f"Padding_idx must be within num_embeddings: expected {-rows} to {rows - 1}, got {padding_idx}"
            )
        padding_idx = padding_idx % rows
    options: dict[str, Any] = {"padding_idx": padding_idx, "scale_grad_by_freq": scale_grad_by_freq}
    return Embedding.apply(weight, input, sparse=sparse, **options)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return (*, num_classes) integers that are 1 at the class and 0 elsewhere.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.one_hot(torch.tensor([2, 0]), 3)
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    require_tensor("one_hot", tensor)
    num_classes = as_int("one_hot", "num_classes", num_classes)
    classes = raw(tensor)
    if classes.dtype != "int64":
        raise explained(
            RuntimeError(
                f"one_hot is only applicable to index tensor of type LongTensor, got {classes.dtype}"
            )
        )
    if num_classes == -1:
        if not classes.size:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        tell_read("one_hot() without num_classes")
        num_classes = int(classes.max()) + 1
    return tensor_from_array(call(ones_at, classes, num_classes))


def ones_at(classes: Array, num_classes: int) -> Array:
    """Return rows of zeros with a 1 at each class."""
    if is_on_host(classes) and classes.size and (classes.min() < 0 or classes.max() >= num_classes):
        raise RuntimeError(
            f"Class values must be non-negative and smaller than num_classes={num_classes}, got "
            f"{int(classes.max())}"
        )
    check_numel("one_hot", (classes.size, num_classes))
    every_class = array_module(classes).arange(num_classes)
    return (classes[..., None] == every_class).astype("int64", order="C")
