"""The update rules of the optimizers as plain loops over the elements: the specification, to step through.

Every function updates ONE parameter and its state, in place. The arrays of a call have one shape (any number
of dimensions, any strides) and the parameter's dtype; half precision is computed in float32 and rounded when stored.

Numbers behave as in the hardware, not as in Python: 0/0 is NaN and an overflow is infinity, never an
exception.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES, HALF_DTYPES

Array = Any


def sgd_step(
    param: Array,
    grad: Array,
    momentum_buffer: Array | None,
    *,
    is_first_step: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    r"""Stochastic gradient descent, with momentum when there is a buffer for it.

    Parameters
    ----------
    param, grad : array, any shape
        The parameter (updated) and its gradient.
    momentum_buffer : array, shape of param, or None
        Running sum ``b`` of the gradients (updated); None means no momentum.
    is_first_step : bool
        The buffer has no past yet: it becomes the gradient, undamped.

    Notes
    -----
    .. math::
        g &\leftarrow \pm g + \lambda \theta \\
        b &\leftarrow \mu b + (1 - \tau) g \qquad (b \leftarrow g \text{ in the first step}) \\
        \theta &\leftarrow \theta - \gamma b
            \qquad (\theta - \gamma (g + \mu b) \text{ with Nesterov})

    with :math:`\gamma` = lr, :math:`\mu` = momentum, :math:`\tau` = dampening, :math:`\lambda` =
    weight_decay.

    References
    ----------
    I. Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013, eq. 1-4
    (with the learning rate outside the buffer, as in PyTorch).
    """
    number = compute_type(param)
    with np.errstate(all="ignore"):
        for index in np.ndindex(param.shape):
            theta = number(param[index])
            g = number(grad[index])
            if maximize:
                g = -g
            if weight_decay != 0:
                g = g + weight_decay * theta
            if momentum_buffer is not None:
                b = g if is_first_step else momentum * number(momentum_buffer[index]) + (1 - dampening) * g
                momentum_buffer[index] = b
                g = g + momentum * b if nesterov else b
            param[index] = theta - lr * g


def adam_step(
    param: Array,
    grad: Array,
    exp_avg: Array,
    exp_avg_sq: Array,
    max_exp_avg_sq: Array | None,
    *,
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> None:
    r"""Adam; AdamW with ``decoupled_weight_decay``; AMSGrad when there is a ``max_exp_avg_sq``.

    Parameters
    ----------
    param, grad : array, any shape
        The parameter (updated) and its gradient.
    exp_avg, exp_avg_sq : array, shape of param
        ``m`` and ``v``, the running averages of the gradient and of its square (updated).
    max_exp_avg_sq : array, shape of param, or None
        The largest ``v`` so far (updated); None means plain Adam.
    step : float
        ``t``, which counts from 1.

    Notes
    -----
    .. math::
        g &\leftarrow \pm g + \lambda \theta \qquad (\theta \leftarrow \theta - \gamma \lambda \theta
            \text{ instead, when decoupled}) \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        \hat m &= m / (1 - \beta_1^t), \qquad \hat v = v / (1 - \beta_2^t) \\
        \theta &\leftarrow \theta - \gamma \hat m / (\sqrt{\hat v} + \epsilon)

    ``m`` and ``v`` start at zero, so at first they are too small; dividing by :math:`1 - \beta^t` mends that.

    References
    ----------
    D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, https://arxiv.org/abs/1412.6980,
        algorithm 1.
    I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization, https://arxiv.org/abs/1711.05101,
        algorithm 2.
    S. Reddi et al., On the Convergence of Adam and Beyond, https://openreview.net/forum?id=ryQu7f-RZ,
        algorithm 2.
    """
    number = compute_type(param)
    with np.errstate(all="ignore"):
        for index in np.ndindex(param.shape):
            theta = number(param[index])
            g = number(grad[index])
            if maximize:
                g = -g
            if weight_decay != 0:
                if decoupled_weight_decay:
                    theta = theta * (1 - lr * weight_decay)
                else:
                    g = g + weight_decay * theta
            m = beta1 * number(exp_avg[index]) + (1 - beta1) * g
            v = beta2 * number(exp_avg_sq[index]) + (1 - beta2) * g * g
            exp_avg[index] = m
            exp_avg_sq[index] = v
            if max_exp_avg_sq is not None:
                v = np.maximum(number(max_exp_avg_sq[index]), v)
                max_exp_avg_sq[index] = v
            m_hat = m / (1 - beta1**step)
            v_hat = v / (1 - beta2**step)
            param[index] = theta - lr * m_hat / (np.sqrt(v_hat) + eps)


def adagrad_step(
    param: Array,
    grad: Array,
    square_sum: Array,
    *,
    step: float,
    lr: float,
    lr_decay: float,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    r"""Adagrad: the step of an element shrinks with all the squared gradients that it has seen.

    Parameters
    ----------
    param, grad : array, any shape
        The parameter (updated) and its gradient.
    square_sum : array, shape of param
        ``s``, the sum of the squared gradients (updated).
    step : float
        ``t``, which counts from 1.

    Notes
    -----
    .. math::
        g &\leftarrow \pm g + \lambda \theta \\
        s &\leftarrow s + g^2 \\
        \theta &\leftarrow \theta - \frac{\gamma}{1 + (t - 1) \eta} \frac{g}{\sqrt s + \epsilon}

    with :math:`\eta` = lr_decay.

    References
    ----------
    J. Duchi et al., Adaptive Subgradient Methods, JMLR 12 (2011), http://jmlr.org/papers/v12/duchi11a.html,
        section 1.
    """
    number = compute_type(param)
    decayed_lr = lr / (1 + (step - 1) * lr_decay)
    with np.errstate(all="ignore"):
        for index in np.ndindex(param.shape):
            theta = number(param[index])
            g = number(grad[index])
            if maximize:
                g = -g
            if weight_decay != 0:
                g = g + weight_decay * theta
            s = number(square_sum[index]) + g * g
            square_sum[index] = s
            param[index] = theta - decayed_lr * g / (np.sqrt(s) + eps)


def rmsprop_step(
    param: Array,
    grad: Array,
    square_avg: Array,
    grad_avg: Array | None,
    momentum_buffer: Array | None,
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> None:
    r"""RMSprop; centered when there is a ``grad_avg``, with momentum when there is a ``momentum_buffer``.

    Parameters
    ----------
    param, grad : array, any shape
        The parameter (updated) and its gradient.
    square_avg : array, shape of param
        ``v``, the running average of the squared gradient (updated).
    grad_avg : array, shape of param, or None
        The running average of the gradient (updated): subtracting its square from ``v`` leaves the variance.
    momentum_buffer : array, shape of param, or None
        ``b``, the running sum of the steps (updated).

    Notes
    -----
    .. math::
        g &\leftarrow \pm g + \lambda \theta \\
        v &\leftarrow \alpha v + (1 - \alpha) g^2 \\
        \bar g &\leftarrow \alpha \bar g + (1 - \alpha) g, \qquad
            \tilde v = v - \bar g^2 \quad (\tilde v = v \text{ when not centered}) \\
        b &\leftarrow \mu b + g / (\sqrt{\tilde v} + \epsilon) \\
        \theta &\leftarrow \theta - \gamma b

    References
    ----------
    G. Hinton, lecture 6e, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf.
    A. Graves, Generating Sequences With Recurrent Neural Networks, https://arxiv.org/abs/1308.0850, eq. 38-41
    (the centered form).
    """
    number = compute_type(param)
    with np.errstate(all="ignore"):
        for index in np.ndindex(param.shape):
            theta = number(param[index])
            g = number(grad[index])
            if maximize:
                g = -g
            if weight_decay != 0:
                g = g + weight_decay * theta
            v = alpha * number(square_avg[index]) + (1 - alpha) * g * g
            square_avg[index] = v
            if grad_avg is not None:
                mean = alpha * number(grad_avg[index]) + (1 - alpha) * g
                grad_avg[index] = mean
                v = v - mean * mean
            direction = g / (np.sqrt(v) + eps)
            if momentum_buffer is not None:
                direction = momentum * number(momentum_buffer[index]) + direction
                momentum_buffer[index] = direction
            param[index] = theta - lr * direction


def compute_type(param: Array) -> Any:
    """Return the scalar type in which a parameter is updated: its own, but float32 for half precision."""
    if param.dtype not in (*COMPILED_DTYPES, *HALF_DTYPES):
        raise TypeError(
            f"optimizer step: expected a parameter of float16, bfloat16, float32 or float64, got {param.dtype}"
        )
    return np.float32 if param.dtype in HALF_DTYPES else param.dtype.type
