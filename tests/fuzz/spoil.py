"""Spoil one argument of a right call, which is an expression: of another type, size, dtype, device, or not there."""

from __future__ import annotations

import ast
import copy
import inspect
import random
from dataclasses import dataclass
from typing import Any

from tests.fuzz.namespace import MAKERS
from tests.fuzz.right_calls import called, function_of

ANYTHING = [
    *("None", "'a'", "''", "b'x'", "[]", "()", "{}", "set()", "object()", "np.ones(2)", "np.float32(1.5)"),
    *("1.5", "True", "2 + 1j", "torch.float32", "float", "[None]", "['a']", "[[1], [2, 3]]", "{'a': 1}"),
    *("range(2)", "print", "...", "[1.0, 2.0]", "real(2)", "ints(2)"),
]
NUMBERS = [
    *("-1", "0", "-7", "7", "1000003", "2**31", "2**63", "-(2**63) - 1", "2**70", "math.nan", "math.inf"),
    *("-math.inf", "-0.5", "1.5", "1e300", "True", "'1'", "None", "[1]", "(1, 2, 3)", "(-1,)", "real()"),
    *("ints()", "ints(2)", "real(1)", "np.int64(1)", "np.float64(0.5)", "1j"),
]
SEQUENCES = [
    *("()", "(1,)", "(-1, -1)", "(0, 0)", "(1, 2, 3)", "(1, 1, 1, 1, 1, 1, 1)", "(1.5, 1)", "('a', 1)"),
    *("(None, 1)", "((1, 2), 3)", "(True, 1)", "(2**40, 2)", "(2**63, 1)", "(5, 6)", "-3", "99", "'ab'"),
    *("None", "[math.nan]", "ints(2)", "real(2)", "np.array([1, 1])", "[1, 'b']", "{1, 2}"),
]
STRINGS = ["'nonsense'", "''", "3", "None", "True", "['mean']", "b'mean'", "'MEAN'", "real(1)"]
DTYPES = [
    *("'float32'", "np.float32", "float", "int", "torch.bool", "torch.uint8", "torch.int64", "torch.float16"),
    *("torch.complex64", "None", "3", "'nonsense'", "np.dtype('float32')", "real(1)"),
]
DEVICES = [
    "'meta'",
    "'cuda'",
    "'nonsense'",
    "'cpu:1'",
    "''",
    "-1",
    "5",
    "1.5",
    "{}",
    "['cpu']",
    "None",
    "True",
]
CONTAINERS = [
    *(
        "[]",
        "None",
        "3",
        "'a'",
        "[None]",
        "[3]",
        "['a']",
        "[real(2), 3]",
        "real(2)",
        "{}",
        "[[]]",
        "(real(3),)",
    ),
    *("[real(2, 3), ints(2)]", "{'a': 3}", "object()"),
]
TENSORS = [
    *("real()", "real(0)", "real(7)", "real(5, 6)", "real(2, 3, 4)", "real(1, 2, 3, 4, 5)", "ints(2)"),
    *(
        "3",
        "2.5",
        "'a'",
        "None",
        "[1.0, 2.0]",
        "np.ones((2, 3))",
        "np.ones(3, np.float32)",
        "object()",
        "True",
    ),
]
CHANGES = [
    *(
        "{0}.unsqueeze(0)",
        "{0}.flatten()",
        "{0}.to(torch.bool)",
        "{0}.to(torch.int64)",
        "{0}.to(torch.uint8)",
    ),
    *("{0}.to(torch.complex64)", "{0}.to(torch.float16)", "{0}.to(torch.float64)", "{0} * math.nan"),
    *("{0} - 9", "{0} + 1000", "[{0}]", "{0}.tolist()", "{0}.numpy()", "{0}[:0]", "{0}.to(torch.int32)"),
]
TENSOR_MAKERS = {"real", "ints", "bools", "positive", "unit", "signs", "param", "trained"}


@dataclass(frozen=True)
class Wrong:
    """A call in which something was spoiled, and the right call."""

    name: str
    right: str
    wrong: str


def spoil(right: str, rng: random.Random) -> Wrong:
    """Return a call with one argument spoiled."""
    tree = ast.parse(right, mode="eval")
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and (is_made(node, tree) or not makes_an_argument(node.func))
    ]
    spoil_one(rng.choice(calls), called(right), rng)
    return Wrong(called(right), right, ast.unparse(tree))


def is_made(node: ast.Call, tree: ast.Expression) -> bool:
    """Tell whether a call of ``torch.tensor`` is what is tried, and not one that makes an argument."""
    return node is tree.body and ast.unparse(node.func) == "torch.tensor"


def makes_an_argument(function: ast.expr) -> bool:
    """Tell whether a call makes an argument, or wraps the call: these are left whole."""
    text = ast.unparse(function)
    return text in MAKERS or text in ("list", "torch.tensor") or text.startswith("np.")


def spoil_one(call: ast.Call, name: str, rng: random.Random) -> None:
    """Change an argument in place; rarely leave it out, add another one or one by an unknown keyword."""
    places = [(call.args, i) for i in range(len(call.args))] + [
        (call.keywords, i) for i in range(len(call.keywords))
    ]
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    chance = rng.random()
    if chance < 0.05:
        call.keywords.append(ast.keyword("unheard_of", ast.Constant(1)))
    elif chance < 0.12 or not places:
        add_one(call, name, rng)
    elif chance < 0.19:
        group, i = rng.choice(places)
        del group[i]
    elif chance < 0.24 and isinstance(owner, ast.Call) and is_tensor(owner):
        change = rng.choice(CHANGES[:11] + TENSORS[:7])
        call.func.value = parse(change.replace("{0}", ast.unparse(owner)))
    else:
        group, i = rng.choice(places)
        holder = group[i]
        if isinstance(holder, ast.keyword):
            holder.value = wrong_for(holder.value, holder.arg or "", rng)
        else:
            group[i] = wrong_for(holder, "", rng)


def add_one(call: ast.Call, name: str, rng: random.Random) -> None:
    """Add a positional argument, or a keyword that the function has, with anything as its value."""
    value = parse(rng.choice(ANYTHING + NUMBERS))
    free = [k for k in keywords_of(name) if k not in {keyword.arg for keyword in call.keywords}]
    if free and rng.random() < 0.7:
        call.keywords.append(ast.keyword(rng.choice(free), value))
    else:
        call.args.append(value)


def keywords_of(name: str) -> list[str]:
    try:
        parameters = inspect.signature(function_of(name)).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "self"
    ]


def wrong_for(node: ast.expr, keyword: str, rng: random.Random) -> ast.expr:
    """Return a wrong value in the place of this one."""
    text = ast.unparse(node)
    pool: list[str] = ANYTHING
    if rng.random() < 0.8:
        pool = pool_for(node, keyword)
    if is_tensor(node) and rng.random() < 0.5:
        pool = CHANGES
    if pool is CONTAINERS and rng.random() < 0.4:
        return spoiled_inside(node, rng)
    value = rng.choice([value for value in pool if value != text])
    return parse(value.replace("{0}", text))


def spoiled_inside(node: ast.expr, rng: random.Random) -> ast.expr:
    """Return a list or tuple with one of its elements spoiled, or one more."""
    node = copy.deepcopy(node)
    elements = getattr(node, "elts", None)
    if not elements:
        return parse(rng.choice(ANYTHING))
    i = rng.randrange(len(elements))
    if rng.random() < 0.2:
        elements.append(copy.deepcopy(elements[i]))
    else:
        elements[i] = wrong_for(elements[i], "", rng)
    return node


def pool_for(node: ast.expr, keyword: str) -> list[str]:
    """Return the wrong values that suit what stands there."""
    text = ast.unparse(node)
    if is_tensor(node):
        return TENSORS
    if keyword == "device" or text == "'cpu'":
        return DEVICES
    if keyword == "dtype" or text.startswith("torch.float") or text.startswith("torch.int"):
        return DTYPES
    if isinstance(node, ast.Tuple) and all(is_number(item) for item in node.elts):
        return SEQUENCES
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return STRINGS
    if is_number(node):
        return NUMBERS if not isinstance(getattr(node, "value", None), bool) else ANYTHING
    if isinstance(node, ast.List) and all(is_number(item) for item in node.elts):
        return SEQUENCES
    return CONTAINERS


def is_tensor(node: Any) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TENSOR_MAKERS


def is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return is_number(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
