"""The base class of the optimizers: parameter groups, state, and the loop over all parameters."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.writing import zero_grad_in_place
from tinygrad_edu.arguments import wrong_type
from tinygrad_edu.autograd.grad_mode import enable_grad
from tinygrad_edu.autograd.observer import observed_block
from tinygrad_edu.autograd.telling import call, tell_called
from tinygrad_edu.backend import on_card_of
from tinygrad_edu.optim.checks import as_option
from tinygrad_edu.optim.complex_parameters import update_parts
from tinygrad_edu.optim.hooks import OptimizerHooks, no_hooks
from tinygrad_edu.optim.state import check_param_state, copy_for, new_step_counter
from tinygrad_edu.type_names import type_name

ParamsT: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]
ParamGroup: TypeAlias = dict[str, Any]

required = object()
"""In older PyTorch the default of an option that must be given, such as ``lr`` of SGD; programs still import it."""


class Optimizer(OptimizerHooks):
    """Base class of all optimizers.

    A subclass says how ONE parameter is updated (``update_parameter``); this class does the rest.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize. A dict is a parameter group: its tensors under "params", and options of its own.
    defaults : dict
        The options of the groups that do not set them.

    Attributes
    ----------
    param_groups : list of dict
        The parameters and their options. A scheduler writes the learning rate here, under "lr".
    state : dict
        What is remembered about each parameter between steps, for example ``state[weight]["exp_avg"]``.
    step_count : int
        How often ``step`` has run; a scheduler looks whether it has run at all.

    References
    ----------
    https://docs.pytorch.org/docs/stable/optim.html#torch.optim.Optimizer

    Examples
    --------
    An optimizer of one's own:

    >>> import tinygrad_edu as torch
    >>> class PlainDescent(torch.optim.Optimizer):
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     def update_parameter(self, param, grad, group):
    ...         with torch.no_grad():
    ...             param -= group["lr"] * grad
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> PlainDescent([w]).step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    state_like_param: tuple[
        str, ...
    ] = ()  # the names in state[param] whose tensors have the parameter's shape

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be "
                f"an iterable of Tensors or dicts, but got {params.type()}"
            )
        if not isinstance(params, Iterable):
            raise TypeError(
                f"{type(self).__name__}: expected params to be an iterable, got {type_name(params)}"
            )
        if not isinstance(defaults, dict):
            raise TypeError(
                f"{type(self).__name__}: expected defaults to be a dict, got {type_name(defaults)}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[ParamGroup] = []
        self.step_count = 0
        self._hooks = no_hooks()

        given: list[Any] = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss, calls backward and returns the loss.

        Returns
        -------
        The closure's loss, or None.
        """
        closure = self._before_step(closure)
        loss = None
        if closure is not None:
            if not callable(closure):
                raise TypeError(f"step(): argument 'closure' must be callable, not {type_name(closure)}")
            with enable_grad():  # the caller may be in a no_grad block
                loss = closure()
        name = f"{type(self).__name__}.step"
        with observed_block(f"Optimizer.step#{name}", "optimizer"):  # PyTorch's label for its profiler
            for group in self.param_groups:
                for param in group["params"]:
                    grad = param.grad
                    if grad is not None:
                        with on_card_of(param.array):
                            if not grad._is_strided:
                                self.update_rows(param, grad, group)
                            elif grad.array.dtype.kind == "c":
                                update_parts(self, param, grad, group)
                            else:
                                self.update_parameter(param, grad, group)
                        self._note_change(param, name)
        self.step_count += 1
        self._after_step(closure)
        tell_called(self.step, () if closure is None else (closure,), None)
        return loss

    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Change one parameter, and what ``self.state[param]`` remembers of it, in place.

        Parameters
        ----------
        param, grad : Tensor
            The parameter and its gradient, of one shape.
        group : dict
            The options of the parameter's group.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: expected a subclass with update_parameter(), got none"
        )

    def update_rows(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do what ``update_parameter`` does, for a sparse gradient: change those rows alone that it has.

        Raises
        ------
        RuntimeError
            If the optimizer does not know how: in most, a row without a gradient would have to change, too.
        """
        raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")

    def _note_change(self, param: Tensor, operation: str) -> None:
        """Tell autograd that the parameter and its state are no longer what a graph may have saved."""
        param.increment_version(operation)
        for value in self.state.get(param, {}).values():
            if isinstance(value, Tensor):
                value.increment_version(operation)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Parameters
        ----------
        set_to_none : bool
            True sets ``param.grad`` to None, and ``step`` passes over a parameter without a gradient.
            False fills the gradient with zeros, and ``step`` runs, so momentum and weight decay still act.
        """
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    call(zero_grad_in_place, param)

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add a parameter group, for example to train a layer that was frozen at first.

        Parameters
        ----------
        param_group : dict
            Tensors under "params", and options; the optimizer's defaults fill in the missing ones.

        Raises
        ------
        TypeError
            If the group is not a dict, the parameters come as a set, or one of them is not a Tensor.
        ValueError
            If a parameter is the result of an operation, is in another group already, or only some have
            names.
        NotImplementedError
            If ``capturable`` or ``differentiable`` is asked for.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if not isinstance(param_group.get("params"), Iterable):
            raise TypeError(
                "add_param_group: expected Tensors under 'params' of param_group, got "
                f"{type_name(param_group.get('params'))}"
            )
        separate_names(param_group)
        for param in param_group["params"]:
            if not isinstance(param, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type_name(param)}"
                )
            if not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")

        for name, default in self.defaults.items():
            param_group[name] = as_option(name, param_group.get(name, default))
        self._refuse_unsupported(param_group)

        params = set(param_group["params"])
        if len(params) != len(param_group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; "
                "in future, this will cause an error",
                stacklevel=3,
            )
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                with_or_without = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {with_or_without} to the optimizer"
                )
            if not params.isdisjoint(group["params"]):
                raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def _refuse_unsupported(self, group: ParamGroup) -> None:
        """Raise on options of PyTorch that would change what a step does and do not exist here."""
        for option in ("capturable", "differentiable"):
            if group.get(option):
                raise NotImplementedError(
                    f"{type(self).__name__}: expected {option}=False, got {option}={group[option]}; "
                    "this option of PyTorch does not exist here, leave it out"
                )
        if group.get("fused") and group.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def state_dict(self) -> dict[str, Any]:
        """Return state and options with numbers in the place of the parameters.

        Returns
        -------
        dict
            ``{"state": {0: {...}, 1: {...}}, "param_groups": [{"lr": ..., "params": [0, 1]}]}``. The tensors
            in it are the optimizer's own: the next step changes them. Copy or save them before.
        """
        self._run_hooks("state_dict_pre")
        numbers: dict[int, int] = {}
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
        packed_groups = [
            {**_options(group), "params": [numbers[id(param)] for param in group["params"]]}
            for group in self.param_groups
        ]
        packed_state = {
            numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()
        }
        return self._run_hooks("state_dict_post", {"state": packed_state, "param_groups": packed_groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and options from ``state_dict()`` of an optimizer with groups of the same sizes.

        Tensors are copied to the device and dtype of their parameter (``COUNTERS`` keep theirs, on the CPU).
        Make the scheduler first: its constructor writes learning rates, and would overwrite the loaded ones.

        Raises
        ------
        ValueError
            If the number of groups, or of parameters in a group, differs, or what is remembered of a parameter does
            not fit it. Nothing is changed then.
        """
        if not isinstance(state_dict, Mapping):
            raise wrong_type("load_state_dict", "state_dict", "dict", state_dict)
        state_dict = self._run_hooks("load_state_dict_pre", dict(state_dict))
        if "param_groups" not in state_dict:
            raise KeyError(f"load_state_dict: expected the key 'param_groups', got {list(state_dict)}")
        saved_groups: list[ParamGroup] = deepcopy(state_dict["param_groups"])
        if len(self.param_groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        params: dict[Any, Tensor] = {}
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match "
                    "the size of optimizer's group"
                )
            params.update(zip(saved["params"], group["params"], strict=True))
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])

        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for number, value in state_dict["state"].items():
            if number in params:
                check_param_state(params[number], value, self.state_like_param, number)
                state[params[number]] = copy_for(params[number], value)
            else:
                state[number] = value
        self.__setstate__({"state": state, "param_groups": saved_groups})
        self._run_hooks("load_state_dict_post")

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over attributes (also from ``pickle``) and fill in what older files lack."""
        self.__dict__.update(state)
        self.__dict__.setdefault("step_count", 0)
        self.__dict__.setdefault("_hooks", no_hooks())
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)
        for param_state in self.state.values():
            if isinstance(param_state, dict) and not isinstance(param_state.get("step", None), Tensor | None):
                param_state["step"] = new_step_counter(float(param_state["step"]))

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for number, group in enumerate(self.param_groups):
            text += f"\nParameter Group {number}\n"
            for key in sorted(group):
                if key != "params":
                    text += f"    {key}: {group[key]}\n"
        return text + ")"


def separate_names(param_group: ParamGroup) -> None:
    """Bring "params" of a group into a list of Tensors; names, if given, go to "param_names"."""
    params = param_group["params"]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but "
            "the ordering of tensors in sets will change between runs. Please use a list instead."
        )
    entries: list[Any] = [params] if isinstance(params, Tensor) else list(params)
    if any(isinstance(entry, tuple) and not entry for entry in entries):
        raise IndexError("params: expected pairs of a name and a Tensor, got ()")
    names = [entry[0] for entry in entries if isinstance(entry, tuple)]
    if names and len(names) != len(entries):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    if names:
        param_group["param_names"] = names
    param_group["params"] = [entry[1] if isinstance(entry, tuple) else entry for entry in entries]


def uphill_or_decayed(param: Tensor, grad: Tensor, group: ParamGroup) -> Tensor:
    """Return the gradient that a step uses: of the other sign to maximize, with the weight decay added to it.

    A decoupled weight decay shrinks the parameter instead.
    """
    if group["maximize"]:
        grad = -grad
    if group["weight_decay"] == 0:
        return grad
    if group.get("decoupled_weight_decay"):
        param.mul_(1 - float(group["lr"]) * group["weight_decay"])
        return grad
    return grad + group["weight_decay"] * param


def add_to_rows(dense: Tensor, sparse: Any) -> None:
    """Add a sparse tensor to a dense one in place, without a trace in the graph: only its rows are written to."""
    change = sparse.coalesce()
    dense.array[change._places()] += change._elements.array


def _options(group: ParamGroup) -> ParamGroup:
    """Return a group without its parameters."""
    return {name: option for name, option in group.items() if name != "params"}
