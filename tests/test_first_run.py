"""What is compiled for the first step of a program: whoever runs one for the first time waits for each of these."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tinygrad_edu_kernels import micro_kernel
from tinygrad_edu_kernels.threads import sharing

PROGRAM = """
import json, sys
from numba.core.dispatcher import Dispatcher
import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.compile_ahead import kernels_of_training

def kernels():
    found = {}
    for module in [m for name, m in sys.modules.items() if name.startswith("tinygrad_edu_kernels.")]:
        for name, kernel in vars(module).items():
            is_own = isinstance(kernel, Dispatcher) and kernel.py_func.__module__ == module.__name__
            if is_own and kernel.signatures and not kernel.targetoptions.get("no_cpython_wrapper"):
                found[f"{module.__name__.split('.', 1)[1]}.{name}"] = len(kernel.signatures)
    return found

if sys.argv[1] == "cnn":
    import tinygrad_edu_kernels.convolution.cpu
list(kernels_of_training())
ahead = kernels()
torch.set_num_threads(2)
image = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
image += [nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
hidden = 64 * 7 * 7 if sys.argv[1] == "cnn" else 28 * 28
layers = [nn.Flatten(), nn.Linear(hidden, 128), nn.ReLU(), nn.Linear(128, 10)]
model = nn.Sequential(*(image if sys.argv[1] == "cnn" else []), *layers)
optimizer = torch.optim.Adam(model.parameters())
F.cross_entropy(model(torch.randn(64, 1, 28, 28)), torch.zeros(64, dtype=torch.int64)).backward()
optimizer.step()
print(json.dumps([ahead, kernels()]))
"""

# Each with the number of kinds of arguments that it is compiled for.
FOR_ALL = {
    "activation.cpu._relu": 1,
    "activation.cpu._relu_backward": 1,
    "matrix_product.panels._panels": 1,
    "optimizer_step.cpu.adam_loop": 1,
    "softmax_loss.cpu._loss_rows": 1,
    "softmax_loss.cpu._loss_backward_rows": 1,
    "threads.mailbox.share": 1,
    "threads.mailbox.help_out": 1,
    "threads.team._add": 1,
}
FOR_THE_CNN = {
    "convolution.direct._forward_images": 1,
    "convolution.direct._grad_weight_images": 1,
    "pooling.cpu._max_2x2_planes": 1,
    "pooling.cpu._max_backward_planes": 1,
}
EXPECTED = {
    "mlp": {**FOR_ALL, "threads.mailbox.write": 3},
    "cnn": {**FOR_ALL, **FOR_THE_CNN, "threads.mailbox.write": 9},
}

AHEAD = {  # what a second process compiles meanwhile, see ``compile_ahead.py``
    "mlp": {
        "softmax_loss.cpu._loss_rows",
        "softmax_loss.cpu._loss_backward_rows",
        "activation.cpu._relu_backward",
        "optimizer_step.cpu.adam_loop",
    }
}
AHEAD["cnn"] = AHEAD["mlp"] | {"convolution.direct._grad_weight_images", "pooling.cpu._max_backward_planes"}


@pytest.mark.skipif(
    not micro_kernel.is_available() or not sharing.is_available(), reason="other kernels on this machine"
)
@pytest.mark.parametrize("model", EXPECTED)
def test_what_the_first_step_compiles(model):
    """One more kernel, or one kind of arguments more, is a fifth of a second more for who runs a program first.

    What is compiled ahead is called before, in the same process: it must be what the step calls, with the same kinds.
    """
    for _ in range(2):  # with all kernels cached: those that are compiled now count their pieces as well
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, model],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    ahead, all_of_them = json.loads(done.stdout)
    assert ahead == dict.fromkeys(AHEAD[model], 1)
    assert all_of_them == EXPECTED[model]
