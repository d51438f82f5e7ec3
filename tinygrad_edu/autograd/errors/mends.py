"""What is wrong, and what mends it, where an operation made the first NaN or Inf: known for those that do it often."""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from typing import Any

LARGEST = {"float16": 65504.0, "bfloat16": 3.39e38, "float32": 3.4028235e38, "float64": 1.797e308}
OF_FLOAT16 = "float16 ends at 65504. Use bfloat16, or autocast with a GradScaler"
LARGEST_EXPONENT = 88.0
"""exp of a larger number is beyond float32, too."""

HUGE, TINY = 1e15, 1e-30
"""From the first on, numbers have rather grown than been meant; below the second, they are as good as 0."""

LOG_OF_0 = "log(0) is -inf. clamp(min=1e-8) before the log, add an eps, or use log_softmax or a loss that takes logits"
LOG_OF_COMPLEX_0 = "log(0) is -inf. Add an eps before the log"
INVERSE_OF_0 = "division by 0. Add an eps to what is divided by, or replace its zeros with torch.where before"
SQRT_AT_0 = "the square root at 0 has an infinite derivative. Use sqrt(x + eps), or clamp(min=eps) before"
EXP = "exp overflows. Subtract the maximum first, as softmax, log_softmax and logsumexp do"
ZERO_TIMES_INF = (
    "0 * inf is NaN: a product with a mask does not remove an infinity. torch.where(mask, x, 0) does, and x must be "
    "finite for its gradient to be"
)
BEHIND_A_MASK = (
    "The gradient that came in is 0 there, and 0 times an infinite derivative is NaN. If a mask or torch.where hides "
    "this element, put safe numbers in before the operation, not after it"
)
GROWN = (
    "The numbers have grown until they overflowed: too large a step? Try a smaller learning rate, clip_grad_norm_, "
    "or a look at the initial weights"
)
OF_PARAMETER = (
    "It is a parameter: the optimizer's step before this made it so. Look at the gradients of that step, or try a "
    "smaller learning rate"
)
ALREADY = "It was there before: look at the data, or at what ran before detection was on"


def mend_of_forward(
    name: str, values: Sequence[Any], dtype: str, largest_input: float, has_infinite: bool = False
) -> str:
    """Return what is known of an operation whose finite inputs made a NaN or Inf.

    Parameters
    ----------
    name : str
        Of the operation's class.
    values : sequence of float
        What its inputs were at the element; empty for an operation that is not elementwise.
    dtype : str
        Of the result.
    largest_input : float
        The largest absolute value among all finite inputs.
    has_infinite : bool
        Whether an input holds an infinity.
    """
    known = OF_FORWARD.get(name.lower())
    if dtype == "float16" and known is of_exp and largest_input < LARGEST_EXPONENT:
        return OF_FLOAT16
    mend = known(values) if known is not None and values else ""
    mend = mend or (OF_INFINITE if has_infinite else OF_FINITE).get(name.lower(), "")
    if mend:
        return mend
    if dtype == "float16" and largest_input <= LARGEST["float32"]:
        return OF_FLOAT16
    return GROWN if largest_input > HUGE else ""


def of_log(values: Sequence[Any]) -> str:
    """Of the logarithm."""
    if values[0] == 0:
        return LOG_OF_COMPLEX_0 if isinstance(values[0], complex) else LOG_OF_0
    negative = f"the logarithm of a negative number, {values[0]:.6g}"
    return f"{negative}. Is it meant to be a probability? softmax or sigmoid first"


def of_log1p(values: Sequence[Any]) -> str:
    """Of log(1 + x)."""
    return of_log([1 + values[0]])


def of_sqrt(values: Sequence[Any]) -> str:
    """Of the square root, and its inverse."""
    if values[0] == 0:
        return INVERSE_OF_0
    return (
        f"the square root of a negative number, {values[0]:.6g}. clamp(min=0) before it, if that is rounding"
    )


def of_inverse(values: Sequence[Any]) -> str:
    """Of quotients."""
    return INVERSE_OF_0 if values[-1] == 0 else ""


def of_exp(values: Sequence[Any]) -> str:
    """Of the exponential."""
    return f"the exponential of {values[0]:.6g}: {EXP}"


def of_product(values: Sequence[Any]) -> str:
    """Of a product."""
    return ZERO_TIMES_INF if 0 in values and any(map(cmath.isinf, values)) else ""


def of_difference(values: Sequence[Any]) -> str:
    """Of sums and differences."""
    return "inf - inf is NaN" if len(values) > 1 and all(map(cmath.isinf, values)) else ""


def of_power(values: Sequence[Any]) -> str:
    """Of powers."""
    base, exponent = values[0], values[-1]
    if base == 0 and complex(exponent).real < 0:
        return INVERSE_OF_0
    if isinstance(base, complex) or isinstance(exponent, complex):
        return ""
    if base < 0 and exponent != int(exponent):
        return f"the power of a negative number, {base:.6g}, with the exponent {exponent:.6g}, which is no integer"
    return ""


def of_range(values: Sequence[Any]) -> str:
    """Of functions from -1 to 1."""
    what = "it is infinite at" if abs(values[0]) == 1 else "it is defined from -1 to 1, and got"
    return f"{what} {values[0]:.9g}. clamp(-1 + eps, 1 - eps) before it"


def of_logit(values: Sequence[Any]) -> str:
    """Of the inverse of sigmoid."""
    ends = "logit is infinite at 0 and at 1"
    return f"{ends}. Give it an eps, as in logit(x, eps=1e-6)" if values[0] in (0, 1) else ""


OF_FORWARD = {
    **dict.fromkeys(["log", "log2", "log10"], of_log),
    **dict.fromkeys(["sqrt", "rsqrt"], of_sqrt),
    "log1p": of_log1p,
    **dict.fromkeys(["div", "reciprocal", "divide"], of_inverse),
    **dict.fromkeys(["exp", "exp2", "expm1", "cosh", "sinh"], of_exp),
    **dict.fromkeys(["add", "sub"], of_difference),
    **dict.fromkeys(["acos", "asin", "atanh", "erfinv"], of_range),
    "logit": of_logit,
    "mul": of_product,
    "pow": of_power,
}


MASKED_ROW = (
    "the softmax of -inf alone is 0 / 0, and that of +inf is inf / inf: see that a mask leaves at least one element of "
    "every row"
)
OF_INFINITE = {
    **dict.fromkeys(["softmax", "logsoftmax"], MASKED_ROW),
    "softmaxcrossentropy": "a score is infinite: a mask that closes every class, or the right one?",
}
"""What is known of operations that are not elementwise, where an input has an infinity."""

OF_FINITE = {
    "var": "a single number has no variance: 0 is divided by n - 1 = 0. Use correction=0, or more numbers",
    "mean": "the mean of no numbers is 0 / 0: an empty batch, or a mask that chooses nothing?",
    **dict.fromkeys(
        ["prod", "cumprod"], "the product of many numbers overflows. Add up their logarithms instead"
    ),
    "inverse": "the matrix is singular, or nearly so. Add a little to its diagonal, or use linalg.pinv",
}
"""What is known of them where no input has one."""


def mend_of_backward(name: str, came_in: Sequence[Any], saved: Sequence[Any]) -> str:
    """Return what is known of a derivative that is NaN or infinite.

    Parameters
    ----------
    name : str
        Of the operation's class.
    came_in, saved : sequence of float
        At the element: the gradient that came in, and what the forward has saved; empty where there is none.
    """
    mend = ""
    if any(isinstance(value, float) and abs(value) < TINY for value in saved):
        mend = AT_0.get(name.lower(), "")
    elif name.lower() in ("acos", "asin", "atanh") and any(abs(value) == 1 for value in saved):
        mend = "its derivative is infinite at -1 and at 1. clamp(-1 + eps, 1 - eps) before it"
    elif any(isinstance(value, float) and abs(value) > HUGE for value in (*saved, *came_in)):
        mend = GROWN
    masked = BEHIND_A_MASK if any(value == 0 for value in came_in) else ""
    return ". ".join(filter(None, [mend, masked]))


AT_0 = {
    **dict.fromkeys(["log", "log2", "log10"], "the derivative of log, 1 / x, is infinite at 0. " + LOG_OF_0),
    **dict.fromkeys(["sqrt", "pow", "norm", "std", "vectornorm"], SQRT_AT_0),
    **dict.fromkeys(["div", "reciprocal", "rsqrt"], INVERSE_OF_0),
}
