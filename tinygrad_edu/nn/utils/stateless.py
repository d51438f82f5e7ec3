"""A module called with other parameters and buffers than its own.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.func.functional_call.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parallel import DataParallel


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with the given tensors in place of its parameters and buffers.

    They stand in the module while it runs, and its own are put back afterwards. A gradient reaches the tensors that
    were given, which need not be leaves.

    Parameters
    ----------
    module : Module
        The module.
    parameters_and_buffers : dict
        Tensors by dotted name. Where the module assigns a new tensor to one of the names, it stands here afterwards.
    args : tuple, or one argument
        What the module is called with.
    kwargs : dict, optional
        Keyword arguments of it.
    tie_weights : bool
        Whether a tensor that has several names in the module is replaced under all of them.
    strict : bool
        Whether all names must be given, and no others.

    Raises
    ------
    AttributeError
        If the module has no such submodule.
    RuntimeError
        With ``strict``, for names that are missing, or that the module does not have.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> torch.nn.utils.stateless.functional_call(
    ...     layer, {"weight": torch.tensor([[2.0, 3.0]])}, torch.ones(1, 2)
    ... )
    tensor([[5.]])
    """
    if isinstance(module, DataParallel):
        raise RuntimeError("The stateless API can't be used with nn.DataParallel module")
    given = _with_tied(module, parameters_and_buffers) if tie_weights else dict(parameters_and_buffers)
    if strict:
        _check_names(module, given)
    places = {name: _place(module, name) for name in given}
    own = {name: place[last] for name, (place, last) in places.items() if last in place}
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, (place, last) in places.items():
            place[last] = given[name]
        return module(*args, **(kwargs or {}))
    finally:
        for name, (place, last) in places.items():
            if name in parameters_and_buffers:
                parameters_and_buffers[name] = place[last]
            if name in own:
                place[last] = own[name]
            else:
                del place[last]


def _place(module: Module, name: str) -> tuple[dict[str, Any], str]:
    """Return the dictionary of a module in which a tensor is filed, and its name there.

    What is neither a parameter nor a buffer becomes an attribute while the module runs, as in PyTorch.
    """
    path, _, last = name.rpartition(".")
    owner = module.get_submodule(path)
    for place in (owner._parameters, owner._buffers):
        if last in place:
            return place, last
    return vars(owner), last


def _names(module: Module) -> dict[str, Tensor]:
    """Return all parameters and buffers, shared ones by all their names."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def _with_tied(module: Module, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors by all the names that the module has for the ones that they replace."""
    own = _names(module)
    names_of: dict[int, list[str]] = {}
    for name, x in own.items():
        names_of.setdefault(id(x), []).append(name)
    result = dict(given)
    for name, x in given.items():
        for other in names_of.get(id(own.get(name)), []):
            if other in given and given[other] is not x:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(names_of[id(own[name])])}, which are tied. "
                    "Consider using tie_weights=False"
                )
            result[other] = x
    return result


def _check_names(module: Module, given: Mapping[str, Tensor]) -> None:
    own = _names(module)
    unexpected = [name for name in given if name not in own]
    missing = [name for name in own if name not in given]
    problems = []
    if unexpected:
        problems.append(f"Unexpected key(s): {', '.join(map(repr, unexpected))}.")
    if missing:
        problems.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
    if problems:
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(problems)
        )
