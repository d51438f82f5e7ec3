"""Reading and writing the state of a module: what is behind ``state_dict`` and ``load_state_dict``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import to_device

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module


class IncompatibleKeys(NamedTuple):
    """The names that did not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def collect_state(module: Module, prefix: str, keep_vars: bool) -> dict[str, Any]:
    """Return parameters and persistent buffers by dotted name; detached unless ``keep_vars``."""
    return {
        name: tensor if keep_vars else tensor.detach()
        for name, tensor in named_state(module, prefix.rstrip(".")).items()
    }


def named_state(module: Module, prefix: str = "") -> dict[str, Tensor]:
    """Return parameters and persistent buffers by dotted name, module by module."""
    state: dict[str, Tensor] = {}
    start = f"{prefix}." if prefix else ""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            state[start + name] = parameter
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent:
            state[start + name] = buffer
    for name, child in module._modules.items():
        if child is not None:
            state.update(named_state(child, start + name))
    return state


def load_state(module: Module, state_dict: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Copy the tensors of ``state_dict`` into the module, after everything has been checked."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict).__name__}.")
    own = named_state(module)
    missing = [name for name in own if name not in state_dict]
    unexpected = [name for name in state_dict if name not in own]
    problems = []
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    for name, target in own.items():
        if name in state_dict:
            problems.extend(_misfit(name, target, state_dict[name]))
    if problems:
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems)
        )
    for name, target in own.items():
        if name in state_dict:
            target.array[...] = to_device(state_dict[name].array, target.device)
            target.increment_version("load_state_dict")
    return IncompatibleKeys(missing, unexpected)


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _misfit(name: str, target: Tensor, source: Any) -> list[str]:
    """Return why ``source`` cannot be copied into ``target``, if so."""
    if not isinstance(source, Tensor):
        return [
            f'While copying the parameter named "{name}", expected torch.Tensor but got {type(source).__name__}.'
        ]
    if source.shape != target.shape:
        return [
            f"size mismatch for {name}: copying a param with shape {source.shape} from checkpoint, the shape in current "
            f"model is {target.shape}."
        ]
    return []
