"""Compiling beforehand, and saying so: tinygrad_edu.warmup and tinygrad_edu.compiling."""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import tinygrad_edu as torch
import tinygrad_edu_kernels
from tinygrad_edu import compiling, warmup
from tinygrad_edu_kernels import micro_kernel
from tinygrad_edu_kernels.threads import parallel, sharing, team


def cpu_modules():
    """Return the modules of all families that hold compiled kernels."""
    for info in pkgutil.walk_packages(tinygrad_edu_kernels.__path__, "tinygrad_edu_kernels."):
        if not info.ispkg and not info.name.endswith(("cuda", "cuda_launch")):
            yield importlib.import_module(info.name)


def test_every_family_has_a_recipe():
    packages = {info.name for info in pkgutil.iter_modules(tinygrad_edu_kernels.__path__) if info.ispkg}
    families = packages - {"threads"}
    assert set(warmup.RECIPES) == families


def entry_points():
    """Return the compiled functions that Python calls: those that no other one calls."""
    kernels = {
        f"{module.__name__}.{name}": value
        for module in cpu_modules()
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher) and value.py_func.__module__ == module.__name__
    }
    called = {name for kernel in kernels.values() for name in kernel.py_func.__code__.co_names}
    for name, kernel in kernels.items():
        if name.rpartition(".")[2] not in called:
            yield name, kernel


# For whoever calls the kernels by hand; no operation does. (Elementary functions are compiled into their callers.)
BY_HAND = {
    "_im2col_images",
    "_col2im_images",
    "_exp_float32",
    "_erf_float32",
    "_log1p_float32",
    "_tanh_float32",
    "_by_tiles",
    "_by_loops",
}


def test_every_kernel_is_compiled():
    warmup.compile_kernels()
    kernels = {name: kernel for name, kernel in entry_points() if name.rpartition(".")[2] not in BY_HAND}
    assert len(kernels) > 15
    unused = []
    if not micro_kernel.is_available():
        unused += [".direct.", ".panels."]
    if not sharing.is_available() or parallel.get_num_threads() == 1:
        unused += ["._loss_sums", ".threads."]
    kernels = {name: kernel for name, kernel in kernels.items() if not any(part in name for part in unused)}
    assert not [name for name, kernel in kernels.items() if not kernel.signatures]


@pytest.mark.skipif(
    not sharing.is_available() or parallel.get_num_threads() == 1, reason="no team of threads here"
)
def test_every_kernel_is_compiled_for_threads_that_share_it(monkeypatch):
    """Every one that works on a part first..last."""
    shared, dtypes = set(), {np.dtype("f"), np.dtype("d")}
    post = team.post

    def note(mailbox, count, parts, kernel, arguments):
        shared.add((kernel, arguments[0].dtype))
        post(mailbox, count, parts, kernel, arguments)

    monkeypatch.setattr(team, "post", note)
    warmup.compile_kernels()
    kernels = [(name, kernel) for name, kernel in entry_points() if ".threads." not in name]
    for name, kernel in kernels:
        if inspect.getfullargspec(kernel.py_func).args[-2:] == ["first", "last"]:
            expected = dtypes
            if ".direct." in name or ".panels." in name:  # for float32 alone, if at all
                expected = {np.dtype("f")} if micro_kernel.is_available() else set()
            assert {dtype for shared_kernel, dtype in shared if shared_kernel is kernel} == expected, name
    assert len(shared) > 40


def test_the_random_numbers_of_the_program_stay_the_same():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    warmup.compile_kernels(["dropout"])
    assert torch.equal(torch.rand(3), expected)


def test_unknown_family():
    with pytest.raises(ValueError, match="compile_kernels: expected one of convolution, .*, got 'conv'"):
        warmup.compile_kernels(["conv"])


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu.warmup", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_command():
    done = run("dropout")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("the kernels are ready, after ")


def test_command_with_an_unknown_family():
    done = run("droput")
    assert done.returncode == 2
    assert "got droput" in done.stderr


# ---- saying that kernels are compiled ----------------------------------------------------------------------


def kernel_event(name="_relu_range", module="tinygrad_edu_kernels.activation.cpu"):
    function, stats = SimpleNamespace(__name__=name, __module__=module), SimpleNamespace(cache_path="folder")
    return SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=function, stats=stats)})


@pytest.fixture
def listener(monkeypatch):
    """A listener with a clock that goes on two seconds every time it is looked at."""
    ticks = iter(range(0, 1000, 2))
    monkeypatch.setattr(compiling, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    return compiling.CompileProgress()


def test_one_line_where_there_is_no_terminal(listener, capsys):
    for _ in range(3):
        listener.on_start(kernel_event())
        listener.on_end(kernel_event())
    assert capsys.readouterr().err.splitlines() == [compiling.NOTICE]
    assert listener.count == 3


def test_a_count_on_a_terminal(listener, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    listener.on_start(kernel_event())
    listener.on_start(kernel_event("_helper"))
    listener.on_end(kernel_event("_helper"))
    listener.on_end(kernel_event())
    shown = capsys.readouterr().err
    assert "compiling kernels, once for this machine: 0 done in 0 s, now relu_range" in shown
    assert "1 done" not in shown.replace("0 done", "")
    assert listener.count == 2


def test_kernels_of_others_are_not_mentioned(listener, capsys):
    listener.on_start(kernel_event(module="somebody.elses"))
    listener.on_end(kernel_event(module="somebody.elses"))
    assert listener.count == 0
    assert capsys.readouterr().err == ""


def test_quick_compilations_are_not_mentioned(capsys, monkeypatch):
    monkeypatch.setattr(compiling, "time", SimpleNamespace(perf_counter=lambda: 0.0))
    listener = compiling.CompileProgress()
    listener.on_start(kernel_event())
    listener.on_end(kernel_event())
    assert capsys.readouterr().err == ""


def test_the_collector_of_cycles_rests_while_a_kernel_is_compiled(listener):
    for is_on in (True, False):
        (gc.enable if is_on else gc.disable)()
        try:
            listener.on_start(kernel_event())
            listener.on_start(kernel_event("_helper"))
            listener.on_end(kernel_event("_helper"))
            assert not gc.isenabled()
            listener.on_end(kernel_event())
            assert gc.isenabled() == is_on
        finally:
            gc.enable()
