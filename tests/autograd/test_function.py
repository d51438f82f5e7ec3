"""The user's own operations: ``autograd.Function``."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.autograd import Function, gradcheck, gradgradcheck
from tinygrad_edu.autograd.function import once_differentiable


def leaf(*values):
    return torch.tensor(values if len(values) != 1 else values[0], dtype=torch.float64, requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2


class SplitCube(Function):
    """The same with forward and setup_context apart."""

    @staticmethod
    def forward(x, factor):
        return factor * x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.factor = inputs
        assert output.shape == x.shape
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * ctx.factor * 3 * x**2, None


class TwoOutputs(Function):
    """(a b, a + b); notes what it is asked for."""

    seen: list = []

    @staticmethod
    def forward(ctx, a, b, materialize=True):
        ctx.set_materialize_grads(materialize)
        ctx.save_for_backward(a, b)
        return a * b, a + b

    @staticmethod
    def backward(ctx, grad_product, grad_sum):
        a, b = ctx.saved_tensors
        TwoOutputs.seen.append((grad_product, grad_sum, ctx.needs_input_grad))
        if grad_product is None:
            return grad_sum, grad_sum, None
        if grad_sum is None:
            return grad_product * b, grad_product * a, None
        return grad_product * b + grad_sum, grad_product * a + grad_sum, None


def test_forward_and_backward():
    x = leaf(2.0, 3.0)
    y = Cube.apply(x)
    assert repr(y.grad_fn) == "<CubeBackward>"
    y.sum().backward()
    assert x.grad.tolist() == [12, 27]


def test_the_graph_is_off_in_forward_and_on_after_it():
    class Looks(Function):
        @staticmethod
        def forward(ctx, x):
            assert not torch.is_grad_enabled()
            assert not (x * 2).requires_grad
            assert x.requires_grad
            return x * 2

        @staticmethod
        def backward(ctx, grad_output):
            assert not torch.is_grad_enabled()
            return grad_output * 2

    Looks.apply(leaf(1.0)).backward()


def test_setup_context():
    x = leaf(2.0)
    y = SplitCube.apply(x, 5.0)
    y.backward()
    assert (y.item(), x.grad.item()) == (40, 60)


def test_gradcheck_of_functions():
    x = leaf(2.0, -3.0)
    assert gradcheck(Cube.apply, (x,))
    assert gradgradcheck(Cube.apply, (x,))
    assert gradcheck(TwoOutputs.apply, (x, leaf(0.5, 1.5)))
    assert gradgradcheck(TwoOutputs.apply, (x, leaf(0.5, 1.5)))


def test_three_derivatives():
    x = leaf(2.0)
    y = Cube.apply(x)
    for expected in (12, 12, 6):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        assert y.item() == expected


def test_several_outputs_and_missing_gradients():
    a, b = leaf(2.0), leaf(3.0)
    TwoOutputs.seen = []
    product, total = TwoOutputs.apply(a, b)
    assert [t.output_nr for t in (product, total)] == [0, 1]
    product.backward(retain_graph=True)
    assert (a.grad.item(), b.grad.item()) == (3, 2)
    total.backward()
    assert (a.grad.item(), b.grad.item()) == (4, 3)
    assert TwoOutputs.seen[0][1].item() == 0  # zeros stand in for what is missing
    assert TwoOutputs.seen[0][2] == (True, True)
    TwoOutputs.apply(a, b, False)[1].backward()
    assert TwoOutputs.seen[-1][0] is None


def test_only_the_wanted_gradients_are_needed():
    a, b = leaf(2.0), torch.tensor(3.0, dtype=torch.float64)
    TwoOutputs.seen = []
    TwoOutputs.apply(a, b)[0].backward()
    assert TwoOutputs.seen[0][2] == (True, False)
    assert b.grad is None


def test_no_graph_where_none_is_wanted():
    with torch.no_grad():
        assert not Cube.apply(leaf(2.0)).requires_grad
    assert not Cube.apply(torch.ones(2)).requires_grad


def test_a_gradient_may_be_none():
    class Ignores(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output, None

    x, y = leaf(1.0), leaf(2.0)
    Ignores.apply(x * 1, y * 1).backward()
    assert x.grad.item() == 1
    assert y.grad is None


def returning(answer):
    """Return a Function of two tensors and a number whose backward gives this answer."""

    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y, number):
            return x + y

        @staticmethod
        def backward(ctx, grad_output):
            return answer(grad_output)

    return Wrong


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            lambda g: g,
            RuntimeError,
            r"WrongBackward returned an incorrect number of gradients \(expected 3, got 1\)",
        ),
        (lambda g: (g, g, None, g), RuntimeError, r"incorrect number of gradients \(expected 3, got 4\)"),
        (lambda g: (g, 5, None), TypeError, "WrongBackward returned int at index 1, expected a Tensor"),
        (lambda g: (g, g, g), RuntimeError, "gradient different than None at position 2"),
        (
            lambda g: (g, torch.ones(3, dtype=torch.float64), None),
            RuntimeError,
            r"invalid gradient at index 1 - got \[3\] but expected shape compatible with \[2\]",
        ),
    ],
)
def test_wrong_answers(answer, error, message):
    with pytest.raises(error, match=message):
        returning(answer).apply(leaf(1.0, 2.0), leaf(3.0, 4.0), 7).sum().backward()


def test_more_nones_than_arguments_are_allowed():
    x = leaf(1.0, 2.0)
    returning(lambda g: (g, g, None, None)).apply(x, x, 7).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_broadcast_and_cast_gradients_are_brought_to_the_input():
    x = torch.ones(1, 2, requires_grad=True)
    y = torch.ones(2, requires_grad=True)
    wrong = returning(lambda g: (torch.ones(3, 4, 2, dtype=torch.float64), g[0], None))
    wrong.apply(x, y, 7).sum().backward()
    assert x.grad.dtype == torch.float32
    assert x.grad.tolist() == [[12, 12]]


def test_functions_must_have_both_methods():
    class Empty(Function):
        pass

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="You must implement the forward function"):
        Empty.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="You must implement either the backward or vjp"):
        NoBackward.apply(leaf(1.0)).backward()


def test_save_for_backward_takes_tensors_only():
    class SavesNumber(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, 3)
            return x

    with pytest.raises(
        TypeError, match="save_for_backward can only save variables, but argument is of type int"
    ):
        SavesNumber.apply(leaf(1.0))


def test_saved_tensors_are_those_that_were_saved():
    kept = {}

    class Saves(Function):
        @staticmethod
        def forward(ctx, x, h):
            between, result = x * 2, x * h
            ctx.save_for_backward(x, None, between, result, h)
            return result

        @staticmethod
        def backward(ctx, grad_output):
            kept["saved"] = ctx.saved_tensors
            x, _, _, _, h = ctx.saved_tensors
            return grad_output * h, grad_output * x

    x = leaf(2.0)
    h = x * 3
    Saves.apply(x, h).backward()
    saved = kept["saved"]
    assert saved[0] is x
    assert saved[1] is None
    assert [t.item() for t in saved[2:]] == [4, 12, 6]
    assert x.grad.item() == 6 + 2 * 3


def test_a_second_backward():
    x = leaf(2.0)
    y = Cube.apply(x)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 24
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


@pytest.mark.parametrize("which", ["input", "output", "between"])
def test_saved_tensors_are_watched_for_changes(which):
    class Saves(Function):
        @staticmethod
        def forward(ctx, x):
            Saves.between = x * 5
            result = x * 2
            ctx.save_for_backward({"input": x, "output": result, "between": Saves.between}[which])
            return result

        @staticmethod
        def backward(ctx, grad_output):
            (saved,) = ctx.saved_tensors
            return saved * grad_output

    h = leaf(1.0, 2.0) * 1
    y = Saves.apply(h)
    {"input": h, "output": y, "between": Saves.between}[which].add_(1)
    with pytest.raises(
        RuntimeError, match=r"modified by an inplace operation: \[torch.float64 \[2\]\].*SavesBackward"
    ):
        y.sum().backward()


def test_mark_non_differentiable():
    class Sorts(Function):
        @staticmethod
        def forward(ctx, x):
            order = torch.argsort(x)
            rank = order.double()
            ctx.mark_non_differentiable(rank)
            ctx.save_for_backward(order)
            return x[order], order, rank

        @staticmethod
        def backward(ctx, grad_values, grad_order, grad_rank):
            assert grad_order.tolist() == grad_rank.tolist() == [0, 0, 0]
            (order,) = ctx.saved_tensors
            grad = torch.zeros_like(grad_values)
            grad[order] = grad_values
            return grad

    x = leaf(3.0, 1.0, 2.0)
    values, order, rank = Sorts.apply(x)
    assert (values.requires_grad, order.requires_grad, rank.requires_grad) == (True, False, False)
    (values * torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [100, 1, 10]


def test_other_outputs_and_arguments_pass_through():
    class Mixed(Function):
        @staticmethod
        def forward(ctx, settings, x, name):
            assert (settings, name) == ({"a": 1}, "name")
            return x * 2, "text", None

        @staticmethod
        def backward(ctx, grad_output, text, none):
            assert text is None
            assert none is None
            return None, grad_output * 2, None

    x = leaf(3.0)
    y, text, none = Mixed.apply({"a": 1}, x, "name")
    assert (text, none) == ("text", None)
    y.backward()
    assert x.grad.item() == 2


class Negative(Function):
    """Returns its input, or a view of it, as it is; its gradient is the negative one."""

    @staticmethod
    def forward(ctx, x, as_view):
        return x.view(-1) if as_view else x

    @staticmethod
    def backward(ctx, grad_output):
        return -grad_output, None


class SavesItsInputSecond(torch.autograd.Function):
    """Returns its input, which is also the second array it saves; its gradient is said to be grad * x^2."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.exp(), x)
        return x

    @staticmethod
    def backward(ctx, grad_output):
        _, x = ctx.saved_tensors
        return grad_output * x * x


def test_an_input_that_is_returned_and_saved_counts_as_the_input():
    x = leaf(3.0)
    y = SavesItsInputSecond.apply(x)
    assert y.grad_fn.saved_tensors[1] is x
    (grad,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert grad.item() == 9
    assert torch.autograd.grad(grad, x)[0].item() == 6


class Nothing(torch.autograd.Function):
    """Has no outputs."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.exp())
        return ()


def test_no_outputs():
    assert Nothing.apply(leaf(1.0)) == ()


@pytest.mark.parametrize("as_view", [False, True])
def test_returning_an_input(as_view):
    x = leaf(3.0, 4.0)
    h = x * 1
    y = Negative.apply(h, as_view)
    assert y is not h
    assert h.grad_fn is not y.grad_fn
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [-1, -1]
    h.sum().backward()
    assert x.grad.tolist() == [0, 0]


@pytest.mark.parametrize("as_view", [False, True])
def test_a_returned_input_must_not_be_changed_in_place(as_view):
    """Its own gradient rule would be passed by."""
    h = leaf(3.0, 4.0) * 1
    y = Negative.apply(h, as_view)
    with pytest.raises(RuntimeError, match="created inside a custom Function"):
        y.mul_(2)
    h.mul_(2)
    with pytest.raises(RuntimeError, match="created inside a custom Function"):
        y.sum()


def test_a_view_of_something_new_may_be_changed():
    class Flat(Function):
        @staticmethod
        def forward(ctx, x):
            return (x * 2).view(-1)

        @staticmethod
        def backward(ctx, grad_output):
            return (grad_output * 2).view(1, 2)

    x = leaf([[3.0, 4.0]])
    y = Flat.apply(x)
    y.mul_(5)
    y.sum().backward()
    assert x.grad.tolist() == [[10, 10]]


class Doubles(Function):
    """Doubles its argument in place."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


def test_mark_dirty():
    x = leaf(3.0, 4.0)
    h = x * 1
    y = Doubles.apply(h)
    assert y is h
    assert repr(h.grad_fn) == "<DoublesBackward>"
    h.sum().backward()
    assert x.grad.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        Doubles.apply(leaf(1.0))


def test_mark_dirty_on_a_view():
    x = leaf(3.0, 4.0)
    h = x * 1
    Doubles.apply(h[0:1])
    assert h.tolist() == [6, 4]
    h.sum().backward()
    assert x.grad.tolist() == [2, 1]


def test_mark_dirty_is_noticed_by_others():
    x = leaf(3.0)
    h = x * 1
    y = h * h
    Doubles.apply(h)
    with pytest.raises(RuntimeError, match="last changed by DoublesBackward"):
        y.backward()


def test_once_differentiable():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad_output):
            assert not torch.is_grad_enabled()
            (x,) = ctx.saved_tensors
            return grad_output * 2 * x

    x = leaf(3.0)
    Once.apply(x).backward()
    assert x.grad.item() == 6
    (g,) = torch.autograd.grad(Once.apply(x), x, create_graph=True)
    assert g.item() == 6
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked with"):
        torch.autograd.grad(g * x, x)


def test_numpy_inside():
    class NumpySin(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x.numpy(force=True).copy()
            return torch.from_numpy(np.sin(ctx.x))

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * torch.from_numpy(np.cos(ctx.x))

    assert gradcheck(NumpySin.apply, (leaf(0.3, 0.8),))


def test_functions_inside_functions():
    class Outer(Function):
        @staticmethod
        def forward(ctx, x):
            with torch.enable_grad():
                ctx.inner = x.detach().requires_grad_()
                ctx.result = Cube.apply(ctx.inner)
            return ctx.result.detach()

        @staticmethod
        def backward(ctx, grad_output):
            return torch.autograd.grad(ctx.result, ctx.inner, grad_output)[0]

    x = leaf(2.0)
    Outer.apply(x).backward()
    assert x.grad.item() == 12


def test_the_memory_of_outputs_is_not_held():
    import gc
    import weakref

    gc.disable()
    try:
        x = leaf(2.0)
        y = Doubled.apply(x)
        array = weakref.ref(y.array)
        z = y + 1
        del y
        assert array() is None
        z.backward()
    finally:
        gc.enable()


class Doubled(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


@pytest.mark.host("on a card, a frame chooses the card")
def test_a_breakpoint_in_backward_is_near_the_user():
    """The stack from Tensor.backward to the user's backward is short."""
    import traceback

    depth = []

    class Looks(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad_output):
            names = [frame.name for frame in traceback.extract_stack()]
            depth.append(names[names.index("test_a_breakpoint_in_backward_is_near_the_user") + 1 :])
            return grad_output * 2

    Looks.apply(leaf(1.0)).backward()
    assert depth == [["backward", "backward", "run_backward", "run_node", "backward", "backward"]]


class ExpInPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.exp_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * y


def test_a_dirty_input_that_is_saved_counts_as_the_output():
    w = torch.tensor([0.5, 1.0], requires_grad=True, dtype=torch.float64)
    (slope,) = torch.autograd.grad(ExpInPlace.apply(w * 1).sum(), w, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), w)
    assert torch.allclose(curvature, w.exp())


class SparseTimesDense(Function):
    @staticmethod
    def forward(ctx, values, dense):
        matrix = torch.sparse_coo_tensor([[0, 1, 1], [1, 0, 2]], values, (2, 3))
        ctx.save_for_backward(matrix, dense)
        return torch.matmul(matrix, dense)

    @staticmethod
    def backward(ctx, grad_output):
        matrix, dense = ctx.saved_tensors
        rows, columns = matrix._indices()
        return (grad_output @ dense.T)[rows, columns], matrix.t() @ grad_output


def test_a_sparse_tensor_can_be_saved():
    values, dense = leaf(1.0, 2.0, 3.0), torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(SparseTimesDense.apply, (values, dense))
    (grad,) = torch.autograd.grad(SparseTimesDense.apply(values, dense).sum(), values, create_graph=True)
    grad.pow(2).sum().backward()  # dense comes with its history, beside a sparse tensor that has none
    assert torch.allclose(dense.grad[:, 0], dense.grad[:, 1])


def test_only_sparse_tensors_are_saved():
    class Keep(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(torch.eye(2).to_sparse())
            return x * 2

        @staticmethod
        def backward(ctx, grad_output):
            (matrix,) = ctx.saved_tensors
            return matrix @ grad_output

    x = torch.ones(2, 2, requires_grad=True)
    Keep.apply(x).sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
