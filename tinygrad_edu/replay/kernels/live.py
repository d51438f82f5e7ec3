"""Numbers that differ from call to call: how the lines of a list of kernels work them out anew.

A kernel is given numbers, too. Most of them are the same in each call, and stand in the list. These are not: the
seed of a dropout's mask, what a loss is divided by, and what an optimizer reads of its options and counts.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

import numpy as np

from tinygrad_edu import kernel_table
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.ops.nn.softmax import check_class_numbers
from tinygrad_edu.optim.adam import Adam
from tinygrad_edu.optim.adamw import AdamW
from tinygrad_edu.optim.sgd import SGD
from tinygrad_edu.optim.state import count_step
from tinygrad_edu.replay.lines.functions import accumulate, keep
from tinygrad_edu_kernels.dropout.reference import mix

# ---- operations -------------------------------------------------------------------------------------------------


def write_dropout(line: Any, launches: Any, writer: Any) -> None:
    """Write dropout, whose mask is made of a seed: forward and backward use the same one."""
    if len(launches) != 1:
        writer.fail()
    if line.method == "forward":
        writer.remembered[id(line.node), "seed"] = line.options["seed"]
    seed = writer.remembered[id(line.node), "seed"]
    writer.write_results(line, launches)
    mixed = f"{writer.named(np.uint64, 'uint64')}({writer.named(mix, 'mix')}({seed}))"
    writer.lines.append(writer.text_of_launch(launches[0], start=mixed))


def write_loss(line: Any, launches: Any, writer: Any) -> None:
    """Write the cross-entropy: the sum of the losses is divided by that of the weights of the classes."""
    value = writer.values[line.results[0]]
    if value.ndim or not launches:
        writer.fail()
    writer.lines += [writer.text_of_launch(launch) for launch in launches]
    first, last = dict(writer.arguments_of(launches[0])), launches[-1]
    # One thread adds everything up; of several, each has sums of its own, which are added up by a call.
    totals = first["totals"] if last.result is None else last.result
    name = writer.text(totals)
    check = writer.named(check_class_numbers, "check_class_numbers")
    classes, target = first["logits"].shape[1], line.arguments[1]
    writer.lines.append(
        f"if {name}[2]: {check}('cross_entropy', {target}, {classes}, {line.options['ignore_index']})"
    )
    divisor = f"{name}[1]" if str(line.options["reduction"]) == "'mean'" else "1"
    writer.lines.append(f"{line.results[0]} = {writer.named(np.asarray, 'asarray')}({name}[0] / {divisor})")
    writer.move(line.results[0], value)
    writer.remembered[id(line.node), "divisor"] = divisor


def write_loss_backward(line: Any, launches: Any, writer: Any) -> None:
    """Write the gradient of the cross-entropy."""
    if len(launches) != 1:
        writer.fail()
    writer.write_results(line, launches)
    (launch,) = launches
    grad = str(line.arguments[0])
    given = dict(writer.arguments_of(launch))
    dtype = given["probabilities"].dtype
    if given["grad_losses"].size != 1 or writer.values[grad].dtype != dtype:
        writer.fail()
    replaced = {"grad_losses": f"{grad}.reshape(1)"}
    divisor = writer.remembered[id(line.node), "divisor"]
    if divisor != "1":
        number = writer.named(dtype.type, dtype.name)
        replaced["share"] = f"{number}(1.0 / {divisor} if {divisor} else inf)"
    writer.lines.append(writer.text_of_launch(launch, **replaced))


# ---- optimizers -------------------------------------------------------------------------------------------------


ON_HOST = np.empty(0)


def numbers_of_sgd(group: dict[str, Any]) -> tuple[Any, ...]:
    """Return what ``SGD`` gives its kernel besides arrays, after its first step."""
    return kernel_table.optimizer_step(ON_HOST).sgd_numbers(
        group["momentum"] != 0,
        False,
        float(group["lr"]),
        group["momentum"],
        group["dampening"],
        float(group["weight_decay"]),
        group["nesterov"],
        group["maximize"],
    )


def numbers_of_adam(group: dict[str, Any], step: Any) -> tuple[Any, ...]:
    """Count a step of one parameter, and return what ``Adam`` gives its kernel besides arrays."""
    return kernel_table.optimizer_step(ON_HOST).adam_numbers(
        group["amsgrad"],
        count_step(step),
        float(group["lr"]),
        float(group["betas"][0]),
        float(group["betas"][1]),
        group["eps"],
        group["weight_decay"],
        group["decoupled_weight_decay"],
        group["maximize"],
    )


ARRAYS = {SGD: 3, Adam: 5, AdamW: 5}
"""How many of the arguments of an optimizer's kernel are arrays; the rest are numbers."""


class StateGuard:
    """What an optimizer remembers must lie where it lay, and be what it was, for a list of kernels names it.

    And a parameter that it leaves alone, for it has no gradient, must still have none: no line updates it.
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        params = [param for group in optimizer.param_groups for param in group["params"]]
        self.idle = [param for param in params if param._grad is None]
        self.states = list(optimizer.state.values())
        self.values = [value for state in self.states for value in state.values()]
        self.arrays = [value.array for value in self.values if isinstance(value, Tensor)]
        self.options = self.kinds()

    def kinds(self) -> list[Any]:
        """Return the options that decide what is remembered."""
        groups = self.optimizer.param_groups
        return [(bool(group.get("momentum")), bool(group.get("amsgrad"))) for group in groups]

    def holds(self) -> bool:
        """Tell whether all is as it was."""
        if any(param._grad is not None for param in self.idle):
            return False
        states = self.optimizer.state.values()
        if len(states) != len(self.states) or not all(map(is_, states, self.states)):
            return False
        values = [value for state in states for value in state.values()]
        if len(values) != len(self.values) or not all(map(is_, values, self.values)):
            return False
        arrays = [value.array for value in values if isinstance(value, Tensor)]
        return all(map(is_, arrays, self.arrays)) and self.kinds() == self.options


def note_step(optimizer: Any, counters: list[Any], name: str) -> None:
    """Do what follows the updates of an optimizer's parameters: count the changes of all tensors, and the step."""
    for counter in counters:
        counter.value += 1
        counter.last_change = name
    optimizer.step_count += 1


def write_step(line: Any, launches: Any, writer: Any) -> None:
    """Write a step of an optimizer, one line for each parameter."""
    optimizer = line.owner
    pairs = [(g, p) for g, group in enumerate(optimizer.param_groups) for p in group["params"]]
    with_grad = [(g, p) for g, p in pairs if p._grad is not None]
    names = {id(value): key for key, value in writer.scope.items()}
    given = {str(x.arguments[0]) for x in writer.list.lines if x.function in (keep, accumulate)}
    # Whether a parameter has a gradient must be up to this list.
    if len(with_grad) != len(launches) or any(
        (names.get(id(param)) in given) is (param._grad is None) for _, param in pairs
    ):
        writer.fail()
    for (group, param), launch in zip(with_grad, launches, strict=True):
        writer.lines.append(text_of_update(optimizer, group, param, launch, names, writer))
    writer.optimizers.append(optimizer)
    states = [optimizer.state.get(param, {}).values() for _, param in with_grad]
    changed = [param for _, param in with_grad] + [x for state in states for x in state]
    counters = [x.version_counter() for x in changed if isinstance(x, Tensor)]
    name, note = names[id(optimizer)], writer.named(note_step, "note_step")
    counted = writer.named(counters, f"counters_of_{name}")
    writer.lines.append(f"{note}({name}, {counted}, '{type(optimizer).__name__}.step')")


def text_of_update(
    optimizer: Any, group: int, param: Any, launch: Any, names: dict[int, str], writer: Any
) -> str:
    """Return the line that updates one parameter."""
    count, grad, name = ARRAYS[type(optimizer)], param._grad.array, names[id(param)]
    state = [x.array for x in optimizer.state.get(param, {}).values() if isinstance(x, Tensor)]
    texts = []
    for array, hint in zip(launch.arguments[:count], writer.argument_names(launch.function), strict=False):
        if not array.size:
            texts.append(writer.stay_as(array, "nothing"))
        elif np.may_share_memory(array, grad):
            texts.append(
                f"{writer.names[id(grad)]}.reshape(-1)" if id(grad) in writer.names else writer.fail()
            )
        elif np.may_share_memory(array, param.array):
            texts.append(writer.text(array))
        elif any(np.may_share_memory(array, place) for place in state):
            texts.append(writer.stay_as(array, f"{name}_{hint}"))
        else:
            writer.fail()  # a copy
    options = f"{names[id(optimizer)]}.param_groups[{group}]"
    if isinstance(optimizer, Adam):
        step = writer.named(optimizer.state[param]["step"], f"{name}_step")
        numbers = f"{writer.named(numbers_of_adam, 'numbers_of_adam')}({options}, {step})"
    else:
        numbers = f"{writer.named(numbers_of_sgd, 'numbers_of_sgd')}({options})"
    line: str = writer.text_of_call(launch, [*texts, f"*{numbers}"])
    return line


LIVE: dict[tuple[str, str], Callable[[Any, Any, Any], None]] = {
    ("Dropout", "forward"): write_dropout,
    ("Dropout", "backward"): write_dropout,
    ("SoftmaxCrossEntropy", "forward"): write_loss,
    ("SoftmaxCrossEntropy", "backward"): write_loss_backward,
    ("SGD", "step"): write_step,
    ("Adam", "step"): write_step,
    ("AdamW", "step"): write_step,
}
"""The operations and optimizers whose kernels are given such numbers, and what writes their lines."""
