"""Parameters: tensors that a module learns; buffers; and both before their shape is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import creation, dtypes
from tinygrad_edu._tensor import Tensor, check_can_require_grad, tensor_from_array
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.backend import DeviceLike, device
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.size import Size
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


class Buffer(Tensor):
    """A tensor that a :class:`Module` registers as a buffer when it is assigned as an attribute.

    Parameters
    ----------
    data : Tensor
        The first values; the memory is shared.
    persistent : bool
        Whether it is part of the module's ``state_dict``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.Identity()
    >>> layer.count = torch.nn.Buffer(torch.zeros(1))
    >>> list(layer.buffers())
    [tensor([0.])]
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        values = creation.empty(0) if data is None else data
        self._initialise(values.array.view(), values.requires_grad)
        self.persistent = persistent


class UninitializedTensorMixin:
    """A tensor without numbers: it knows its dtype and its device, and its shape when :meth:`materialize` says it."""

    cls_to_become: type[Tensor] = Tensor
    _empty: Tensor  # of its dtype, on its device

    def _start(self, requires_grad: bool, device: DeviceLike, dtype: dtypes.dtype | None) -> None:
        self._empty = creation.empty(0, device=device, dtype=dtype)
        self._requires_grad = requires_grad

    def materialize(self, shape: Any, device: DeviceLike = None, dtype: dtypes.dtype | None = None) -> None:
        """Get a shape, and memory for it: from now on it is a Parameter, or a Tensor, like any other.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        device, dtype
            By default those that it was made with.
        """
        values = creation.empty(shape, device=device or self.device, dtype=dtype or self.dtype)
        del self._empty
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.array = values.array  # type: ignore[misc]

    @property
    def array(self) -> Any:
        """What every operation reads; there is none yet."""
        raise ValueError(
            "Attempted to use an uninitialized parameter. This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `torch.nn.parameter.{type(self).__name__}` objects. When using LazyModules "
            "call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    @property
    def data(self) -> Tensor:
        """An empty tensor, (0,), of its dtype and on its device."""
        return self._empty

    @data.setter
    def data(self, value: Tensor) -> None:
        self._empty = value

    @property
    def shape(self) -> Size:
        """Not known."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call "
            "`forward` to initialize the parameters before accessing their attributes."
        )

    @property
    def dtype(self) -> dtypes.dtype:
        """The type that its elements will have."""
        return self._empty.dtype

    @property
    def device(self) -> device:
        """Where its numbers will live."""
        return self._empty.device

    def is_floating_point(self) -> bool:
        """Tell whether its elements will be floating-point numbers."""
        return self._empty.is_floating_point()

    def is_complex(self) -> bool:
        """Tell whether its elements will be complex numbers."""
        return self._empty.is_complex()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._requires_grad,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copied = type(self)(self._requires_grad, self.device, self.dtype)  # type: ignore[call-arg]
        memo[id(self)] = copied
        return copied


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is not known yet.

    Parameters
    ----------
    requires_grad : bool
        Whether it is to be learned.
    device, dtype
        What it will have when its shape is known.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> weight = torch.nn.UninitializedParameter()
    >>> weight
    <UninitializedParameter>
    >>> weight.materialize((2, 3))
    >>> type(weight).__name__, weight.shape
    ('Parameter', torch.Size([2, 3]))
    """

    cls_to_become = Parameter

    def __init__(
        self, requires_grad: bool = True, device: DeviceLike = None, dtype: dtypes.dtype | None = None
    ) -> None:
        self._start(requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known yet; see :class:`UninitializedParameter`.

    Parameters
    ----------
    persistent : bool
        Whether it is part of the module's ``state_dict``.
    """

    cls_to_become = Tensor

    def __init__(
        self,
        requires_grad: bool = False,
        device: DeviceLike = None,
        dtype: dtypes.dtype | None = None,
        persistent: bool = True,
    ) -> None:
        self._start(requires_grad, device, dtype)
        self.persistent = persistent


def is_lazy(param: Any) -> bool:
    """Tell whether something is a parameter or buffer whose shape is not known yet."""
    return isinstance(param, UninitializedTensorMixin)


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
