"""Adaptive softmax: many classes, of which a few are frequent, and the others stand in clusters of their own.

References
----------
Grave et al., "Efficient softmax approximation for GPUs", 2017, section 4;
https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveLogSoftmaxWithLoss.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.container import ModuleList, Sequential
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.common import require_tensors


class _ASMoutput(NamedTuple):
    """The log probabilities of the targets, and the mean of their negatives."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log probabilities of many classes, sorted by falling frequency, in a tree of two levels.

    The ``head`` decides between the most frequent classes and the clusters of all others; a cluster decides between
    its classes, in a space that is the smaller, the rarer they are. So a rare class costs little.

    Parameters
    ----------
    in_features : int
        Size of the input.
    n_classes : int
        Number of classes; class 0 is the most frequent one.
    cutoffs : sequence of int
        Where clusters begin.
    div_value : float
        Cluster i has in_features / div_value^(i + 1) features.
    head_bias : bool
        Whether the head has a bias.
    device, dtype
        Of the parameters.

    Notes
    -----
    log p(class) = log p(cluster) + log p(class | cluster).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 100, cutoffs=[10, 50])
    >>> layer(torch.randn(4, 16), torch.tensor([0, 9, 10, 99])).output.shape
    torch.Size([4])
    >>> layer.log_prob(torch.randn(2, 16)).shape
    torch.Size([2, 100])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        is_sorted = all(int(c) == c for c in cutoffs) and cutoffs == sorted(set(cutoffs))
        if not is_sorted or cutoffs[0] <= 0 or cutoffs[-1] > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                f"value is between 1 and n_classes-1, got {cutoffs} for n_classes={n_classes}"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            features = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            into = Linear(in_features, features, bias=False, device=device, dtype=dtype)
            self.tail.append(Sequential(into, Linear(features, size, bias=False, device=device, dtype=dtype)))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        self.head.reset_parameters()
        for cluster in self.tail:
            for layer in cluster:
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        _check(input_, target_)
        if target_.ndim == 0:
            output, loss = self.forward(ops.unsqueeze(input_, 0), ops.unsqueeze(target_, 0))
            return _ASMoutput(ops.squeeze(output, 0), loss)
        if bool(((target_ < 0) | (target_ >= self.n_classes)).any()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target_.min().item()}, {target_.max().item()}] were found. "
            )
        choice = target_  # of the head: a class, or a cluster
        within = []  # rows whose target is in a cluster, and the log probability of the class there
        for i in range(self.n_clusters):
            low, high = self.cutoffs[i : i + 2]
            in_cluster = (target_ >= low) & (target_ < high)
            rows = ops.reshape(ops.nonzero(in_cluster), (-1,))
            if rows.numel() == 0:
                continue
            choice = ops.where(in_cluster, self.shortlist_size + i, choice)
            log_prob = F.log_softmax(self.tail[i](ops.index_select(input_, 0, rows)), dim=1)
            within.append((rows, _pick(log_prob, ops.index_select(target_, 0, rows) - low)))
        output = _pick(F.log_softmax(self.head(input_), dim=1), choice)
        for rows, log_prob in within:
            output = ops.index_add(output, 0, rows, log_prob)
        return _ASMoutput(output, ops.mean(-output))

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the log probabilities of all classes: (n, in_features) -> (n, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            own = head[:, self.shortlist_size + i, None]
            parts.append(F.log_softmax(cluster(input), dim=1) + own)
        return ops.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """Return the most probable class: (n, in_features) -> (n,).

        A row for which the head chooses a class of its own is decided with that, as in PyTorch; the clusters are
        asked only where it chooses one of them.
        """
        output = ops.argmax(self.head(input), dim=1)
        in_cluster = output >= self.shortlist_size
        if not bool(in_cluster.any()):
            return output
        rows = ops.reshape(ops.nonzero(in_cluster), (-1,))
        best = ops.argmax(self.log_prob(ops.index_select(input, 0, rows)), dim=1)
        return ops.index_add(ops.masked_fill(output, in_cluster, 0), 0, rows, best)


def _check(input: Tensor, target: Tensor) -> None:
    require_tensors("AdaptiveLogSoftmaxWithLoss", input=input, target=target)
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.ndim == 1 and input.ndim and len(input) != len(target):
        raise RuntimeError(
            "Input and target should have the same size in the batch dimension, got "
            f"{list(input.shape)} and {list(target.shape)}"
        )
    if input.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with size "
            f"{input.shape}"
        )


def _pick(rows: Tensor, columns: Tensor) -> Tensor:
    """Return one element of each row."""
    return ops.squeeze(ops.gather(rows, 1, ops.unsqueeze(columns, 1)), 1)
