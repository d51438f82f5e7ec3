from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.names import listed
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer
from tinygrad_edu import nn

rng = np.random.default_rng(5)
SCORES = rng.standard_normal((6, 4)).astype(np.float32)
VALUES = pytest.mark.host("checks of values")
CLASSES = np.array([0, 3, 1, 1, 2, 0])
IGNORING = np.array([0, -100, 1, 1, -100, 0])
PROBABILITIES = np.exp(SCORES) / np.exp(SCORES).sum(1, keepdims=True)
LOG_PROBABILITIES = np.log(PROBABILITIES)
WEIGHT = np.array([0.2, 1.5, 0.7, 2.0], np.float32)
IMAGE_CLASSES = rng.integers(0, 4, (2, 3, 5))
SIGNS = np.array([1, -1, 1, -1, -1, 1], np.float32)
BITS = rng.integers(0, 2, (6, 4)).astype(np.float32)
COUNTS = rng.integers(0, 9, (6, 4)).astype(np.float32)
VARIANCES = rng.uniform(0.2, 2.0, (6, 4)).astype(np.float32)
PAIR = [(6, 4), (6, 4)]
THREE = [(6, 4), (6, 4), (6, 4)]


RIGHT_CLASSES = np.array(
    [[1, 3, -1, 0], [2, -1, 2, 2], [-1, 0, 1, 2], [0, 1, 2, 3], [3, 3, -1, 1], [1, 0, 2, -1]]
)


LOSSES = [
    ("MultiMarginLoss", {}, [SCORES, CLASSES]),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": WEIGHT}, [SCORES, CLASSES]),
    ("MultiLabelMarginLoss", {}, [SCORES, RIGHT_CLASSES]),
    ("MultiLabelSoftMarginLoss", {}, [SCORES, BITS]),
    ("MultiLabelSoftMarginLoss", {"weight": WEIGHT}, [SCORES, BITS]),
    ("TripletMarginWithDistanceLoss", {}, THREE),
    ("TripletMarginWithDistanceLoss", {"margin": 0.5, "swap": True}, THREE),
    ("MSELoss", {}, PAIR),
    ("L1Loss", {}, PAIR),
    ("SmoothL1Loss", {}, PAIR),
    ("SmoothL1Loss", {"beta": 0.3}, PAIR),
    ("SmoothL1Loss", {"beta": 0}, PAIR),
    ("HuberLoss", {}, PAIR),
    ("HuberLoss", {"delta": 0.4}, PAIR),
    ("CrossEntropyLoss", {}, [SCORES, CLASSES]),
    ("CrossEntropyLoss", {}, [SCORES[0], np.array(2)]),
    ("CrossEntropyLoss", {}, [(2, 4, 3, 5), IMAGE_CLASSES]),
    ("CrossEntropyLoss", {"weight": WEIGHT}, [SCORES, CLASSES]),
    ("CrossEntropyLoss", {"weight": WEIGHT, "label_smoothing": 0.1}, [SCORES, CLASSES]),
    ("CrossEntropyLoss", {}, [SCORES, IGNORING]),
    ("CrossEntropyLoss", {"ignore_index": 1, "label_smoothing": 0.2}, [SCORES, CLASSES]),
    ("CrossEntropyLoss", {}, [SCORES, PROBABILITIES]),
    ("CrossEntropyLoss", {"weight": WEIGHT, "label_smoothing": 0.1}, [SCORES, PROBABILITIES]),
    ("NLLLoss", {}, [LOG_PROBABILITIES, CLASSES]),
    ("NLLLoss", {"weight": WEIGHT}, [LOG_PROBABILITIES, CLASSES]),
    ("NLLLoss", {"ignore_index": 1}, [LOG_PROBABILITIES, CLASSES]),
    ("NLLLoss", {}, [(2, 4, 3, 5), IMAGE_CLASSES]),
    ("BCELoss", {}, [PROBABILITIES, BITS]),
    ("BCELoss", {"weight": WEIGHT}, [PROBABILITIES, BITS]),
    ("BCELoss", {}, [np.array([0.0, 1.0, 0.0, 1.0], np.float32), np.array([0.0, 1.0, 1.0, 0.0], np.float32)]),
    ("BCEWithLogitsLoss", {}, [SCORES, BITS]),
    ("BCEWithLogitsLoss", {}, [90 * SCORES, BITS]),
    ("BCEWithLogitsLoss", {"weight": WEIGHT, "pos_weight": WEIGHT}, [SCORES, BITS]),
    ("KLDivLoss", {}, [LOG_PROBABILITIES, PROBABILITIES[::-1].copy()]),
    ("KLDivLoss", {"log_target": True}, [LOG_PROBABILITIES, LOG_PROBABILITIES[::-1].copy()]),
    ("PoissonNLLLoss", {}, [SCORES, COUNTS]),
    ("PoissonNLLLoss", {"log_input": False, "full": True}, [PROBABILITIES, COUNTS]),
    ("GaussianNLLLoss", {}, [SCORES, COUNTS, VARIANCES]),
    ("GaussianNLLLoss", {"full": True, "eps": 0.1}, [SCORES, COUNTS, VARIANCES]),
    ("GaussianNLLLoss", {}, [SCORES, COUNTS, VARIANCES[:, :1].copy()]),
    ("GaussianNLLLoss", {}, [SCORES, COUNTS, VARIANCES[:, 0].copy()]),
    ("HingeEmbeddingLoss", {"margin": 0.6}, [SCORES[:, 0].copy(), SIGNS]),
    ("MarginRankingLoss", {}, [(6,), (6,), SIGNS]),
    ("MarginRankingLoss", {"margin": 0.6}, [(6,), (6,), SIGNS]),
    ("SoftMarginLoss", {}, [(6,), SIGNS.astype(np.int64)]),
    ("CosineEmbeddingLoss", {}, [(6, 4), (6, 4), SIGNS]),
    ("CosineEmbeddingLoss", {"margin": 0.3}, [(6, 4), (6, 4), SIGNS]),
    ("TripletMarginLoss", {}, THREE),
    ("TripletMarginLoss", {"margin": 0.5, "p": 1.0, "swap": True}, THREE),
]
INTEGER_OR_CONSTANT_TARGETS = {
    "BCELoss",
    "BCEWithLogitsLoss",
    "PoissonNLLLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "SoftMarginLoss",
    "CosineEmbeddingLoss",
}


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "kwargs", "arrays"), LOSSES)
def test_parity(reference, name, kwargs, arrays, reduction):
    kwargs = {**kwargs, "reduction": reduction}
    assert_layer_parity(reference, name, (), kwargs, arrays, rtol=1e-4, atol=1e-5)


WITH_FLAGS = sorted(
    {name for name, _, _ in LOSSES} - {"HuberLoss", "GaussianNLLLoss", "TripletMarginWithDistanceLoss"}
)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize(
    "flags", [(None, None), (True, None), (False, True), (False, None), (None, False), (True, False)]
)
@pytest.mark.parametrize("name", WITH_FLAGS)
def test_deprecated_flags(name, flags):
    average, reduce = (flag is not False for flag in flags)
    reduction = ("mean" if average else "sum") if reduce else "none"
    arrays = next(make_inputs(arrays, np.float32) for loss, _, arrays in LOSSES if loss == name)
    tensors = [torch.tensor(x) for x in arrays]
    expected = getattr(nn, name)(reduction=reduction)(*tensors)
    if flags == (None, None):
        layer = getattr(nn, name)(size_average=None, reduce=None)
    else:
        with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
            layer = getattr(nn, name)(size_average=flags[0], reduce=flags[1])
    assert layer.reduction == reduction
    assert torch.allclose(layer(*tensors), expected)


PLAIN = {
    "binary_cross_entropy": "bce",
    "binary_cross_entropy_with_logits": "bcewithlogits",
    "cross_entropy": "crossentropy",
    "kl_div": "kldiv",
}
FUNCTIONS_WITH_FLAGS = [
    name for name in listed(F) if "reduce" in inspect.signature(getattr(F, name)).parameters
]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize("name", FUNCTIONS_WITH_FLAGS)
def test_deprecated_flags_of_functions(name):
    function = getattr(F, name)
    layer = next(
        n
        for n in WITH_FLAGS
        if n.removesuffix("Loss").lower() == PLAIN.get(name, name.replace("_", "").removesuffix("loss"))
    )
    arrays = next(make_inputs(arrays, np.float32) for loss, _, arrays in LOSSES if loss == layer)
    tensors = [torch.tensor(x) for x in arrays]
    with pytest.warns(UserWarning, match="please use reduction='none' instead"):
        found = function(*tensors, reduce=False, reduction="sum")
    assert torch.allclose(found, function(*tensors, reduction="none"))
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        found = function(*tensors, size_average=False)
    assert torch.allclose(found, function(*tensors, reduction="sum"))


@pytest.mark.torch_parity
def test_kl_divergence_of_a_batch(reference):
    arrays = [LOG_PROBABILITIES, PROBABILITIES[::-1].copy()]
    assert_layer_parity(reference, "KLDivLoss", (), {"reduction": "batchmean"}, arrays)


@pytest.mark.torch_parity
def test_gaussian_with_small_variances(reference):
    arrays = [SCORES, COUNTS, VARIANCES]  # those below eps count as eps, but keep their gradient
    assert_layer_parity(reference, "GaussianNLLLoss", (), {"eps": 0.9}, arrays)


@pytest.mark.torch_parity
def test_gaussian_with_one_variance_for_all(reference):
    found = torch.nn.GaussianNLLLoss()(torch.tensor(SCORES), torch.tensor(COUNTS), 0.5)
    expected = reference.nn.GaussianNLLLoss()(reference.tensor(SCORES), reference.tensor(COUNTS), 0.5)
    assert found.item() == pytest.approx(expected.item())


@pytest.mark.gradcheck
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize(("name", "kwargs", "arrays"), LOSSES)
def test_gradcheck(name, kwargs, arrays):
    inputs = [np.array(x, np.float64) if x.dtype.kind == "f" else x for x in make_inputs(arrays, np.float64)]
    if name in INTEGER_OR_CONSTANT_TARGETS:
        layer = make_layer(torch, name, (), kwargs).double()
        target = torch.tensor(inputs[-1])
        function = lambda *tensors: layer(*tensors[: len(inputs) - 1], target)  # noqa: E731
        if name == "BCELoss":
            inputs[0] = np.clip(inputs[0], 0.1, 0.9)
        tensors = tuple(torch.tensor(x, requires_grad=True) for x in inputs[:-1])
        assert torch.autograd.gradcheck(function, tensors, atol=1e-6)
    else:
        assert_gradcheck(make_layer(torch, name, (), kwargs), *inputs)


def test_a_uniform_guess_costs_ln_of_the_number_of_classes():
    assert nn.CrossEntropyLoss()(torch.zeros(3, 10), torch.tensor([1, 2, 3])).item() == pytest.approx(
        np.log(10)
    )
    assert nn.BCEWithLogitsLoss()(torch.zeros(3), torch.ones(3)).item() == pytest.approx(np.log(2))


def test_weights_are_buffers():
    loss = nn.CrossEntropyLoss(weight=torch.tensor(WEIGHT))
    assert list(loss.state_dict()) == ["weight"]
    assert list(loss.parameters()) == []
    assert loss.double().weight.dtype == torch.float64
    assert list(nn.BCEWithLogitsLoss(pos_weight=torch.tensor(WEIGHT)).state_dict()) == ["pos_weight"]


def test_losses_show_no_options():
    for name in WITH_FLAGS:
        assert repr(getattr(nn, name)()) == f"{name}()"


def test_different_sizes_warn():
    for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"):
        with pytest.warns(UserWarning, match="Using a target size") as caught:
            getattr(nn, name)()(torch.ones(3), torch.ones(3, 1))
        assert "torch.Size([3, 1])" in str(caught[0].message)
        assert "torch.Size([3])" in str(caught[0].message)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: nn.MSELoss(reduction="average"),
            ValueError,
            ["average is not a valid value for reduction", "none, mean, sum"],
        ),
        (lambda: nn.MSELoss(reduction="batchmean"), ValueError, ["batchmean"]),
        (lambda: nn.KLDivLoss(reduction="no"), ValueError, ["no is not a valid", "batchmean"]),
        pytest.param(
            lambda: nn.CrossEntropyLoss()(torch.zeros(2, 3), torch.tensor([0, 3])),
            IndexError,
            ["Target 3 is out of", "2"],
            marks=VALUES,
        ),
        (
            lambda: nn.CrossEntropyLoss()(torch.zeros(2, 3), torch.tensor([0, 1, 2])),
            ValueError,
            ["[2]", "[3]"],
        ),
        (
            lambda: nn.CrossEntropyLoss(torch.ones(2))(torch.zeros(2, 3), torch.tensor([0, 1])),
            RuntimeError,
            ["3", "[2]"],
        ),
        (lambda: nn.NLLLoss()(torch.zeros(2, 3), torch.tensor([0.0, 1.0])), RuntimeError, ["Long", "loat"]),
        pytest.param(
            lambda: nn.BCELoss()(torch.tensor([1.5]), torch.tensor([1.0])),
            RuntimeError,
            ["between 0 and 1", "1.5"],
            marks=VALUES,
        ),
        (lambda: nn.BCELoss()(torch.zeros(2), torch.zeros(2, 1)), ValueError, ["[2, 1]", "[2]"]),
        (lambda: nn.BCEWithLogitsLoss()(torch.zeros(2), torch.zeros(3)), ValueError, ["[3]", "[2]"]),
        (lambda: nn.HuberLoss(delta=0.0)(torch.zeros(2), torch.zeros(2)), RuntimeError, ["delta", "0.0"]),
        (lambda: nn.SmoothL1Loss(beta=-1.0)(torch.zeros(2), torch.zeros(2)), RuntimeError, ["beta", "-1.0"]),
        (lambda: nn.TripletMarginLoss(margin=0.0), ValueError, ["greater than 0", "0.0"]),
        (
            lambda: nn.CosineEmbeddingLoss()(torch.zeros(2, 3), torch.zeros(2, 4), torch.ones(2)),
            RuntimeError,
            ["[2, 4]"],
        ),
        (
            lambda: nn.GaussianNLLLoss()(torch.zeros(2), torch.zeros(2), torch.tensor([1.0, -2.0])),
            ValueError,
            ["-2.0"],
        ),
        (
            lambda: nn.GaussianNLLLoss()(torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(4)),
            ValueError,
            ["[2, 3]", "[4]"],
        ),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_ignored_row_leaves_no_trace_with_label_smoothing():
    """Even if one of its classes is impossible: infinity times zero would be NaN."""
    scores = torch.tensor([[0.0, -float("inf"), 1.0], [1.0, 2.0, 3.0]])
    loss = F.cross_entropy(scores, torch.tensor([-100, 1]), label_smoothing=0.1)
    assert loss.item() == pytest.approx(
        F.cross_entropy(scores[1:], torch.tensor([1]), label_smoothing=0.1).item()
    )


def test_the_mean_over_no_rows_of_probabilities_is_nan():
    assert F.cross_entropy(torch.zeros(0, 3), torch.zeros(0, 3)).isnan().item()


def test_ignore_index_beside_probabilities():
    with pytest.raises(RuntimeError, match="ignore_index is not supported for floating point target"):
        F.cross_entropy(torch.zeros(2, 3), torch.zeros(2, 3), ignore_index=1)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_second_derivative_of_cross_entropy(reduction):
    """The Hessian of a row is w (diag(p) - p p^T) over the divisor; of an ignored row 0, probabilities of 0 or not."""
    logits = torch.tensor([[1.0, 2.0, -1.0], [0.0, 1000.0, 0.0], [5.0, 0.0, 1.0]], dtype=torch.float64)
    logits.requires_grad_()
    target, weight = torch.tensor([2, 0, -100]), torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64)
    loss = F.cross_entropy(logits, target, weight, reduction=reduction)
    (gradient,) = torch.autograd.grad(loss, logits, create_graph=True)
    p = torch.softmax(logits.detach(), 1).cpu().numpy()
    divisor = 5.0 if reduction == "mean" else 1.0
    for i, row_weight in enumerate([2.0, 3.0, 0.0]):
        for j in range(3):
            (actual,) = torch.autograd.grad(gradient[i, j], logits, retain_graph=True)
            expected = np.zeros((3, 3))
            if row_weight:
                expected[i] = row_weight / divisor * (np.diag(p[i]) - np.outer(p[i], p[i]))[j]
            np.testing.assert_allclose(actual.cpu().numpy(), expected, atol=1e-15)


def test_second_derivative_where_all_rows_are_ignored():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, float("inf"), 0.0]], requires_grad=True)
    loss = F.cross_entropy(logits, torch.tensor([-100, -100]))
    (gradient,) = torch.autograd.grad(loss, logits, create_graph=True)
    assert gradient.tolist() == [[0.0] * 3] * 2
    (second,) = torch.autograd.grad(gradient[0].sum(), logits)
    assert second[0].tolist() == [0.0] * 3


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("wrong", [3, -1])
def test_a_class_that_there_is_not_gives_nan_where_nobody_looks(create_graph, wrong, monkeypatch):
    """On a GPU the host does not look at the targets."""
    module = sys.modules["tinygrad_edu.ops.nn.softmax"]
    monkeypatch.setattr(module, "is_on_host", lambda array: False)
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], requires_grad=True)
    for weight in (None, torch.ones(3)):
        loss = F.cross_entropy(logits, torch.tensor([0, wrong]), weight, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, logits, create_graph=create_graph)
        assert gradient.isnan().tolist() == [[False] * 3, [True] * 3]


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_weights_that_want_a_gradient(reduction):
    x, target, weight = torch.ones(2, 3), torch.tensor([0, 2]), torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="not differentiable with respect to argument 'weight'"):
        F.cross_entropy(x, target, weight, reduction=reduction)
    with torch.no_grad():
        F.cross_entropy(x, target, weight, reduction=reduction)


def test_scores_that_are_integers():
    with pytest.raises(NotImplementedError, match="expected scores of a floating-point dtype, got int64"):
        F.cross_entropy(torch.tensor([[1, 2]]), torch.tensor([0]))


@pytest.mark.parametrize(("name", "target"), [("cross_entropy", 0), ("cross_entropy", 0.5), ("nll_loss", 0)])
def test_a_single_number_has_no_classes(name, target):
    with pytest.raises(ValueError, match=f"{name}: Expected 1 or more dimensions"):
        getattr(F, name)(torch.tensor(1.0), torch.tensor(target))
