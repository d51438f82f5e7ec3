"""A second process compiles what training will need later, while this one compiles what it needs now.

Numba compiles one kernel after the other, with whatever number of threads. But a kernel that one process has kept on
disk, another one loads. So with the first kernel that is not in the cache, the process forks. The fork compiles the
loss, the backward of ReLU, of convolutions and of max pooling, and Adam's step; until these are needed, the process
itself is busy with the forward. Whoever comes to a kernel first compiles it, and nobody waits: at worst, one is
compiled twice. A fork has everything imported; a new Python would take a second for that, and then comes too late.

It is done once in a process, and only where it is harmless and of use (``is_sensible``). The fork keeps no file of the
process open, prints nothing, gets no Ctrl-C, is not a child that somebody could wait for, and ends after some seconds,
or minutes on a busy machine. ``TINYGRAD_EDU_COMPILE_AHEAD=0`` in the environment turns it off.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from tqdm import tqdm

from tinygrad_edu_kernels import threads

SWITCH = "TINYGRAD_EDU_COMPILE_AHEAD"
MOST_SECONDS = 120  # then the system ends the fork, whatever holds it up
THREADS_OF_OTHERS = ("cupy", "grpc", "jax", "tensorflow")  # libraries whose threads do not bear a fork


class _Begun:
    """Whether the process has come to its first kernel."""

    value = False


def start(cache_path: str | None) -> None:
    """Let a fork compile ahead, with the first kernel, if that is sensible.

    Parameters
    ----------
    cache_path : str or None
        The folder where the kernel will be kept; None: nowhere.
    """
    if _Begun.value:
        return
    _Begun.value = True
    if not is_sensible(cache_path):
        return
    with contextlib.suppress(OSError, RuntimeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python says that BLAS has threads; the fork does not use BLAS
        child = os.fork()
        if child == 0:
            _leave_and_compile()
        os.waitpid(child, 0)  # it ends at once; what it has forked is nobody's child


def is_sensible(cache_path: str | None) -> bool:
    """Tell whether a fork is harmless, can keep kernels for this process, and has a core of its own."""
    return (
        os.environ.get(SWITCH, "1") != "0"
        and cache_path is not None
        and sys.platform == "linux"
        and len(os.sched_getaffinity(0)) > 1
        and threads.get_num_threads() > 1  # with one, it is a worker, or is to leave the other cores alone
        and multiprocessing.parent_process() is None
        and sys.gettrace() is None  # a debugger follows forks
        and set(threading.enumerate()) <= {threading.main_thread(), tqdm.monitor}  # others may hold a lock
        and threading.current_thread() is threading.main_thread()
        and not any(name in sys.modules for name in THREADS_OF_OTHERS)
    )


def _leave_and_compile() -> NoReturn:
    """In the fork: fork once more, cut all ties, compile, and end without what Python does at its end."""
    try:
        if os.fork() == 0:
            _cut_ties()
            for _ in kernels_of_training():
                pass
    finally:
        os._exit(0)  # whatever happened


def _cut_ties() -> None:
    """Leave the terminal, the files and the signal handlers to the process that was forked."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(kind, signal.SIG_DFL)
    signal.alarm(MOST_SECONDS)
    os.setsid()
    os.nice(10)
    gc.disable()  # what the program has thrown away, it cleans up itself
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    for _ in range(3):
        os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # a notebook or a test had others


def kernels_of_training() -> Iterator[str]:
    """Call kernels that most trainings need after their first product, in this order; yield their families.

    They are called as operations call them, for float32; those of images only if the program has convolutions.
    """
    threads.set_num_threads(1)
    x, labels, pair = np.zeros((2, 4), np.float32), np.zeros(2, np.int64), (1, 1)
    _, _, probabilities = _cpu("softmax_loss").softmax_cross_entropy_forward(x, labels, None, -100)
    yield "softmax_loss"
    _cpu("softmax_loss").softmax_cross_entropy_backward(x[0, 0], probabilities, labels, None, -100)
    yield "softmax_loss"
    _cpu("activation").relu_backward(x, x)
    yield "activation"
    if "tinygrad_edu_kernels.convolution.cpu" in sys.modules:
        images = np.zeros((1, 32, 4, 4), np.float32)
        _cpu("convolution").conv2d_grad_weight(images, images, (32, 32, 3, 3), pair, pair, pair, 1)
        yield "convolution"
        _cpu("pooling").max_pool2d_backward(images, np.zeros(images.shape, np.int32), images.shape)
        yield "pooling"
    options = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.0}
    flags = {"decoupled_weight_decay": False, "maximize": False}
    _cpu("optimizer_step").adam_step(*np.zeros((4, 3), np.float32), None, step=1, **options, **flags)
    yield "optimizer_step"


def _cpu(family: str) -> Any:
    return importlib.import_module(f"tinygrad_edu_kernels.{family}.cpu")
