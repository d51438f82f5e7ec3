"""Changes in place: versions, views, and errors that name operation, shape and line."""

from __future__ import annotations

import sys

import pytest

import tinygrad_edu as torch
from tinygrad_edu.ops import embedding


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def line_here(offset=0):
    return f"{__file__}:{sys._getframe(1).f_lineno + offset}"


# ---- versions ------------------------------------------------------------------------------------


def test_a_changed_saved_tensor_is_an_error_that_names_everything():
    x = leaf(1.0, 2.0, 3.0)
    h = x * 2
    y = h * h
    expected = line_here(1)
    h.add_(1)
    with pytest.raises(RuntimeError) as error:
        y.sum().backward()
    message = str(error.value)
    assert (
        "one of the variables needed for gradient computation has been modified by an inplace operation"
        in message
    )
    assert "[torch.float64 [3]], which is an input of MulBackward0" in message
    assert "is at version 1; expected version 0 instead" in message
    assert f"last changed by add_ at {expected}" in message
    assert "Hint" in message


def test_the_line_of_the_operation_is_named_if_anomalies_are_looked_for():
    x = leaf(1.0)
    with torch.autograd.detect_anomaly():
        expected = line_here(1)
        y = torch.exp(x)
        y.mul_(2)
        with pytest.raises(RuntimeError, match="output 0 of ExpBackward0") as error:
            y.sum().backward()
    assert f"ExpBackward0 called at {expected}" in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.mul_(2),
        lambda h: h[0:1].zero_(),
        lambda h: h.view(3, 1).add_(1),
        lambda h: h.detach().fill_(0),
        lambda h: h.__setitem__(0, 5.0),
        lambda h: h.tensor_split(3)[1].mul_(2),
        lambda h: h.T.copy_(torch.zeros(3)) if h.ndim > 1 else h.copy_(torch.zeros(3)),
        lambda h: h.normal_(),
        lambda h: h.uniform_(),
    ],
)
@pytest.mark.parametrize("recording", [True, False])
def test_every_way_to_change_is_noticed(change, recording):
    h = leaf(1.0, 2.0, 3.0) * 2
    y = h * h
    with torch.set_grad_enabled(recording):
        change(h)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_data_changes_unseen():
    x = leaf(1.0, 2.0)
    y = x * x
    x.data.mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [20, 40]


def test_changes_of_what_is_not_saved_are_allowed():
    x, w = leaf(1.0, 2.0), torch.tensor([3.0, 4.0], dtype=torch.float64)
    h = x * 2
    y = h * w
    h.add_(1)
    z = h + 1
    h.add_(1)
    (y + z).sum().backward()
    assert x.grad.tolist() == [8, 10]


def test_version():
    t = torch.zeros(2)
    assert t._version == 0
    view = t[0]
    t.add_(1)
    view.add_(1)
    t[1] = 3
    assert t._version == view._version == t.detach()._version == 3
    assert t.clone()._version == t.data._version == 0


def test_a_step_of_an_optimizer_is_a_change():
    w = leaf(1.0)
    y = w * w
    w.increment_version("SGD.step")
    with pytest.raises(RuntimeError, match=r"last changed by SGD\.step"):
        y.sum().backward()


# ---- what an in-place operation computes ---------------------------------------------------------


def test_a_saved_input_may_be_overwritten_by_its_own_operation():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = x * 2
    h.mul_(w)
    h.pow_(2)
    h.sin_()
    h.sum().backward()
    x2, w2 = leaf(1.0, 2.0), leaf(3.0, 4.0)
    torch.sin((x2 * 2 * w2) ** 2).sum().backward()
    assert x.grad.tolist() == x2.grad.tolist()
    assert w.grad.tolist() == w2.grad.tolist()


def test_clamp_with_tensors():
    x, low = leaf(1.0, 5.0), leaf(2.0, 2.0)
    h = x * 1
    h.clamp_(min=low, max=torch.tensor([9.0, 9.0], dtype=torch.float64))
    h.sum().backward()
    assert (x.grad.tolist(), low.grad.tolist()) == ([0, 1], [1, 0])


@pytest.mark.parametrize(
    "fill",
    [
        lambda h: h.zero_(),
        lambda h: h.fill_(7),
        lambda h: h.copy_(torch.tensor(5.0)),
        lambda h: h.normal_(),
        lambda h: h.uniform_(),
        lambda h: h.bernoulli_(),
        lambda h: h.random_(10),
    ],
)
def test_overwritten_values_get_no_gradient(fill):
    x = leaf(1.0, 2.0)
    h = x * 2
    fill(h)
    assert h.requires_grad
    h.sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_copy_passes_the_gradient_to_its_source():
    x, source = leaf(1.0, 2.0), torch.tensor([5.0], requires_grad=True)
    h = x * 2
    h.copy_(source)
    h.sum().backward()
    assert x.grad.tolist() == [0, 0]
    assert source.grad.tolist() == [2]
    assert source.grad.dtype == torch.float32


def test_copy_from_a_leaf_makes_no_leaf():
    target, source = torch.zeros(2), torch.ones(2, requires_grad=True)
    target.copy_(source)
    assert not target.is_leaf
    (target * 3).sum().backward()
    assert source.grad.tolist() == [3, 3]


def test_in_place_operators():
    x = leaf(1.0, 2.0)
    h = same = x * 2
    h += 1
    h -= x
    h *= 3
    h /= 2
    h **= 2
    assert h is same
    h.sum().backward()
    # ((2x + 1 - x) * 1.5)^2 = 2.25 (x + 1)^2
    assert x.grad.tolist() == [9, 13.5]


@pytest.mark.parametrize("name", ["floordiv", "mod", "and", "or", "xor", "lshift", "rshift"])
def test_the_other_in_place_operators_keep_the_object(name):
    t = same = torch.tensor([7, 12])
    method = getattr(t, f"__i{name}__", None)
    if method is None:
        pytest.fail(f"Tensor has no __i{name}__: t would become a new tensor")
    t = method(2)
    assert t is same
    assert t.tolist() == {
        "floordiv": [3, 6], "mod": [1, 0], "and": [2, 0], "or": [7, 14], "xor": [5, 14],
        "lshift": [28, 48], "rshift": [1, 3],
    }[name]  # fmt: skip


# ---- views ---------------------------------------------------------------------------------------


def test_a_change_of_the_base_reaches_its_views():
    x = leaf(1.0, 2.0, 3.0)
    h = x * 2
    view = h[1:]
    old = view.grad_fn
    h.mul_(5)
    assert view.tolist() == [20, 30]
    assert view.grad_fn is not old
    view.sum().backward()
    assert x.grad.tolist() == [0, 10, 10]


def test_a_change_of_a_view_reaches_the_base_and_its_other_views():
    x, w = leaf(1.0, 2.0, 3.0), leaf(10.0)
    h = x * 2
    left, right, middle = h[:2], h[1:], h[1:2]
    middle.mul_(w)
    assert h.tolist() == [2, 40, 6]
    (left.sum() + 100 * right.sum() + 1000 * h.sum()).backward()
    assert x.grad.tolist() == [2002, 22020, 2200]
    assert w.grad.tolist() == [4 * 1101]


def test_a_view_of_a_view():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    h = x * 1
    inner = h.reshape(2, 2).t()[1]
    inner.mul_(10)
    assert h.tolist() == [1, 20, 3, 40]
    (h * h).sum().backward()
    assert x.grad.tolist() == [2, 400, 6, 800]


def test_a_tensor_without_gradient_gets_one_through_a_view():
    buffer, w = torch.zeros(3, dtype=torch.float64), leaf(2.0)
    buffer[1:2].add_(w)
    buffer[2] = w[0] * 3
    assert buffer.requires_grad
    (buffer * buffer).sum().backward()
    assert w.grad.tolist() == [4 + 36]


def test_adding_to_an_element_of_something_computed():
    x = leaf(1.0, 2.0)
    h = x * 2
    h[0] += x[1]
    h[0] += 1
    h[...] *= 2
    h.sum().backward()
    assert h.tolist() == [10, 8]
    assert x.grad.tolist() == [4, 6]


def test_leaves_must_not_be_changed():
    x = leaf(1.0, 2.0)
    for change in (lambda: x.add_(1), lambda: x.__setitem__(0, 1.0), lambda: x.zero_()):
        with pytest.raises(
            RuntimeError, match="^a leaf Variable that requires grad is being used in an in-place"
        ):
            change()
    with pytest.raises(RuntimeError, match="^a view of a leaf Variable that requires grad is being used"):
        x[0:1].add_(1)
    assert x.tolist() == [1, 2]


def test_views_made_in_no_grad_mode_are_ambiguous():
    h = leaf(1.0, 2.0) * 2
    with torch.no_grad():
        view = h[0:1]
        view.mul_(3)  # both inside: not recorded
        inner = view.reshape(1, 1)
    for t in (view, inner, view[0]):
        with pytest.raises(
            RuntimeError, match="A view was created in no_grad mode and is being modified inplace"
        ):
            t.mul_(2)
    h.mul_(2)
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        view.sum()


def test_detached_tensors_go_their_own_way():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = x * 1
    view = h[0:1]
    cut = h.detach()
    before = view.grad_fn
    cut.mul_(w)
    assert cut.requires_grad
    assert cut.grad_fn.next_functions[0] == (None, 0)
    assert view.grad_fn is before
    h.sum().backward()
    assert x.grad.tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        view.detach_()


def test_detach_in_place():
    x = leaf(1.0, 2.0)
    h = x * 2
    assert h.detach_() is h
    assert h.is_leaf
    assert not h.requires_grad


def test_expanded_tensors_must_be_cloned_first():
    t = torch.zeros(1, 2).expand(3, 2)
    with pytest.raises(
        RuntimeError, match=r"add_: unsupported operation: more than one element of the written-to"
    ):
        t.add_(1)
    with pytest.raises(RuntimeError, match="clone"):
        t[0] = 1
    t.clone().add_(1)


def test_shapes_and_dtypes_must_fit():
    t = torch.zeros(2)
    with pytest.raises(
        RuntimeError, match=r"add_: output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"
    ):
        t.add_(torch.ones(3, 2))
    with pytest.raises(
        RuntimeError, match=r"result type torch.float32 can't be cast to the desired output type"
    ):
        torch.zeros(2, dtype=torch.int64).mul_(1.5)
    with pytest.raises(
        RuntimeError, match=r"shape mismatch: value tensor of shape \[3\] cannot be broadcast"
    ):
        torch.zeros(2, 2)[0] = torch.ones(3)
    with pytest.raises(
        RuntimeError, match=r"shape mismatch: value tensor of shape \[3\] cannot be broadcast"
    ):
        torch.zeros(4, 2)[[0, 1]] = torch.ones(3)
    assert t.tolist() == [0, 0]
    t.add_(torch.ones(2, dtype=torch.float64))
    assert t.dtype == torch.float32


def test_index_arrays_are_not_shared_with_the_graph():
    """Changing an index afterwards must not send gradients elsewhere."""
    x = leaf(1.0, 2.0, 3.0)
    for select in (
        lambda index: x[index],
        lambda index: x.gather(0, index),
        lambda index: x.index_select(0, index),
        lambda index: x.take_along_dim(index, 0),
        lambda index: embedding(index, x.reshape(3, 1)),
        lambda index: x.clone().index_add(0, index, x[:2]),
        lambda index: (x * 1).scatter(0, index, x[:2]),
        lambda index: (x * 1).scatter_add(0, index, x[:2]),
        lambda index: assigned(x * 1, index, x[:2]),
    ):
        results = []
        for change in (False, True):
            x.grad = None
            index = torch.tensor([0, 2])
            y = select(index)
            if change:
                index.fill_(1)
            try:
                y.sum().backward()
            except RuntimeError as error:
                assert "modified by an inplace operation" in str(error)  # noqa: PT017
                results.append(results[0])
            else:
                results.append(x.grad.tolist())
        assert results[0] == results[1]


def assigned(t, index, values):
    t[index] = values
    return t


def test_masks_are_not_shared_with_the_graph():
    x = leaf(1.0, 2.0, 3.0)
    for select in (
        lambda mask: torch.where(mask, x, 0.0),
        lambda mask: x.masked_fill(mask, 0.0),
        lambda mask: x[mask],
        lambda mask: x.masked_select(mask),
    ):
        results = []
        for change in (False, True):
            x.grad = None
            mask = torch.tensor([True, False, True])
            y = select(mask)
            if change:
                mask.logical_not_() if hasattr(mask, "logical_not_") else mask.copy_(~mask)
            try:
                y.sum().backward()
            except RuntimeError as error:
                assert "modified by an inplace operation" in str(error)  # noqa: PT017
                results.append(results[0])
            else:
                results.append(x.grad.tolist())
        assert results[0] == results[1]


def test_a_quotient_may_be_changed():
    """Its derivative is made of the operands, as in PyTorch."""
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    b = torch.tensor([2.0, 4.0], requires_grad=True)
    y = a / b
    y.mul_(2)
    y.sum().backward()
    assert a.grad.tolist() == [1, 0.5]
    assert b.grad.tolist() == [-0.5, -0.25]
