"""What the profiler records, with a clock that the test holds: every reading is one microsecond later."""

from __future__ import annotations

import gc
import itertools
import re
import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.profiler.event import Category
from tinygrad_edu.profiler.recorder import Recorder, current_recorder
from tinygrad_edu.profiler.trace import trace_events

nn = torch.nn


class TickingClock:
    """Goes on by one microsecond each time it is read."""

    def __init__(self):
        self.ticks = itertools.count()

    def __call__(self):
        return next(self.ticks) * 1000


def profile(**options):
    prof = torch.profiler.profile(**options)
    prof.clock = TickingClock()
    return prof


def rows(prof, **options):
    return {row.key: row for row in prof.key_averages(**options)}


def names(events):
    return [event.name for event in events]


def small_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )


def train(model, steps=1):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.ones(2, 1, 4, 4)), torch.tensor([0, 1]))
        loss.backward()
        optimizer.step()


@pytest.fixture
def trained():
    torch.manual_seed(0)
    model = small_cnn()
    with profile(record_shapes=True, profile_memory=True, with_modules=True) as prof:
        train(model, steps=2)
    return prof


# ---- what is recorded ------------------------------------------------------------------------------


def test_forward_and_backward_are_events_by_themselves():
    x = torch.ones(3, requires_grad=True)
    with profile() as prof:
        (x * x).sum().backward()
    assert names(prof.events()) == [
        "Mul",
        "Sum",
        "run_backward",
        "SumBackward0",
        "MulBackward0",
        "AccumulateGrad",
    ]
    mul, total, loop, total_back, mul_back, leaf = prof.events()
    assert (mul_back.forward, total_back.forward, leaf.forward) == (mul, total, None)
    assert mul.sequence_nr == mul_back.sequence_nr != total.sequence_nr
    assert loop.cpu_children == [total_back, mul_back, leaf]


def test_one_row_for_forward_and_backward():
    x = torch.ones(3, requires_grad=True)
    with profile() as prof:
        (x * x).sum().backward()
        x * 2
    row = rows(prof)["Mul"]
    assert (row.count, row.forward_count, row.backward_count) == (2, 2, 1)
    # every event takes one tick of its own, from its begin to its end
    assert (row.forward_time_total, row.backward_time_total, row.cpu_time_total) == (2, 1, 3)
    assert row.cpu_time == 1.5


def test_self_times_add_up_to_the_recorded_time(trained):
    events = trained.events()
    outermost = [event for event in events if event.cpu_parent is None]
    assert sum(event.self_ns for event in events) == sum(event.elapsed_ns for event in outermost)
    assert all(event.self_ns >= 0 for event in events)
    averages = trained.key_averages()
    assert averages.self_cpu_time_total == pytest.approx(sum(e.cpu_time_total for e in outermost))
    assert sum(row.forward_count + row.backward_count for row in averages) == len(events)
    for total in (averages.total_average(), events.total_average()):
        assert (total.key, total.self_cpu_time_total) == ("Total", averages.self_cpu_time_total)


def test_events_are_properly_nested(trained):
    for event in trained.events():
        for inner in [*event.cpu_children, *event.kernels]:
            assert inner.cpu_parent is event
            assert event.start_ns < inner.start_ns < inner.end_ns < event.end_ns
        ends = [child.end_ns for child in event.cpu_children]
        starts = [child.start_ns for child in event.cpu_children]
        assert all(end < start for end, start in zip(ends, starts[1:], strict=False))


def test_kernels_belong_to_the_operation_that_called_them(trained):
    convolution, pool = trained.events()[2], rows(trained)["MaxPool2d"]
    assert convolution.name == "Conv2d"
    assert names(convolution.kernels) == ["convolution.conv2d_forward"]
    assert convolution.self_ns == convolution.elapsed_ns == 3 * convolution.kernel_ns  # begin, kernel, end
    assert pool.kernel_time_total == 4  # two steps, forward and backward
    kernels = {row.key: row.count for row in trained.kernel_averages()}
    assert kernels["convolution.conv2d_grad_weight"] == 2
    assert kernels["optimizer_step.sgd_step"] == 8
    assert rows(trained)["Optimizer.step#SGD.step"].kernel_time_total == 8


def test_a_kernel_outside_operations():
    with profile() as prof:
        kernel_table.pooling(np.ones(1)).max_pool2d_forward(
            np.ones((1, 1, 2, 2)), (2, 2), (2, 2), (0, 0), (1, 1), (1, 1)
        )
    assert names(prof.events()) == ["pooling.max_pool2d_forward"]
    assert [e["cat"] for e in trace_events(prof.events()) if e["ph"] == "X"] == ["kernel"]


def test_the_reference_kernels_are_timed_as_well():
    with profile() as prof, torch.use_kernels("reference"):
        nn.functional.max_pool2d(torch.ones(1, 1, 2, 2), 2)
    assert prof.events()[0].kernel_time_total == 1


def test_modules_have_their_path_and_their_backward(trained):
    found = rows(trained)
    model, layer = found["nn.Module: Sequential"], found["nn.Module: Sequential.0 (Conv2d)"]
    assert (model.count, layer.count) == (2, 2)
    assert layer.backward_time_total == found["Conv2d"].backward_time_total
    assert layer.kernel_time_total == found["Conv2d"].kernel_time_total
    assert layer.cpu_time_total == layer.forward_time_total + layer.backward_time_total
    assert 0 < layer.forward_time_total < model.forward_time_total
    assert not any(row.startswith("nn.Module") for row in rows(profile_of_a_forward(small_cnn())))


def profile_of_a_forward(model):
    with profile() as prof:
        model(torch.ones(2, 1, 4, 4))
    return prof


def test_shapes(trained):
    shapes = [r.input_shapes for r in trained.key_averages(group_by_input_shape=True) if r.key == "Linear"]
    assert shapes == [[[2, 8], [3, 8], [3]]]
    assert all(row.input_shapes == [] for row in trained.key_averages())
    backward = next(event for event in trained.events() if event.name == "LinearBackward0")
    assert backward.input_shapes == [[2, 3]]


def test_rows_by_shape():
    with profile(record_shapes=True) as prof:
        for size in (2, 3, 2):
            torch.ones(size) * 2
    by_shape = {str(row.input_shapes): row.count for row in prof.key_averages(group_by_input_shape=True)}
    assert by_shape == {"[[2], []]": 2, "[[3], []]": 1}
    assert rows(prof)["Mul"].count == 3


def test_bytes_of_new_arrays():
    x = torch.ones(4, 6, requires_grad=True)
    with profile(profile_memory=True) as prof:
        y = x.t()  # a view: none
        z = y * 2.0
        z.sum().backward()  # its gradient is one number, seen as many
    assert prof.events()[0].cpu_memory_usage == 0
    events = {event.name: event for event in prof.events()}
    assert events["Mul"].cpu_memory_usage == events["MulBackward0"].cpu_memory_usage == 4 * 6 * 4
    assert events["Sum"].cpu_memory_usage == 4
    assert events["SumBackward0"].cpu_memory_usage == 0
    assert events["run_backward"].cpu_memory_usage == sum(
        child.cpu_memory_usage for child in events["run_backward"].cpu_children
    )
    assert events["run_backward"].self_cpu_memory_usage == 0


def test_source_lines():
    with profile(with_stack=True) as prof:
        torch.ones(2) * 2
    assert prof.events()[0].stack[0].startswith(__file__)
    assert prof.events()[0].stack[0].endswith("): test_source_lines")
    (row,) = prof.key_averages(group_by_stack_n=1)
    assert row.stack == prof.events()[0].stack[:1]
    assert "Source Location" in prof.key_averages(group_by_stack_n=1).table()


def test_the_source_line_of_every_event_is_the_users():
    """The engine's own context managers are run by Python's contextlib, which is nobody's program."""
    x = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.1)
    with profile(with_stack=True) as prof:
        (x * 2).sum().backward()
        optimizer.step()
    names = [event.name for event in prof.events()]
    assert "run_backward" in names
    assert "MulBackward0" in names
    for event in prof.events():
        assert re.fullmatch(
            re.escape(__file__) + r"\(\d+\): test_the_source_line_of_every_event_is_the_users", event.stack[0]
        ), event.name


def test_what_a_profile_is_shown_as():
    prof = profile()
    assert repr(prof) == "<profile: nothing recorded>"
    with prof:
        torch.ones(2) * 2
        assert repr(prof) == "<profile: recording step 0>"
    assert repr(prof) == "<profile: 1 events>"


# ---- labels ----------------------------------------------------------------------------------------


def test_labels_nest():
    with profile() as prof, torch.profiler.record_function("outer"):
        with torch.profiler.record_function("inner"):
            torch.ones(2) * 2
        torch.ones(2) + 2
    outer, inner, mul, add = prof.events()
    assert names(prof.events()) == ["outer", "inner", "Mul", "Add"]
    assert (outer.cpu_children, inner.cpu_children) == ([inner, add], [mul])
    assert (outer.cpu_time_total, outer.self_cpu_time_total) == (7, 3)
    assert outer.is_user_annotation
    assert not mul.is_user_annotation


def test_a_label_as_decorator_may_be_recursive():
    @torch.profiler.record_function("factorial")
    def factorial(n):
        return torch.ones(()) if n == 0 else factorial(n - 1) * n

    with profile() as prof:
        factorial(3)
    row = rows(prof)["factorial"]
    assert row.count == 4
    assert row.cpu_time_total == prof.events()[0].cpu_time_total  # the inner calls are counted once
    assert factorial.__name__ == "factorial"


def test_the_same_label_twice():
    label = torch.profiler.record_function("again")
    with profile() as prof:
        for _ in range(2):
            with label:
                pass
    assert rows(prof)["again"].count == 2


def test_a_label_that_outlives_the_profiler_ends_with_it():
    label = torch.profiler.record_function("long")
    with profile() as prof:
        label.__enter__()
        torch.ones(2) * 2
    label.__exit__(None, None, None)
    long, mul = prof.events()
    assert (long.cpu_children, long.end_ns) == ([mul], mul.end_ns + 1000)


def test_a_label_that_is_older_than_the_profiler_is_not_seen():
    with torch.profiler.record_function("early"):
        prof = profile()
        prof.start()
    torch.ones(2) * 2
    prof.stop()
    assert names(prof.events()) == ["Mul"]


def test_loading_data_has_a_row():
    loader = torch.utils.data.DataLoader(list(range(4)), batch_size=2)
    with profile() as prof:
        list(loader)
    assert any(row.startswith("enumerate(DataLoader)#") for row in rows(prof))


# ---- what the engine can do ------------------------------------------------------------------------


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


def test_a_function_of_the_user_has_its_name():
    x = torch.ones(2, requires_grad=True)
    with profile(profile_memory=True, record_shapes=True) as prof:
        Double.apply(x).sum().backward()
    events = {event.name: event for event in prof.events()}
    assert names(events["Double"].cpu_children) == ["Mul"]
    assert names(events["DoubleBackward"].cpu_children) == ["Mul"]
    assert events["DoubleBackward"].forward is events["Double"]
    assert (events["Double"].cpu_memory_usage, events["Double"].self_cpu_memory_usage) == (8, 0)
    assert events["Double"].input_shapes == [[2]]
    assert rows(prof)["Double"].count == 1


def test_second_derivatives_run_within_the_first():
    x = torch.tensor(2.0, requires_grad=True)
    with profile() as prof:
        (slope,) = torch.autograd.grad(x**3, x, create_graph=True)
        slope.backward()
    assert x.grad.item() == pytest.approx(12.0)
    inner = [event for event in prof.events() if event.cpu_parent and event.cpu_parent.name == "PowBackward0"]
    assert inner
    assert all(event.category is Category.FORWARD for event in inner)
    row = rows(prof)["Pow"]  # Pow runs within PowBackward0, too, and its time is counted once
    assert row.cpu_time_total < sum(e.cpu_time_total for e in prof.events() if e.key == "Pow")


def test_no_grad_and_views():
    x = torch.ones(2, 3, requires_grad=True)
    with profile() as prof:
        with torch.no_grad():
            x * 2
        x.reshape(6)[1:3].sum().backward()
    found = rows(prof)
    assert found["Mul"].backward_count == 0
    assert found["Reshape"].backward_count == 1


def test_a_backward_whose_forward_was_not_recorded():
    x = torch.ones(2, requires_grad=True)
    y = (x * 2).sum()
    with profile() as prof:
        y.backward()
    assert all(event.forward is None for event in prof.events())
    assert rows(prof)["Mul"].count == 1


def test_together_with_anomaly_detection():
    x = torch.zeros(1, requires_grad=True)
    prof = profile()
    with pytest.raises(RuntimeError, match="nan"), torch.autograd.detect_anomaly(), prof:
        (x.sqrt() * 0).sum().backward()
    assert this_thread.mode.observers == ()
    assert names(prof.events())[-1] == "SqrtBackward0"


def test_anomaly_detection_may_end_before_the_profiler():
    prof = profile()
    with torch.autograd.detect_anomaly():
        prof.start()
    torch.ones(1) * 2
    prof.stop()
    assert names(prof.events()) == ["Mul"]


# ---- begin and end ---------------------------------------------------------------------------------


def test_nothing_is_recorded_outside():
    with profile() as prof:
        pass
    torch.ones(2) * 2
    assert prof.events() == []
    assert prof.key_averages().table() == ""
    assert this_thread.mode.observers == ()
    assert current_recorder() is None
    assert kernel_table.pooling(np.ones(1)).__name__ == "tinygrad_edu_kernels.pooling.cpu"


def test_an_exception_ends_the_profile():
    prof = profile()
    with pytest.raises(RuntimeError), prof, torch.profiler.record_function("label"):
        torch.ones(2) + torch.ones(3)
    assert this_thread.mode.observers == ()
    label, add = prof.events()
    assert (label.name, label.cpu_children, add.name) == ("label", [add], "Add")
    assert label.end_ns > add.end_ns > add.start_ns


def test_a_kernel_that_raises_has_an_end():
    recorder = Recorder(TickingClock())
    with pytest.raises(ZeroDivisionError):
        recorder.run_kernel("family.kernel", lambda: 1 / 0)
    assert recorder.events[0].end_ns > recorder.kernel_events[0].end_ns > 0


def test_two_profilers_at_once():
    with profile() as outer:
        with pytest.raises(RuntimeError, match="Profiler is already enabled on this thread"), profile():
            pass
        torch.ones(2) * 2
    assert names(outer.events()) == ["Mul"]
    assert this_thread.mode.observers == ()


def test_one_profiler_twice_in_a_row():
    prof = profile()
    with prof:
        torch.ones(2) * 2
    with prof:
        torch.ones(2) + 2
    assert names(prof.events()) == ["Add"]
    prof = profile(acc_events=True)
    for _ in range(2):
        with prof:
            torch.ones(2) * 2
    assert names(prof.events()) == ["Mul", "Mul"]


def test_before_it_has_run(tmp_path):
    prof = torch.profiler.profile()
    for ask in (
        prof.events,
        prof.key_averages,
        prof.kernel_averages,
        lambda: prof.export_chrome_trace(tmp_path / "x"),
    ):
        with pytest.raises(AssertionError, match="must be initialized before"):
            ask()
    with pytest.raises(RuntimeError, match="after start"):
        prof.stop()


def test_other_threads_are_not_recorded():
    def work():
        torch.ones(2) * 2
        with profile() as other:
            torch.ones(2) - 2
        seen.extend(names(other.events()))

    seen = []
    with profile() as prof:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        torch.ones(2) + 2
    assert names(prof.events()) == ["Add"]
    assert seen == ["Sub"]


def test_stop_belongs_to_the_thread_of_start():
    def stop():
        with pytest.raises(RuntimeError, match="thread that called start"):
            prof.stop()
        stopped.append(True)

    stopped = []
    prof = profile()
    prof.start()
    thread = threading.Thread(target=stop)
    thread.start()
    thread.join()
    prof.stop()
    assert stopped == [True]


def test_nothing_is_left():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    array = weakref.ref(y)
    with profile(record_shapes=True, with_modules=True) as prof:
        (y * y).sum().backward()
    del y
    gc.collect()
    assert array() is None  # events keep no tensors
    event = weakref.ref(prof.events()[0])
    del prof
    gc.collect()
    assert event() is None


def test_what_does_not_exist():
    with pytest.raises(NotImplementedError, match="with_flops does not exist"):
        torch.profiler.profile(with_flops=True)
    with pytest.raises(AssertionError, match="No valid profiler activities found"):
        torch.profiler.profile(activities=[])
    with pytest.raises(TypeError, match="expected activities to be ProfilerActivity, got 'cpu'"):
        torch.profiler.profile(activities=["cpu"])
