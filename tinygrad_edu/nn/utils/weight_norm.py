"""Weight normalisation by a hook: the weight is computed anew before every ``forward``.

``parametrizations.weight_norm`` does the same with a parametrisation, and is to be preferred.

References
----------
Salimans and Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
Networks", 2016, equation 2; https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html
"""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter, is_lazy

M = TypeVar("M", bound=Module)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """Return the norms of the slices that a tensor has along one dimension, which alone keeps its size.

    Parameters
    ----------
    v : Tensor
        Any shape.
    pow : int
        Which norm.
    dim : int
        The dimension; -1 for the norm of the whole tensor.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> norm_except_dim(torch.tensor([[3.0, 4.0], [6.0, 8.0]]))
    tensor([[ 5.],
            [10.]])
    """
    if dim == -1:
        return ops.norm(v, pow)
    others = [d for d in range(v.ndim) if d != dim % v.ndim]
    return ops.norm(v, pow, others, keepdim=True) if others else ops.absolute(v)


def direction_times_length(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """Return w = g v / |v|, with a norm for every slice along ``dim``: the ``weight`` of weight normalisation."""
    return v * (g / norm_except_dim(v, 2, dim))


class WeightNorm:
    """The hook: computes the weight from ``weight_g``, its length, and ``weight_v``, its direction."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """Return g v / |v|."""
        v, g = getattr(module, self.name + "_v"), getattr(module, self.name + "_g")
        return direction_times_length(v, g, self.dim)

    def remove(self, module: Module) -> None:
        """Put the weight of now in place of the two parameters."""
        weight = self.compute_weight(module).detach()
        for name in ("", "_g", "_v"):
            delattr(module, self.name + name)
        module.register_parameter(self.name, Parameter(weight))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn the length and the direction of a weight apart: w = g v / |v|.

    Parameters
    ----------
    module : Module
        The layer; its parameter ``weight`` becomes two, ``weight_g`` and ``weight_v``.
    name : str
        The name of the parameter.
    dim : int, optional
        There is a length for every slice along it; None for one length in all.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    if find_hook(module, WeightNorm, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError(
            "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy "
            "forward before applying weight normalization"
        )
    hook = WeightNorm(name, dim)
    del module._parameters[name]
    module.register_parameter(name + "_g", Parameter(norm_except_dim(weight, 2, hook.dim).detach()))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Undo :func:`weight_norm`: the weight becomes one parameter again, with the value of now."""
    number = find_hook(module, WeightNorm, name)
    if number is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    hook: Any = module._forward_pre_hooks.pop(number)
    hook.remove(module)
    return module


def find_hook(module: Module, kind: type[Any], name: str) -> int | None:
    """Return the number of a module's hook of this kind and for this parameter, or None."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:
            return number
    return None
