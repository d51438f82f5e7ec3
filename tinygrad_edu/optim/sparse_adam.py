"""Adam for sparse gradients: rows without a gradient are left alone."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.optim.checks import check_betas, check_lr_size, check_numbers
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, add_to_rows
from tinygrad_edu.optim.state import zeros_for


class SparseAdam(Optimizer):
    r"""Adam that updates only those rows of a parameter that have a gradient, and their averages.

    So a step costs as much as the batch has words, however large the table is. It is not the same as Adam: there the
    averages of all rows decay in each step, and rows that had a gradient once go on moving.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize: dense tensors whose gradients are sparse, such as those of ``Embedding(sparse=True)``.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    betas : (float, float)
        :math:`\beta_1` and :math:`\beta_2`, the decay of the two averages.
    eps : float
        :math:`\epsilon`, added to the root.
    maximize : bool
        Walk uphill.

    Notes
    -----
    For the rows with a gradient :math:`g` in step :math:`t`:

    .. math::
        m &\leftarrow m + (1 - \beta_1) (g - m) \\
        v &\leftarrow v + (1 - \beta_2) (g^2 - v) \\
        \theta &\leftarrow \theta - \gamma \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \cdot
            \frac{m}{\sqrt{v} + \epsilon}

    References
    ----------
    D. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.SparseAdam.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> table = torch.nn.Embedding(3, 2, _weight=torch.ones(3, 2), sparse=True)
    >>> optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
    >>> table(torch.tensor([2])).sum().backward()
    >>> optimizer.step()
    >>> table.weight.detach()
    tensor([[1.0000, 1.0000],
            [1.0000, 1.0000],
            [0.9000, 0.9000]])
    """

    state_like_param = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_numbers(lr=lr, eps=eps)
        check_lr_size(lr)
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, maximize=maximize))
        self._refuse("Sparse", "SparseAdam requires dense parameter tensors")
        self._refuse("Complex", "SparseAdam does not support complex parameters")

    def _refuse(self, kind: str, why: str) -> None:
        """Raise if there are sparse, or complex, parameters, and say where."""
        wrong = []
        for i, group in enumerate(self.param_groups):
            for j, param in enumerate(group["params"]):
                if not param._is_strided if kind == "Sparse" else param.is_complex():
                    wrong.append([i, j])
        if wrong:
            raise ValueError(f"{kind} params at indices {wrong}: {why}")

    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Raise: this optimizer is for sparse gradients."""
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")

    def update_rows(self, param: Tensor, grad: Any, group: ParamGroup) -> None:
        """Do one step for the rows of a sparse gradient; remember ``step``, ``exp_avg`` and ``exp_avg_sq``."""
        state: dict[str, Any] = self.state[param]
        if not state:
            state.update(step=0, exp_avg=zeros_for(param), exp_avg_sq=zeros_for(param))
        state["step"] = int(state["step"]) + 1
        grad = (-grad.detach() if group["maximize"] else grad.detach()).coalesce()  # each row once
        beta1, beta2 = map(float, group["betas"])
        for average, values, beta in (
            (state["exp_avg"], grad, beta1),
            (state["exp_avg_sq"], grad * grad, beta2),
        ):
            add_to_rows(average, (values - average.sparse_mask(grad)) * (1 - beta))
        m, v = (state[name].sparse_mask(grad).values() for name in ("exp_avg", "exp_avg_sq"))
        correction = math.sqrt(1 - beta2 ** state["step"]) / (1 - beta1 ** state["step"])
        change = m / (v.sqrt() + group["eps"])
        add_to_rows(param, grad.with_elements(change * (-float(group["lr"]) * correction)))
