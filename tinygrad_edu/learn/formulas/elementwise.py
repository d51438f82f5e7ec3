"""The formulas of operations that compute each element by itself: one row an operation, with its local derivatives."""

from __future__ import annotations

from tinygrad_edu.learn.formulas.formula import Formula, times


def local(name: str, expression: str, note: str = "", **derivatives: str | None) -> Formula:
    """Return a row; an input with None gets no gradient."""
    known = {key: d for key, d in derivatives.items() if d is not None}
    gradients = {key: times(d) for key, d in known.items()}
    without = tuple([key for key, d in derivatives.items() if d is None])
    return Formula(name, f"out = {expression}", known, gradients, without, note)


def steps(name: str, steps: str, expression: str, note: str = "", **derivatives: str) -> Formula:
    """Return a row whose expression has names for its parts, which the derivatives use."""
    gradients = {key: times(d) for key, d in derivatives.items()}
    return Formula(name, f"{steps}; out = {expression}", derivatives, gradients, (), note)


HALVES = "half of the gradient each where they are equal"

ARITHMETIC = [
    local("Add", "a + b", a="1", b="1"),
    local("Sub", "a - b", a="1", b="-1"),
    local("Mul", "a * b", a="b", b="a"),
    local("Div", "a / b", a="1 / b", b="-a / b ** 2"),
    local("Pow", "a ** b", "for b: 0 where a = 0 and b >= 0", a="b * a ** (b - 1)", b="a ** b * log(a)"),
    local("Neg", "-x", x="-1"),
    local("Abs", "abs(x)", "sign(0) is 0", x="sign(x)"),
    local("Remainder", "a - b * floor(a / b)", a="1", b="-floor(a / b)"),
    local("Fmod", "a - b * trunc(a / b)", a="1", b="-trunc(a / b)"),
    local("RoundedDivide", "rounded(a / b)", "a step function, flat between its steps", a="0", b="0"),
    local("Stepwise", "function(x)", "sign, floor, ceil, trunc or round: flat between its steps", x="0"),
    local("NotZero", "1 if x != 0 else 0", x="0"),
    local("Ldexp", "x * 2 ** n", x="2 ** n", n=None),
]

CHOICES = [
    local("Maximum", "max(a, b)", HALVES, a="1 if a > b else 1 / 2 if a == b else 0",
          b="1 if b > a else 1 / 2 if a == b else 0"),
    local("Minimum", "min(a, b)", HALVES, a="1 if a < b else 1 / 2 if a == b else 0",
          b="1 if b < a else 1 / 2 if a == b else 0"),
    local("Where", "a if condition else b", condition=None, a="1 if condition else 0", b="0 if condition else 1"),
    local("Clamp", "min(max(x, low), high)", "a limit that is not given counts as infinite",
          x="1 if low <= x <= high else 0", low="1 if x < low < high else 0", high="1 if max(x, low) > high else 0"),
    local("Keep", "x if mask else 0", x="1 if mask else 0", mask=None),
]  # fmt: skip

EXPONENTIALS = [
    local("Exp", "exp(x)", "which is out again", x="exp(x)"),
    local("Exp2", "2 ** x", x="2 ** x * log(2)"),
    local("Expm1", "exp(x) - 1", x="exp(x)"),
    local("Log", "log(x)", x="1 / x"),
    local("Log2", "log2(x)", x="1 / (x * log(2))"),
    local("Log10", "log10(x)", x="1 / (x * log(10))"),
    local("Log1p", "log(1 + x)", x="1 / (1 + x)"),
    local("Sqrt", "sqrt(x)", x="1 / (2 * sqrt(x))"),
    local("Rsqrt", "1 / sqrt(x)", x="-out ** 3 / 2"),
    local("LogAddExp", "log(exp(a) + exp(b))", a="1 / (1 + exp(b - a))", b="1 / (1 + exp(a - b))"),
    local("LogAddExp2", "log2(2 ** a + 2 ** b)", a="1 / (1 + 2 ** (b - a))", b="1 / (1 + 2 ** (a - b))"),
    local("Hypot", "sqrt(a ** 2 + b ** 2)", a="a / out", b="b / out"),
    local("Entr", "-x * log(x)", "0 at 0", x="-log(x) - 1"),
    local("Logit", "log(x / (1 - x))", "x is limited to [eps, 1 - eps], where eps is given; the derivative is 0 beyond",
          x="1 / (x * (1 - x))"),
]  # fmt: skip

TRIGONOMETRY = [
    local("Sin", "sin(x)", x="cos(x)"),
    local("Cos", "cos(x)", x="-sin(x)"),
    local("Tan", "tan(x)", x="1 + out ** 2"),
    local("Asin", "arcsin(x)", x="1 / sqrt(1 - x ** 2)"),
    local("Acos", "arccos(x)", x="-1 / sqrt(1 - x ** 2)"),
    local("Atan", "arctan(x)", x="1 / (1 + x ** 2)"),
    local(
        "Atan2",
        "arctan2(y, x)",
        "0 where x and y are 0",
        y="x / (x ** 2 + y ** 2)",
        x="-y / (x ** 2 + y ** 2)",
    ),
    local("Sinh", "sinh(x)", x="cosh(x)"),
    local("Cosh", "cosh(x)", x="sinh(x)"),
    local("Tanh", "tanh(x)", x="1 - out ** 2"),
    local("Asinh", "arcsinh(x)", x="1 / sqrt(x ** 2 + 1)"),
    local("Acosh", "arccosh(x)", x="1 / sqrt(x ** 2 - 1)"),
    local("Atanh", "arctanh(x)", x="1 / (1 - x ** 2)"),
]

SPECIAL = [
    local("Erf", "erf(x)", x="2 / sqrt(pi) * exp(-x ** 2)"),
    local("Erfc", "1 - erf(x)", x="-2 / sqrt(pi) * exp(-x ** 2)"),
    local("ErfInv", "erfinv(x)", "the inverse of erf", x="sqrt(pi) / 2 * exp(out ** 2)"),
    local("Erfcx", "exp(x ** 2) * erfc(x)", x="2 * x * out - 2 / sqrt(pi)"),
    local(
        "Ndtri",
        "ndtri(x)",
        "the inverse of Phi, the normal distribution",
        x="sqrt(2 * pi) * exp(out ** 2 / 2)",
    ),
    local(
        "LogNdtr", "log(Phi(x))", "Phi is the normal distribution", x="exp(-x ** 2 / 2 - out) / sqrt(2 * pi)"
    ),
    local("LogGamma", "log(abs(Gamma(x)))", "psi is the digamma function", x="psi(x)"),
]

ACTIVATIONS = [
    local("Relu", "max(x, 0)", x="1 if x > 0 else 0"),
    local("ReluBackward", "grad_output if y != 0 else 0", grad_output="1 if y != 0 else 0", y="0"),
    local("LeakyRelu", "x if x > 0 else negative_slope * x", x="1 if x > 0 else negative_slope"),
    local("Sigmoid", "1 / (1 + exp(-x))", x="out * (1 - out)"),
    local("Hardtanh", "min(max(x, low), high)", x="1 if low < x < high else 0"),
    local("Hardswish", "x * min(max(x + 3, 0), 6) / 6", x="0 if x <= -3 else (2 * x + 3) / 6 if x < 3 else 1"),
    local("Elu", "x if x > 0 else alpha * (exp(x) - 1)", x="1 if x > 0 else alpha * exp(x)"),
    local("Gelu", "x * Phi(x)", "Phi is the normal distribution, phi its density", x="Phi(x) + x * phi(x)"),
    steps("GeluTanh", "u = sqrt(2 / pi) * (x + 0.044715 * x ** 3); s = 1 / (1 + exp(-2 * u))", "x * s",
          x="s + 2 * x * s * (1 - s) * sqrt(2 / pi) * (1 + 3 * 0.044715 * x ** 2)"),
    steps("Silu", "s = 1 / (1 + exp(-x))", "x * s", x="s * (1 + x * (1 - s))"),
    local("Softplus", "log(1 + exp(beta * x)) / beta if beta * x <= threshold else x",
          x="sigmoid(beta * x) if beta * x <= threshold else 1"),
    local("Dropout", "m * x / (1 - p)", "m is 1 with probability 1 - p, else 0, for each element", x="m / (1 - p)"),
]  # fmt: skip

LOSSES = [
    local("BinaryCrossEntropy", "-(t * log(p) + (1 - t) * log(1 - p))",
          "the logarithms are at least -100, the denominator at least 1e-12", p="(p - t) / (p * (1 - p))",
          t="log(1 - p) - log(p)"),
]  # fmt: skip

COPIES = [
    local("Clone", "x", "a copy", x="1"),
    local("Cast", "x", "in another dtype; so is the gradient, which comes back", x="1"),
    local("Move", "x", "on another device; the gradient comes back", x="1"),
    local("Fill", "value", x="0"),
    local("CopyInto", "src", "the old numbers get nothing", x="0", src="1"),
]

ELEMENTWISE = [
    *ARITHMETIC, *CHOICES, *EXPONENTIALS, *TRIGONOMETRY, *SPECIAL, *ACTIVATIONS, *LOSSES, *COPIES,
]  # fmt: skip
