"""Graph autoencoders: vectors of the nodes from which the edges can be told.

References
----------
T. Kipf, M. Welling, Variational Graph Auto-Encoders, NIPS workshop on Bayesian Deep Learning 2016.
https://pytorch-geometric.readthedocs.io/en/latest/generated/torch_geometric.nn.models.GAE.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation, ops, sampling
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.graph.links import negative_sampling
from tinygrad_edu.nn.graph.messages import gather
from tinygrad_edu.nn.module import Module

MAX_LOGSTD = 10


class InnerProductDecoder(Module):
    """The probability of an edge between two nodes: the sigmoid of the inner product of their vectors.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> z = torch.tensor([[2.0, 0.0], [1.0, 1.0], [-2.0, 0.0]])
    >>> InnerProductDecoder()(z, torch.tensor([[0, 0], [1, 2]]))
    tensor([0.8808, 0.0180])
    """

    def forward(self, z: Tensor, edge_index: Tensor, sigmoid: bool = True) -> Any:
        """Return the probability (or, without ``sigmoid``, the score) of each edge: (N, C), (2, E) -> (E,)."""
        value = ops.sum(gather(z, edge_index[0]) * gather(z, edge_index[1]), 1)
        return ops.sigmoid(value) if sigmoid else value

    def forward_all(self, z: Tensor, sigmoid: bool = True) -> Any:
        """Return those of all pairs of nodes: (N, C) -> (N, N)."""
        adjacency = ops.matmul(z, ops.transpose(z, 0, 1))
        return ops.sigmoid(adjacency) if sigmoid else adjacency


class GAE(Module):
    """A graph autoencoder: an encoder makes vectors of nodes, a decoder tells the edges from them.

    Parameters
    ----------
    encoder : Module
        Makes (N, C) vectors of what ``encode`` is given.
    decoder : Module, optional
        Called as ``decoder(z, edge_index, sigmoid=False)``; :class:`InnerProductDecoder` by default.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.graph import GCNConv
    >>> model = GAE(GCNConv(4, 2))
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> z = model.encode(torch.randn(5, 4), edges)
    >>> model.recon_loss(z, edges).backward()
    """

    def __init__(self, encoder: Module, decoder: Module | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = InnerProductDecoder() if decoder is None else decoder

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the encoder makes."""
        return self.encoder(*args, **kwargs)

    def encode(self, *args: Any, **kwargs: Any) -> Any:
        """Return the vectors of the nodes."""
        return self.encoder(*args, **kwargs)

    def decode(self, *args: Any, **kwargs: Any) -> Any:
        """Return the probabilities of edges."""
        return self.decoder(*args, **kwargs)

    def recon_loss(self, z: Tensor, pos_edge_index: Tensor, neg_edge_index: Tensor | None = None) -> Any:
        """Return the cross entropy of the edges plus that of pairs without one, each as a mean.

        Without ``neg_edge_index``, as many pairs as edges are drawn.
        """
        if neg_edge_index is None:
            neg_edge_index = negative_sampling(pos_edge_index, len(z))
        there = self.decoder(z, pos_edge_index, sigmoid=False)
        none = self.decoder(z, neg_edge_index, sigmoid=False)
        loss = F.binary_cross_entropy_with_logits  # -log sigmoid(score), without a sigmoid that rounds to 0
        return loss(there, creation.ones_like(there)) + loss(none, creation.zeros_like(none))

    def test(self, z: Tensor, pos_edge_index: Tensor, neg_edge_index: Tensor) -> tuple[float, float]:
        """Return how well the scores tell edges from other pairs: area under the ROC curve, average precision.

        Computed by scikit-learn, which must be installed.
        """
        from sklearn.metrics import average_precision_score, roc_auc_score

        scores = [self.decoder(z, pos_edge_index), self.decoder(z, neg_edge_index)]
        answers = ops.cat([creation.ones_like(scores[0]), creation.zeros_like(scores[1])]).numpy(force=True)
        predicted = ops.cat(scores).numpy(force=True)
        return roc_auc_score(answers, predicted), average_precision_score(answers, predicted)


class VGAE(GAE):
    """A variational graph autoencoder: the encoder says of each node a normal distribution, not a point.

    Parameters
    ----------
    encoder : Module
        Returns two tensors of (N, C): the means, and the logarithms of the standard deviations.
    decoder : Module, optional
        As for :class:`GAE`.
    """

    def reparametrize(self, mu: Tensor, logstd: Tensor) -> Any:
        """Draw from the distributions while training, such that gradients pass; return the means otherwise."""
        return mu + sampling.randn_like(logstd) * ops.exp(logstd) if self.training else mu

    def encode(self, *args: Any, **kwargs: Any) -> Any:
        mu, logstd = self.encoder(*args, **kwargs)
        self._mu, self._logstd = mu, ops.clamp(logstd, max=MAX_LOGSTD)
        return self.reparametrize(self._mu, self._logstd)

    def kl_loss(self, mu: Tensor | None = None, logstd: Tensor | None = None) -> Any:
        """Return the mean divergence of the nodes' distributions from the standard normal one.

        1/2 sum (mu^2 + sigma^2 - 1 - 2 log sigma); of what was encoded last, unless something is given.
        """
        mu = self._mu if mu is None else mu
        logstd = self._logstd if logstd is None else ops.clamp(logstd, max=MAX_LOGSTD)
        return 0.5 * ops.mean(ops.sum(mu**2 + ops.exp(2 * logstd) - 1 - 2 * logstd, 1))
