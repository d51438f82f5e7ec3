"""What is behind ``state_dict``, ``load_state_dict`` and ``to``: the tensors of a module, by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import to_device


class IncompatibleKeys(NamedTuple):
    """The names that did not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def collect_state(
    module: Any, destination: dict[str, Any] | None, prefix: str, keep_vars: bool
) -> dict[str, Any]:
    """Put parameters and persistent buffers into ``destination``; detached unless ``keep_vars``."""
    state = OrderedDict() if destination is None else destination
    for name, tensor in named_state(module, prefix).items():
        state[name] = tensor if keep_vars else tensor.detach()
    return state


def named_state(module: Any, prefix: str = "") -> dict[str, Tensor]:
    """Return parameters and persistent buffers by dotted name; shared ones by all their names."""
    state: dict[str, Tensor] = {}
    for name, parameter in module._parameters.items():
        if parameter is not None:
            state[prefix + name] = parameter
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent:
            state[prefix + name] = buffer
    for name, child in module._modules.items():
        if child is not None:
            state.update(named_state(child, f"{prefix}{name}."))
    return state


def load_state(module: Any, state_dict: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Copy the tensors of ``state_dict`` into the module, after everything has been checked."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    own = named_state(module)
    missing = [name for name in own if name not in state_dict]
    unexpected = [name for name in state_dict if name not in own]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    for name, target in own.items():
        problem = _misfit(name, target, state_dict[name]) if name in state_dict else None
        if problem is not None:
            problems.append(problem)
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
    return ", ".join([f'"{name}"' for name in names])


def _misfit(name: str, target: Tensor, source: Any) -> str | None:
    """Return why ``source`` cannot be copied into ``target``; None if it can."""
    if not isinstance(source, Tensor):
        return (
            f'While copying the parameter named "{name}", expected torch.Tensor or Tensor-like object from '
            "checkpoint "
            f"but received {type(source)}"
        )
    if source.shape != target.shape:
        return (
            f"size mismatch for {name}: copying a param with shape {source.shape} from checkpoint, the "
            f"shape in current model is {target.shape}."
        )
    return None


def move_to(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Give all tensors of the module, and their gradients, new arrays: what ``to`` does.

    The Tensor objects stay the same, so an optimizer that holds the parameters goes on with them.
    """
    wanted = [arg for arg in (*args, kwargs.get("dtype")) if isinstance(arg, dtypes.dtype)]
    if wanted and not wanted[0].is_floating_point and not wanted[0].is_complex:
        raise TypeError(
            f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={wanted[0]}"
        )
    for tensor in [*module.parameters(), *module.buffers()]:
        for part in (tensor, tensor._grad):
            if part is not None:
                part.array = _moved(part, args, kwargs).array


def _moved(tensor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Return what ``Tensor.to`` gives; only floating-point tensors change their dtype."""
    moved = tensor.detach().to(*args, **kwargs)
    if tensor.is_floating_point() or tensor.is_complex():
        return moved
    return tensor.detach().to(device=moved.device)
