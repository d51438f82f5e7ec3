from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_layer, numbers, run_layer
from tinygrad_edu import nn

X = np.array([[-50, -4, -3, -1.5, -0.6, -0.2, 0.3], [0.4, 0.9, 2.5, 3.5, 6.5, 21, 90]], np.float32)

LAYERS = [
    ("ReLU", (), {}),
    ("ReLU6", (), {}),
    ("LeakyReLU", (), {}),
    ("LeakyReLU", (0.2,), {}),
    ("ELU", (), {}),
    ("ELU", (), {"alpha": 0.5}),
    ("SELU", (), {}),
    ("CELU", (), {}),
    ("CELU", (), {"alpha": 0.5}),
    ("GELU", (), {}),
    ("GELU", (), {"approximate": "tanh"}),
    ("SiLU", (), {}),
    ("Mish", (), {}),
    ("Sigmoid", (), {}),
    ("Tanh", (), {}),
    ("Softplus", (), {}),
    ("Softplus", (2.0, 10.0), {}),
    ("Softsign", (), {}),
    ("LogSigmoid", (), {}),
    ("Hardtanh", (), {}),
    ("Hardtanh", (-2.0, 0.5), {}),
    ("Hardsigmoid", (), {}),
    ("Hardswish", (), {}),
    ("RReLU", (), {"lower": 0.25, "upper": 0.25}),
    ("Hardshrink", (), {}),
    ("Hardshrink", (1.0,), {}),
    ("Softshrink", (), {}),
    ("Softshrink", (1.0,), {}),
    ("Tanhshrink", (), {}),
    ("Threshold", (0.35, 20.0), {}),
    ("Softmax", (1,), {}),
    ("Softmax", (), {"dim": 0}),
    ("LogSoftmax", (-1,), {}),
    ("Softmin", (1,), {}),
    ("GLU", (0,), {}),
    ("PReLU", (), {}),
    ("PReLU", (7,), {}),
]
WITH_INPLACE = {
    "ReLU": (),
    "ReLU6": (),
    "LeakyReLU": (0.2,),
    "ELU": (0.7,),
    "SELU": (),
    "RReLU": (0.25, 0.25),
    "CELU": (0.5,),
    "SiLU": (),
    "Mish": (),
    "Hardtanh": (-2.0, 0.5),
    "Hardsigmoid": (),
    "Hardswish": (),
    "Threshold": (0.35, 20.0),
}


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "kwargs"), LAYERS)
def test_parity(reference, name, args, kwargs):
    assert_layer_parity(reference, name, args, kwargs, [X], rtol=2e-5)


@pytest.mark.gradcheck
@pytest.mark.parametrize(("name", "args", "kwargs"), LAYERS)
def test_gradcheck(name, args, kwargs):
    x = np.clip(X.astype(np.float64), -5, 8) + 0.01  # off the corners at -3 and 3.5
    assert_gradcheck(make_layer(torch, name, args, kwargs), x)


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args"), [("Softmax2d", ()), ("PReLU", (3,)), ("GLU", (-2,))])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 4, 5)])
def test_parity_of_images(reference, name, args, shape):
    if name == "PReLU" and len(shape) == 3:
        shape = (2, 3, 4)  # the channels are dimension 1
    assert_layer_parity(reference, name, args, {}, [shape])


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", sorted(WITH_INPLACE))
def test_in_place_the_input_is_overwritten_and_the_gradient_is_the_same(reference, name):
    found = []
    for library in (torch, reference):
        x = library.tensor(X, requires_grad=True)
        y = x * 1.5  # a leaf that wants a gradient may not be overwritten
        layer = getattr(library.nn, name)(*WITH_INPLACE[name], inplace=True)
        z = layer(y)
        z.backward(library.ones(*z.shape))
        found.append((repr(layer), numbers(z), numbers(y), numbers(x.grad)))
        assert np.array_equal(found[-1][1], found[-1][2])
    assert found[0][0] == found[1][0]
    for ours, theirs in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(WITH_INPLACE))
def test_in_place_is_the_same_as_not(name):
    plain, inplace = (getattr(nn, name)(*WITH_INPLACE[name], inplace=flag) for flag in (False, True))
    x = torch.tensor(X)
    expected = plain(x)
    assert x.tolist() == X.tolist()
    result = inplace(x)
    assert result is x
    np.testing.assert_allclose(numbers(result), numbers(expected), rtol=1e-6)


@pytest.mark.parametrize("name", sorted(WITH_INPLACE))
def test_in_place_errors(name):
    layer = getattr(nn, name)(*WITH_INPLACE[name], inplace=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
        layer(torch.ones(2, requires_grad=True))
    x = torch.ones(2, requires_grad=True)
    y = x * 1
    z = (y * y).sum()  # needs y
    layer(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_a_chain_of_activations_in_place():
    x = torch.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    net = nn.Sequential(
        nn.Linear(3, 3), nn.ReLU(inplace=True), nn.Linear(3, 3), nn.ELU(inplace=True), nn.SiLU(True)
    )
    plain = nn.Sequential(net[0], nn.ReLU(), net[2], nn.ELU(), nn.SiLU())
    found = []
    for model in (net, plain):
        x.grad = None
        model(x).sum().backward()
        found.append(x.grad.tolist())
    assert found[0] == found[1]


def test_prelu_starts_at_a_quarter():
    assert nn.PReLU(3).weight.tolist() == [0.25] * 3
    assert nn.PReLU(init=0.1, dtype=torch.float64).weight.tolist() == [0.1]


def test_nan_stays_nan():
    x = torch.tensor([float("nan")])
    for name in sorted(
        {name for name, _, _ in LAYERS} - {"GLU", "PReLU", "Softmax", "LogSoftmax", "Softmin", "Threshold"}
    ):
        assert np.isnan(getattr(nn, name)()(x).item()), name


def test_empty_input():
    for name in ("ReLU", "GELU", "ELU", "Softplus", "Sigmoid"):
        assert run_layer(torch, getattr(nn, name)(), [np.zeros((0, 3), np.float32)])["output"].shape == (0, 3)


@pytest.mark.filterwarnings("ignore:Implicit dimension")
@pytest.mark.torch_parity
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Softmin"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_softmax_without_dim_chooses_that_of_pytorch(reference, name, shape):
    assert_layer_parity(reference, name, (), {}, [shape])


@pytest.mark.parametrize("call", [nn.functional.softmax, nn.Softmax()])
def test_softmax_without_dim_warns(call):
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax has been") as caught:
        call(torch.ones(2, 2))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.GELU("exact")(torch.ones(1)), RuntimeError, ["none or tanh", "'exact'"]),
        (lambda: nn.GLU()(torch.ones(3)), RuntimeError, ["must be even", "3"]),
        (lambda: nn.Hardtanh(2.0, 1.0)(torch.ones(1)), ValueError, ["min_val", "2.0", "1.0"]),
        (lambda: nn.CELU(0.0)(torch.ones(1)), RuntimeError, ["celu", "0"]),
        (
            lambda: nn.Softshrink(-1.0)(torch.ones(1)),
            RuntimeError,
            ["lambda must be greater or equal to 0", "-1.0"],
        ),
        (lambda: nn.PReLU(3)(torch.ones(2, 4)), RuntimeError, ["3", "[2, 4]"]),
        (lambda: nn.Softmax2d()(torch.ones(2, 4)), ValueError, ["3D or 4D", "2D"]),
        (lambda: nn.Softmax(2)(torch.ones(2, 4)), IndexError, ["[-2, 1]", "2"]),
        (lambda: nn.ReLU()(3.0), TypeError, ["Tensor", "float"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_random_slopes_of_rrelu():
    x = -torch.rand(50, 60) - 0.5
    x.requires_grad_()
    y = nn.RReLU(0.2, 0.6)(x)
    slopes = (y / x).detach()
    assert 0.2 <= slopes.min().item() < 0.21
    assert 0.59 < slopes.max().item() <= 0.6
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(force=True), slopes.numpy(force=True), rtol=1e-5)
    positive = torch.rand(9)
    assert nn.RReLU()(positive).tolist() == positive.tolist()
    in_place = x.detach().clone()
    assert F.rrelu_(in_place, 0.5, 0.5, True) is in_place
    np.testing.assert_allclose(in_place.numpy(force=True), (x / 2).numpy(force=True))


def test_gumbel_softmax_draws_as_often_as_softmax_says():
    logits = torch.tensor([0.0, 1.0, 2.0]).repeat(4000, 1).requires_grad_()
    drawn = F.gumbel_softmax(logits, tau=0.5, hard=True)
    assert sorted(drawn.detach().unique().tolist()) == [0, 1]
    np.testing.assert_allclose(
        drawn.mean(0).numpy(force=True), logits[0].softmax(0).numpy(force=True), atol=0.03
    )
    torch.manual_seed(0)
    (F.gumbel_softmax(logits, hard=True)[:, 0]).sum().backward()
    through_hard, logits.grad = logits.grad, None
    torch.manual_seed(0)
    (F.gumbel_softmax(logits)[:, 0]).sum().backward()
    assert torch.allclose(through_hard, logits.grad)


IN_PLACE = [
    ("celu_", (0.5,)), ("elu_", (0.7,)), ("hardtanh_", (-0.5, 0.4)), ("leaky_relu_", (0.2,)), ("relu_", ()),
    ("rrelu_", (0.1, 0.3)), ("selu_", ()), ("threshold_", (0.35, 20.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), IN_PLACE)
def test_functions_in_place(name, args):
    x = torch.tensor(X, requires_grad=True)
    expected = getattr(F, name.removesuffix("_"))(x, *args)
    changed = x * 1
    assert getattr(F, name)(changed, *args) is changed
    assert torch.allclose(changed, expected)
    weights = torch.rand(*X.shape)
    (expected * weights).sum().backward()
    gradient, x.grad = x.grad, None
    (changed * weights).sum().backward()
    assert torch.allclose(x.grad, gradient)
