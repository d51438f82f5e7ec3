"""Module: the base of all layers and models.

A module keeps three dictionaries: its parameters, its buffers and its submodules. Assigning an attribute
files it there; everything else (``state_dict``, ``to``, ``train``) walks through them.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.writing import zero_grad_in_place
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.missing_names import error_of_object
from tinygrad_edu.nn.calling import Hooks, ModuleCall
from tinygrad_edu.nn.conversion import ModuleConversion
from tinygrad_edu.nn.parameter import Buffer, Parameter, UninitializedBuffer
from tinygrad_edu.nn.state import IncompatibleKeys, collect_state, load_state
from tinygrad_edu.nn.text import module_text
from tinygrad_edu.type_names import import_hint

Self = TypeVar("Self", bound="Module")


class Module(ModuleCall, ModuleConversion):
    """Base class of layers and models.

    A subclass makes its layers in ``__init__``, after ``super().__init__()``, and says in ``forward`` how
    they are used.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> class Net(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = torch.nn.Linear(4, 2)
    ...
    ...     def forward(self, x):
    ...         return torch.relu(self.fc(x))
    >>> Net()
    Net(
      (fc): Linear(in_features=4, out_features=2, bias=True)
    )
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent: set[str]
    _version: int = 1  # of what a state_dict holds, as PyTorch counts
    _since_version: Mapping[str, int] = MappingProxyType({})  # names that older ones lack

    def __init__(self) -> None:
        for name in ("_parameters", "_buffers", "_modules"):
            object.__setattr__(self, name, {})
        self.training = True
        self._non_persistent = set()  # buffers that state_dict leaves out
        self._forward_pre_hooks: Hooks = OrderedDict()
        self._forward_hooks: Hooks = OrderedDict()
        self._backward_pre_hooks: Hooks = OrderedDict()
        self._backward_hooks: Hooks = OrderedDict()

    # ---- attributes ----------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter | Buffer | Module) and "_modules" not in self.__dict__:
            kind = "module" if isinstance(value, Module) else type(value).__name__.lower() + "s"
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        place, expected = self._place_of(name)
        if isinstance(value, Parameter):
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Buffer | UninitializedBuffer):
            self._forget(name, self._buffers)
            self.register_buffer(name, value, value.persistent)
        elif isinstance(value, Module):
            self._forget(name, self._modules)
            self._modules[name] = value
        elif place is None:
            object.__setattr__(self, name, value)
        elif value is None or (place is self._buffers and isinstance(value, Tensor)):
            place[name] = value
        else:
            raise TypeError(f"cannot assign '{type(value).__name__}' as {expected}{import_hint(value)}")

    def _place_of(self, name: str) -> tuple[dict[str, Any] | None, str]:
        """Return the dictionary in which a name is filed, if it is, and what it may hold."""
        filed = self.__dict__
        if name in filed.get("_parameters", ()):
            return self._parameters, f"parameter '{name}' (torch.nn.Parameter or None expected)"
        if name in filed.get("_buffers", ()):
            return self._buffers, f"buffer '{name}' (torch.Tensor or None expected)"
        if name in filed.get("_modules", ()):
            return self._modules, f"child module '{name}' (torch.nn.Module or None expected)"
        return None, ""

    def _forget(self, name: str, keep: dict[str, Any] | None = None) -> None:
        """Remove an attribute from wherever it is filed; not from ``keep``, where its rank stays the same."""
        for place in (self.__dict__, self._parameters, self._buffers, self._modules):
            if place is not keep:
                place.pop(name, None)
        self._non_persistent.discard(name)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_modules" not in own:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}'. Hint: call "
                "super().__init__() at the beginning of __init__"
            )
        for place in ("_parameters", "_buffers", "_modules"):
            if name in own[place]:
                return own[place][name]
        raise error_of_object(self, "torch.nn.Module", name)

    def __delattr__(self, name: str) -> None:
        if self._place_of(name)[0] is not None:
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*object.__dir__(self), *self._parameters, *self._buffers, *self._modules}
        return sorted([name for name in names if not name[:1].isdigit()])

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """File a parameter, or None to keep its place."""
        self._check_name("parameter", name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' (torch.nn.Parameter "
                f"or None required){import_hint(param)}"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                "forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """File a tensor that belongs to the module but is not learned, such as a running mean.

        It moves with ``to`` and, if ``persistent``, is part of the ``state_dict``.
        """
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None "
                f"required){import_hint(tensor)}"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent.discard(name)
        else:
            self._non_persistent.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """File a submodule."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass{import_hint(module)}")
        self._check_name("module", name, "_modules")
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """File a submodule; the same as ``add_module``."""
        self.add_module(name, module)

    def _check_name(self, kind: str, name: str, place: str) -> None:
        """Raise if this cannot become the name of a parameter, buffer or submodule."""
        if place not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in self.__dict__[place] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # ---- walking -------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it, with their dotted names; a shared one once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                dotted = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, dotted, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Yield this module and all below it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules directly below, with their names; a shared one once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the modules directly below."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self, place: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for module_name, module in self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate):
            for name, member in getattr(module, place).items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield f"{module_name}.{name}" if module_name else name, member
            if not recurse:
                return

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted names; a shared one once."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters: what an optimizer is given."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their dotted names; a shared one once."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """Return the module with a dotted name, such as ``encoder.layers.2``."""
        if not isinstance(target, str):
            raise TypeError(f"get_submodule(): argument 'target' must be str, not {type(target).__name__}")
        module = self
        for name in target.split(".") if target else ():
            child = module._get_filed(name)
            if not isinstance(child, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
            module = child
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter with a dotted name."""
        if not isinstance(target, str):
            raise TypeError(f"get_parameter(): argument 'target' must be str, not {type(target).__name__}")
        path, _, name = target.rpartition(".")
        parameter = self.get_submodule(path)._get_filed(name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer with a dotted name."""
        if not isinstance(target, str):
            raise TypeError(f"get_buffer(): argument 'target' must be str, not {type(target).__name__}")
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = module._get_filed(name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def _get_filed(self, name: str) -> Any:
        if not hasattr(self, name):
            raise AttributeError(f"{type(self).__name__}: there is no attribute `{name}`")
        return getattr(self, name)

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` on every submodule, then on this one; often used to set initial values."""
        if not callable(fn):
            raise TypeError(f"apply(): argument 'fn' must be callable, not {type(fn).__name__}")
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ---- state ---------------------------------------------------------------------------------------

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return the parameters and persistent buffers by their dotted names; they share the module's memory.

        Parameters
        ----------
        destination : dict, optional
            Put them here; by default into a new dict.
        prefix : str
            Stands before every name.
        keep_vars : bool
            Return the parameters themselves; by default detached Tensors.
        """
        return collect_state(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy parameters and buffers from a ``state_dict``; all of them or, if something does not fit, none.

        Parameters
        ----------
        state_dict : dict
            Tensors by dotted name.
        strict : bool
            Whether the names must be exactly those of this module.
        assign : bool
            Put the tensors of ``state_dict`` themselves in, with their dtype and device, instead of copying their
            numbers. An optimizer must be made afterwards, because the parameters are others then.

        Returns
        -------
        IncompatibleKeys
            The names that were missing, and those that were not expected.

        Raises
        ------
        RuntimeError
            For missing and unexpected names (if strict), and for shapes that differ: all in one message.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> layer = torch.nn.Linear(2, 1, bias=False)
        >>> layer.load_state_dict({"weight": torch.tensor([[1.0, 2.0]])})
        <All keys matched successfully>
        >>> layer.weight.tolist()
        [[1.0, 2.0]]
        """
        return load_state(self, state_dict, strict, assign)

    def train(self: Self, mode: bool = True) -> Self:
        """Switch to training: dropout drops, batch norm uses the batch's statistics."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Switch to evaluation: the opposite of ``train``."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Say of all parameters whether they are to be learned."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to 0."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                call(zero_grad_in_place, parameter)

    # ---- text ----------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of the repr; subclasses define it."""
        return ""

    def __repr__(self) -> str:
        children = [(name, repr(module)) for name, module in self._modules.items()]
        return module_text(type(self).__name__, self.extra_repr(), children)
