"""The update rules of ``reference.py``, compiled: one pass over memory for each parameter.

Each rule is a loop over 1-D contiguous arrays (``*_loop``) and a launcher that gives it such arrays.
The loops run on one core: the compiler turns them into vector instructions, and beyond that the memory is the
limit (measured with two cores: 1.1 times faster for 4 million elements, 30 microseconds won for 400
thousand). Python's floats are float64; every hyperparameter is made a number of the array's dtype once,
before the loop, or the whole loop would run in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

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
    flat, copied = flatten(arrays)
    sgd_loop(
        *flat,
        momentum_buffer is not None,
        bool(is_first_step),
        float(lr),
        float(momentum),
        1.0 - dampening,
        float(weight_decay),
        bool(nesterov),
        bool(maximize),
    )
    store(copied)


@njit(cache=True, error_model="numpy")
def sgd_loop(
    param,
    grad,
    momentum_buffer,
    with_momentum,
    is_first_step,
    lr,
    momentum,
    undamped,
    weight_decay,
    nesterov,
    maximize,
):
    """Walk once through the elements of an SGD update."""
    number = param.dtype.type
    gamma, mu, kept, decay = number(lr), number(momentum), number(undamped), number(weight_decay)
    for i in range(param.size):
        theta = param[i]
        g = -grad[i] if maximize else grad[i]
        if weight_decay != 0.0:
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
    flat, copied = flatten(arrays)
    adam_loop(
        *flat,
        max_exp_avg_sq is not None,
        float(beta1),
        float(beta2),
        float(eps),
        # The two bias corrections are the same for all elements: fold them into the step size and the root.
        lr / (1.0 - beta1**step),
        math.sqrt(1.0 - beta2**step),
        0.0 if decoupled_weight_decay else float(weight_decay),
        1.0 - lr * weight_decay if decoupled_weight_decay else 1.0,
        bool(maximize),
    )
    store(copied)


@njit(cache=True, error_model="numpy")
def adam_loop(
    param,
    grad,
    exp_avg,
    exp_avg_sq,
    max_exp_avg_sq,
    amsgrad,
    beta1,
    beta2,
    eps,
    step_size,
    root_bias_correction2,
    weight_decay,
    shrink,
    maximize,
):
    """Walk once through the elements of an Adam update."""
    number = param.dtype.type
    b1, rest1 = number(beta1), number(1.0 - beta1)  # subtracted in float64: 1 - float32(0.999) is off by 1e-5
    b2, rest2 = number(beta2), number(1.0 - beta2)
    gamma, root2, epsilon = number(step_size), number(root_bias_correction2), number(eps)
    decay, kept = number(weight_decay), number(shrink)
    for i in range(param.size):
        theta = param[i] * kept
        g = -grad[i] if maximize else grad[i]
        if weight_decay != 0.0:
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
    flat, copied = flatten(arrays)
    decayed_lr = lr / (1.0 + (step - 1.0) * lr_decay)
    adagrad_loop(*flat, decayed_lr, float(weight_decay), float(eps), bool(maximize))
    store(copied)


@njit(cache=True, error_model="numpy")
def adagrad_loop(param, grad, square_sum, lr, weight_decay, eps, maximize):
    """Walk once through the elements of an Adagrad update."""
    number = param.dtype.type
    gamma, decay, epsilon = number(lr), number(weight_decay), number(eps)
    for i in range(param.size):
        theta = param[i]
        g = -grad[i] if maximize else grad[i]
        if weight_decay != 0.0:
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
    flat, copied = flatten(arrays)
    rmsprop_loop(
        *flat,
        grad_avg is not None,
        momentum_buffer is not None,
        float(lr),
        float(alpha),
        float(eps),
        float(weight_decay),
        float(momentum),
        bool(maximize),
    )
    store(copied)


@njit(cache=True, error_model="numpy")
def rmsprop_loop(
    param,
    grad,
    square_avg,
    grad_avg,
    momentum_buffer,
    centered,
    with_momentum,
    lr,
    alpha,
    eps,
    weight_decay,
    momentum,
    maximize,
):
    """Walk once through the elements of an RMSprop update."""
    number = param.dtype.type
    old, new = number(alpha), number(1.0 - alpha)
    gamma, epsilon, decay, mu = number(lr), number(eps), number(weight_decay), number(momentum)
    for i in range(param.size):
        theta = param[i]
        g = -grad[i] if maximize else grad[i]
        if weight_decay != 0.0:
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


def flatten(arrays: list[Array | None]) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """Return the arrays of a step as the loops want them: 1-D, contiguous, float32 or float64.

    Those are views of the arrays, at no cost, unless an array is a transposed, sliced or read-only one or
    holds float16: that is copied, and ``store`` brings the result back. An absent array becomes an empty one,
    so that every loop is compiled once and not again for each combination of options.

    Parameters
    ----------
    arrays : list
        The parameter, its gradient, and the arrays of the state.

    Returns
    -------
    flat : list of arrays
        One for each of ``arrays``.
    copied : list of (array, copy)
        Those that could not be viewed and that the step changes: all but the gradient.

    Raises
    ------
    TypeError
        If the parameter is not of floating-point numbers.
    ValueError
        If the shapes differ: a loop must never run past the end of an array.
    """
    param: Array = arrays[0]
    grad = arrays[1]
    shape, dtype = param.shape, compute_dtype(param)
    flat, copied = [], []
    for array in arrays:
        if array is None:
            flat.append(np.empty(0, dtype))  # a loop that does without it takes nothing from it
        elif array.shape != shape:
            raise ValueError(
                f"optimizer step: expected gradient and state of the parameter's shape {shape}, got {array.shape}"
            )
        elif array.dtype == dtype and array.flags.carray:  # contiguous, aligned and writeable
            flat.append(array if array.ndim == 1 else array.reshape(-1))
        else:
            flat.append(np.array(array, dtype, order="C").reshape(-1))
            if array is not grad:
                copied.append((array, flat[-1]))
    return flat, copied


def store(copied: list[tuple[Array, Array]]) -> None:
    """Copy the results back into those arrays that ``flatten`` could not return as a view."""
    for array, numbers in copied:
        with np.errstate(over="ignore"):  # float32 -> float16 may overflow to inf, as in PyTorch
            array[...] = numbers.reshape(array.shape)


def compute_dtype(param: Array) -> Any:
    """Return the dtype in which a parameter is updated: its own, but float32 for float16."""
    if param.dtype.char in "fd":
        return param.dtype
    if param.dtype.kind != "f":
        raise TypeError(
            f"optimizer step: expected a parameter of float16, float32 or float64, got {param.dtype}"
        )
    return np.dtype(np.float32)
