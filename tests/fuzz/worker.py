"""A process that makes wrong calls and says what became of each, so that a crash ends it and not the program.

It reads a list of calls from the standard input and writes two lines of JSON for each: that it begins, and how it
ended here and in PyTorch.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import os
import resource
import sys
from typing import Any

from tests.fuzz import judge
from tests.fuzz.spoil import Wrong

BYTES = 6 * 2**30


def main() -> None:
    calls = [Wrong(*call) for call in json.load(sys.stdin)]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    for call in calls:
        print(json.dumps("here"), file=answers)
        ours = judge.outcome(call)
        print(json.dumps("there"), file=answers)
        theirs = there(call)
        if ours.kind == judge.NAMELESS and theirs == f"raised {ours.error}: {ours.message}"[:300]:
            ours = dataclasses.replace(ours, kind=judge.CLEAR)  # PyTorch's own words
        print(json.dumps({**dataclasses.asdict(ours), "there": theirs}), file=answers)


def there(call: Wrong) -> str:
    """Return what PyTorch does: "raised ..." or "returned"; nothing if it cannot be had, or does not know the call."""
    torch = pytorch()
    if torch is None or not is_right_there(call.right):
        return ""
    error = judge.run(call.wrong, torch)
    if isinstance(error, judge.Late | MemoryError):
        return ""
    return "returned" if error is None else f"raised {type(error).__name__}: {error}"[:300]


@functools.cache
def is_right_there(right: str) -> bool:
    return judge.run(right, pytorch()) is None


@functools.cache
def pytorch() -> Any:
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    return torch


if __name__ == "__main__":
    main()
