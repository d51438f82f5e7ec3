"""The stand-in's CUDA graphs: what CuPy refuses while a stream captures, and what would go wrong without a word."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from tests.gpu.standin.api import API
from tests.gpu.standin.cards import Stream
from tests.gpu.standin.freeze import as_text
from tests.gpu.standin.modules import CUDA, CUPY as cp


@pytest.fixture
def x():
    return cp.asarray(np.arange(6, dtype=np.float32).reshape(2, 3))


class Captured:
    """Captures a function of an array, in a pool of its own."""

    def __init__(self, function, x, pool=None):
        self.stream, self.pool = Stream(non_blocking=True), pool or CUDA.MemoryPool()
        with self.stream, CUDA.using_allocator(self.pool.malloc):
            self.stream.begin_capture()
            try:
                self.result = function(x)
            finally:
                self.graph = None
                self.graph = self.stream.end_capture()


def test_nothing_is_done_before_the_launch_and_then_on_the_same_memory(x):
    total = cp.zeros(3, "f4")

    def function(x):
        nonlocal total
        y = (x * 2)[1]
        y += 1
        total += y
        return y.reshape(3, 1)

    captured = Captured(function, x)
    assert np.isnan(captured.result.get()).all()
    assert total.tolist() == [0, 0, 0]
    for n in (1, 2):
        x[1] = n
        captured.graph.launch()
        assert captured.result.ravel().tolist() == [2 * n + 1] * 3
    assert total.tolist() == [8, 8, 8]


READS = {
    "a number": lambda x: float(x[0, 0]),
    "a condition": lambda x: 1 if x.sum() > 0 else 2,
    "an array": lambda x: x.get(),
    "what is not zero": lambda x: cp.where(x > 1),
    "a mask": lambda x: x[x > 1],
}


@pytest.mark.parametrize("name", READS)
def test_reading_is_refused_and_the_capture_goes_on(name, x):
    stream, pool = Stream(non_blocking=True), CUDA.MemoryPool()
    with stream, CUDA.using_allocator(pool.malloc):
        stream.begin_capture()
        with pytest.raises(RuntimeError, match="capturing"):
            READS[name](x)
        stream.end_capture()
    READS[name](x)


@pytest.mark.parametrize(
    "wait",
    [lambda stream: stream.synchronize(), lambda stream: CUDA.Device(0).synchronize()],
    ids=["for the stream", "for the card"],
)
def test_waiting_is_refused_and_the_capture_is_lost(wait):
    stream = Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureUnsupported"):
            wait(stream)
        with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureInvalidated"):
            stream.end_capture()
    assert not stream.is_capturing()
    wait(stream)


LIBRARIES = {
    "cuBLAS": [lambda x: x @ x.T, lambda x: cp.matmul(x, x.T), lambda x: x.dot(x.T), lambda x: cp.tensordot(x, x, 2)],
    "cuSOLVER": [lambda x: cp.linalg.inv(x.T[:2]), lambda x: cp.linalg.svd(x)],
    "cuRAND": [lambda x: cp.random.default_rng(0).random(3)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("library", "call"), [(name, call) for name, calls in LIBRARIES.items() for call in calls]
)
def test_libraries_are_refused(library, call, x):
    with pytest.raises(NotImplementedError, match=f"calling {library} API during stream capture"):
        Captured(call, x)


def test_the_default_stream_cannot_capture():
    with pytest.raises(RuntimeError, match="legacy"):
        Stream.null.begin_capture()
    with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureImplicit"):
        Stream().begin_capture()


def test_memory_of_the_common_pool_is_refused(x):
    stream = Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        with pytest.raises(RuntimeError, match="common pool"):
            x + 1
        stream.end_capture()


def test_a_pool_must_live_as_long_as_its_graph(x):
    captured = Captured(lambda x: x + 1, x)
    captured.graph.launch()
    captured.pool = None
    with pytest.raises(RuntimeError, match="the pool of the graph's memory is gone"):
        captured.graph.launch()


def test_what_was_copied_from_the_host_is_something_else_by_then(x):
    captured = Captured(lambda x: x + cp.asarray(np.ones(3, "f4")), x)
    captured.graph.launch()
    assert np.isnan(captured.result.get()).all()


def test_numbers_are_frozen(x):
    factor = 2.0
    captured = Captured(lambda x: x * factor, x)
    factor = 3.0
    captured.graph.launch()
    assert captured.result[0, 1].item() == 2.0


CALLS = {
    "cupy.cuda.Stream": ("begin_capture", "end_capture", "is_capturing", "synchronize"),
    "cupy.cuda.Graph": ("launch", "upload"),
    "cupy.cuda.MemoryPool": ("malloc",),
    "cupy.cuda": ("using_allocator",),
}


@pytest.mark.parametrize("space", CALLS)
def test_names_and_arguments_are_those_of_cupy(space):
    owner = CUDA if space == "cupy.cuda" else getattr(CUDA, space.split(".")[-1])
    for name in CALLS[space]:
        parameters = list(inspect.signature(getattr(owner, name)).parameters.values())
        assert as_text(parameters) == API[space][name], name
