"""Rprop: only the sign of the gradient counts, and a step length of its own for every element."""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.optim.checks import check_lr, check_numbers, check_pair
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class Rprop(Optimizer):
    r"""Walk against the sign of the gradient; steps grow while the sign stays, and shrink when it turns.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        The length of the first step.
    etas : (float, float)
        :math:`\eta_-, \eta_+`, the factors by which a step shrinks and grows.
    step_sizes : (float, float)
        The shortest and the longest step.
    maximize : bool
        Walk uphill.
    foreach : bool, optional
        Accepted as in PyTorch; there is one way to step here.
    capturable, differentiable : bool
        Do not exist here.

    Notes
    -----
    .. math::
        \eta &\leftarrow \eta \cdot \begin{cases} \eta_+ & g g_{old} > 0 \\ \eta_- & g g_{old} < 0 \\ 1 & \text{else}
            \end{cases}, \text{ within the bounds} \\
        g &\leftarrow 0 \text{ where } g g_{old} < 0 \\
        \theta &\leftarrow \theta - \eta \operatorname{sign}(g)

    ``state[param]`` holds :math:`g_{old}` as "prev", :math:`\eta` as "step_size", and the number of steps as "step". It
    is meant for gradients of the whole data set: signs of small batches turn by chance.

    References
    ----------
    M. Riedmiller and H. Braun, A direct adaptive method for faster backpropagation learning, ICNN 1993.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Rprop.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0])
    >>> torch.optim.Rprop([w], lr=0.1).step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    state_like_param = ("prev", "step_size")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_pair("etas", etas)
        check_pair("step_sizes", step_sizes)
        check_numbers(eta_minus=etas[0], eta_plus=etas[1], shortest=step_sizes[0], longest=step_sizes[1])
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = dict(
            lr=lr,
            etas=etas,
            step_sizes=step_sizes,
            capturable=capturable,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    @no_grad()
    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter."""
        state = self.state[param]
        if not state:
            state["step"] = new_step_counter()
            state["prev"] = zeros_for(param)
            state["step_size"] = zeros_for(param, float(group["lr"]))
        count_step(state["step"])
        previous, step_size = state["prev"], state["step_size"]
        eta_minus, eta_plus = group["etas"]
        grad = -grad if group["maximize"] else grad

        agreement = grad * previous
        factor = (
            zeros_for(param, 1.0).masked_fill_(agreement > 0, eta_plus).masked_fill_(agreement < 0, eta_minus)
        )
        step_size.mul_(factor).clamp_(*group["step_sizes"])
        grad = grad.masked_fill(agreement < 0, 0)
        param.addcmul_(grad.sign(), step_size, value=-1)
        previous.copy_(grad)
