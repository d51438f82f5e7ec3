"""The first NaN or Inf: each fault is planted, and the report is read."""

from __future__ import annotations

import sys

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn, nn
from tinygrad_edu.autograd.errors.explaining import short_path

pytestmark = pytest.mark.host("the text would name the device")

F = nn.functional
HERE = short_path(__file__)


def leaf(*values):
    dtype = torch.complex128 if any(isinstance(x, complex) for x in values) else torch.float64
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def report_of(program):
    """Return the message and the notes of the error that a program raises under detection."""
    with learn.detect_anomaly(), pytest.raises(RuntimeError) as caught:
        program()
    return str(caught.value), "\n".join(caught.value.__notes__)


def sqrt_of_zero():
    torch.sqrt(leaf(1.0, 0.0)).sum().backward()


def masked_sqrt():
    x = leaf(1.0, 0.0)
    torch.where(x > 0, torch.sqrt(x), x).sum().backward()


def diverging():
    w, x = leaf(1.0), torch.tensor([1e30])
    for _ in range(12):
        loss = ((w.float() * x) ** 2).sum()
        loss.backward()


FORWARD = {
    # what is computed: operation, the first bad element, the inputs there, a part of the hint
    "torch.log(leaf(1.0, 0.0))": ("Log", "[1] = -inf; 1 of 2", "0", "log(0) is -inf. clamp(min=1e-8)"),
    "torch.log(leaf(1.0, -2.0))": ("Log", "[1] = nan", "-2", "logarithm of a negative number, -2"),
    "torch.log1p(leaf(-1.0))": ("Log1p", "[0] = -inf", "-1", "log(0) is -inf"),
    "torch.sqrt(leaf(-1.0))": ("Sqrt", "[0] = nan", "-1", "square root of a negative number"),
    "leaf(1.0, 2.0) / leaf(3.0, 0.0)": ("Div", "[1] = inf", "2, 0", "division by 0"),
    "leaf(0.0) / leaf(0.0)": ("Div", "[0] = nan", "0, 0", "division by 0"),
    "torch.ones(2, 2) / torch.tensor([1.0, 0.0])": ("Div", "[0, 1] = inf; 2 of 4", "1, 0", "division by 0"),
    "torch.exp(leaf(1.0, 800.0))": ("Exp", "[1] = inf", "800", "Subtract the maximum first"),
    "torch.exp(torch.tensor([89.0]))": ("Exp", "[0] = inf", "89", "exponential of 89"),
    "torch.rsqrt(leaf(0.0))": ("Rsqrt", "[0] = inf", "0", "division by 0"),
    "leaf(0.0) ** -1.0": ("Pow", "[0] = inf", "0, -1", "division by 0"),
    "leaf(-2.0) ** 0.5": ("Pow", "[0] = nan", "-2, 0.5", "power of a negative number"),
    "torch.acos(leaf(1.5))": ("Acos", "[0] = nan", "1.5", "defined from -1 to 1, and got 1.5"),
    "torch.zeros(1) * torch.tensor([float('inf')])": ("Mul", "[0] = nan", "0, inf", "0 * inf is NaN"),
    "torch.tensor([float('inf')]) - torch.tensor([float('inf')])": (
        "Sub",
        "[0] = nan",
        "inf, inf",
        "inf - inf",
    ),
    "torch.tensor(1e30) * torch.tensor(1e30)": ("Mul", " = inf; 1 of 1", "1e+30, 1e+30", "too large a step?"),
    "torch.exp(torch.tensor([12.0]).half())": ("Exp", "[0] = inf", "12", "float16 ends at 65504"),
    "torch.acos(torch.tensor([1.0000001]))": ("Acos", "[0] = nan", "1", "from -1 to 1, and got 1.00000012"),
    "torch.atanh(leaf(-1.0))": ("Atanh", "[0] = -inf", "-1", "it is infinite at -1"),
    "torch.logit(leaf(0.5, 1.0))": ("Logit", "[1] = inf", "1", "logit is infinite at 0 and at 1"),
    "torch.log(leaf(0j))": ("Log", "[0] = (-inf+0j)", "0+0j", "Add an eps before the log"),
    "leaf(0j) ** leaf(-1.0 + 0j)": ("Pow", "[0] = (nan+nanj)", "0+0j, -1+0j", "division by 0"),
    "leaf(0j) * complex('inf')": ("Mul", "[0] = (nan+nanj)", "0+0j, inf+0j", "0 * inf is NaN"),
    "torch.tensor([6e4]).half() * 2": ("Mul", "[0] = inf", "60000, 2", "float16 ends at 65504"),
}


@pytest.mark.parametrize(("source", "expected"), FORWARD.items(), ids=FORWARD)
def test_forward(source, expected):
    operation, element, values, hint = expected
    message, notes = report_of(lambda: eval(source))
    assert message.startswith(
        f"{operation}: the forward returned a{' NaN' if 'nan' in element else 'n Inf'} ("
    )
    assert f"The first is output{element}" in notes
    assert f"The inputs there: {values}" in notes
    assert hint in notes.partition("Hint: ")[2]


def test_a_product_of_matrices_that_overflows():
    x = torch.full((2, 2), 1e25)
    message, notes = report_of(lambda: x @ x)
    assert message.startswith("MatMul: the forward returned an Inf")
    assert "Inputs: [2, 2] with values from 1e+25 to 1e+25; [2, 2]" in message
    assert "The inputs there" not in notes  # every element is made of a row and a column
    assert "too large a step?" in notes


WHOLE = {
    "torch.softmax(torch.full((1, 2), -float('inf')), 1)": "a mask leaves at least one element of every row",
    "F.log_softmax(torch.full((1, 2), -float('inf')), 1)": "a mask leaves at least one element of every row",
    "F.cross_entropy(torch.tensor([[float('inf'), 0.0]]), torch.tensor([0]))": "a score is infinite",
    "torch.ones(1).std()": "a single number has no variance",
    "torch.ones(0).mean()": "the mean of no numbers is 0 / 0",
    "torch.full((9,), 1e10).prod()": "Add up their logarithms instead",
    "torch.linalg.inv(torch.eye(2) * 1e-40)": "the matrix is singular",
}


@pytest.mark.parametrize(("source", "hint"), WHOLE.items(), ids=WHOLE)
def test_operations_on_whole_rows(source, hint):
    _, notes = report_of(lambda: eval(source))
    assert hint in notes.partition("Hint: ")[2]


def test_the_operand_of_a_quotient_of_a_number():
    x = leaf(0.0)
    _, notes = report_of(lambda: 1 / x)
    assert "x is float64 [1]" in notes


def test_line_and_operands():
    x = leaf(0.0)
    message, notes = report_of(lambda: torch.log(x))
    line = f"{HERE}:{sys._getframe().f_lineno - 1}"
    assert line in message
    assert notes.split("\n")[0] == f"at {line}: message, notes = report_of(lambda: torch.log(x))"
    assert notes.split("\n")[1] == "x is float64 [1]"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1)
        self.head = Head()

    def forward(self, x):
        return self.head(self.fc(x) * 0)


class Head(nn.Module):
    def forward(self, x):
        return torch.log(x) if self.training else torch.sqrt(x)


def test_the_layer():
    _, notes = report_of(lambda: Net()(torch.ones(1, 2)))
    assert notes.startswith("in layer 'head' (Head) of Net\n")
    _, notes = report_of(lambda: Net().eval()(torch.ones(1, 2)).sum().backward())
    assert "in layer 'head' (Head) of Net" in notes
    assert "has an infinite derivative" in notes


def test_what_was_there_before():
    x = torch.tensor([[1.0, float("nan")]])
    message, notes = report_of(lambda: x * 2)
    assert "its input has one already" in message
    assert "Input 0 has one already, at [0, 1]: nan" in notes
    assert "Hint: It was there before: look at the data" in notes


def test_a_parameter_that_a_step_has_spoilt():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.fill_(float("nan"))
    _, notes = report_of(lambda: layer(torch.ones(1, 2)))
    assert "Input 1 has one already, at [0, 0]: nan" in notes
    assert "Hint: It is a parameter: the optimizer's step" in notes


def test_a_training_that_diverges():
    """The loss of a linear fit, with steps that are much too large."""
    layer, x = nn.Linear(1, 1), torch.tensor([[10.0]])
    optimizer = torch.optim.SGD(layer.parameters(), lr=10.0)

    def train():
        for _ in range(100):
            optimizer.zero_grad()
            F.mse_loss(layer(x), x).backward()
            optimizer.step()

    message, notes = report_of(train)
    assert "Inf" in message or "infinite" in message
    assert "too large a step?" in notes


# ---- backward ----------------------------------------------------------------------------------------


def test_an_infinite_derivative():
    message, notes = report_of(sqrt_of_zero)
    line = sqrt_of_zero.__code__.co_firstlineno + 1
    assert message.startswith("Function 'SqrtBackward0' returned infinite values in its 0th output")
    assert message.endswith(f"called at {__file__}:{line}")
    assert notes.split("\n") == [
        f"at {HERE}:{line}: torch.sqrt(leaf(1.0, 0.0)).sum().backward()",
        "The first is gradient[1] = inf; 1 of 2 elements are so",
        "The gradient that came in there: 1",
        "What the forward had saved, there: 0",
        "Hint: the square root at 0 has an infinite derivative. Use sqrt(x + eps), or clamp(min=eps) before",
    ]


def test_behind_a_mask():
    message, notes = report_of(masked_sqrt)
    assert message.startswith("Function 'SqrtBackward0' returned nan values")
    assert "The gradient that came in there: 0" in notes
    assert "infinite derivative. Use sqrt(x + eps)" in notes
    assert "If a mask or torch.where hides this element" in notes


@pytest.mark.parametrize(
    ("name", "program", "hint"),
    [
        ("Div", lambda: (torch.tensor(1.0) / leaf(1e-200)).sum().backward(), "division by 0"),
        (
            "Log",
            lambda: torch.log(leaf(1e-320)).sum().backward(),
            "the derivative of log, 1 / x, is infinite",
        ),
    ],
)
def test_other_derivatives(name, program, hint):
    message, notes = report_of(program)
    assert f"Function '{name}Backward0' returned infinite values" in message
    assert hint in notes


def test_a_norm_at_0_has_a_gradient():
    x = leaf(0.0, 0.0)
    with learn.detect_anomaly():
        torch.linalg.norm(x).backward()
    assert x.grad.tolist() == [0.0, 0.0]


# ---- what passes -------------------------------------------------------------------------------------


def test_masks_of_minus_infinity_pass():
    scores, mask = leaf(1.0, 2.0, 3.0), torch.tensor([False, True, False])
    with learn.detect_anomaly():
        F.softmax(scores.masked_fill(mask, float("-inf")), 0).sum().backward()
        F.softmax(scores + torch.tensor([0.0, float("-inf"), 0.0]), 0).sum().backward()
    assert scores.grad.isfinite().all()


def test_a_row_that_is_masked_whole():
    message, notes = report_of(lambda: F.softmax(torch.full((1, 2), float("-inf")), 1))
    assert "the forward returned a NaN" in message
    assert "output[0, 0] = nan" in notes


def test_infinities_can_be_left_alone():
    with learn.detect_anomaly(check_inf=False):
        assert torch.log(leaf(0.0)).isinf().all()
        with pytest.raises(RuntimeError, match="NaN"):
            torch.log(leaf(-1.0))
    with torch.autograd.detect_anomaly():
        assert torch.log(leaf(0.0)).isinf().all()


def test_pytorchs_own_switch_gives_the_same_report():
    with torch.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="Log: ") as caught:
        torch.log(leaf(-1.0))
    assert "Hint: the logarithm of a negative number" in caught.value.__notes__[1]


def test_it_ends_with_the_block():
    with learn.detect_anomaly():
        assert torch.is_anomaly_enabled()
    assert not torch.is_anomaly_enabled()


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_the_words_are_pytorchs():
    real = pytest.importorskip("torch")
    messages = []
    for library in (real, torch):
        x = library.tensor([0.0], requires_grad=True)
        with library.autograd.detect_anomaly(), pytest.raises(RuntimeError) as caught:
            (library.sqrt(x) * 0).sum().backward()
        messages.append(str(caught.value))
    assert messages[1].startswith(messages[0].rstrip("."))
