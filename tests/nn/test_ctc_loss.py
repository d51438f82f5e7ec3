"""Connectionist temporal classification against PyTorch; against all paths it is in tests/ops."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.nn.parity import assert_same, backward, numbers
from tinygrad_edu import nn

VALUES = pytest.mark.host("checks of values")
SCORES = np.random.default_rng(0).standard_normal((5, 3, 4))
WORDS = np.array([[1, 2, 2], [3, 1, 0], [1, -9, 77]])
STEPS, LETTERS = np.array([5, 4, 5]), np.array([3, 2, 1])
LONG = np.array([[1, 2, 2, 1, 2, 3]] * 3)
LOG_PROBS = SCORES - np.log(np.exp(SCORES).sum(2, keepdims=True))
IMPOSSIBLE = LOG_PROBS.copy()
IMPOSSIBLE[:, 0, 1] = -np.inf

CALLS = [
    (SCORES, WORDS, STEPS, LETTERS, {}),
    (SCORES, WORDS, (5, 4, 5), [3, 2, 1], {}),
    (SCORES, np.array([1, 2, 2, 3, 1, 1]), STEPS, LETTERS, {}),
    (SCORES, WORDS.astype(np.int32), STEPS.astype(np.int32), LETTERS.astype(np.int32), {}),
    (SCORES, WORDS, STEPS, LETTERS, {"blank": 3}),
    (SCORES, np.array([[1, 0, 2], [0, 3, 3], [1, 1, 1]]), STEPS, LETTERS, {}),  # a blank in a word
    (SCORES, WORDS, STEPS, np.array([0, 1, 0]), {}),
    (SCORES, np.zeros(0, np.int64), STEPS, np.array([0, 0, 0]), {}),
    (SCORES, np.zeros((3, 0), np.int64), STEPS, np.array([0, 0, 0]), {}),
    (SCORES, LONG, STEPS, np.array([6, 5, 2]), {}),
    (SCORES, LONG, STEPS, np.array([6, 5, 2]), {"zero_infinity": True}),
    (SCORES, np.array([[1, 1, 1]] * 3), np.array([5, 4, 3]), np.array([3, 3, 3]), {"zero_infinity": True}),
    (SCORES, WORDS, np.array([0, 0, 3]), np.array([0, 1, 1]), {}),
    (SCORES, WORDS, np.array([0, 0, 3]), np.array([0, 1, 1]), {"zero_infinity": True}),
    (SCORES[:1], LONG, np.array([1, 1, 1]), np.array([1, 0, 2]), {}),
    (SCORES[:, :, :1], WORDS * 0, STEPS, LETTERS * 0, {}),
    (SCORES[:, 0], WORDS[0], np.array(5), np.array(3), {}),
    (SCORES[:, 0], WORDS[:1], (4,), (2,), {}),
    (SCORES[:, 0], WORDS[0, :2], np.array([4]), np.array([2]), {"blank": 3}),
    (np.random.default_rng(1).standard_normal((60, 4, 7)), np.random.default_rng(2).integers(1, 7, (4, 12)),
     np.array([60, 31, 24, 7]), np.array([12, 12, 5, 2]), {}),
]  # fmt: skip


def run(library, scores, words, steps, letters, options, soft=True):
    """Return the loss, and the gradients of the scores and of their logarithms."""
    x = library.tensor(scores, requires_grad=True)
    log_probs = x.log_softmax(-1) if soft else x * 1
    log_probs.retain_grad()
    lengths = [library.tensor(n) if isinstance(n, np.ndarray) else n for n in (steps, letters)]
    loss = library.nn.functional.ctc_loss(log_probs, library.tensor(words), *lengths, **options)
    backward(library, loss)
    return {name: numbers(t) for name, t in {"loss": loss, "of ln y": log_probs.grad, "grad": x.grad}.items()}


@pytest.mark.torch_parity
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("scores", "words", "steps", "letters", "options"), CALLS)
def test_parity(reference, scores, words, steps, letters, options, reduction):
    call = scores, words, steps, letters, {**options, "reduction": reduction}
    assert_same(run(torch, *call), run(reference, *call), rtol=1e-9, atol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize("scores", [SCORES, SCORES.astype(np.float32), IMPOSSIBLE])
def test_what_is_no_logarithm_of_probabilities_and_what_is_impossible(reference, scores):
    options = {"reduction": "sum", "zero_infinity": True}
    call = scores, WORDS, STEPS, LETTERS, options
    found, expected = (run(library, *call, soft=False) for library in (torch, reference))
    rtol = 1e-4 if scores.dtype == np.float32 else 1e-9
    assert_same(found, expected, rtol=rtol, atol=1e-12)


def test_a_class_that_is_never_said_gets_no_gradient():
    """In PyTorch, NaN."""
    scores = LOG_PROBS.copy()
    scores[:, :, 3] = -np.inf
    found = run(torch, scores, WORDS[:1].repeat(3, 0), STEPS, LETTERS, {}, soft=False)
    assert np.isfinite(found["loss"])
    assert (found["of ln y"][:, :, 3] == 0).all()
    assert np.isfinite(found["of ln y"]).all()


def test_hundreds_of_steps_do_not_vanish():
    """One word of one letter, all classes as likely: 400 * 401 / 2 of 10**400 paths spell it."""
    log_probs = torch.full((400, 1, 10), 0.1, dtype=torch.float64).log()
    loss = F.ctc_loss(log_probs, torch.tensor([[4]]), (400,), (1,))
    assert loss.item() == pytest.approx(400 * np.log(10) - np.log(400 * 401 / 2), rel=1e-12)


def test_the_gradient_of_float32_has_most_of_its_digits():
    """Logarithms near -100 have few digits behind the point; they are taken off again before anything is a share."""
    rng = np.random.default_rng(0)
    scores, words = 3 * rng.standard_normal((50, 3, 15)), rng.integers(1, 15, (3, 30))
    options = {"reduction": "sum"}
    exact = run(torch, scores, words, (50, 50, 50), (30, 25, 20), options)["of ln y"]
    found = run(torch, scores.astype(np.float32), words, (50, 50, 50), (30, 25, 20), options)["of ln y"]
    assert abs(found - exact).max() < 1.5e-5
    assert abs(found.sum(2)).max() < 2e-6


def test_the_gradient_of_the_scores_is_the_derivative():
    def call(scores):
        return F.ctc_loss(scores.log_softmax(2), torch.tensor(WORDS), tuple(STEPS.tolist()), (3, 2, 1))

    assert torch.autograd.gradcheck(call, torch.tensor(SCORES, requires_grad=True))


def test_there_is_no_second_derivative():
    x = torch.tensor(SCORES, requires_grad=True)
    loss = F.ctc_loss(x.log_softmax(2), torch.tensor(WORDS), (5, 4, 5), (3, 2, 1))
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="not implemented"):
        gradient.sum().backward()


@pytest.mark.torch_parity
def test_the_layer_is_pytorchs(reference):
    for options in ({}, {"blank": 2, "reduction": "none", "zero_infinity": True}):
        found = []
        for library in (torch, reference):
            layer = library.nn.CTCLoss(**options)
            lengths = library.tensor(STEPS), library.tensor(LETTERS)
            loss = layer(library.tensor(LOG_PROBS), library.tensor(WORDS), *lengths)
            found.append(
                (repr(layer), list(layer.state_dict()), layer.blank, layer.zero_infinity, numbers(loss))
            )
        assert found[0][:4] == found[1][:4]
        np.testing.assert_allclose(found[0][4], found[1][4], rtol=1e-9)


def ctc(scores=LOG_PROBS, words=WORDS, steps=STEPS, letters=LETTERS, **options):
    """Return a call; the tensors are made when it runs, on the device that is the default then."""

    def call():
        values = [
            torch.tensor(x) if isinstance(x, np.ndarray) else x for x in (scores, words, steps, letters)
        ]
        return F.ctc_loss(*values, **options)

    return call


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (ctc(blank=4), RuntimeError, ["blank", "0 to 3", "4"]),
        (ctc(blank=-1), RuntimeError, ["blank", "-1"]),
        (ctc(blank=1.0), TypeError, ["blank", "int"]),
        (ctc(reduction="all"), ValueError, ["all", "none, mean, sum"]),
        (ctc(zero_infinity=1), TypeError, ["zero_infinity", "bool"]),
        (ctc(LOG_PROBS[0, 0]), RuntimeError, ["(t, n, classes)", "[4]"]),
        (ctc(LOG_PROBS[None]), RuntimeError, ["(t, n, classes)", "[1, 5, 3, 4]"]),
        (ctc(LOG_PROBS[:0], steps=STEPS * 0), RuntimeError, ["empty", "[0, 3, 4]"]),
        (ctc(LOG_PROBS.astype(np.int64)), NotImplementedError, ["floating-point", "int64"]),
        (ctc(words=WORDS[:2]), RuntimeError, ["3 sequences", "[2, 3]"]),
        (ctc(words=WORDS[None]), RuntimeError, ["1 to 2 dimensions", "[1, 3, 3]"]),
        (ctc(words=np.array([1, 2])), RuntimeError, ["6 letters", "[2]"]),
        (ctc(words=[1, 2]), TypeError, ["targets", "Tensor"]),
        (ctc(steps=np.array([6, 4, 5])), RuntimeError, ["at most 5", "6"]),
        (ctc(steps=np.array([-1, 4, 5])), RuntimeError, ["input_lengths", "-1"]),
        (ctc(steps=np.array([4, 5])), RuntimeError, ["batch_size, 3", "2"]),
        (ctc(steps=STEPS * 1.0), RuntimeError, ["integral", "float64"]),
        (ctc(steps=(5, 4, 5)), TypeError, ["both", "tuple"]),
        (ctc(steps=(5.0, 4, 5), letters=(3, 2, 1)), TypeError, ["input_lengths", "float"]),
        (ctc(letters=np.array([4, 2, 1])), RuntimeError, ["at least 4", "[3, 3]"]),
        (ctc(letters=np.array([-1, 2, 1])), RuntimeError, ["target_lengths", "-1"]),
        pytest.param(ctc(words=WORDS + 2), IndexError, ["Target 5", "0 to 3"], marks=VALUES),
        pytest.param(ctc(words=WORDS - 2), IndexError, ["Target -1", "0 to 3"], marks=VALUES),
        (lambda: nn.CTCLoss(reduction="all"), ValueError, ["all", "none, mean, sum"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
