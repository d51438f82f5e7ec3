"""The parts of a worker, without processes; test_loader_iterator.py has them work together."""

from __future__ import annotations

import multiprocessing
import pickle
import queue
import random

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.utils.data.samples import Numbers, TwoPartError, fail_to_start, set_tag
from tinygrad_edu.utils.data import default_collate, get_worker_info, worker
from tinygrad_edu.utils.data.transfer import pack
from tinygrad_edu.utils.data.worker import WorkerError, WorkerSettings


@pytest.fixture(autouse=True)
def threads_as_before():
    """A worker limits its process to one thread; here that is the process of the tests."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def error_of(exception):
    try:
        raise exception
    except Exception as error:
        return WorkerError(error, 3)


def settings(**changes):
    defaults = {
        "dataset": Numbers(4),
        "auto_collation": True,
        "collate_fn": default_collate,
        "drop_last": False,
        "worker_init_fn": None,
        "base_seed": 100,
        "num_workers": 2,
    }
    return WorkerSettings(**{**defaults, **changes})


@pytest.mark.parametrize(
    "exception", [ValueError("bad"), ZeroDivisionError("bad"), KeyError("bad"), TwoPartError("bad", "worse")]
)
def test_an_error_travels_with_its_traceback(exception):
    error = pickle.loads(pickle.dumps(error_of(exception)))
    expected = RuntimeError if isinstance(exception, TwoPartError) else type(exception)
    with pytest.raises(expected) as got:
        error.reraise()
    message = str(got.value)
    assert message.startswith(
        f"Caught {type(exception).__name__} in DataLoader worker process 3.\nOriginal Traceback (most"
    )
    assert "in error_of\n    raise exception" in message
    assert "bad" in message


def test_an_error_whose_class_nobody_finds_becomes_a_runtime_error():
    class Local(Exception):
        pass

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 3"):
        pickle.loads(pickle.dumps(error_of(Local()))).reraise()


@pytest.mark.torch_parity
@pytest.mark.parametrize("exception", [ValueError("bad"), KeyError("bad"), TwoPartError("bad", "worse")])
def test_errors_read_as_in_pytorch(exception):
    real = pytest.importorskip("torch")
    try:
        raise exception
    except Exception as error:
        theirs = real._utils.ExceptionWrapper(where="in DataLoader worker process 3")
        ours = WorkerError(error, 3)
    with pytest.raises(Exception) as expected:  # noqa: PT011
        theirs.reraise()
    with pytest.raises(type(expected.value)) as got:
        ours.reraise()
    assert str(got.value) == str(expected.value)


@pytest.fixture
def worker_state():
    """Put back what setting up a worker changes in this process."""
    state, numpy_state = random.getstate(), np.random.get_state()
    torch_state = torch.random.default_generator.get_state()
    yield
    random.setstate(state)
    np.random.set_state(numpy_state)
    torch.random.default_generator.set_state(torch_state)
    worker._CurrentWorker.info = None


def test_set_up(worker_state):
    def numbers():
        return torch.rand(1).item(), np.random.rand(), random.random()

    given, failure = worker._unpack_settings(pickle.dumps(settings(worker_init_fn=set_tag)), 1)
    assert failure is None
    assert worker._set_up(given, 1) is None
    assert given.dataset.tag == 101
    info = get_worker_info()
    assert (info.id, info.num_workers, info.seed, info.dataset) == (1, 2, 101, given.dataset)
    first = numbers()
    worker._set_up(settings(), 1)
    assert numbers() == first
    for changes, worker_id in (({}, 0), ({"base_seed": 7}, 1)):
        worker._set_up(settings(**changes), worker_id)
        assert all(a != b for a, b in zip(numbers(), first, strict=True))


def test_set_up_that_fails(worker_state):
    failure = worker._set_up(settings(worker_init_fn=fail_to_start), 1)
    with pytest.raises(OSError, match="Caught OSError in DataLoader worker process 1") as got:
        failure.reraise()
    assert "no disk for worker 1" in str(got.value)


def test_settings_that_cannot_be_read_give_a_hint(worker_state):
    _, failure = worker._unpack_settings(pickle.dumps(Numbers(1)).replace(b"Numbers", b"Missing"), 0)
    with pytest.raises(
        AttributeError,
        match="^DataLoader: a worker is a new process and cannot see what was typed into a shell",
    ):
        failure.reraise()


def test_messages_end_with_the_pipe_even_if_some_are_waiting():
    ours, theirs = multiprocessing.Pipe()
    messages = worker._read_messages(theirs)
    for number in range(3):
        ours.send(number)
    assert next(messages) == 0
    ours.close()
    assert list(messages) == []
    theirs.close()


def test_a_batch_that_cannot_be_sent_becomes_an_error():
    reply = pickle.loads(worker._pack((i for i in range(3)), 2).data)
    with pytest.raises(TypeError, match="cannot pickle 'generator' object") as got:
        reply.reraise()
    assert "expected a batch that can be sent to the parent process" in str(got.value)


def test_replies_end_with_the_pipe():
    ours, theirs = multiprocessing.Pipe()
    replies = queue.SimpleQueue()
    replies.put(pack("one"))
    replies.put(pack("two"))
    ours.close()
    worker._send_replies(theirs, replies)  # returns
    theirs.close()


def test_no_worker_here():
    assert get_worker_info() is None
