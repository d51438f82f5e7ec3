"""What the stepper says about a step is true: sentences of small programs, and the arithmetic in all of them."""

from __future__ import annotations

import math
import re

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.ops.op_table import DIFFERENTIABLE, prepare
from tests.ops.samples import flatten
from tinygrad_edu import learn, nn

pytestmark = pytest.mark.host("tapes are read on the host")


def leaf(x):
    return torch.tensor(x, requires_grad=True)


def told(program, *leaves):
    """Return the sentences of a program's forward and backward."""
    with learn.record() as tape:
        program(*leaves).backward()
    return [learn.sentence(step) for step in tape.forward], [learn.sentence(step) for step in tape.backward]


def without_beginning(text):
    return text.removeprefix(
        "Here the backward begins, with 1.0: the derivative of the loss with respect to itself. "
    )


def test_a_closed_relu():
    w = leaf(-5.0)
    with learn.record() as tape:
        torch.relu(w).backward()
    assert learn.sentence(tape.forward[0]) == "This ReLU is closed: its input is -5.0, so 0.0 comes out."
    assert without_beginning(learn.sentence(tape.backward[0])) == (
        "This ReLU is closed: its input was -5.0, so nothing reaches w."
    )
    assert learn.sentence(tape.backward[1]) == "w.grad was empty, and is 0.0 now."


def test_an_open_relu():
    w = leaf(3.0)
    with learn.record() as tape:
        torch.relu(w).backward()
    assert learn.sentence(tape.forward[0]) == "This ReLU is open: its input 3.0 goes through as it is."
    assert "its input was 3.0, so the gradient 1.0 goes through to w." in learn.sentence(tape.backward[0])


def test_relus_are_counted():
    x = leaf([-1.0, 2.0, 3.0, -4.0, 5.0, 6.0, 7.0, 8.0])
    forward, backward = told(lambda: torch.relu(x).sum())
    assert forward[0] == "2 of 8 (25 %) ReLUs are closed: their inputs are not positive."
    assert (
        backward[1]
        == "2 of 8 (25 %) ReLUs are closed, where nothing passes; the others pass the gradient on as it is."
    )


def test_the_product_rule():
    a, b = leaf(0.5), leaf(3.0)
    with learn.record() as tape:
        (a * b).backward()
    assert learn.sentence(tape.forward[0]) == "Mul: 0.50 × 3.0 = 1.50."
    assert without_beginning(learn.sentence(tape.backward[0])) == (
        "The product rule: the gradient of a is g times b: 1.0 × 3.0 = 3.0; "
        "the gradient of b is g times a: 1.0 × 0.50 = 0.50."
    )


def test_accumulation_is_written_out():
    w = leaf(2.0)
    w.grad = torch.tensor(0.3)
    with learn.record() as tape:
        (w * 0.12).backward()
    assert learn.sentence(tape.backward[-1]) == "w.grad: 0.30 + 0.12 = 0.42."


def test_two_ways_to_one_weight():
    w = leaf(3.0)
    with learn.record() as tape:
        (w * 2.0 + w * 4.0).backward()
    assert learn.sentence(tape.backward[-1]) == (
        "2 gradients meet here and are added: 4.0 + 2.0 = 6.0. w.grad was empty, and is 6.0 now."
    )


def test_broadcasting():
    x, bias = leaf([[1.0, 2.0, 3.0]] * 4), leaf([1.0, 2.0, 3.0])
    with learn.record() as tape:
        (x + bias).sum().backward()
    assert "There bias of shape (3,) was stretched to (4, 3)." in learn.sentence(tape.forward[0])
    assert learn.sentence(tape.backward[1]) == (
        "A sum hands the gradient on as it is: x and bias each get all of it. "
        "That of bias is summed over axis 0, because (3,) was stretched to (4, 3)."
    )


def logits_loss(reduction="mean"):
    scores = leaf([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]])
    return lambda: F.cross_entropy(scores, torch.tensor([1, 2]), reduction=reduction)


def linear():
    weight, bias = leaf([[1.0, 2.0]]), leaf([0.5])
    return F.linear(torch.ones(4, 2), weight, bias).sum()


def embedding():
    weight = leaf([[1.0], [2.0], [3.0]])
    return F.embedding(torch.tensor([2, 0, 2]), weight).sum()


X = [-8.0, 0.5, 8.0, 1.0, 2.0]

# program, what is said of a step of the forward (its number), and of a step of the backward
SENTENCES = {
    "sigmoid": (
        lambda: torch.sigmoid(leaf(8.0)),
        (0, "Sigmoid of 8.0 is 0.9997, where the curve is nearly flat: it is saturated."),
        (0, "Sigmoid is saturated: at 8.0 its slope is only 0.0003352, so next to nothing passes."),
    ),
    "a steep sigmoid": (
        lambda: torch.sigmoid(leaf(0.0)),
        (0, "Sigmoid of 0.0 is 0.50."),
        (0, "The slope of sigmoid is out (1 - out) = 0.25 here: 1.0 × 0.25 = 0.25."),
    ),
    "sigmoids": (
        lambda: torch.sigmoid(leaf(X)).sum(),
        (0, "2 of 5 (40 %) are saturated, where the curve is nearly flat."),
        (1, "2 of 5 (40 %) are saturated: the slope of sigmoid is below 0.01 there, and next to nothing passes."),
    ),
    "tanh": (lambda: torch.tanh(leaf(5.0)), (0, "it is saturated."), (0, "Tanh is saturated: at 5.0 its slope")),
    "max": (
        lambda: leaf(X).max(),
        (0, "The largest of 5 numbers is 8.0."),
        (0, "Only the largest, 8.0 at position 2, gets the gradient; the other 4 get 0."),
    ),
    "equal": (lambda: leaf([1.0, 1.0]).amax(), (0, ""), (0, "2 numbers are equally the largest: they share")),
    "pooling": (
        lambda: F.max_pool2d(leaf([[[[1.0, 2.0], [3.0, 4.0]]]]), 2).sum(),
        (0, "Of every window the largest number was taken: (1, 1, 2, 2) -> (1, 1, 1, 1)."),
        (-2, "Only the winner of each window gets the gradient: at most 1 of 4."),
    ),
    "mean": (
        lambda: leaf(X).mean(),
        (0, "5 numbers were averaged: the mean is 0.70."),
        (0, "Each of the 5 numbers in a mean gets 1/5 of its gradient: 1.0 / 5 = 0.20."),
    ),
    "matrices": (
        lambda: (leaf([[1.0, 2.0]]) @ leaf([[3.0], [4.0]])).sum(),
        (0, "(1, 2) @ (2, 1) -> (1, 1): the result is a sum of 2 products = 11.0."),
        (-3, "To a goes g @ b^T: (1, 1) @ (1, 2) -> (1, 2); to b goes a^T @ g: (2, 1) @ (1, 1) -> (2, 1)."),
    ),
    "linear": (
        linear,
        (0, "(4, 2) @ (1, 2)^T -> (4, 1): each of the 4 numbers is a sum of 2 products, plus a bias."),
        (1, "To weight goes g^T @ x: (1, 4) @ (4, 2) -> (1, 2); to bias goes the sum of g over 4 rows."),
    ),
    "view": (
        lambda: leaf(X).view(5, 1).sum(),
        (0, "Another shape, (5,) -> (5, 1): a view of the same memory, nothing is computed."),
        (1, "The gradient only moves back to where the numbers were, (5, 1) -> (5,)."),
    ),
    "a part": (lambda: leaf(X)[1:3].sum(), (0, "A part, (5,) -> (2,)"), (1, "(2,) -> (5,); what was not taken gets 0")),
    "split": (
        lambda: leaf(X).split(2)[0].sum(),
        (0, "(5,) was taken apart along axis 0 into 3 pieces: views of the same memory, nothing is computed."),
        (1, "The gradients of the pieces are put together again; 2 pieces that nobody used count as 0."),
    ),
    "expand": (
        lambda: leaf([1.0, 2.0]).expand(3, 2).sum(),
        (0, "(2,) was stretched to (3, 2): every number is seen 3 times."),
        (1, "The gradients of all copies are summed over axis 0, because (2,) was stretched to (3, 2)."),
    ),
    "cross-entropy": (
        logits_loss(),
        (0, "In row 0, the probability of the right class 1 is 0.6285, and -ln 0.6285 = 0.4644; the mean over"),
        (0, "p - onehot, divided by the number of rows, 2. In row 0, the right class 1 gets -0.1857"),
    ),
    "no mean": (logits_loss("sum"), (0, "the sum over 2 rows is"), (0, "In row 0, the right class 1 gets -0.3715")),
    "embedding": (
        embedding,
        (0, "3 rows of 3 looked up, numbers 2, 0, 2."),
        (1, "Only the 2 rows that were looked up, of 3, get a gradient; 1 of them several times"),
    ),
    "power": (
        lambda: leaf(3.0) ** 2,
        (0, "Pow: 3.0^2.0 = 9.0."),
        (0, "The gradient of a is g * b * a^(b - 1): 1.0 × 2.0 × 3.0^(2.0 - 1) = 6.0."),
    ),
    "division": (
        lambda: leaf(1.0) / leaf(4.0),
        (0, "Div: 1.0 / 4.0 = 0.25."),
        (0, "is g / b: 1.0 / 4.0 = 0.25; the gradient of b is -g * a / b^2: -1.0 × 1.0 / 4.0^2 = -0.0625."),
    ),
    "difference": (
        lambda: leaf(1.0) - leaf(4.0),
        (0, "Sub: 1.0 - 4.0 = -3.0."),
        (0, "A difference: a gets the gradient as it is, b gets it with the other sign."),
    ),
    "floor": (lambda: torch.floor(leaf(1.5)), (0, "Stepwise made the number 1.0"), (0, "nothing passes")),
}  # fmt: skip


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences(name):
    program, (i, forward), (j, backward) = SENTENCES[name]
    said = told(program)
    assert forward in said[0][i]
    assert backward in said[1][j]


def test_class_weights_and_ignored_rows():
    scores = leaf([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    targets = torch.tensor([1, -100, 2])
    forward, backward = told(lambda: F.cross_entropy(scores, targets))
    assert "the mean over 2 rows is" in forward[0]
    assert "p - onehot, divided by the number of rows, 2." in backward[0]
    forward, backward = told(lambda: F.cross_entropy(scores, targets, torch.tensor([1.0, 2.0, 3.0])))
    assert "the weighted mean over 2 rows is" in forward[0]
    assert "p - onehot, times the weight of the class, divided by the sum of the weights." in backward[0]


def test_a_normalisation_without_a_weight():
    forward, _ = told(lambda: F.layer_norm(leaf([[1.0, 2.0]]), (2,)).sum())
    assert forward[0] == "Every row was brought to mean 0 and variance 1."


def test_dropout():
    torch.manual_seed(0)
    x = leaf([1.0] * 10)
    with learn.record() as tape:
        y = F.dropout(x, 0.5)
        y.sum().backward()
    gone = int((y == 0).sum())
    forward, backward = learn.sentence(tape.forward[0]), learn.sentence(tape.backward[1])
    assert forward.startswith(
        f"Dropout set {gone} of 10 ({10 * gone} %) to 0 by chance, and multiplied the others by"
    )
    assert backward.startswith(f"What dropout had set to 0 gets no gradient, {gone} of 10 ({10 * gone} %)")


def test_a_network():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    forward, backward = told(lambda: F.cross_entropy(model(torch.randn(2, 1, 6, 6)), torch.tensor([0, 2])))
    assert forward[0] == (
        "2 filters slid over (2, 1, 6, 6) -> (2, 2, 4, 4): each of the 64 numbers is a sum of 9 products of a window "
        "of 1 by 3 by 3, plus a bias."
    )
    assert forward[1].startswith("Every channel was brought to mean 0 and variance 1")
    assert "model.5.weight.grad was empty; now it has 24 numbers of shape (3, 8)" in " ".join(backward)
    assert "each weight gets the sum over 32 windows" in " ".join(backward).lower()


def test_recurrent_layers_and_attention():
    layer = nn.LSTM(2, 3, batch_first=True)
    forward, backward = told(lambda: layer(torch.randn(1, 4, 2))[0].sum())
    assert "LSTM went through 4 steps of time, from state to state." in forward
    assert any("from cell to cell through the forget gate alone" in text for text in backward)
    query = torch.randn(1, 1, 3, 2).requires_grad_()
    forward, backward = told(
        lambda: F.scaled_dot_product_attention(query, query, query, is_causal=True).sum()
    )
    assert (
        "Each of 3 queries took a weighted mean of the values of 3 keys, none of which comes later."
        in forward
    )


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2


def test_a_function_of_ones_own_and_hooks():
    x = leaf(2.0)
    with learn.record() as tape:
        y = Cube.apply(x)
        z = y * 1.0
        y.register_hook(lambda grad: grad * 10)
        z.backward()
    assert "Cube made the number 8.0 from a number." in [learn.sentence(step) for step in tape.forward]
    said = [learn.sentence(step) for step in tape.backward]
    assert "A hook has changed the gradient that arrived here. Cube passes on: x gets 120.0." in said


def test_what_ran_before_the_recording():
    x = leaf(2.0)
    y = x * 3.0
    with learn.record() as tape:
        (y * 2.0).backward()
    assert "This Mul ran before anything was recorded: its numbers are not known." in [
        learn.sentence(step) for step in tape.forward
    ]
    assert "Its forward was not recorded, so only the gradients are known." in [
        learn.sentence(step) for step in tape.backward
    ]


def test_autograd_grad():
    x = leaf(2.0)
    with learn.record() as tape:
        torch.autograd.grad(x * 3.0, x)
    assert learn.sentence(tape.backward[-1]) == "autograd.grad takes the gradient of x: 3.0."


# ---- all operations -------------------------------------------------------------------------------------

CLAIM = re.compile(
    r"(?:: |is |are added: |and )([-+×/^ ().\de-]*[×/^+][-+×/^ ().\de-]*) = (-?\d+(?:\.\d+)?(?:e[-+]\d+)?)"
)


def check_arithmetic(text):
    """Compute what is claimed as 2.0 × 3.0 = 6.0; return how many claims there were."""
    claims = CLAIM.findall(text)
    for left, right in claims:
        value = eval(left.replace("×", "*").replace("^", "**"), {"e": math.e})
        assert value == pytest.approx(float(right), rel=5e-3, abs=2e-3), text
    return len(claims)


def test_the_checker_of_arithmetic():
    assert (
        check_arithmetic(
            "Mul: 2.0 × 3.0 = 6.0. The gradient is 1.0 / 4.0 = 0.25; w.grad: 1.0 + (-2.0) = -1.0."
        )
        == 3
    )
    with pytest.raises(AssertionError):
        check_arithmetic("Mul: 2.0 × 3.0 = 5.0.")


def test_every_operation_is_spoken_of_and_the_numbers_are_right():
    """All calls in the table of operations whose gradients are checked."""
    claims = 0
    for entry in DIFFERENTIABLE:
        for sample in entry.samples[:3]:
            call, run = prepare(entry, sample)
            if not call.differentiable:
                continue
            with learn.record() as tape:
                roots = [y for y in flatten(run()) if isinstance(y, torch.Tensor) and y.requires_grad]
                torch.autograd.backward(roots, [torch.ones_like(y) for y in roots])
            for step in [*tape.forward, *tape.backward]:
                text = learn.sentence(step)
                assert text.endswith("."), text
                assert not re.search(r"None|[{}]", text), text
                claims += check_arithmetic(text)
    assert claims > 300
