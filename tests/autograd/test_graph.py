"""The backward pass: order, accumulation, second passes, hooks, and what the graph keeps alive."""

from __future__ import annotations

import math
import weakref

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import shares_memory
from tinygrad_edu.autograd.graph import topological_order


def leaf(*values):
    return torch.tensor(values if len(values) != 1 else values[0], dtype=torch.float64, requires_grad=True)


# ---- where the gradients go ----------------------------------------------------------------------


def test_a_tensor_used_twice():
    x = leaf(2.0, 3.0)
    (x + x).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_residual():
    x = leaf(2.0)
    (x + x * 2).backward()
    assert x.grad.item() == 3


def test_diamonds_are_linear():
    """Every node is visited once: the naive recursion would take 2^60 steps."""
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    assert len(topological_order([y.grad_fn])) == 61
    y.backward()
    assert x.grad.item() == 2.0**60


def test_gradients_have_the_shapes_of_the_operands():
    a = torch.ones(4, 5, 3, requires_grad=True)
    b = torch.ones(1, 3, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.shape == (4, 5, 3)
    assert b.grad.tolist() == [[20, 20, 20]]


def test_gradients_accumulate_until_they_are_set_to_none():
    x = leaf(3.0)
    (x * x).backward()
    (x * x).backward()
    assert x.grad.item() == 12
    x.grad = None
    (x * x).backward()
    assert x.grad.item() == 6


def test_gradients_are_added_in_place():
    x = leaf(3.0)
    (x * 2).backward()
    first = x.grad
    (x * 2).backward()
    assert x.grad is first
    assert first.item() == 4


def test_no_two_gradients_share_memory():
    """Both gradients of a + b are the same array inside the engine."""
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    c = a + b
    c.retain_grad()
    c.backward(torch.ones(2, dtype=torch.float64))
    grads = [a.grad, b.grad, c.grad]
    for i, x in enumerate(grads):
        for y in grads[i + 1 :]:
            assert not shares_memory(x, y)


def test_the_given_gradient_is_left_alone():
    x = leaf(1.0, 2.0)
    seed = torch.ones(2, dtype=torch.float64)
    x.clone().backward(seed)
    x.grad.mul_(5)
    assert seed.tolist() == [1, 1]
    x.backward(seed)
    x.grad.mul_(5)
    assert seed.tolist() == [1, 1]


@pytest.mark.parametrize("name", ["mean", "max", "min", "sum", "prod", "std", "norm"])
def test_reductions_keep_the_graph(name):
    if not hasattr(torch.Tensor, name):
        pytest.skip(f"there is no {name}")
    x = leaf(1.0, 4.0, 2.0)
    y = getattr(x, name)()
    assert y.requires_grad
    y.backward()
    assert x.grad is not None


def test_slice_assignment():
    x, y = leaf(1.0, 2.0, 3.0), leaf(10.0)
    z = x * 2
    z[1] = y * 3
    (z * z).sum().backward()
    assert z.tolist() == [2, 30, 6]
    assert x.grad.tolist() == [8, 0, 24]
    assert y.grad.item() == 180


def test_a_mask_selects_where_gradients_go():
    x = leaf(-1.0, 2.0)
    torch.relu(x).sum().backward()
    assert x.grad.tolist() == [0, 1]


# ---- twice, and after a failure ------------------------------------------------------------------


def test_a_second_backward_says_so():
    x = leaf(3.0)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    assert x.grad.item() == 6


def test_a_second_backward_with_retain_graph():
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12
    with pytest.raises(RuntimeError, match="Specify retain_graph=True"):
        y.backward()


def test_a_graph_that_saves_nothing_may_be_walked_again():
    x = leaf(3.0)
    y = x + 1
    y.backward()
    y.backward()
    assert x.grad.item() == 2


def test_two_losses_that_share_a_part():
    x = leaf(3.0)
    shared = x * x
    a, b = shared * 2, shared * 3
    a.backward(retain_graph=True)
    b.backward()
    assert x.grad.item() == 30


class FailsOnce(torch.autograd.Function):
    """Passes its input through; the first backward fails."""

    fail = True

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad_output):
        if FailsOnce.fail:
            FailsOnce.fail = False
            raise ValueError("planted")
        return grad_output


def test_a_failed_backward_leaves_nothing_behind():
    x, w = leaf(3.0), leaf(2.0)
    y = FailsOnce.apply(x * x) * w
    with pytest.raises(ValueError, match="planted"):
        y.backward(retain_graph=True)
    assert x.grad is None
    assert torch.is_grad_enabled()
    w.grad = None
    y.backward()
    assert (x.grad.item(), w.grad.item()) == (12, 9)
    z = x * 5
    x.grad = None
    z.backward()
    assert x.grad.item() == 5


def test_a_failed_forward_leaves_nothing_behind():
    x = leaf(3.0, 4.0)
    with pytest.raises(RuntimeError, match="must match"):
        x + torch.ones(3)
    (x * x).sum().backward()
    assert x.grad.tolist() == [6, 8]


# ---- size ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["add", "view", "function"])
def test_a_chain_of_100000(step):
    """Forward, backward and deallocation need no deeper stack than a chain of ten."""
    length = 100_000 if step == "add" else 20_000
    x = leaf(1.0)
    y = x
    for _ in range(length):
        if step == "add":
            y = y + 1
        elif step == "view":
            y = y.view(1) if y.ndim == 0 else y.view(())
        else:
            y = Doubled.apply(y) * 0.5
    y.sum().backward()
    assert x.grad.item() == 1
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


def test_topological_order_puts_users_first():
    x = leaf(1.0)
    a = x * 2
    b = a + x
    c = b * a
    order = topological_order([c.grad_fn])
    position = {node: i for i, node in enumerate(order)}
    assert len(position) == len(order) == 4
    for node in order:
        for edge in node.next_edges:
            if edge is not None:
                assert position[node] < position[edge[0]]


def in_place_through_a_view():
    x, w = leaf(1.0, 2.0), leaf(3.0)
    base = x * 1
    view = base[0:1]
    sibling = base[1:].reshape(1, 1)
    view.mul_(w)  # base and sibling get a new history, the sibling only when it is asked for
    return (sibling * base.sum() + view).sum()


def custom_function_in_place():
    class Triple(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(3)

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * 3

    y = leaf(1.0, 2.0) * 1
    Triple.apply(y)
    return (Doubled.apply(y) * y).sum()


def derivative():
    x = leaf(2.0)
    (slope,) = torch.autograd.grad(torch.exp(x**3) * x, x, create_graph=True)
    return slope * x


def accumulated_late():
    late = leaf(5.0)
    return (leaf(1.0) * 2 + 1) * late + late


@pytest.mark.parametrize(
    "program", [in_place_through_a_view, custom_function_in_place, derivative, accumulated_late]
)
def test_a_node_is_younger_than_those_it_leads_to(program):
    """This is what makes the order of age a topological one."""
    nodes = topological_order([program().grad_fn])
    assert len(nodes) > 3
    for node in nodes:
        for edge in node.next_edges:
            assert edge is None or edge[0].sequence_nr < node.sequence_nr


def test_hooks_run_from_the_youngest_to_the_oldest():
    seen = []
    x = leaf(1.0)
    a = x * 2
    b = x * 3
    c = x * 4
    for name, tensor in (("b", b), ("a", a), ("c", c)):
        tensor.register_hook(lambda grad, name=name: seen.append(name))
    (a + b + c).backward()
    assert seen == ["c", "b", "a"]


# ---- what backward is given ----------------------------------------------------------------------


def test_only_numbers_have_an_implicit_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(
        RuntimeError, match=r"grad can be implicitly created only for scalar outputs, got shape \[2\]"
    ):
        (x * 2).backward()
    y = leaf([[3.0]])
    (y * 2).backward()  # one element is enough
    assert y.grad.tolist() == [[2]]


def test_wrong_gradients_are_refused():
    x = leaf(1.0, 2.0)
    y = x * 2
    with pytest.raises(
        RuntimeError, match=r"Mismatch in shape: grad_output has a shape of torch.Size\(\[3\]\)"
    ):
        y.backward(torch.ones(3))
    with pytest.raises(TypeError, match="gradients can be either Tensors or None, but got int"):
        y.backward(1)
    with pytest.raises(RuntimeError, match="got 1 tensors and 2 gradients"):
        torch.autograd.backward([y], [torch.ones(2), torch.ones(2)])


def test_what_needs_no_gradient_has_no_backward():
    with pytest.raises(
        RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"
    ):
        torch.ones(1).backward()
    with pytest.raises(RuntimeError, match="element 1 of tensors does not require grad"):
        torch.autograd.backward([leaf(1.0), torch.ones(1)])


def test_backward_from_a_leaf():
    x = leaf(2.0)
    x.backward()
    assert x.grad.item() == 1


def test_backward_from_several_tensors():
    x = leaf(2.0)
    torch.autograd.backward([x * 2, x * 3, x * 2], [None, torch.tensor(10.0, dtype=torch.float64), None])
    assert x.grad.item() == 34


def test_backward_into_chosen_inputs():
    x, w = leaf(2.0), leaf(3.0)
    h = x * w
    (h * h).backward(inputs=[w, h])
    assert x.grad is None
    assert w.grad.item() == 24
    assert h.grad.item() == 12
    with pytest.raises(RuntimeError, match="`inputs` argument to `backward\\(\\)` cannot be empty"):
        (x * w).backward(inputs=[])


def test_chosen_inputs_accumulate_and_share_no_memory():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for _ in range(2):
        (a + b).sum().backward(inputs=[a, b])
    assert a.grad.tolist() == b.grad.tolist() == [2, 2]
    assert not shares_memory(a.grad, b.grad)


def test_gradients_are_of_the_dtype_of_their_tensor():
    x = torch.ones(2, dtype=torch.float32, requires_grad=True)
    y = torch.ones(2, dtype=torch.float64, requires_grad=True)
    h = torch.ones(2, dtype=torch.float16, requires_grad=True)
    (x * y + h).sum().backward()
    assert [t.grad.dtype for t in (x, y, h)] == [torch.float32, torch.float64, torch.float16]


def test_grad_of_a_non_leaf_explains_itself():
    x = leaf(3.0)
    y = x * 2
    with pytest.warns(UserWarning, match=r"not a leaf.*retain_grad\(\).*made by <MulBackward0>"):
        assert y.grad is None


def test_grad_can_be_assigned():
    x = leaf(3.0, 4.0)
    x.grad = torch.ones(2, dtype=torch.float64)
    with pytest.raises(TypeError, match="assigned grad expected to be a Tensor or None but got list"):
        x.grad = [1, 2]
    with pytest.raises(RuntimeError, match="different size"):
        x.grad = torch.ones(3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="different type: expected torch.float64, got torch.float32"):
        x.grad = torch.ones(2)
    with pytest.raises(RuntimeError, match="can't assign Variable as its own grad"):
        x.grad = x


def test_names_in_the_graph():
    x = leaf(2.0)
    y = torch.exp(x) * x
    assert repr(y.grad_fn) == "<MulBackward0>"
    assert y.grad_fn.name() == "MulBackward0"
    (first, _), (second, _) = y.grad_fn.next_functions
    assert (first.name(), second.name()) == ("ExpBackward0", "AccumulateGrad")
    assert second.variable is x
    assert (x * torch.ones(1)).grad_fn.next_functions[1] == (None, 0)


def test_numpy_warnings_stay_away_in_backward():
    x = leaf(0.0)
    torch.sqrt(x).backward()
    assert math.isinf(x.grad.item())


def test_a_loss_of_n_against_n_by_1_warns():
    """(N, 1) - (N) is (N, N): the most expensive broadcast there is."""
    prediction, target = torch.zeros(3, 1, requires_grad=True), torch.ones(3)
    with pytest.warns(UserWarning, match=r"target size .*\[3\].* different .*\[3, 1\]"):
        torch.nn.functional.mse_loss(prediction, target)


@pytest.mark.host("arrays of NumPy")
@pytest.mark.parametrize(
    ("grad", "message"), [(np.ones(3), "a different size"), (np.ones(2, np.float16), "a different type")]
)
def test_a_leaf_refuses_a_gradient_that_does_not_fit(grad, message):
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=message):
        x.accumulate_grad(grad)
    assert x.grad is None


# ---- a leaf's gradient is complete when it arrives -----------------------------------------------------------


def test_the_old_gradient_as_the_root():
    w = leaf(1.0, 2.0)
    w.grad = torch.ones_like(w)
    (w + w * 3).backward(w.grad)
    assert w.grad.tolist() == [5.0, 5.0]


def test_the_old_gradient_is_saved():
    w = leaf(1.0, 2.0)
    w.grad = torch.ones_like(w)
    ((w * w.grad).sum() + (w * 2).sum()).backward()
    assert w.grad.tolist() == [4.0, 4.0]


@pytest.mark.parametrize("change", ["look", "forget", "zero"])
def test_a_hook_in_the_middle_sees_no_part_of_the_sum(change):
    w = leaf(1.0, 2.0)
    a = w * 2
    seen = []

    def hook(grad):
        seen.append(w.grad)
        if change == "forget":
            w.grad = None
        if change == "zero" and w.grad is not None:
            w.grad.zero_()

    a.register_hook(hook)
    (a.sum() + (w * 3).sum()).backward()
    assert seen == [None]
    assert w.grad.tolist() == [5.0, 5.0]
