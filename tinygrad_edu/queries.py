"""Questions about tensors that PyTorch offers as functions, too: ``torch.is_tensor(x)``, ``torch.numel(x)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.ops.common import require_tensor, require_tensors
from tinygrad_edu.tensor_types import name_of_type

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


def typename(obj: Any, /) -> str:
    """Return the name of a Tensor's type, "torch.FloatTensor", or of anything else's class with its module.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.typename(torch.ones(1)), torch.typename(1)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, TensorBase):
        return name_of_type(obj)
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", None) or ""
    return f"{module}.{named.__qualname__}" if module not in ("", "builtins") else named.__qualname__


def is_tensor(obj: Any) -> bool:
    """Tell whether an object is a Tensor."""
    return isinstance(obj, TensorBase)


def is_floating_point(input: Tensor) -> bool:
    """Tell whether the dtype of a Tensor is a real floating-point type."""
    require_tensor("is_floating_point", input)
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Tell whether the dtype of a Tensor is complex."""
    require_tensor("is_complex", input)
    return input.is_complex()


def is_conj(input: Tensor) -> bool:
    """Tell whether the numbers of a Tensor wait to be conjugated: never, ``conj`` does it at once."""
    require_tensor("is_conj", input)
    return input.is_conj()


def is_neg(input: Tensor) -> bool:
    """Tell whether the numbers of a Tensor wait to be negated: never."""
    require_tensor("is_neg", input)
    return input.is_neg()


def is_nonzero(input: Tensor) -> bool:
    """Tell whether the only element of a Tensor is not zero."""
    require_tensor("is_nonzero", input)
    return bool(input)


def numel(input: Tensor) -> int:
    """Return the number of elements of a Tensor."""
    require_tensor("numel", input)
    return input.numel()


def detach(input: Tensor) -> Tensor:
    """Return a Tensor on the same memory that is cut off from the graph."""
    require_tensor("detach", input)
    return input.detach()


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Tell whether two Tensors have the same shape."""
    require_tensors("is_same_size", input=input, other=other)
    return bool(input.shape == other.shape)


def is_signed(input: Tensor) -> bool:
    """Tell whether the dtype has negative numbers."""
    require_tensor("is_signed", input)
    return input.is_signed()


def get_device(input: Tensor) -> int:
    """Return the number of the GPU that a Tensor is on; -1 for the CPU."""
    require_tensor("get_device", input)
    return input.get_device()
