"""What is behind ``state_dict`` and ``load_state_dict``: the tensors of a module, by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor, check_can_require_grad
from tinygrad_edu.backend import is_on_host, to_device
from tinygrad_edu.nn.parameter import Parameter, UninitializedTensorMixin, is_lazy
from tinygrad_edu.type_names import import_hint


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
    """Put parameters and persistent buffers into ``destination``; detached unless ``keep_vars``.

    A new one also says, in ``_metadata``, of which version each module is, as PyTorch's does.
    """
    if destination is None:
        destination = OrderedDict()
        vars(destination)["_metadata"] = OrderedDict()
    versions = getattr(destination, "_metadata", None)
    if versions is not None:
        for path, part in module.named_modules(prefix=prefix[:-1], remove_duplicate=False):
            versions[path] = {"version": part._version}
    for name, tensor in named_state(module, prefix).items():
        destination[name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
    return destination


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


def load_state(
    module: Any, state_dict: Mapping[str, Any], strict: bool, assign: bool = False
) -> IncompatibleKeys:
    """Copy the tensors of ``state_dict`` into the module, or put them in, after everything has been checked."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    own = named_state(module)
    younger = _younger_than(module, getattr(state_dict, "_metadata", None))
    missing = [name for name in own if name not in state_dict and name not in younger]
    unexpected = [name for name in state_dict if name not in own]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    own = _with_shapes(own, state_dict)
    found = {name: _matching(target, state_dict[name]) for name, target in own.items() if name in state_dict}
    for name, source in found.items():
        problem = _misfit(name, own[name], source, assign)
        if problem is not None:
            problems.append(problem)
    if problems:
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems)
        )
    if assign:
        _assign(module, own, found)
    else:
        _copy(own, found)
    return IncompatibleKeys(missing, unexpected)


def _with_shapes(own: dict[str, Tensor], state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """Give parameters of lazy layers the shapes that are loaded; return without those that have none there, either."""
    for name, target in own.items():
        source = state_dict.get(name)
        if is_lazy(target) and isinstance(source, Tensor) and not is_lazy(source):
            cast(UninitializedTensorMixin, target).materialize(source.shape)
    return {name: target for name, target in own.items() if not is_lazy(target)}


def _younger_than(module: Any, versions: Any) -> set[str]:
    """Return the names that a state of an older version cannot have."""
    names = set()
    for path, part in module.named_modules(remove_duplicate=False):
        entry = versions.get(path) if isinstance(versions, Mapping) else None
        version = entry.get("version") if isinstance(entry, Mapping) else None
        for name, since in part._since_version.items():
            if not isinstance(version, int) or version < since:
                names.add(f"{path}.{name}" if path else name)
    return names


def _matching(target: Tensor, source: Any) -> Any:
    """Return what is to be loaded; the only element, if old files have (1,) where there is a 0-d tensor now."""
    if isinstance(source, Tensor) and target.ndim == 0 and source.shape == (1,):
        return source[0]
    return source


def _copy(own: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Write the numbers into the module's own tensors; all are on their device before the first is written."""
    sparse = {name: source.to(own[name].device) for name, source in found.items() if not source._is_strided}
    dense = {name: source.array for name, source in found.items() if source._is_strided}
    arrays = {name: to_device(array, own[name].device) for name, array in dense.items()}
    for name, array in arrays.items():
        own[name].array[...] = array
        own[name].increment_version("load_state_dict")
    for name, source in sparse.items():
        own[name]._become(source.detach().clone())


def _assign(module: Any, own: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Put the tensors themselves in the place of the module's own; they say whether they are to be learned."""
    for name, source in found.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        if not isinstance(own[name], Parameter):
            owner._buffers[last] = source
        elif isinstance(source, Parameter):
            owner._parameters[last] = source.requires_grad_(own[name].requires_grad)
        else:
            owner._parameters[last] = Parameter(source, own[name].requires_grad)


def _quoted(names: list[str]) -> str:
    return ", ".join([f'"{name}"' for name in names])


def _misfit(name: str, target: Tensor, source: Any, assign: bool) -> str | None:
    """Return why ``source`` cannot be copied into ``target``, or take its place; None if it can."""
    if not isinstance(source, Tensor):
        return (
            f'While copying the parameter named "{name}", expected torch.Tensor or Tensor-like object from '
            f"checkpoint but received {type(source)}{import_hint(source)}"
        )
    if source.shape != target.shape:
        return (
            f"size mismatch for {name}: copying a param with shape {source.shape} from checkpoint, the "
            f"shape in current model is {target.shape}."
        )
    if source.layout is not target.layout:
        return f"{name} cannot be loaded: expected layout {target.layout}, got {source.layout}"
    if not source._is_strided:
        return None
    try:
        dtypes.from_numpy_dtype(source.array.dtype)  # objects are no numbers
        check_can_require_grad(source, assign and isinstance(target, Parameter) and target.requires_grad)
        target_is_open = assign or not is_on_host(target.array) or target.array.flags.writeable
    except (RuntimeError, TypeError) as error:
        return f"{name} cannot be loaded: {error}"
    if not target_is_open:
        return (
            f"{name} cannot be copied into: its memory is read-only. Hint: load_state_dict(..., assign=True)"
        )
    return None
