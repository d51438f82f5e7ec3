"""What the instructions of a function tell: whether it fills a container that it has made itself."""

from __future__ import annotations

import dis
from dis import Instruction

DISPLAYS = {"BUILD_MAP", "BUILD_LIST", "BUILD_CONST_KEY_MAP"}


def is_own_container(instructions: list[Instruction], i: int) -> bool:
    """Tell whether ``name[key] = value`` at this place fills a list or dict that is always one written in the function.

    ``losses = {}`` or ``losses = [0, 0]`` must be all that the name is ever given.
    """
    name = "" if "ATTR" in instructions[i].opname else container_at(instructions, i)
    stores = [
        k for k, other in enumerate(instructions) if "STORE" in other.opname and name in names_of(other)
    ]
    return (
        name != ""
        and bool(stores)
        and all(
            instructions[k].opname != "STORE_FAST_STORE_FAST" and instructions[k - 1].opname in DISPLAYS
            for k in stores
        )
    )


def names_of(instruction: Instruction) -> tuple[str, ...]:
    """Return the local variables that an instruction names: one, or two from Python 3.13 on."""
    given = instruction.argval
    return given if isinstance(given, tuple) else (given,) if isinstance(given, str) else ()


def container_at(instructions: list[Instruction], i: int) -> str:
    """Return the local variable in which the container of ``name[key] = value`` is; nothing if that is not plain."""
    missing = 2 if instructions[i].opname == "STORE_SLICE" else 1  # values on the stack, after the container
    while missing > 0 and i > 0:
        i -= 1
        if "JUMP" in instructions[i].opname:
            return ""
        missing -= dis.stack_effect(instructions[i].opcode, instructions[i].arg)
    if missing < 0:  # one instruction has loaded container and key
        return names_of(instructions[i])[0] if instructions[i].opname.startswith("LOAD_FAST") else ""
    loading = instructions[i - 1]
    return names_of(loading)[-1] if loading.opname.startswith("LOAD_FAST") else ""
