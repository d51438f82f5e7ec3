"""The end of ``learn.record``: of all that ran, the tape keeps what belongs to the backward, and numbers it."""

from __future__ import annotations

import operator
from typing import Any

from tinygrad_edu.learn.backward_recorder import BackwardRecorder
from tinygrad_edu.learn.tape import BackwardStep, ForwardStep, Leaf, Operand, Tape

FEW_STEPS = 10
"""So many steps that need no gradient are shown in any case, also where they are more than half of the graph."""


def finish(tape: Tape, steps: list[ForwardStep], backward: BackwardRecorder | None, whole: bool) -> None:
    """Fill a tape; ``whole`` says whether the wanted backward has been seen to its end."""
    if backward is None:
        kept = list(steps)
    else:
        backward.collect()
        tape.backward, tape.retain_graph = backward.steps, backward.retained
        kept = in_graph(tape.backward)
    tape.finished = whole
    tape.forward = sorted({id(step): step for step in kept}.values(), key=operator.attrgetter("sequence_nr"))
    replace_dropped_sources(tape.forward)
    for index, step in enumerate(tape.forward):
        step.index = index
    tape.leaves = leaves_of(tape)
    for index, leaf in enumerate(tape.leaves):
        leaf.index = index


def in_graph(backward: list[BackwardStep]) -> list[ForwardStep]:
    """Return the steps that a backward visited, those that it passed by, and what their data were made with."""
    graph = ancestors([step.step for step in backward if step.step is not None], recorded=True)
    known = set(map(id, graph))
    before = [step for step in ancestors(graph, recorded=False) if id(step) not in known]
    inside = [step for step in before if step.modules]
    few = max(FEW_STEPS, len(graph) // 2)
    return graph + (before if len(before) <= few else inside if len(inside) <= few else [])


def ancestors(steps: list[ForwardStep], recorded: bool) -> list[ForwardStep]:
    """Return these steps and what they were made from; with ``recorded``, only along edges of the graph."""
    found = {id(step): step for step in steps}
    waiting = list(steps)
    while waiting:
        for operand in waiting.pop().inputs:
            source = operand.source
            if not isinstance(source, ForwardStep) or id(source) in found:
                continue
            if operand.needs_grad or not recorded:
                found[id(source)] = source
                waiting.append(source)
    return list(found.values())


def replace_dropped_sources(steps: list[ForwardStep]) -> None:
    """Let an operand whose step is not on the tape come from a leaf."""
    kept = {id(step) for step in steps}
    leaves: dict[tuple[int, int], Leaf] = {}
    for step in steps:
        for operand in step.inputs:
            if isinstance(operand.source, ForwardStep) and id(operand.source) not in kept:
                operand.source = leaf_instead(operand, leaves)


def leaf_instead(operand: Operand, leaves: dict[tuple[int, int], Leaf]) -> Leaf | None:
    """Return the leaf that stands for a step which is not on the tape; one for all its uses."""
    step: Any = operand.source
    key = id(step), operand.output_nr
    if operand.value is None:
        return None
    if key not in leaves:
        name = step.output_names.get(operand.output_nr, "")
        leaves[key] = Leaf("data", name, operand.value, False)
    return leaves[key]


def leaves_of(tape: Tape) -> list[Leaf]:
    """Return the leaves in the order of their first use."""
    found: dict[int, Leaf] = {}
    for step in tape.forward:
        for operand in step.inputs:
            if isinstance(operand.source, Leaf):
                found.setdefault(id(operand.source), operand.source)
    for back in tape.backward:
        if back.leaf is not None:
            found.setdefault(id(back.leaf), back.leaf)
    return list(found.values())
