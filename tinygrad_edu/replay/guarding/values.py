"""Which Python values a program reads: what the code of its functions names is looked up, and guarded."""

from __future__ import annotations

import builtins
import dis
import functools
import os
import re
import sys
import types
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.module import Module
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.replay.arrays import is_array
from tinygrad_edu.replay.guarding.guards import PLAIN, Guards
from tinygrad_edu.replay.guarding.watching import MUTABLE, kind_of_file

BY_TEXT = {
    "getattr", "hasattr", "vars", "dir", "attrgetter", "asdict", "astuple", "copy", "deepcopy",
    "getmembers",
}  # fmt: skip
"""Functions that read attributes whose names do not stand in the code."""

ANYWHERE = {"globals", "import_module", "__import__", "_getframe"}
"""Functions by which a program can read anything."""

STEADY = (
    *PLAIN, type(None), type(...), type(NotImplemented), object, slice, range, CodeType, re.Pattern,
    types.UnionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
)  # fmt: skip
"""What has no attributes that change."""

BARE = (types.SimpleNamespace, functools.cached_property)
"""Classes of Python's library that read no attributes by themselves, or in a function that is seen."""


class ValueFinder:
    """Looks up the values that functions name, and adds them to the guards."""

    def __init__(self, guards: Guards, codes: dict[CodeType, dict[str, Any]], recorder: Any) -> None:
        self.guards, self.codes, self.recorder = guards, codes, recorder
        self.names = {name for code in codes for name in code.co_names}
        self.by_text = bool(self.names & BY_TEXT)  # then all attributes count
        self.tensors: dict[int, Any] = {}
        self._among_arguments = False
        self._seen: dict[int, Any] = {}

    def find(self, function: Callable[..., Any], arguments: list[Any]) -> None:
        """Follow all names, from the function that was compiled and from its arguments."""
        for name in self.names & ANYWHERE:
            self.recorder.refuse(f"it calls {name}(), and may read anything")
        if self.names & {"environ", "getenv"}:
            self.guards.add_container(vars(os.environ)["_data"])
        self.follow(function)
        for code, scope in self.codes.items():
            for module in imported(code, scope):
                self.follow(module)
            for name in code.co_names:
                if name in scope or hasattr(builtins, name):
                    self.guards.add_item(scope, name)
                    self.follow(scope.get(name))
        for module in list(self.recorder.modules.values()):
            self.follow(module)
        self._among_arguments = True
        for value in arguments:
            self.follow(value)
        inner = {const for code in [*self.codes] for const in code.co_consts if isinstance(const, CodeType)}
        for code in self.codes:
            if code.co_freevars and code not in inner and code not in self._seen.values():
                self.recorder.refuse(f"{code.co_name} has a closure that cannot be followed")
        self.check_outside()

    def check_outside(self) -> None:
        """Refuse a tensor that was there before and is found by no name: nothing says that it will be the same one."""
        modules = self.recorder.modules.values()
        for module in modules:
            for tensor in [*module._parameters.values(), *module._buffers.values()]:
                if tensor is not None and self.recorder.is_argument(tensor):
                    self.recorder.refuse("an argument is a parameter or a buffer, too")
                self.tensors[id(tensor)] = tensor
        arrays = {id(tensor.array) for tensor in self.tensors.values() if tensor is not None}
        for array in self.recorder.outside:
            if id(array) not in arrays:
                maker, _ = self.recorder.makers.get(id(array), ("", None))
                whence = f"{maker}() made, which is no operation that replay knows"
                self.recorder.refuse(
                    f"it uses an array of shape {list(array.shape)} that "
                    f"{whence if maker else 'no operation made and no name leads to'}"
                )
        for tensor in self.tensors.values():
            if tensor is not None:
                self.guards.add_leaf(tensor)

    def follow(self, value: Any) -> None:
        """Guard what lies behind a value: the elements of a container, the attributes that functions name."""
        if id(value) in self._seen or isinstance(value, np.generic):
            return
        self._seen[id(value)] = value
        if isinstance(value, Optimizer):
            return self._follow_optimizer(value)
        if type(value).__module__.startswith("numpy.random"):
            self.recorder.refuse("it draws from numpy.random")
        if isinstance(value, Tensor):
            self._follow_attributes_of_tensor(value)
            if not self.recorder.is_argument(value):
                self.tensors[id(value)] = value
            elif not self._among_arguments:
                self.recorder.refuse("an argument is found under another name, too")
            return
        if isinstance(value, MUTABLE) or is_array(value) or hasattr(type(value), "__next__"):
            self.recorder.refuse(
                f"it uses a {type(value).__name__} of Python's, NumPy's or CuPy's, whose content may change"
            )
        if isinstance(value, FunctionType):
            self._follow_function(value)
        elif isinstance(value, MethodType | BuiltinFunctionType | staticmethod | classmethod | property):
            for part in ("__func__", "__self__", "fget"):
                self.follow(getattr(value, part, None))
        elif isinstance(value, list | tuple | dict | set | frozenset):
            self.guards.add_container(value)
            for element in value.values() if isinstance(value, dict) else value:
                self.follow(element)
        elif isinstance(value, ModuleType):
            self._follow_module(value)
        elif isinstance(value, type):
            self._follow_class(value)
        elif isinstance(value, functools.partial):
            for behind in (value.func, value.args, value.keywords):
                self.follow(behind)
        elif hasattr(value, "__dict__"):
            self._follow_object(value)
        elif is_of_program(type(value)):
            self.recorder.refuse(f"it uses a {type(value).__name__}, which has slots")
        elif type(value) not in STEADY and type(value).__module__ in ("builtins", "weakref", "operator"):
            self.recorder.refuse(f"it uses a {type(value).__name__}, and what is behind it may change")

    def _follow_object(self, value: Any) -> None:
        self.guards.add_attribute(value, "__class__")
        if isinstance(value, Module):
            self.recorder.modules.update({id(inner): inner for inner in value.modules()})
            self._follow_attributes(value._modules)
        if isinstance(value, functools._lru_cache_wrapper):
            self.recorder.refuse(
                "it uses a function of functools.lru_cache, which may have other results later"
            )
        whole = self.by_text or is_of_library(type(value))
        self._follow_attributes(vars(value), whole)
        self._follow_class(type(value), vars(value))

    def _follow_module(self, value: ModuleType) -> None:
        """Follow what functions name of a module of the program; in others, guard that it is not replaced."""
        if value is sys and "modules" in self.names:
            self.recorder.refuse("it looks into sys.modules, and may read anything")
        if value is np.random and self.names & vars(value).keys():
            self.recorder.refuse("it draws from numpy.random")
        if is_module_of_program(value):
            return self._follow_attributes(vars(value), self.by_text)
        for name in self.names & vars(value).keys():
            self.guards.add_item(vars(value), name)
            if isinstance(vars(value)[name], ModuleType):
                self.follow(vars(value)[name])

    def _follow_attributes_of_tensor(self, tensor: Any) -> None:
        """Follow those that the program has given to it."""
        for name in (self.names & vars(tensor).keys()) - {"array"}:
            if self.recorder.is_argument(tensor):
                self.recorder.refuse(f"it reads .{name} of an argument, which the program has set")
            self.guards.add_item(vars(tensor), name)
            self.follow(vars(tensor)[name])

    def _follow_optimizer(self, optimizer: Any) -> None:
        """Guard which parameters it has, for ``zero_grad``; what else a step reads is read anew, or refused."""
        self.guards.add_optimizer(optimizer, steps=False)
        for name in self.names & {"defaults", "step_count", "step", "zero_grad"}:  # a method may be replaced
            self.guards.add_item(vars(optimizer), name)
            self.follow(vars(optimizer).get(name))

    def _follow_attributes(self, attributes: Any, whole: bool = False) -> None:
        if whole:
            self.guards.add_container(attributes)
        for name in list(attributes) if whole else self.names & attributes.keys():
            self.guards.add_item(attributes, name)
            self.follow(attributes[name])

    def _follow_class(self, cls: type[Any], attributes: Any = None) -> None:
        """Guard what functions name of a class, and that nothing comes to stand before it."""
        before = [] if attributes is None else [attributes]
        for base in filter(is_of_program, cls.__mro__):
            implicit = {name for name, value in vars(base).items() if is_special(name, value)}
            for name in (self.names | implicit) & vars(base).keys():
                for place in (*before, vars(base)):
                    self.guards.add_item(place, name)
                self.follow(vars(base)[name])
            before.append(vars(base))

    def _follow_function(self, function: FunctionType) -> None:
        if kind_of_file(function.__code__.co_filename) != "program":
            if hasattr(function, "__wrapped__"):
                self.follow(function.__wrapped__)
            return
        self._seen[id(function.__code__)] = function.__code__
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            self.guards.add_attribute(function, name)
        self._follow_attributes(vars(function))
        self.follow(function.__defaults__)
        self.follow(function.__kwdefaults__)
        if hasattr(function, "__wrapped__"):
            self.follow(function.__wrapped__)
        for cell in function.__closure__ or ():
            self.guards.add_attribute(cell, "cell_contents")
            self.follow(content_of(cell))


def is_of_program(cls: type[Any]) -> bool:
    """Tell whether a class is the program's own."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return cls.__module__ != "builtins" and (file is None or kind_of_file(file) == "program")


def is_special(name: str, value: Any) -> bool:
    """Tell whether it is a method that Python calls by itself, as ``__call__``."""
    return name.startswith("__") and isinstance(value, FunctionType)


def is_of_library(cls: type[Any]) -> bool:
    """Tell whether a class is of Python's library, which reads attributes that no code of the program names."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file is not None and kind_of_file(file) == "harmless" and cls not in BARE


def is_module_of_program(module: ModuleType) -> bool:
    """Tell whether a module is the program's own: from one of its files, typed in, or made by hand."""
    file = getattr(module, "__file__", None)
    return getattr(module, "__spec__", None) is None if file is None else kind_of_file(file) == "program"


def imported(code: CodeType, scope: dict[str, Any]) -> list[ModuleType]:
    """Return the modules that a function imports itself."""
    names = [i.argval for i in dis.get_instructions(code) if i.opname == "IMPORT_NAME"]
    package = scope.get("__package__") or ""
    full = [*names, *[f"{package}.{name}" for name in names], package]
    return [sys.modules[name] for name in full if names and name in sys.modules]


def content_of(cell: CellType) -> Any:
    """Return what a closure holds; None if it is empty yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
