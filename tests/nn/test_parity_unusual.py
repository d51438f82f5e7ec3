"""What nobody gives on purpose, compared with PyTorch: NaN in losses, empty inputs, parameters of other shapes."""

from __future__ import annotations

import itertools
import re

import pytest

import tinygrad_edu
from tests.both import agree, outcome

pytestmark = [
    pytest.mark.torch_parity,
    pytest.mark.host("values are not looked at on a GPU"),
]

NUMBERS = [
    "[nan, 0.5]",
    "[0.2, 0.5]",
    "[inf, 0.5]",
    "[-inf, 0.5]",
    "[-0.0, 1.0]",
    "[-0.1, 1.0]",
    "[0.1, 1.1]",
]

LOSSES = [
    "mse_loss(a, b)",
    "l1_loss(a, b)",
    "smooth_l1_loss(a, b)",
    "huber_loss(a, b)",
    "binary_cross_entropy(a, b)",
    "binary_cross_entropy(a, b, weight=b)",
    "binary_cross_entropy_with_logits(a, b)",
    "kl_div(a, b, reduction='sum')",
    "kl_div(a, b, reduction='sum', log_target=True)",
    "hinge_embedding_loss(a, b)",
    "soft_margin_loss(a, b)",
    "poisson_nll_loss(a, b)",
    "poisson_nll_loss(a, b, full=True, log_input=False)",
    "margin_ranking_loss(a, b, a)",
    "cosine_embedding_loss(a[None], b[None], torch.ones(1))",
    "triplet_margin_loss(a[None], b[None], a[None])",
    "cross_entropy(a[None], torch.tensor([1]))",
    "cross_entropy(a[None], b[None])",
    "nll_loss(a[None], torch.tensor([1]))",
    "gaussian_nll_loss(a, b, torch.ones(2))",
    "gaussian_nll_loss(torch.ones(2), b, a)",
]

LAYERS = [
    "Conv1d(3, 2, 1)",
    "Conv1d(3, 2, 3)",
    "Conv2d(3, 2, 2)",
    "ConvTranspose1d(3, 2, 1)",
    "ConvTranspose1d(3, 2, 1, padding=1)",
    "ConvTranspose2d(3, 2, 2)",
    "ConvTranspose2d(3, 2, 3, padding=2)",
    "MaxPool1d(2)",
    "MaxPool2d(1)",
    "AvgPool1d(1)",
    "AvgPool2d(2)",
    "AdaptiveAvgPool1d(2)",
    "AdaptiveAvgPool2d(2)",
    "AdaptiveMaxPool1d(2)",
    "AdaptiveMaxPool2d(0)",
    "InstanceNorm1d(3)",
    "InstanceNorm2d(3)",
    "GroupNorm(3, 3)",
    "GroupNorm(1, 3)",
    "LayerNorm(1)",
    "LayerNorm(4)",
    "RMSNorm(1)",
    "LocalResponseNorm(2)",
    "Linear(4, 2)",
    "Linear(0, 2)",
    "ZeroPad2d(1)",
    "ReflectionPad2d(1)",
    "ReplicationPad2d(1)",
    "ReflectionPad1d(1)",
    "ReplicationPad1d(1)",
    "Softmax(0)",
    "GLU()",
    "Dropout2d(0.0)",
    "Softmax2d()",
    "PReLU(3)",
]

SHAPES = [
    (0,),
    (1,),
    (0, 3),
    (2, 0),
    (2, 3),
    (2, 3, 0),
    (0, 3, 4),
    (2, 0, 4),
    (3, 0, 4),
    (0, 4, 4),
    (1, 1, 1),
    (1, 3, 1),
    (2, 3, 1),
    (1, 3, 1, 1),
    (2, 3, 4, 4),
    (0, 3, 4, 4),
    (2, 0, 4, 4),
    (2, 3, 0, 4),
    (2, 3, 4, 0),
]

# Where we do something else, and why; patterns of "layer | shape".
KNOWN = {
    r"ConvTranspose.*padding=2.* \| \(0, 3, 4, 4\)": "an empty output, which is mostly refused there, too",
}

PARAMETERS = [
    ("Linear(4, 3)", ["(2, 4)"]),
    ("Linear(1, 3)", ["(2, 1)"]),
    ("Bilinear(4, 4, 3)", ["(2, 4)", "(2, 4)"]),
    ("Conv1d(3, 2, 2)", ["(2, 3, 5)"]),
    ("Conv2d(3, 2, 2)", ["(2, 3, 5, 5)"]),
    ("ConvTranspose1d(3, 2, 2)", ["(2, 3, 5)"]),
    ("ConvTranspose2d(3, 2, 2)", ["(2, 3, 5, 5)"]),
    ("BatchNorm1d(3)", ["(2, 3, 4)"]),
    ("InstanceNorm2d(3, affine=True)", ["(2, 3, 4, 4)"]),
    ("LayerNorm((3, 4))", ["(2, 3, 4)"]),
    ("RMSNorm(4)", ["(2, 4)"]),
    ("GroupNorm(3, 3)", ["(2, 3, 4)"]),
    ("PReLU(3)", ["(2, 3, 4)"]),
    ("PReLU()", ["(2, 3, 4)"]),
]

# A bias that happens to broadcast, and a weight of BatchNorm with the right number of elements.
TAKEN_BY_PYTORCH = {"Linear": "bias", "BatchNorm1d": "(weight|bias)"}


def kind(result):
    return "refused" if result[0] == "error" else result


def of_a_shape(result):
    """Return an outcome without numbers: layers begin with random weights."""
    if result[0] == "error":
        return "refused"
    return tuple(result[1].shape), str(result[1].dtype)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_unusual_numbers(loss):
    torch = pytest.importorskip("torch")
    for a, b in itertools.product(NUMBERS, NUMBERS):
        call = loss
        for name, numbers in (("a", a), ("b", b)):
            tensor = f"torch.tensor({numbers})".replace("nan", "math.nan").replace("inf", "math.inf")
            call = re.sub(rf"\b{name}\b", tensor, call)
        expression = f"torch.nn.functional.{call}"
        ours, theirs = kind(outcome(expression, tinygrad_edu)), kind(outcome(expression, torch))
        close = ours == theirs or abs(number(ours) - number(theirs)) < 1e-6
        assert agree(ours, theirs) or close, f"{expression}\n  here:    {ours}\n  PyTorch: {theirs}"


def number(result):
    return result[1][3] if result[0] == "value" else float("nan")


def result_of(library, layer, *shapes, **parameters):
    """Return ("value", output) of a layer for ones, or ("error", the error)."""
    try:
        module = eval(f"nn.{layer}", {"nn": library.nn})
        for name, shape in parameters.items():
            getattr(module, name).data = library.ones(shape)
        return "value", module(*[library.ones(shape) for shape in shapes])
    except Exception as error:
        return "error", error


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layer", LAYERS)
def test_empty_inputs_and_single_values(layer):
    torch = pytest.importorskip("torch")
    for shape in SHAPES:
        if any(re.search(pattern, f"{layer} | {shape}") for pattern in KNOWN):
            continue
        ours, theirs = result_of(tinygrad_edu, layer, shape), result_of(torch, layer, shape)
        assert of_a_shape(ours) == of_a_shape(theirs), f"{layer} {shape}\n{ours}\n{theirs}"


def shapes_near(shape):
    """Return shapes that are not quite this one."""
    s = tuple(shape)
    longer, shorter = {(*s, 1), (1, *s), (*s, 2), (2, *s)}, {s[:-1], s[1:], (), (1,)}
    other = {(*s[:-1], s[-1] + 1), (s[0] + 1, *s[1:]), s[::-1]}
    return sorted(longer | shorter | other)


@pytest.mark.parametrize(("layer", "inputs"), PARAMETERS)
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_parameters_of_another_shape(layer, inputs, name):
    torch = pytest.importorskip("torch")
    parameter = getattr(eval(f"nn.{layer}", {"nn": tinygrad_edu.nn}), name, None)
    for shape in [] if parameter is None else shapes_near(parameter.shape):
        given = [eval(size) for size in inputs]
        ours = result_of(tinygrad_edu, layer, *given, **{name: shape})
        theirs = result_of(torch, layer, *given, **{name: shape})
        if theirs[0] == "value" and re.match(TAKEN_BY_PYTORCH.get(layer.partition("(")[0], "$"), name):
            continue
        assert of_a_shape(ours) == of_a_shape(theirs), f"{layer} {name} {shape}\n{ours}\n{theirs}"


GEOMETRIES = list(itertools.product([1, 2, 3], [0, 1], [-1, 0, 1, 2], [1, 2, 3], [1, 2, 3]))


@pytest.mark.parametrize("dims", [1, 2])
def test_every_output_padding_of_a_transposed_convolution(dims):
    """Of kernels of 1 to 3, padding, stride and dilation: numbers and gradients, or an error in both."""
    torch = pytest.importorskip("torch")
    name = f"conv_transpose{dims}d"
    for k, padding, extra, stride, dilation in GEOMETRIES:
        found = []
        for library in (tinygrad_edu, torch):
            x = library.arange(1.0, 7).reshape(1, 2, 3, *[1] * (dims - 1)).requires_grad_()
            w = library.arange(2.0 * k**dims).reshape(2, 1, *[k] * dims).requires_grad_()
            try:
                y = getattr(library.nn.functional, name)(x, w, None, stride, padding, extra, 1, dilation)
            except RuntimeError:
                y = library.empty(0)
            if not y.numel():  # PyTorch mostly refuses an empty output, too
                found.append("refused")
                continue
            (y * library.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
            found.append([y.tolist(), x.grad.tolist(), w.grad.tolist()])
        assert found[0] == found[1], (k, padding, extra, stride, dilation)


def test_no_gradient_goes_through_a_count():
    x = tinygrad_edu.tensor([[0.0, 3.0], [float("nan"), 0.0]], requires_grad=True)
    counts = x.norm(0, dim=1)
    assert counts.tolist() == [1.0, 1.0]
    counts.sum().backward()
    assert x.grad is None  # as in PyTorch
