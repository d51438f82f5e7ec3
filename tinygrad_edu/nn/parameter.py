"""Parameters: tensors that a module learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor, check_can_require_grad, tensor_from_array
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.type_names import type_name


class Parameter(Tensor):
    """A tensor that a :class:`Module` registers when it is assigned as an attribute.

    Parameters
    ----------
    data : Tensor
        The first values; the memory is shared. Its history, if it has one, is left behind.
    requires_grad : bool
        Whether it is to be learned.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.Parameter(torch.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = creation.empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: expected data to be a Tensor, got {type_name(data)}. Hint: wrap it with torch.tensor(...)"
            )
        require_bools("Parameter", requires_grad=requires_grad)
        check_can_require_grad(data, requires_grad)
        self._initialise(data.array.view(), requires_grad)
        if not data.is_inference():
            self.share_version(data.version_counter())  # one memory, one count of the changes in it

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        """Return a copy of the values, without the gradient, as PyTorch does for parameters."""
        copied = type(self)(tensor_from_array(self.array.copy()), self._requires_grad)
        memo[id(self)] = copied
        return copied

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class FiledParameter:
    """A parameter that all layers of a class have: reads it from where the module has filed it.

    ``Module.__getattr__`` finds it as well. But Python asks that only after it has looked for the name everywhere
    else, and has made an error because it is not there: this takes five times as long, and a layer asks for its
    weight whenever it is called. Assigning needs nothing of the kind: it is ``Module.__setattr__`` that does it.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, owner: type) -> Any:
        if module is None:
            return self
        try:
            return module._parameters[self.name]
        except KeyError:  # then Module.__getattr__ looks elsewhere, or says it better
            raise AttributeError(self.name) from None


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
