"""The programs that a peer can run as well, each written the way that package wants it.

They start from the numbers that the engines' P1 starts from, and ``tests/benchmarks/runner.py`` holds their losses
equal before anything is timed. ``step()`` returns the loss after the work is really done: tinygrad is lazy and
works in a thread of its own, so it is waited for.
"""

from __future__ import annotations

NUMPY_P1 = """
import numpy as np
from tests.benchmarks.data import mlp_start

x, y, (w1, b1, w2, b2) = mlp_start()
parameters = [w1, b1, w2, b2]
velocities = [np.zeros_like(p) for p in parameters]
n, rows = len(x), np.arange(len(x))

def step():
    # forward
    h = x @ w1.T + b1
    a = np.maximum(h, 0)
    scores = a @ w2.T + b2
    shifted = scores - scores.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    sums = exps.sum(axis=1, keepdims=True)
    loss = (np.log(sums[:, 0]) - shifted[rows, y]).mean()
    # backward
    grad_scores = exps / sums
    grad_scores[rows, y] -= 1
    grad_scores /= n
    grad_w2, grad_b2 = grad_scores.T @ a, grad_scores.sum(axis=0)
    grad_h = (grad_scores @ w2) * (h > 0)
    grad_w1, grad_b1 = grad_h.T @ x, grad_h.sum(axis=0)
    # SGD with momentum
    for p, v, grad in zip(parameters, velocities, (grad_w1, grad_b1, grad_w2, grad_b2)):
        v *= 0.9
        v += grad
        p -= 0.01 * v
    return loss
"""

# There is no tape to record: the sum is computed, and its derivative, by hand, is one.
NUMPY_TAPE = """
import numpy as np

x, one = np.ones(1, np.float32), np.ones(1, np.float32)

def step():
    y = x
    for _ in range(1000):
        y = y + one
    gradient = np.ones(1, np.float32)
    return y
"""

AUTOGRAD_P1 = """
import autograd.numpy as np
from autograd import value_and_grad
from tests.benchmarks.data import mlp_start

x, y, parameters = mlp_start()
velocities = [np.zeros_like(p) for p in parameters]
rows = np.arange(len(x))

def loss_function(parameters):
    w1, b1, w2, b2 = parameters
    scores = np.maximum(x @ w1.T + b1, 0) @ w2.T + b2
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_sums = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log_sums - shifted[rows, y])

loss_and_gradients = value_and_grad(loss_function)

def step():
    loss, gradients = loss_and_gradients(parameters)
    for p, v, gradient in zip(parameters, velocities, gradients):
        v *= 0.9
        v += gradient
        p -= 0.01 * v
    return loss
"""

AUTOGRAD_TAPE = """
import autograd.numpy as np
from autograd import value_and_grad

x, one = np.ones(1, np.float32), np.ones(1, np.float32)

def chain(x):
    y = x
    for _ in range(1000):
        y = y + one
    return np.sum(y)

value_and_gradient = value_and_grad(chain)

def step():
    y, gradient = value_and_gradient(x)
    return y
"""

TINYGRAD_P1 = """
import numpy as np
from tests.benchmarks.data import mlp_start
from tinygrad import Context, Device, Tensor, TinyJit
from tinygrad.nn.optim import SGD

x, y, values = mlp_start()
x, y = Tensor(x).realize(), Tensor(y.astype(np.int32)).realize()
w1, b1, w2, b2 = parameters = [Tensor(value).realize() for value in values]
optimizer = SGD(parameters, lr=0.01, momentum=0.9)

@TinyJit
def compiled_step():
    with Context(TRAINING=1):
        optimizer.zero_grad()
        scores = (x @ w1.T + b1).relu() @ w2.T + b2
        loss = scores.sparse_categorical_crossentropy(y)
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

def step():
    loss = compiled_step()
    Device[Device.DEFAULT].synchronize()
    return loss
"""

TINYGRAD_TAPE = """
from tinygrad import Device, Tensor, TinyJit

x, one = Tensor([1.0]).realize(), Tensor([1.0]).realize()

@TinyJit
def chain():
    y = x
    for _ in range(1000):
        y = y + one
    gradient = y.sum().gradient(x)[0]
    return y.realize(gradient)

def step():
    y = chain()
    Device[Device.DEFAULT].synchronize()
    return y
"""


def without_jit(program: str) -> str:
    """Return a program of tinygrad that builds and schedules its graph anew in every step.

    With TinyJit the graph is recorded twice and replayed from then on: 1,000 adds are one compiled kernel.
    """
    return program.replace("@TinyJit\n", "")


PEER_PROGRAMS = {
    "numpy": {"P1": NUMPY_P1, "tape": NUMPY_TAPE},
    "autograd": {"P1": AUTOGRAD_P1, "tape": AUTOGRAD_TAPE},
    "tinygrad": {"P1": TINYGRAD_P1, "tape": TINYGRAD_TAPE},
    "tinygrad-nojit": {"P1": without_jit(TINYGRAD_P1), "tape": without_jit(TINYGRAD_TAPE)},
}
"""Engine: program: text."""
