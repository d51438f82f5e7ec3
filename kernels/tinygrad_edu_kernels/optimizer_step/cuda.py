"""The update rules of ``reference.py`` on the GPU: one thread an element, one pass over memory.

The host makes every hyperparameter a number of the array's dtype once, subtracting in float64 first (1 -
float32(0.999) is off by 1e-5), so that the kernels compute in that dtype throughout.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from tinygrad_edu_kernels.cuda_launch import array_module_of, launch

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
    flags = momentum_buffer is not None, is_first_step, weight_decay != 0, nesterov, maximize
    numbers = lr, momentum, 1 - dampening, weight_decay
    _step(_sgd_kernel, [param, grad, momentum_buffer], flags, numbers)


@cuda.jit
def _sgd_kernel(
    param,
    grad,
    momentum_buffer,
    with_momentum,
    is_first_step,
    with_decay,
    nesterov,
    maximize,
    lr,
    momentum,
    undamped,
    weight_decay,
):
    """Take a step of SGD."""
    for i in range(cuda.grid(1), param.size, cuda.gridsize(1)):
        theta = param[i]
        g = -grad[i] if maximize else grad[i]
        if with_decay:
            g += weight_decay * theta
        if with_momentum:
            b = g if is_first_step else momentum * momentum_buffer[i] + undamped * g
            momentum_buffer[i] = b
            g = g + momentum * b if nesterov else b
        param[i] = theta - lr * g


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
    with_decay = weight_decay != 0 and not decoupled_weight_decay
    flags = max_exp_avg_sq is not None, with_decay, maximize
    shrink = 1 - lr * weight_decay if decoupled_weight_decay else 1
    # The two bias corrections are the same for all elements: fold them into the step size and the root.
    step_size, root_bias_correction2 = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    averages = beta1, 1 - beta1, beta2, 1 - beta2
    numbers = *averages, eps, step_size, root_bias_correction2, weight_decay, shrink
    _step(_adam_kernel, [param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq], flags, numbers)


@cuda.jit
def _adam_kernel(
    param,
    grad,
    exp_avg,
    exp_avg_sq,
    max_exp_avg_sq,
    amsgrad,
    with_decay,
    maximize,
    beta1,
    rest1,
    beta2,
    rest2,
    eps,
    step_size,
    root_bias_correction2,
    weight_decay,
    shrink,
):
    """Take a step of Adam."""
    for i in range(cuda.grid(1), param.size, cuda.gridsize(1)):
        theta = param[i] * shrink
        g = -grad[i] if maximize else grad[i]
        if with_decay:
            g += weight_decay * theta
        m = beta1 * exp_avg[i] + rest1 * g
        v = beta2 * exp_avg_sq[i] + rest2 * g * g
        exp_avg[i] = m
        exp_avg_sq[i] = v
        if amsgrad:
            before = max_exp_avg_sq[i]
            v = before if before > v or before != before else v  # a NaN stays
            max_exp_avg_sq[i] = v
        param[i] = theta - step_size * m / (math.sqrt(v) / root_bias_correction2 + eps)


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
    numbers = lr / (1 + (step - 1) * lr_decay), weight_decay, eps
    _step(_adagrad_kernel, [param, grad, square_sum], (weight_decay != 0, maximize), numbers)


@cuda.jit
def _adagrad_kernel(param, grad, square_sum, with_decay, maximize, lr, weight_decay, eps):
    """Take a step of Adagrad."""
    for i in range(cuda.grid(1), param.size, cuda.gridsize(1)):
        theta = param[i]
        g = -grad[i] if maximize else grad[i]
        if with_decay:
            g += weight_decay * theta
        s = square_sum[i] + g * g
        square_sum[i] = s
        param[i] = theta - lr * g / (math.sqrt(s) + eps)


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
    flags = grad_avg is not None, momentum_buffer is not None, weight_decay != 0, maximize
    numbers = lr, alpha, 1 - alpha, eps, weight_decay, momentum
    _step(_rmsprop_kernel, [param, grad, square_avg, grad_avg, momentum_buffer], flags, numbers)


@cuda.jit
def _rmsprop_kernel(
    param,
    grad,
    square_avg,
    grad_avg,
    momentum_buffer,
    centered,
    with_momentum,
    with_decay,
    maximize,
    lr,
    alpha,
    rest,
    eps,
    weight_decay,
    momentum,
):
    """Take a step of RMSprop."""
    for i in range(cuda.grid(1), param.size, cuda.gridsize(1)):
        theta = param[i]
        g = -grad[i] if maximize else grad[i]
        if with_decay:
            g += weight_decay * theta
        v = alpha * square_avg[i] + rest * g * g
        square_avg[i] = v
        if centered:
            mean = alpha * grad_avg[i] + rest * g
            grad_avg[i] = mean
            v -= mean * mean
        direction = g / (math.sqrt(v) + eps)
        if with_momentum:
            direction += momentum * momentum_buffer[i]
            momentum_buffer[i] = direction
        param[i] = theta - lr * direction


# ---- launcher -----------------------------------------------------------------------------------------------


def _step(
    kernel: Any, arrays: list[Array | None], flags: tuple[Any, ...], numbers: tuple[float, ...]
) -> None:
    """Run a kernel over the elements of a parameter.

    Parameters
    ----------
    arrays : list
        The parameter, its gradient, and the arrays of the state, or None for those that are left out.
    flags, numbers : tuples
        What else the kernel is called with. Numbers get the dtype of the computation.

    Raises
    ------
    TypeError
        If the parameter is not of floating-point numbers.
    ValueError
        If the shapes differ: a kernel must never run past the end of an array.
    """
    param: Array = arrays[0]
    dtype = _compute_dtype(param)
    flat = [_flat(array, param, dtype) for array in arrays]
    launch(kernel, param.size, *flat, *map(bool, flags), *map(dtype.type, numbers))
    for numbers_of_array, array in zip(flat, arrays, strict=True):
        if array is not None and array is not arrays[1] and not _can_be_viewed(array, dtype):
            array[...] = numbers_of_array.reshape(array.shape)


def _flat(array: Array | None, param: Array, dtype: Any) -> Array:
    """Return an array as the kernels want it, 1-D and of the dtype: a view, or else a copy."""
    xp = array_module_of(param)
    if array is None:
        return xp.empty(
            1, dtype
        )  # so that one compiled kernel serves all options; its flag says: do not look
    if array.shape != param.shape:
        raise ValueError(
            "optimizer step: expected gradient and state of the parameter's shape "
            f"{param.shape}, got {array.shape}"
        )
    return xp.ascontiguousarray(array, dtype).reshape(-1)


def _can_be_viewed(array: Array, dtype: Any) -> bool:
    """Tell whether a kernel works on the array's own memory."""
    return array.flags.c_contiguous and array.dtype == dtype


def _compute_dtype(param: Array) -> Any:
    """Return the dtype in which a parameter is updated: its own, but float32 for float16."""
    if param.dtype.kind != "f":
        raise TypeError(
            f"optimizer step: expected a parameter of float16, float32 or float64, got {param.dtype}"
        )
    return np.dtype(np.float32) if param.dtype == np.float16 else param.dtype
