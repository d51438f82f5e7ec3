"""The update rules of ``reference.py``, compiled: one pass over memory for each parameter.

Each rule is two functions: a launcher (``*_step``), and a loop over elements first..last of 1-D contiguous arrays
(``*_loop``), which the compiler turns into vector instructions; ``walk`` puts them together. The hyperparameters have
one order in both, from ``numbers`` on.

Python's floats are float64; every hyperparameter is made a number of the array's dtype once, before the loop, or the
whole loop would run in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu_kernels.kernel_cache import njit
from tinygrad_edu_kernels.optimizer_step.flat import walk

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
    """Update ``param`` and ``momentum_buffer`` in place; see ``reference.sgd_step``."""
    arrays = [param, grad, momentum_buffer]
    with_momentum = momentum_buffer is not None
    options = lr, momentum, dampening, weight_decay, nesterov, maximize
    walk(0.15, sgd_loop, arrays, sgd_numbers(with_momentum, is_first_step, *options))


def sgd_numbers(
    with_momentum: bool,
    is_first_step: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> tuple[Any, ...]:
    """Return the numbers of ``sgd_loop``."""
    return (
        with_momentum,
        bool(is_first_step),
        float(lr),
        float(momentum),
        1.0 - dampening,
        float(weight_decay),
        bool(nesterov),
        -1.0 if maximize else 1.0,
    )


@njit(cache=True, error_model="numpy", nogil=True)
def sgd_loop(
    param, grad, momentum_buffer,
    with_momentum, is_first_step, lr, momentum, undamped, weight_decay, nesterov, sign, first, last,
):  # fmt: skip
    """Walk once through the elements of an SGD update."""
    param, grad, momentum_buffer = param[first:last], grad[first:last], momentum_buffer[first:last]
    number = param.dtype.type
    gamma, mu, kept, decay = number(lr), number(momentum), number(undamped), number(weight_decay)
    downhill = number(sign)
    for i in range(param.size):
        theta = param[i]
        g = downhill * grad[i]
        if decay != 0:
            g += decay * theta
        if with_momentum:
            b = g if is_first_step else mu * momentum_buffer[i] + kept * g
            momentum_buffer[i] = b
            g = g + mu * b if nesterov else b
        param[i] = theta - gamma * g


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
    """Update ``param`` and the averages in place; see ``reference.adam_step``."""
    arrays = [param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq]
    options = lr, beta1, beta2, eps, weight_decay, decoupled_weight_decay, maximize
    walk(0.25, adam_loop, arrays, adam_numbers(max_exp_avg_sq is not None, step, *options))


def adam_numbers(
    amsgrad: bool,
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Any, ...]:
    """Return the numbers of ``adam_loop``."""
    return (
        amsgrad,
        float(beta1),
        float(beta2),
        float(eps),
        # The two bias corrections are the same for all elements: fold them into the step size and the root.
        lr / (1.0 - beta1**step),
        math.sqrt(1.0 - beta2**step),
        0.0 if decoupled_weight_decay else float(weight_decay),
        1.0 - lr * weight_decay if decoupled_weight_decay else 1.0,
        -1.0 if maximize else 1.0,
    )


@njit(cache=True, error_model="numpy", nogil=True)
def adam_loop(
    param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq,
    amsgrad, beta1, beta2, eps, step_size, root_bias_correction2, weight_decay, shrink, sign, first, last,
):  # fmt: skip
    """Walk once through the elements of an Adam update."""
    param, grad, exp_avg = param[first:last], grad[first:last], exp_avg[first:last]
    exp_avg_sq, max_exp_avg_sq = exp_avg_sq[first:last], max_exp_avg_sq[first:last]
    number = param.dtype.type
    b1, rest1 = number(beta1), number(1.0 - beta1)  # subtracted in float64: 1 - float32(0.999) is off by 1e-5
    b2, rest2 = number(beta2), number(1.0 - beta2)
    gamma, root2, epsilon = number(step_size), number(root_bias_correction2), number(eps)
    decay, kept, downhill = number(weight_decay), number(shrink), number(sign)
    for i in range(param.size):
        theta = param[i] * kept
        g = downhill * grad[i]
        if decay != 0:
            g += decay * theta
        m = b1 * exp_avg[i] + rest1 * g
        v = b2 * exp_avg_sq[i] + rest2 * g * g
        exp_avg[i] = m
        exp_avg_sq[i] = v
        if amsgrad:
            v = np.maximum(max_exp_avg_sq[i], v)
            max_exp_avg_sq[i] = v
        param[i] = theta - gamma * m / (math.sqrt(v) / root2 + epsilon)


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
    """Update ``param`` and ``square_sum`` in place; see ``reference.adagrad_step``."""
    arrays = [param, grad, square_sum]
    decayed_lr = lr / (1.0 + (step - 1.0) * lr_decay)
    numbers = float(decayed_lr), float(weight_decay), float(eps), -1.0 if maximize else 1.0
    walk(0.25, adagrad_loop, arrays, numbers)


@njit(cache=True, error_model="numpy", nogil=True)
def adagrad_loop(param, grad, square_sum, lr, weight_decay, eps, sign, first, last):
    """Walk once through the elements of an Adagrad update."""
    param, grad, square_sum = param[first:last], grad[first:last], square_sum[first:last]
    number = param.dtype.type
    gamma, decay, epsilon, downhill = number(lr), number(weight_decay), number(eps), number(sign)
    for i in range(param.size):
        theta = param[i]
        g = downhill * grad[i]
        if decay != 0:
            g += decay * theta
        s = square_sum[i] + g * g
        square_sum[i] = s
        param[i] = theta - gamma * g / (math.sqrt(s) + epsilon)


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
    """Update ``param`` and the state in place; see ``reference.rmsprop_step``."""
    arrays = [param, grad, square_avg, grad_avg, momentum_buffer]
    numbers = (
        grad_avg is not None,
        momentum_buffer is not None,
        float(lr),
        float(alpha),
        float(eps),
        float(weight_decay),
        float(momentum),
        -1.0 if maximize else 1.0,
    )
    walk(0.25, rmsprop_loop, arrays, numbers)


@njit(cache=True, error_model="numpy", nogil=True)
def rmsprop_loop(
    param, grad, square_avg, grad_avg, momentum_buffer,
    centered, with_momentum, lr, alpha, eps, weight_decay, momentum, sign, first, last,
):  # fmt: skip
    """Walk once through the elements of an RMSprop update."""
    param, grad, square_avg = param[first:last], grad[first:last], square_avg[first:last]
    grad_avg, momentum_buffer = grad_avg[first:last], momentum_buffer[first:last]
    number = param.dtype.type
    old, new = number(alpha), number(1.0 - alpha)
    gamma, epsilon, decay, mu = number(lr), number(eps), number(weight_decay), number(momentum)
    downhill = number(sign)
    if not (
        centered or with_momentum
    ):  # a loop of its own: in one for all options, LLVM stores by a mask, slowly
        for i in range(param.size):
            theta = param[i]
            g = downhill * grad[i]
            if decay != 0:
                g += decay * theta
            v = old * square_avg[i] + new * g * g
            square_avg[i] = v
            param[i] = theta - gamma * (g / (math.sqrt(v) + epsilon))
        return
    for i in range(param.size):
        theta = param[i]
        g = downhill * grad[i]
        if decay != 0:
            g += decay * theta
        v = old * square_avg[i] + new * g * g
        square_avg[i] = v
        if centered:
            mean = old * grad_avg[i] + new * g
            grad_avg[i] = mean
            v -= mean * mean
        direction = g / (math.sqrt(v) + epsilon)
        if with_momentum:
            direction += mu * momentum_buffer[i]
            momentum_buffer[i] = direction
        param[i] = theta - gamma * direction
