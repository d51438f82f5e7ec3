"""What becomes of a call, and whether the error it ends in is one of ours, raw, or one that names nothing."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import io
import re
import signal
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import tinygrad_edu
from tests.fuzz.namespace import namespace
from tests.fuzz.right_calls import function_of
from tests.fuzz.spoil import Wrong

SECONDS = 5
ROOT = Path(tinygrad_edu.__file__).parents[1]
OURS = ROOT / "tinygrad_edu", ROOT / "kernels"

CLEAR, RAW, NAMELESS, RETURNED, HANG, MEMORY, CRASH = KINDS = (
    *("clear", "raw", "nameless", "returned", "hang", "memory", "crash"),
)

# Words of NumPy, Numba, Python and of our insides that no message of ours contains.
TELL_TALES = re.compile(
    r"ufunc|operands could not be broadcast|NoneType' (object|and)|has no attribute|Numba|numba|unhashable|"
    r"could not convert|not subscriptable|object is not (iterable|callable)|has no len|list index out of|"
    r"tuple index out of|cannot unpack|values to unpack|object cannot be interpreted as|unsupported operand type|"
    r"setting an array element|inhomogeneous|expected string or bytes|too large to convert|referenced before|"
    r"not associated with a value|axis \d+ is out of bounds|int\(\) argument|float\(\) argument|"
    r"not supported between instances|bad operand type|cannot cast|Cannot cast|data type .* not understood"
)
# Python's own message about a call names function and argument.
PYTHON_CALL = re.compile(r"(\w+)\(\) (got an unexpected keyword|got multiple values|missing \d|takes )")
WORD = re.compile(r"[a-z][a-z0-9_]+")


@dataclass(frozen=True)
class Outcome:
    """``kind`` is one of KINDS; ``error`` the exception's class; ``place`` where it was raised."""

    kind: str
    error: str = ""
    message: str = ""
    place: str = ""


class Late(BaseException):
    """Raised by the alarm; no ``except Exception`` of a library catches it."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def settings_kept(torch: Any) -> Iterator[None]:
    """Put back what a call may have set for all others."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_default_device(None)
        torch.set_float32_matmul_precision("highest")
        torch.set_printoptions(profile="default")
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def run(expression: str, torch: Any, seconds: float = SECONDS) -> BaseException | None:
    """Evaluate a call in a library; return what it raises."""
    with warnings.catch_warnings(), settings_kept(torch), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            names = namespace(torch)
            with alarm(seconds):
                eval(expression, names)
        except (Exception, Late) as error:
            return error
    return None


def outcome(call: Wrong) -> Outcome:
    """Say what becomes of a call here."""
    error = run(call.wrong, tinygrad_edu, SECONDS)
    if isinstance(error, Late):  # a kernel may have been compiled meanwhile
        error = run(call.wrong, tinygrad_edu, 10 * SECONDS)
    if error is None:
        return Outcome(RETURNED)
    place, is_raised = where(error)
    kind = (
        HANG
        if isinstance(error, Late)
        else MEMORY
        if isinstance(error, MemoryError)
        else kind_of(call, error)
    )
    is_known = PYTHON_CALL.search(str(error)) or isinstance(error, OSError)
    if kind in (CLEAR, NAMELESS) and not is_raised and not is_known:
        kind = RAW
    return Outcome(kind, type(error).__name__, str(error)[:300], place)


def where(error: BaseException) -> tuple[str, bool]:
    """Return the innermost place of our code, and whether the error was raised there, by a ``raise``."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if is_ours(frame.filename)]
    if not ours:
        return "", False
    innermost = ours[-1]
    path = Path(innermost.filename)
    raised = frames[-1] is innermost and innermost.lineno in lines_of_raise(path)
    return f"{path.relative_to(ROOT)}:{innermost.lineno} {innermost.name}", raised


def is_ours(filename: str) -> bool:
    return any(Path(filename).is_relative_to(folder) for folder in OURS)


@functools.cache
def lines_of_raise(path: Path) -> set[int]:
    tree = ast.parse(path.read_text())
    raises = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return {line for node in raises for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def kind_of(call: Wrong, error: BaseException) -> str:
    """Judge a message."""
    message = str(error)
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return CLEAR  # names the file
    if PYTHON_CALL.search(message):
        return CLEAR
    if TELL_TALES.search(message):
        return RAW
    return CLEAR if names_something(call.name, message) else NAMELESS


def names_something(name: str, message: str) -> bool:
    """Tell whether a message names the operation, the one that works for it, or one of the arguments."""
    begin = re.match(r"(\w+)(\(\))?:", message)
    if "argument '" in message or (begin and begin[1].lower() in public_names()):
        return True
    return bool(set(WORD.findall(message.lower())) & known_words(name))


@functools.cache
def public_names() -> frozenset[str]:
    """Return the names of all functions, methods and layers, in small letters."""
    spaces = (tinygrad_edu, tinygrad_edu.nn, tinygrad_edu.nn.functional, tinygrad_edu.Tensor)
    return frozenset(name.lower() for space in spaces for name in dir(space) if not name.startswith("__"))


@functools.cache
def known_words(name: str) -> frozenset[str]:
    """Return the names of an operation (``nn.Conv2d()``: conv2d) and of its arguments."""
    function = function_of(name)
    parts = [part for part in re.split(r"\W+", name) if part]
    found = {parts[-1], parts[-1].strip("_"), getattr(function, "__name__", "")}
    if not name.startswith(("torch.", "F.", "init.")):
        found.add(parts[-2] if len(parts) > 1 else "")
    with contextlib.suppress(TypeError, ValueError):
        found |= set(inspect.signature(function).parameters)
    return frozenset(word.lower() for word in found) - {"self", "args", "kwargs", "", "tensor"}
