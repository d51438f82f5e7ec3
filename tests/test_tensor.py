"""What a tensor is: its memory, its conversions, NumPy's operators, copies and pickles."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
import weakref

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import shares_memory
from tinygrad_edu import _tensor


@pytest.mark.host("what shares memory with NumPy")
def test_numpy_shares_memory():
    t = torch.zeros(3)
    array = t.numpy(force=True)
    array[0] = 5
    t[1] = 7
    assert t.tolist() == array.tolist() == [5, 7, 0]
    back = torch.from_numpy(array)
    back[2] = 9
    assert array[2] == 9


@pytest.mark.host("what shares memory with NumPy")
def test_tensor_copies_and_as_tensor_shares():
    array = np.zeros(3)
    assert not np.shares_memory(torch.tensor(array).array, array)
    assert np.shares_memory(torch.as_tensor(array).array, array)
    assert not np.shares_memory(torch.as_tensor(array, dtype=torch.float32).array, array)
    turned = np.zeros((2, 3)).T
    assert np.shares_memory(torch.as_tensor(turned, dtype=torch.float64).array, turned)
    t = torch.zeros(2)
    assert torch.as_tensor(t) is t


@pytest.mark.parametrize(
    ("make", "is_view"),
    [
        (lambda t: t[1], True),
        (lambda t: t[:, 1:], True),
        (lambda t: t[None, ..., 0], True),
        (lambda t: t.t(), True),
        (lambda t: t.view(-1), True),
        (lambda t: t.reshape(6), True),
        (lambda t: t.T.reshape(6), False),
        (lambda t: t.unsqueeze(0), True),
        (lambda t: t.squeeze(), True),
        (lambda t: t.expand(4, 2, 3), True),
        (lambda t: t.permute(1, 0), True),
        (lambda t: t.flatten(), True),
        (lambda t: t.narrow(0, 0, 1), True),
        (lambda t: t.unbind()[0], True),
        (lambda t: t.chunk(2)[0], True),
        (lambda t: t.detach(), True),
        (lambda t: t.data, True),
        (lambda t: t.contiguous(), True),
        (lambda t: t[[0, 1]], False),
        (lambda t: t[t >= 0], False),
        (lambda t: t.clone(), False),
        (lambda t: t.T.contiguous(), False),
        (lambda t: t + 0, False),
        (lambda t: t.flip(0), False),
        (lambda t: t.repeat(1, 1), False),
    ],
)
def test_views_share_memory_and_copies_do_not(make, is_view):
    t = torch.arange(6.0).reshape(2, 3)
    assert shares_memory(make(t), t) is is_view


def test_view_and_base():
    t = torch.zeros(2, 3)
    view = t[0]
    assert view._is_view()
    assert view._base is t
    assert view[1:]._base is t
    assert not t._is_view()
    assert t._base is None
    assert t.detach()._base is None


def test_a_view_in_another_shape_needs_fitting_strides():
    t = torch.zeros(2, 3)
    with pytest.raises(RuntimeError, match=r"view size is not compatible.*Use \.reshape"):
        t.t().view(6)
    assert t.t().reshape(6).shape == (6,)
    with pytest.raises(RuntimeError, match=r"shape '\[4\]' is invalid for input of size 6"):
        t.view(4)


def test_sizes():
    t = torch.zeros(2, 3)
    assert isinstance(t.shape, tuple)
    assert t.shape == t.size() == (2, 3)
    assert t.shape.numel() == 6
    assert isinstance(t.shape[:1], torch.Size)
    rows, columns = t.shape
    assert (rows, columns) == (2, 3)
    assert torch.zeros(t.shape).shape == t.shape
    assert pickle.loads(pickle.dumps(t.shape)) == t.shape


# ---- NumPy's operators ---------------------------------------------------------------------------


@pytest.mark.host("NumPy beside tensors")
@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "//", "%", "**", "==", "<", ">=", "!="])
def test_arrays_with_tensors_are_tensors(operator):
    array, t = np.array([1.0, 2.0]), torch.tensor([3.0, 4.0], dtype=torch.float64)
    for left, right in [(array, t), (t, array), (np.float64(2), t), (t, np.float64(2))]:
        names = {"left": left, "right": right, "np": np}
        result = eval(f"left {operator} right", names)
        assert isinstance(result, torch.Tensor)
        expected = eval(f"np.asarray(left) {operator} np.asarray(right)", names)
        np.testing.assert_allclose(result.numpy(force=True), expected)


@pytest.mark.host("NumPy beside tensors")
def test_arrays_with_tensors_keep_the_graph():
    array, x = np.array([1.0, 2.0], np.float32), torch.ones(2, requires_grad=True)
    (array * x).sum().backward()
    assert x.grad.tolist() == [1, 2]
    y = np.ones((2, 2), np.float32) @ x
    assert isinstance(y, torch.Tensor)
    assert y.requires_grad


@pytest.mark.host("NumPy beside tensors")
def test_numpy_functions_take_tensors():
    t = torch.tensor([1.0, 4.0])
    assert np.asarray(t) is t.array
    assert np.sqrt(t.numpy(force=True)).tolist() == [1, 2]
    assert np.array(t, dtype=np.float64).dtype == np.float64
    assert np.array(t, copy=True) is not t.array
    assert np.stack([t, t]).shape == (2, 2)
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        np.asarray(torch.ones(2, requires_grad=True))


# ---- identity and truth --------------------------------------------------------------------------


def test_tensors_are_hashed_by_identity():
    a, b = torch.zeros(2), torch.zeros(2)
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1
    assert hash(a) == hash(a)


def test_comparison_with_other_things():
    t = torch.zeros(2)
    assert (t == None) is False  # noqa: E711
    assert (t != "text") is True
    with pytest.raises(TypeError, match="'str'|got str"):
        t < "text"  # noqa: B015


def test_truth_needs_one_element():
    assert bool(torch.tensor([[3]]))
    with pytest.raises(
        RuntimeError, match=r"Boolean value of Tensor with more than one value is ambiguous.*\[2\]"
    ):
        bool(torch.zeros(2))
    with pytest.raises(RuntimeError, match="with no values is ambiguous"):
        bool(torch.zeros(0))


def test_contains():
    t = torch.tensor([1.0, 2.0])
    assert 2 in t
    assert 3 not in t
    with pytest.raises(RuntimeError, match="only supports Tensor or scalar"):
        "a" in t  # noqa: B015


def test_formatting():
    assert f"{torch.tensor(3.14159):.2f}" == "3.14"
    assert f"{torch.tensor(7):>3}" == "  7"
    assert f"{torch.tensor([1, 2]).cpu()}" == "tensor([1, 2])"
    with pytest.raises(TypeError, match="unsupported format string passed to Tensor"):
        f"{torch.tensor([1.0]):.2f}"


# ---- leaves --------------------------------------------------------------------------------------


def test_only_floating_point_tensors_require_gradients():
    with pytest.raises(
        RuntimeError,
        match="only Tensors of floating point and complex dtype can require gradients, got torch.int64",
    ):
        torch.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match="only Tensors of floating point and complex dtype"):
        torch.zeros(2, dtype=torch.bool).requires_grad_()


def test_requires_grad_of_computed_tensors_cannot_be_switched_off():
    y = torch.ones(2, requires_grad=True) * 2
    y.requires_grad_(True)
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        y.requires_grad = False


def test_leaves():
    x = torch.ones(2, requires_grad=True)
    assert x.is_leaf
    assert not (x * 2).is_leaf
    assert (x * 2).detach().is_leaf
    assert torch.ones(2).mul(2).is_leaf
    assert x.to(torch.float32) is x
    assert not x.to(torch.float64).is_leaf
    assert not x.long().requires_grad


def test_conversion_passes_the_gradient_back():
    x = torch.ones(2, requires_grad=True)
    x.double().half().sum().backward()
    assert x.grad.dtype == torch.float32
    assert x.grad.tolist() == [1, 1]


def test_data():
    x = torch.ones(2, requires_grad=True)
    x.data[0] = 5
    assert x.tolist() == [5, 1]
    x.data = torch.zeros(3)
    assert x.shape == (3,)
    assert x.requires_grad
    with pytest.raises(TypeError, match="expected a Tensor, got list"):
        x.data = [1]


def test_tensors_take_attributes():
    t = torch.zeros(2)
    t.name = "bias"
    assert t.name == "bias"
    assert weakref.ref(t)() is t


# ---- copies and pickles --------------------------------------------------------------------------


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies(copier):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    x.name = "x"
    y = copier(x)
    assert y.tolist() == [1, 2]
    assert y.requires_grad
    assert y.is_leaf
    assert y.name == "x"
    assert not shares_memory(x, y)


def test_deepcopy_copies_the_gradient_and_keeps_identities():
    x = torch.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    first, second = copy.deepcopy([x, x])
    assert first is second
    assert first.grad.tolist() == [3, 3]
    assert not shares_memory(first.grad, x.grad)


def test_a_shallow_copy_shares_memory():
    x = torch.ones(2)
    y = copy.copy(x)
    assert y is not x
    assert y.tolist() == [1, 1]


def test_computed_tensors_cannot_be_copied_with_their_graph():
    y = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(
        RuntimeError, match=r"Only Tensors created explicitly.*made by <MulBackward0>.*use detach\(\)"
    ):
        copy.deepcopy(y)
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly"):
        pickle.dumps(y)
    assert copy.deepcopy(y.detach()).tolist() == [2, 2]


def test_subclasses():
    class Named(torch.Tensor):
        pass

    t = _tensor.tensor_from_array(torch.zeros(2).array, False, Named)
    assert type(t) is Named
    assert type(copy.deepcopy(t)) is Named
    assert type(t + 1) is torch.Tensor


def test_zero_dimensional_results_are_tensors():
    """NumPy makes scalars of them."""
    x = torch.tensor(2.0, requires_grad=True)
    for y in (x + 1, x * x, x.exp(), x.sum(), torch.ones(3).max(), torch.ones(3)[0], -x):
        assert isinstance(y.array, type(x.array))
        assert y.shape == ()


def test_numpy_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zero, inf = torch.zeros(1), torch.tensor([float("inf")])
        assert (torch.ones(1) / zero).isinf()
        assert (inf * zero).isnan()
        assert (inf - inf).isnan()
        assert torch.log(zero).isinf()
        assert torch.tensor([3e38]).mul(10).isinf()
        assert torch.tensor(1e300).isinf()
        assert (torch.ones(1) * 1e300).isinf()
        assert torch.tensor([1e300], dtype=torch.float64).float().isinf()
        assert (torch.ones(1, dtype=torch.float16) * 70000).isinf()
        buffer = torch.zeros(1, dtype=torch.float16)
        buffer[0] = 1e300
        assert buffer.isinf()


def test_printing_to_a_file():
    out = io.StringIO()
    print(torch.tensor([1, 2]).cpu(), file=out)
    assert out.getvalue() == "tensor([1, 2])\n"
