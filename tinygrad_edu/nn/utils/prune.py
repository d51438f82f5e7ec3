"""Pruning: some elements of a parameter are held at 0 by a mask of zeros and ones.

The parameter becomes ``weight_orig``, the mask the buffer ``weight_mask``; a hook computes ``weight``, their product,
before every ``forward``. So what is pruned gets no gradient. Pruning again multiplies the mask.

References
----------
https://docs.pytorch.org/tutorials/intermediate/pruning_tutorial.html
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from tinygrad_edu import creation, ops, sampling
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import is_int, is_number
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.utils.convert_parameters import parameters_to_vector

M = TypeVar("M", bound=Module)


class BasePruningMethod(ABC):
    """The hook, and the base of all ways to prune: a subclass says in ``compute_mask`` what becomes 0.

    Its ``PRUNING_TYPE`` is "unstructured" (single elements), "structured" (slices along ``dim``) or "global": it says
    which part of a tensor that is pruned already the method sees when it is pruned again.
    """

    PRUNING_TYPE = "unstructured"
    _tensor_name: str = ""

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask for a tensor (or for scores of its elements), from the one that it has."""

    def apply_mask(self, module: Module) -> Tensor:
        """Return the product of mask and original."""
        if not self._tensor_name:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, orig = (
            getattr(module, self._tensor_name + "_mask"),
            getattr(module, self._tensor_name + "_orig"),
        )
        return mask.to(orig.dtype) * orig

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter of a layer, and put the hook there; the other arguments are those of the class.

        ``importance_scores``, of the parameter's shape, are looked at in place of its elements.
        """
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        number = _find(module, name)
        is_first = number is None
        if number is not None:
            before: Any = module._forward_pre_hooks[number]
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(method)
            method = container
        orig = getattr(module, name)
        scores = orig if importance_scores is None else importance_scores
        if scores.shape != orig.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got {scores.shape} vs "
                f"{orig.shape}"
            )
        start = creation.ones_like(orig) if is_first else getattr(module, name + "_mask").detach().clone()
        mask = method.compute_mask(
            scores.detach(), default_mask=start
        )  # it may raise: nothing is changed before
        if is_first:
            del module._parameters[name]
            module.register_parameter(name + "_orig", orig)
        if number is not None:
            del module._forward_pre_hooks[number]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """Return a pruned tensor that belongs to no layer."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {scores.shape} vs {t.shape}"
            )
        start = creation.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=start)

    def remove(self, module: Module) -> None:
        """Make the pruned tensor the parameter, for good."""
        weight, name = self.apply_mask(module), self._tensor_name
        delattr(module, name)
        orig: Any = module._parameters.pop(name + "_orig")
        orig.data = weight.detach()
        orig.increment_version("prune.remove")
        del module._buffers[name + "_mask"]
        setattr(module, name, orig)


class PruningContainer(BasePruningMethod):
    """Several ways to prune one parameter, one after the other: what is there after pruning again."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add one more way."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask, with what the last method prunes of the part that is still there."""
        method: Any = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype)
        part: Any
        if method.PRUNING_TYPE == "unstructured":
            part = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim if method.dim >= 0 else method.dim + t.ndim
            others = tuple([d for d in range(t.ndim) if d != dim])
            part = (*[slice(None)] * dim, ops.sum(default_mask, others) != 0)
        elif method.PRUNING_TYPE == "global":
            part = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        result = mask.clone()
        result[part] = method.compute_mask(t[part], default_mask=default_mask[part]).to(mask.dtype)
        return result


class Identity(BasePruningMethod):
    """Prunes nothing, but makes mask and original."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask as it is."""
        return default_mask


class _ByAmount(BasePruningMethod):
    """What has an amount: a number of elements, or of slices, or their share from 0 to 1."""

    def __init__(self, amount: float) -> None:
        if not is_number(amount):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (not is_int(amount) and amount > 1):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer"
            )
        self.amount = amount

    def _count(self, size: int) -> int:
        """Return how many of ``size`` are pruned."""
        count = self.amount if is_int(self.amount) else round(self.amount * size)
        if count > size:
            raise ValueError(
                f"amount={count} should be smaller than the number of parameters to prune={size}"
            )
        return int(count)


class _Unstructured(_ByAmount):
    """Prunes the single elements with the lowest scores."""

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask, with zeros at the elements of the lowest scores."""
        count = self._count(t.numel())
        lowest = ops.topk(ops.reshape(self._scores(t), (-1,)), count, largest=False).indices
        mask = ops.reshape(default_mask, (-1,)).clone()
        mask[lowest] = 0
        return ops.reshape(mask, tuple(default_mask.shape))


class RandomUnstructured(_Unstructured):
    """Prunes elements at random; ``amount`` is their number, or their share from 0 to 1."""

    def _scores(self, t: Tensor) -> Tensor:
        return sampling.rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes the smallest elements; ``amount`` is their number, or their share from 0 to 1."""

    def _scores(self, t: Tensor) -> Tensor:
        return ops.absolute(t)


class _Structured(_ByAmount):
    """Prunes the slices along ``dim`` with the lowest scores."""

    PRUNING_TYPE = "structured"
    dim: int

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask, with zeros in the slices of the lowest scores."""
        if t.ndim <= 1:
            raise ValueError(
                f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {t.shape} "
                f"with {t.ndim} dims"
            )
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        kept = ops.topk(self._scores(t), size - self._count(size)).indices
        slices = creation.zeros(size, dtype=t.dtype, device=t.device)
        slices[kept] = 1
        shape = [1] * t.ndim
        shape[self.dim] = size
        return ops.reshape(slices, shape) * default_mask.to(t.dtype)


class RandomStructured(_Structured):
    """Prunes slices along ``dim`` at random; ``amount`` is their number, or their share from 0 to 1."""

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _scores(self, t: Tensor) -> Tensor:
        return sampling.rand(t.shape[self.dim], device=t.device)


class LnStructured(_Structured):
    """Prunes the slices along ``dim`` with the smallest n-norm; ``amount`` is their number, or their share."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.n, self.dim = n, dim

    def _scores(self, t: Tensor) -> Tensor:
        others = [d for d in range(t.ndim) if d != self.dim % t.ndim]
        return ops.norm(t, self.n, others)


class CustomFromMask(BasePruningMethod):
    """Prunes what is 0 in a mask that is given."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the product of both masks."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: M, name: str) -> M:
    """Make mask and original, and prune nothing; return the layer."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune elements of a parameter at random; return the layer. See :class:`RandomUnstructured`."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: M, name: str, amount: float, importance_scores: Tensor | None = None) -> M:
    """Prune the smallest elements of a parameter; return the layer. See :class:`L1Unstructured`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.utils.prune.l1_unstructured(torch.nn.Linear(4, 2), "weight", amount=0.5)
    >>> int((layer.weight == 0).sum()), [name for name, _ in layer.named_parameters()]
    (4, ['bias', 'weight_orig'])
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune slices of a parameter at random; return the layer. See :class:`RandomStructured`."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: M, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> M:
    """Prune the slices of a parameter with the smallest n-norm; return the layer. See :class:`LnStructured`."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune what is 0 in a mask; return the layer."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Any,
    pruning_method: Any,
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters, given as pairs of layer and name, as if they were one vector."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if importance_scores is not None and not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs, given = list(parameters), importance_scores or {}
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    tensors = [getattr(module, name) for module, name in pairs]
    scores = [given.get(pair, x) for pair, x in zip(pairs, tensors, strict=True)]
    masks = [
        getattr(module, name + "_mask", creation.ones_like(x))
        for (module, name), x in zip(pairs, tensors, strict=True)
    ]
    container = PruningContainer(method)
    final = container.compute_mask(parameters_to_vector(scores).detach(), parameters_to_vector(masks))
    start = 0
    for (module, name), x in zip(pairs, tensors, strict=True):
        custom_from_mask(module, name, ops.reshape(final[start : start + x.numel()], tuple(x.shape)))
        start += x.numel()


def remove(module: M, name: str) -> M:
    """Make the pruned tensor the parameter, for good: without mask, original and hook."""
    number = _find(module, name)
    if number is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    hook: Any = module._forward_pre_hooks.pop(number)
    hook.remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Tell whether something in a module is pruned."""
    hooks = [hook for part in module.modules() for hook in part._forward_pre_hooks.values()]
    return any(isinstance(hook, BasePruningMethod) for hook in hooks)


def _find(module: Module, name: str) -> int | None:
    """Return the number of the hook that prunes a parameter, or None."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return number
    return None
