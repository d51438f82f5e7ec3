"""Anomaly detection: the first NaN is named, with its operation and the line of the user's program."""

from __future__ import annotations

import sys

import pytest

import tinygrad_edu as torch


def line_here(offset=0):
    return f"{__file__}:{sys._getframe(1).f_lineno + offset}"


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_a_nan_of_the_forward_names_operation_and_line():
    x = leaf(1.0, -1.0)
    with torch.autograd.detect_anomaly():
        expected = line_here(2)
        with pytest.raises(RuntimeError) as error:
            torch.log(x)
    message = str(error.value)
    assert "Log: the forward returned a NaN (none of its inputs has one)" in message
    assert "Inputs: [2] with values from -1 to 1" in message
    assert message.endswith(f"Called at {expected}")


def test_a_nan_that_was_there_before_is_said_to_be_so():
    x = torch.tensor([1.0, float("nan")])
    with (
        torch.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"Mul: .*its input has one already"),
    ):
        x * 2


def test_a_nan_of_the_backward_names_operation_and_line():
    x = leaf(0.0, 1.0)
    with torch.autograd.detect_anomaly():
        expected = line_here(1)
        y = torch.sqrt(x)
        z = (y * 0).sum()
        with pytest.raises(RuntimeError) as error:
            z.backward()
    message = str(error.value)
    assert "Function 'SqrtBackward0' returned nan values in its 0th output" in message
    assert "the gradient of shape [2] has a NaN" in message
    assert message.endswith(f"The operation was called at {expected}")


def test_an_operation_before_detection_says_what_to_do():
    x = leaf(0.0, 1.0)
    z = (torch.sqrt(x) * 0).sum()
    with (
        torch.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match="switch anomaly detection on before"),
    ):
        z.backward()


def test_a_function_of_ones_own_is_named():
    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad_output):
            with torch.autograd.set_detect_anomaly(False):
                return grad_output * float("nan")

    with torch.autograd.detect_anomaly():
        y = Bad.apply(leaf(1.0))
        with pytest.raises(RuntimeError, match="Function 'BadBackward' returned nan values"):
            y.sum().backward()


def test_nothing_is_checked_and_nothing_is_recorded_when_it_is_off():
    y = torch.log(leaf(-1.0))
    assert y.isnan().all()
    assert y.grad_fn.made_at is None
    y.sum().backward()


def test_infinity_is_no_nan():
    with torch.autograd.detect_anomaly():
        assert torch.log(leaf(0.0)).isinf().all()


def test_switches():
    assert not torch.is_anomaly_enabled()
    with torch.autograd.set_detect_anomaly(True):
        assert torch.is_anomaly_enabled()
        with torch.autograd.set_detect_anomaly(False):
            assert not torch.is_anomaly_enabled()
    torch.autograd.set_detect_anomaly(True)
    torch.autograd.set_detect_anomaly(False)
    assert not torch.is_anomaly_enabled()


def test_integers_empty_tensors_and_several_outputs_pass():
    with torch.autograd.detect_anomaly():
        assert (torch.arange(3) + 1).tolist() == [1, 2, 3]
        assert (torch.zeros(0) * 2).shape == (0,)
        assert torch.max(leaf(1.0, 2.0), 0).indices.item() == 1


def test_a_loss_with_log_of_zero_does_not_pass_silently():
    """log(0) * 0 is NaN: most small engines print NaN losses from here on."""
    p = leaf(0.0, 1.0)
    target = torch.tensor([0.0, 1.0], dtype=torch.float64)
    with (
        torch.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"Mul: the forward returned a NaN"),
    ):
        (target * torch.log(p)).sum()


def test_without_check_nan_a_nan_is_no_reason_to_stop():
    with torch.autograd.detect_anomaly(check_nan=False):
        x = torch.tensor([-1.0], requires_grad=True)
        x.log().sum().backward()
        assert torch.is_anomaly_enabled()
        with torch.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="returned a NaN"):
            x.log()
        x.log()
    assert not torch.is_anomaly_enabled()
