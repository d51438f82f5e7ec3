"""Spectral normalisation by a hook: the weight is divided by its largest singular value before every ``forward``.

``parametrizations.spectral_norm`` does the same with a parametrisation, and is to be preferred.

References
----------
Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, algorithm 1;
https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.spectral_norm.html
"""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.conv import _ConvTransposeNd
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter, is_lazy
from tinygrad_edu.nn.utils.weight_norm import find_hook

M = TypeVar("M", bound=Module)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """Return a weight as a matrix: ``dim`` its rows, all others its columns."""
    return ops.reshape(ops.movedim(weight, dim, 0), (weight.shape[dim], -1))


def random_direction(like: Tensor, size: int, eps: float) -> Tensor:
    """Return a random vector of length 1."""
    return F.normalize(like.new_empty(size).normal_(0, 1), dim=0, eps=eps)


def usual_dim(module: Module) -> int:
    """Return which dimension of a layer's weight is the output's."""
    return 1 if isinstance(module, _ConvTransposeNd) else 0


def check_iterations(n_power_iterations: int) -> None:
    """Raise unless there is at least one."""
    if n_power_iterations <= 0:
        raise ValueError(
            f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
        )


class SpectralNorm:
    """The hook: computes the weight from ``weight_orig``, and keeps its singular vectors ``weight_u``, ``weight_v``."""

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        check_iterations(n_power_iterations)
        self.name, self.dim, self.eps = name, dim, eps
        self.n_power_iterations = n_power_iterations

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """Return W / sigma, with sigma = u^T W v, after another step towards u and v."""
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(ops.mv(matrix.T, u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(ops.mv(matrix, v), dim=0, eps=self.eps))
                u, v = u.clone(), v.clone()  # the next step changes them, and a graph may still need these
        return weight / ops.dot(u, ops.mv(matrix, v))

    def remove(self, module: Module) -> None:
        """Put the weight of now in place of the parameter and the vectors."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for name in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + name)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight, as a matrix, by its largest singular value, found step by step.

    Parameters
    ----------
    module : Module
        The layer; its parameter ``weight`` becomes ``weight_orig``.
    name : str
        The name of the parameter.
    n_power_iterations : int
        Steps of the power method in each forward of training.
    eps : float
        The smallest length that is divided by.
    dim : int, optional
        The dimension that is the matrix's rows; by default that of the output.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.spectral_norm.html
    """
    if find_hook(module, SpectralNorm, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, usual_dim(module) if dim is None else dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    if is_lazy(weight):
        raise ValueError(
            "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
            "forward before applying spectral normalization"
        )
    rows, columns = as_matrix(weight.detach(), hook.dim).shape
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(name + "_u", random_direction(weight, rows, eps))
    module.register_buffer(name + "_v", random_direction(weight, columns, eps))
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo :func:`spectral_norm`: the weight becomes a parameter again, with the value of now."""
    number = find_hook(module, SpectralNorm, name)
    if number is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    hook: Any = module._forward_pre_hooks.pop(number)
    hook.remove(module)
    return module
