"""Parametrisations: a parameter that is computed from another one, whenever it is read.

``register_parametrization(layer, "weight", Symmetric())`` moves the parameter to
``layer.parametrizations.weight.original``, and ``layer.weight`` becomes what ``Symmetric`` makes of it. Python looks
for a computed attribute in an object's class, and the other layers of the class must not have it; so the layer gets
a class of its own, ``ParametrizedLinear``, a subclass of the one that it had. This is how PyTorch does it, too.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.register_parametrization.html
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.nn.container import ModuleDict, ModuleList
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter


class _Cache:
    """What parametrised tensors were computed within :func:`cached`, by the layer's id and the name."""

    def __init__(self) -> None:
        self.depth = 0
        self.tensors: dict[tuple[int, str], Tensor] = {}


_cache = _Cache()


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within the ``with`` block, compute every parametrised tensor once, however often it is read.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.utils import parametrizations, parametrize
    >>> layer = parametrizations.weight_norm(torch.nn.Linear(2, 2))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.tensors.clear()


class ParametrizedTensor:
    """The attribute of a parametrised layer: computed when it is read; assigned, it goes to ``right_inverse``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, owner: type) -> Any:
        if module is None:
            return self
        key = (id(module), self.name)
        if _cache.depth and key in _cache.tensors:
            return _cache.tensors[key]
        tensor = module.parametrizations[self.name]()
        if _cache.depth:
            _cache.tensors[key] = tensor
        return tensor

    def __set__(self, module: Any, value: Tensor) -> None:
        module.parametrizations[self.name].right_inverse(value)


class ParametrizationList(ModuleList):
    """The parametrisations of one tensor, in the order of their calls, and what the first one is called with.

    It is ``original``, or ``original0``, ``original1`` ... if the ``right_inverse`` of the first one returns several
    tensors. Made by :func:`register_parametrization`.

    Parameters
    ----------
    modules : sequence of Module
        The parametrisations.
    original : Tensor or Parameter
        What is parametrised.
    unsafe : bool
        Whether shape and dtype may change.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new = self._inverted(original)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            for what in ("dtype", "device"):
                if getattr(original, what) != getattr(new, what):
                    raise ValueError(
                        f"When `right_inverse` outputs one tensor, it may not change the {what}.\n"
                        f"original.{what}: {getattr(original, what)}\n"
                        f"right_inverse(original).{what}: {getattr(new, what)}"
                    )
            _set(original, new)
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                _require_tensor_of_sequence(i, part)
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                _register(self, f"original{i}", part.requires_grad_(original.requires_grad))
        if not unsafe:
            _check_same("unparametrized", shape, dtype, "parametrized", self())

    def _inverted(self, value: Any) -> Any:
        """Return what the ``right_inverse`` of all of them make of the first value; who has none changes nothing."""
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):
                        value = module.right_inverse(value)
        if not isinstance(value, Tensor | Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(value).__name__}"
            )
        return value

    def right_inverse(self, value: Any) -> None:
        """Keep what the parametrised tensor is to be: called when it is assigned."""
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
        if self.is_tensor:
            if not isinstance(value, Tensor):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
            parts, names = [value], ["original"]
        else:
            if not isinstance(value, Sequence):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}."
                )
            if len(value) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of "
                    f"length {len(value)}."
                )
            parts, names = list(value), [f"original{i}" for i in range(self.ntensors)]
        for i, (name, part) in enumerate(zip(names, parts, strict=True)):
            _require_tensor_of_sequence(i, part)
            target = getattr(self, name)
            if part.dtype != target.dtype:
                raise ValueError(
                    f"The tensor {i} returned by `right_inverse` has dtype {part.dtype} while `{name}` has dtype "
                    f"{target.dtype}"
                )
            _set(target, part)

    def forward(self) -> Any:
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        first, *others = list(self)
        x = first(*[getattr(self, name) for name in names])
        for module in others:
            x = module(x)
        return x


def _require_tensor_of_sequence(i: int, part: Any) -> None:
    if not isinstance(part, Tensor):
        raise ValueError(
            "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
            f"Got element {i} of the sequence with type {type(part).__name__}."
        )


def _set(target: Tensor, source: Tensor) -> None:
    """Give a tensor another memory, that of ``source``, as ``Tensor.set_`` does."""
    target.data = source.detach()
    target.increment_version("set_")


def _register(module: Module, name: str, x: Tensor) -> None:
    if isinstance(x, Parameter):
        module.register_parameter(name, x)
    else:
        module.register_buffer(name, x)


def _check_same(before: str, shape: Any, dtype: Any, after: str, x: Any) -> None:
    """Raise unless a parametrisation has kept shape and dtype."""
    if not isinstance(x, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(x).__name__}.")
    for what, old, new in (("dtype", dtype, x.dtype), ("shape", shape, x.shape)):
        if old != new:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
                f"enabled.\n{before} {what}: {old}\n{after} {what}: {new}"
            )


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Have a parameter or buffer of a layer computed by a parametrisation, whenever it is read.

    Parameters
    ----------
    module : Module
        The layer, which is changed and returned.
    tensor_name : str
        The name of the parameter or buffer. If it is parametrised already, this parametrisation comes last.
    parametrization : Module
        Its ``forward`` makes the tensor of the original one. Its ``right_inverse``, if it has one, does the reverse:
        it makes the first original, and is called when something is assigned to the parametrised tensor.
    unsafe : bool
        Whether shape and dtype may change; nothing is checked then.

    Raises
    ------
    ValueError
        If there is no such tensor, or shape or dtype change.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.register_parametrization.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.utils import parametrize
    >>> class Symmetric(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = parametrize.register_parametrization(torch.nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_one_more(module, tensor_name, parametrization)
        listed: Any = module.parametrizations[tensor_name]
        listed.append(parametrization)
        listed.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        listed = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_class_of_its_own(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, ParametrizedTensor(tensor_name))
        module.parametrizations[tensor_name] = listed
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def _check_one_more(module: Module, name: str, parametrization: Any) -> None:
    """Raise unless a further parametrisation, and its inverse, keep shape and dtype."""
    before = getattr(module, name)
    after = parametrization(before)
    _check_same(f"module.{name}", before.shape, before.dtype, f"parametrization(module.{name})", after)
    if hasattr(parametrization, "right_inverse"):
        with contextlib.suppress(NotImplementedError):
            back = parametrization.right_inverse(after)
            _check_same(f"module.{name}", before.shape, before.dtype, "returned by right_inverse:", back)


def _give_class_of_its_own(module: Module) -> None:
    """Make the class of the layer a subclass of the one that it has, which nothing else is of."""
    cls = type(module)
    methods = {"__getstate__": _refuse_to_pickle, "__deepcopy__": _deepcopy}
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), methods)


def _refuse_to_pickle(module: Module) -> Any:
    raise RuntimeError("Serialization of parametrized modules is only supported through state_dict().")


def _deepcopy(module: Module, memo: dict[int, Any]) -> Module:
    """Copy a parametrised layer; the class of its own is that of the copy, too."""
    replica = object.__new__(type(module))
    memo[id(module)] = replica
    replica.__dict__.update(copy.deepcopy(module.__dict__, memo))
    return replica


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Tell whether a tensor of a layer is parametrised; without a name, whether any is."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrised tensor an ordinary one again; the layer is changed and returned.

    Parameters
    ----------
    module : Module
        The layer.
    tensor_name : str
        The name of the tensor.
    leave_parametrized : bool
        Whether it keeps the value that it has now; otherwise it gets the original one.

    Raises
    ------
    ValueError
        If it is not parametrised, or is to get the original one where there are several.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    listed: Any = module.parametrizations[tensor_name]
    if listed.is_tensor:
        tensor = listed.original
        if leave_parametrized:
            with no_grad():
                _set(tensor, getattr(module, tensor_name))
    elif leave_parametrized:
        now = getattr(module, tensor_name)
        tensor = Parameter(now) if now.requires_grad else now
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, tensor)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """Return the class that a layer had before anything was parametrised."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give another layer the parametrisations of this one, and what they compute from; return the other layer.

    Parameters
    ----------
    from_module, to_module : Module
        The layers.
    tensor_name : str, optional
        The tensor that is meant; by default all that are parametrised.
    """
    if not is_parametrized(from_module):
        return to_module
    parametrizations: Any = from_module.parametrizations
    for name in list(parametrizations) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        source = parametrizations[name]
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        target: Any = to_module.parametrizations[name]
        for original in (
            ["original"] if source.is_tensor else [f"original{i}" for i in range(source.ntensors)]
        ):
            setattr(target, original, getattr(source, original))
    return to_module
