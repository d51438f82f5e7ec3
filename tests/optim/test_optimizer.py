from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

import tinygrad_edu as torch

NAMES = ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop"]
every_optimizer = pytest.mark.parametrize("name", NAMES)


def parameter(*values):
    return torch.tensor(list(values), requires_grad=True)


# ---- what is optimized ---------------------------------------------------------------------------------


def test_parameters_from_a_generator():
    params = [parameter(1.0), parameter(2.0)]
    optimizer = torch.optim.SGD(param for param in params)
    assert len(optimizer.param_groups) == 1
    assert all(a is b for a, b in zip(optimizer.param_groups[0]["params"], params, strict=True))


def test_parameters_with_names():
    params = [("weight", parameter(1.0)), ("bias", parameter(2.0))]
    group = torch.optim.SGD(params).param_groups[0]
    assert group["param_names"] == ["weight", "bias"]
    assert group["params"][1] is params[1][1]


def test_parameter_groups():
    w, b = parameter(1.0, 1.0), parameter(1.0)
    optimizer = torch.optim.SGD([{"params": w, "lr": 0.5}, {"params": [b]}], lr=0.1, momentum=0.9)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.9]
    w.grad, b.grad = torch.ones(2), torch.ones(1)
    optimizer.step()
    assert w.tolist() == [0.5, 0.5]
    assert b.item() == pytest.approx(0.9)


def test_a_group_that_is_added_later():
    w, b = parameter(1.0), parameter(1.0)
    optimizer = torch.optim.Adam([w], lr=0.5)
    optimizer.add_param_group({"params": [b], "lr": 0.25})
    w.grad, b.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    assert (w.item(), b.item()) == pytest.approx((0.5, 0.75))


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (
            torch.zeros(2),
            TypeError,
            "params argument given to the optimizer should be an iterable of Tensors or dicts",
        ),
        ([], ValueError, "optimizer got an empty parameter list"),
        ([1.0], TypeError, "optimizer can only optimize Tensors, but one of the params is float"),
        (
            [np.zeros(2)],
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is numpy.ndarray",
        ),
        (
            [{"params": {torch.zeros(2)}}],
            TypeError,
            "optimizer parameters need to be organized in ordered collections",
        ),
        ([torch.ones(2, requires_grad=True) * 2], ValueError, "can't optimize a non-leaf Tensor"),
        (
            [("w", torch.ones(1)), torch.ones(1)],
            ValueError,
            "all optimizer params should be with/without names. Some",
        ),
    ],
)
def test_what_cannot_be_optimized(params, error, message):
    with pytest.raises(error, match=re.escape(message)):
        torch.optim.SGD(params)


def test_a_non_leaf_that_keeps_its_gradient_can_be_optimized():
    y = parameter(1.0) * 2
    y.retain_grad()
    y.sum().backward()
    torch.optim.SGD([y], lr=0.5).step()
    assert y.item() == 1.5


def test_a_group_must_be_new():
    w, b = parameter(1.0), parameter(2.0)
    optimizer = torch.optim.SGD([w])
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        optimizer.add_param_group({"params": [b, w]})
    with pytest.raises(TypeError, match="param_group must be a dict, but got <class 'list'>"):
        optimizer.add_param_group([b])
    with pytest.raises(ValueError, match="cannot add param group with names to the optimizer"):
        optimizer.add_param_group({"params": [("b", b)]})
    assert len(optimizer.param_groups) == 1


def test_a_parameter_that_is_named_twice_warns():
    w = parameter(1.0)
    with pytest.warns(UserWarning, match="optimizer contains a parameter group with duplicate parameters"):
        torch.optim.SGD([w, w])


@pytest.mark.parametrize("option", ["capturable", "differentiable"])
def test_options_that_do_not_exist_here(option):
    with pytest.raises(NotImplementedError, match=f"Adam: expected {option}=False, got {option}=True"):
        torch.optim.Adam([parameter(1.0)], **{option: True})
    with pytest.raises(NotImplementedError, match=f"RMSprop: expected {option}=False"):
        torch.optim.RMSprop([{"params": [parameter(1.0)], option: True}])


@pytest.mark.parametrize("options", [{"foreach": True}, {"fused": True}, {"foreach": False, "fused": False}])
def test_options_of_speed_are_accepted(train, options):
    _, actual = train(torch, "Adam", options, steps=2)
    _, expected = train(torch, "Adam", {}, steps=2)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(force=True), e.numpy(force=True))


def test_foreach_and_fused_exclude_each_other():
    with pytest.raises(RuntimeError, match="`fused` and `foreach` cannot be `True` together"):
        torch.optim.SGD([parameter(1.0)], foreach=True, fused=True)


# ---- step ----------------------------------------------------------------------------------------------


@every_optimizer
def test_a_parameter_without_gradient_is_passed_over(name):
    w, idle = parameter(1.0), parameter(5.0)
    optimizer = getattr(torch.optim, name)([w, idle], lr=0.1, weight_decay=0.1)
    w.grad = torch.ones(1)
    optimizer.step()
    assert w.item() != 1.0
    assert idle.item() == 5.0


@every_optimizer
def test_step_with_a_closure(name):
    w = parameter(3.0, -2.0)
    optimizer = getattr(torch.optim, name)([w], lr=0.01)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with torch.no_grad():  # the closure records its graph all the same
        losses = [optimizer.step(closure).item() for _ in range(3)]
    assert losses[0] == 13.0
    assert losses[0] > losses[1] > losses[2]
    assert optimizer.step_count == 3


@every_optimizer
def test_step_leaves_no_graph_and_keeps_the_leaf(name):
    w = parameter(1.0)
    w.grad = torch.ones(1)
    optimizer = getattr(torch.optim, name)([w], lr=0.1)
    optimizer.step()
    assert w.is_leaf
    assert w.requires_grad
    assert not any(value.requires_grad for value in optimizer.state[w].values())


@every_optimizer
def test_backward_through_a_parameter_that_was_changed_since_is_an_error(name):
    w = parameter(1.0, 2.0)
    optimizer = getattr(torch.optim, name)([w], lr=0.1)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match=f"{name}.step"):
        loss.backward()


def test_the_state_counts_as_changed_too():
    w = parameter(1.0)
    w.grad = torch.ones(1)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
    optimizer.step()
    loss = (w * optimizer.state[w]["momentum_buffer"]).sum()
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"SGD\.step"):
        loss.backward()


@every_optimizer
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_state_has_the_dtype_of_the_parameter(name, dtype):
    w = torch.ones(3, dtype=dtype, requires_grad=True)
    w.grad = torch.ones(3, dtype=dtype)
    optimizer = getattr(torch.optim, name)([w], lr=0.5)
    optimizer.step()
    assert w.dtype == dtype
    for key, value in optimizer.state[w].items():
        assert value.dtype == (torch.float32 if key == "step" else dtype)


@every_optimizer
def test_a_transposed_parameter(name):
    """Its array is not contiguous: the step must write into it, not into a copy."""
    start = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    results = []
    for w in (start.clone(), start.t().contiguous().t()):
        w.requires_grad_()
        optimizer = getattr(torch.optim, name)([w], lr=0.1)
        for _ in range(3):
            w.grad = w.detach().clone()
            optimizer.step()
        results.append(w.tolist())
    assert results[0] == results[1]
    assert results[0] != start.tolist()


@every_optimizer
def test_the_plain_loops_take_the_same_steps(name, train):
    """A learner can step through a whole training step, down to the arithmetic."""
    options = dict(lr=0.1, weight_decay=0.1)
    _, expected = train(torch, name, options, steps=3)
    with torch.use_kernels("reference"):
        _, actual = train(torch, name, options, steps=3)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a.numpy(force=True), e.numpy(force=True), rtol=1e-12)


def test_zero_grad():
    w, idle = parameter(1.0), parameter(1.0)
    optimizer = torch.optim.SGD([w, idle])
    w.grad = torch.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0]
    assert not w.grad.requires_grad
    assert idle.grad is None
    optimizer.zero_grad()
    assert w.grad is None


def test_zero_grad_of_a_gradient_with_a_graph():
    w = parameter(2.0)
    (w**3).sum().backward(create_graph=True)
    torch.optim.SGD([w]).zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0]
    assert w.grad.grad_fn is None


def test_a_subclass_without_update_says_so():
    class Lazy(torch.optim.Optimizer):
        pass

    w = parameter(1.0)
    w.grad = torch.ones(1)
    with pytest.raises(NotImplementedError, match="Lazy: expected a subclass with update_parameter"):
        Lazy([w], {}).step()


# ---- the outside is PyTorch's --------------------------------------------------------------------------


def test_repr():
    optimizer = torch.optim.SGD(
        [{"params": [parameter(1.0)]}, {"params": [parameter(1.0)], "lr": 0.5}], lr=0.1
    )
    options = "    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n    lr: {}\n"
    options += "    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n"
    groups = [f"\nParameter Group {number}\n{options.format(lr)}" for number, lr in enumerate((0.1, 0.5))]
    assert repr(optimizer) == f"SGD ({''.join(groups)})"


@pytest.mark.torch_parity
@every_optimizer
def test_signatures(name):
    reference = pytest.importorskip("torch")
    ours, theirs = (
        inspect.signature(getattr(library.optim, name)).parameters for library in (torch, reference)
    )
    assert [(p.name, p.default, p.kind) for p in ours.values()] == [
        (p.name, p.default, p.kind) for p in theirs.values()
    ]


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "make",
    [
        lambda torch, w: torch.optim.SGD([], lr=0.1),
        lambda torch, w: torch.optim.SGD([1]),
        lambda torch, w: torch.optim.SGD([None]),
        lambda torch, w: torch.optim.SGD([w * 2]),
        lambda torch, w: torch.optim.SGD([{"params": {w}}]),
        lambda torch, w: torch.optim.SGD([("w", w), w]),
        lambda torch, w: torch.optim.SGD([{"params": [w]}, {"params": [w]}]),
        lambda torch, w: torch.optim.SGD([{"params": [("w", w)]}, {"params": [torch.ones(1)]}]),
        lambda torch, w: torch.optim.SGD([w]).add_param_group([w]),
        lambda torch, w: torch.optim.SGD([w], foreach=True, fused=True),
        lambda torch, w: torch.optim.SGD([w]).load_state_dict({"param_groups": [], "state": {}}),
    ],
)
def test_errors_are_those_of_pytorch(make):
    reference = pytest.importorskip("torch")
    raised = []
    for library in (torch, reference):
        with pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
            make(library, library.ones(2, requires_grad=True))
        raised.append((caught.type, str(caught.value)))
    assert raised[0] == raised[1]
