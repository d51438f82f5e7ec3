"""AdamW: Adam whose weight decay acts on the parameter, not through the gradient."""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.optim.adam import Adam
from tinygrad_edu.optim.optimizer import ParamsT


class AdamW(Adam):
    r"""Adam that shrinks the parameter by :math:`\gamma \lambda \theta`, apart from the gradient's step.

    In Adam a decay that is added to the gradient is divided by :math:`\sqrt{\hat v}` with it, so parameters
    with large gradients decay less. Here all decay alike.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr, betas, eps, amsgrad, maximize, foreach, fused, capturable, differentiable
        As in ``Adam``.
    weight_decay : float
        :math:`\lambda`.

    Notes
    -----
    .. math::
        \theta &\leftarrow \theta - \gamma \lambda \theta \\
        \theta &\leftarrow \theta - \gamma \hat m / (\sqrt{\hat v} + \epsilon)

    with :math:`\hat m` and :math:`\hat v` as in ``Adam``.

    References
    ----------
    I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization, https://arxiv.org/abs/1711.05101,
        algorithm 2.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0, 1.0], requires_grad=True)
    >>> w.grad = torch.tensor([0.0, 1000.0])
    >>> torch.optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> w  # both decay by 0.1 * 0.5; the second also takes Adam's step of 0.1
    tensor([0.9500, 0.8500], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over attributes; the decay stays decoupled, even if Adam's state is loaded."""
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
