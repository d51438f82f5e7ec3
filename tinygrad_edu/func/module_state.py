"""A Module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.utils import stateless
from tinygrad_edu.ops import stack


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers than its own.

    Parameters
    ----------
    module : Module
        What to call.
    parameter_and_buffer_dicts : dict of Tensors, or a sequence of such dicts
        The Tensors by their names, ``"0.weight"``; the module's own ones for names that are not there.
    args : tuple, or anything else, optional
        The arguments; what is not a tuple is the only one.
    kwargs : dict, optional
        The arguments with names.
    tie_weights : bool
        A parameter that the module has under several names is replaced under all of them.
    strict : bool
        Raise unless all of them are given, and no others.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.functional_call.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> weights = {"weight": torch.tensor([[1.0, 10.0]]), "bias": torch.tensor([0.5])}
    >>> torch.func.functional_call(layer, weights, torch.tensor([3.0, 4.0]))
    tensor([43.5000])
    """
    tensors = _merged(parameter_and_buffer_dicts)
    return stateless.functional_call(module, tensors, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters of several models of one class, stacked name by name, and their buffers: for ``vmap``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.stack_module_state.html
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return (
        {name: _stacked_leaf([each[name] for each in parameters], name) for name in parameters[0]},
        {name: _stacked_leaf([each[name] for each in buffers], name) for name in buffers[0]},
    )


def _stacked_leaf(tensors: list[Any], name: str) -> Tensor:
    if len({x.requires_grad for x in tensors}) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return stack(tensors).detach().requires_grad_(tensors[0].requires_grad)


def _merged(dicts: Any) -> dict[str, Any]:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, list | tuple) or not all(isinstance(each, dict) for each in dicts):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    names = [name for each in dicts for name in each]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(
            f"{sorted(twice)} appeared in multiple dictionaries; behavior of functional call is ambiguous"
        )
    return {name: value for each in dicts for name, value in each.items()}
