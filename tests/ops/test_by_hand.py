"""Cases worked out by hand: ties, NaN, infinity, zeros, and what PyTorch's rules say where others would do too."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu import ops

NAN, INF = math.nan, math.inf


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def gradient(function, values):
    """Return the gradient of the sum of what the function gives."""
    x = leaf(values)
    function(x).sum().backward()
    return x.grad.tolist()


# ---- ties ----


def test_the_gradient_of_max_along_a_dimension_goes_to_the_first_of_equals():
    x = leaf([[2.0, 5.0, 5.0], [7.0, 7.0, 1.0]])
    values, indices = torch.max(x, 1)
    assert (values.tolist(), indices.tolist()) == ([5.0, 7.0], [1, 0])
    values.sum().backward()
    assert x.grad.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert torch.min(leaf([3.0, 1.0, 1.0]), 0).indices.item() == 1
    assert torch.argmax(torch.tensor([1, 3, 3])).item() == 1


@pytest.mark.parametrize("function", [ops.amax, ops.max], ids=["amax", "max"])
def test_without_a_dimension_equals_share_the_gradient(function):
    assert gradient(function, [2.0, 5.0, 5.0, 1.0]) == [0, 0.5, 0.5, 0]
    assert gradient(function, [NAN, 5.0, NAN]) == [0.5, 0, 0.5]


def test_maximum_halves_the_gradient_between_equals():
    a, b = leaf([1.0, 2.0, 3.0]), leaf([1.0, 5.0, 0.0])
    torch.maximum(a, b).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([0.5, 0, 1], [0.5, 1, 0])


def test_max_pooling_gives_the_first_of_equals_everything():
    assert gradient(lambda x: ops.max_pool2d(x, 2), [[[4.0, 4.0], [4.0, 4.0]]]) == [[[1, 0], [0, 0]]]
    assert math.isnan(ops.max_pool2d(leaf([[[4.0, NAN], [9.0, 4.0]]]), 2).item())


# ---- corners ----


def test_slopes_at_corners():
    assert gradient(ops.relu, [-1.0, 0.0, 2.0]) == [0, 0, 1]
    assert gradient(ops.absolute, [-1.0, 0.0, 2.0]) == [-1, 0, 1]
    assert gradient(lambda x: ops.clamp(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0]) == [0, 1, 1, 1, 0]
    assert gradient(ops.hardtanh, [-2.0, -1.0, 0.0, 1.0, 2.0]) == [0, 0, 1, 0, 0]
    assert gradient(ops.relu6, [0.0, 3.0, 6.0]) == [0, 1, 0]
    assert gradient(ops.norm, [0.0, 0.0]) == [0, 0]
    assert gradient(lambda x: ops.norm(x, 0.5), [0.0, 0.0]) == [0, 0]
    assert gradient(ops.std, [3.0, 3.0]) == [0, 0]
    assert gradient(ops.sign, [-1.0, 0.0, NAN]) == [0, 0, 0]
    assert gradient(lambda x: ops.pow(x, 0), [0.0, 2.0]) == [0, 0]
    assert gradient(lambda x: ops.atan2(x, x * 0), [0.0]) == [0]


def test_zeros_in_a_product():
    """Each derivative is the product of the others, which does not need a division."""
    assert gradient(ops.prod, [0.0, 2.0, 3.0]) == [6, 0, 0]
    assert gradient(ops.prod, [0.0, 0.0, 3.0]) == [0, 0, 0]
    assert gradient(lambda x: ops.cumprod(x, 0), [2.0, 0.0, 3.0]) == [1, 2 + 6, 0]


def test_functions_of_zero_and_infinity_make_no_noise():
    x = torch.tensor([0.0, INF, -INF, NAN])
    assert torch.log(torch.tensor([0.0, -1.0])).tolist()[0] == -INF
    for name in (
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "tan",
        "sigmoid",
        "softplus",
        "gelu",
        "silu",
        "elu",
        "logsigmoid",
    ):
        getattr(ops, name)(x)
    assert (torch.tensor([1.0, -1.0]) / 0).tolist() == [INF, -INF]
    assert ops.sigmoid(torch.tensor([1000.0, -1000.0])).tolist() == [1, 0]


def test_softmax_of_large_and_of_masked_scores():
    assert ops.softmax(torch.tensor([1e4, 1e4, -INF]), 0).tolist() == [0.5, 0.5, 0]
    assert ops.log_softmax(torch.tensor([0.0, 1e4]), 0).tolist() == [-1e4, 0]
    assert ops.logsumexp(torch.tensor([1e4, -INF]), 0).item() == 1e4
    assert gradient(lambda x: ops.logsumexp(x, 0), [1e4, 1e4]) == pytest.approx([0.5, 0.5])
    assert ops.softmax(torch.zeros(3, 0), 1).shape == (3, 0)


# ---- integers ----


def test_division_of_integers():
    a, b = torch.tensor([7, -7, 2**60 + 1]), torch.tensor([2, 2, 2])
    assert torch.div(a, b, rounding_mode="trunc").tolist() == [3, -3, 2**59]
    assert (a // b).tolist() == [3, -4, 2**59]
    assert (a % b).tolist() == [1, 1, 1]
    assert torch.fmod(a, b).tolist() == [1, -1, 1]
    assert (a[:2] / b[:2]).tolist() == [3.5, -3.5]
    assert (torch.tensor([1, 2], dtype=torch.uint8) / -2).tolist() == [-0.5, -1]


def test_a_number_does_not_widen_the_dtype():
    for dtype in (torch.float16, torch.float32, torch.float64):
        x = torch.ones(2, dtype=dtype)
        assert {
            y.dtype for y in (x + 1, x * 2.5, 1 / x, x**2, x > 0.5 * x + x, torch.where(x > 0, x, 0.0))
        } == {
            dtype,
            torch.bool,
        }
    assert (torch.ones(2, dtype=torch.int64) + torch.ones(2, dtype=torch.float32)).dtype == torch.float32
    assert (torch.ones(2, dtype=torch.float32) + torch.ones((), dtype=torch.float64)).dtype == torch.float32
    assert (torch.ones(2, dtype=torch.int64) * 0.5).dtype == torch.float32


# ---- indexing ----


def test_ints_are_taken_before_arrays():
    x = torch.arange(24).reshape(2, 3, 4)
    assert x[0, :, [1, 2]].shape == (3, 2)
    assert x[:, 0, [1, 2]].shape == (2, 2)
    x[0, :, [1, 2]] = 0
    assert (x == 0).sum().item() == 7  # one element was 0 before


def test_an_element_taken_twice_gets_both_gradients():
    assert gradient(lambda x: x[torch.tensor([0, 0, 2])], [1.0, 2.0, 3.0]) == [2, 0, 1]
    assert gradient(lambda x: x.gather(0, torch.tensor([1, 1])), [1.0, 2.0]) == [0, 2]
    table = leaf([[1.0], [2.0]])
    ops.embedding(torch.tensor([1, 1, 0]), table).sum().backward()
    assert table.grad.tolist() == [[1], [2]]
    table.grad = None
    ops.embedding(torch.tensor([1, 1, 0]), table, padding_idx=1).sum().backward()
    assert table.grad.tolist() == [[1], [0]]


# ---- losses and layers ----


def test_cross_entropy():
    """With two equal scores the loss is ln 2, whatever the target."""
    scores, target = leaf([[0.0, 0.0], [3.0, 3.0]]), torch.tensor([0, 1])
    loss = ops.cross_entropy(scores, target)
    assert loss.item() == pytest.approx(math.log(2))
    loss.backward()
    np.testing.assert_allclose(to_numpy(scores.grad), [[-0.25, 0.25], [0.25, -0.25]])


def test_cross_entropy_with_weights_is_divided_by_their_sum():
    log_p = torch.log(torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64))
    weight = torch.tensor([1.0, 3.0], dtype=torch.float64)
    loss = ops.nll_loss(log_p, torch.tensor([0, 1]), weight)
    assert loss.item() == pytest.approx((-math.log(0.5) - 3 * math.log(0.75)) / 4)
    ignored = ops.nll_loss(log_p, torch.tensor([0, 1]), weight, ignore_index=0)
    assert ignored.item() == pytest.approx(-math.log(0.75))


def test_label_smoothing_spreads_over_all_classes():
    scores = torch.tensor([[0.0, math.log(3.0)]], dtype=torch.float64)  # probabilities 1/4 and 3/4
    loss = ops.cross_entropy(scores, torch.tensor([1]), label_smoothing=0.2)
    assert loss.item() == pytest.approx(-0.9 * math.log(0.75) - 0.1 * math.log(0.25))


def test_a_loss_of_ignored_rows_only_is_nan_without_a_gradient():
    scores = leaf([[1.0, 2.0]])
    loss = ops.cross_entropy(scores, torch.tensor([-100]))
    loss.backward()
    assert math.isnan(loss.item())
    assert scores.grad.tolist() == [[0, 0]]


def test_binary_cross_entropy_at_the_ends():
    losses = ops.binary_cross_entropy(
        torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 1.0, 1.0]), reduction="none"
    )
    assert losses.tolist() == [0, 0, 100]
    with_logits = ops.binary_cross_entropy_with_logits(torch.tensor([1000.0]), torch.tensor([0.0]))
    assert with_logits.item() == 1000


def test_batch_norm_keeps_running_statistics():
    """The mean moves by the momentum; the variance does too, and is unbiased: divided by n - 1."""
    mean, var = torch.zeros(1), torch.ones(1)
    x = torch.tensor([[1.0], [3.0], [5.0]])
    y = ops.batch_norm(x, mean, var, training=True, momentum=0.1, eps=1e-9)
    np.testing.assert_allclose(to_numpy(y), [[-math.sqrt(1.5)], [0], [math.sqrt(1.5)]], rtol=1e-6)
    assert mean.item() == pytest.approx(0.3)
    assert var.item() == pytest.approx(0.9 + 0.1 * 4)
    fixed = ops.batch_norm(x, torch.tensor([1.0]), torch.tensor([4.0]), eps=0.0)
    assert fixed.tolist() == [[0], [1], [2]]


def test_same_padding_puts_the_odd_pixel_at_the_end():
    y = ops.conv1d(torch.tensor([[[1.0, 2.0, 3.0]]]), torch.tensor([[[1.0, 10.0]]]), padding="same")
    assert y.tolist() == [[[21, 32, 3]]]


def test_dropout_scales_what_it_keeps():
    x = torch.ones(4000, requires_grad=True)
    y = ops.dropout(x, 0.25)
    y.sum().backward()
    assert set(np.unique(to_numpy(y))) == {0, np.float32(4 / 3)}
    assert (to_numpy(y) == 0).mean() == pytest.approx(0.25, abs=0.03)
    np.testing.assert_array_equal(to_numpy(x.grad), to_numpy(y))  # the same mask
    assert ops.dropout(x, 0.25, training=False) is x
    channels = to_numpy(ops.dropout_channels(torch.ones(40, 50, 3), 0.5))
    assert ((channels == 0).all(2) | (channels == 2).all(2)).all()


def test_ldexp_of_halves_keeps_them_and_does_not_overflow_on_the_way():
    x = torch.tensor([2.0**-14, 3.0], dtype=torch.float16, requires_grad=True)
    y = torch.ldexp(x, torch.tensor([[20], [-1]]))
    assert (y.dtype, y.tolist()) == (torch.float16, [[64, INF], [2.0**-15, 1.5]])
    y[1].sum().backward()
    assert x.grad.tolist() == [0.5, 0.5]  # PyTorch 2.13 says 0: a power of whole numbers
    with pytest.raises(NotImplementedError, match="ldexp: expected numbers as exponents, got torch.bool"):
        torch.ldexp(x, torch.tensor([True, False]))
