"""The wrappers that programs put round a model to train it on several cards; here there is one device.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#dataparallel-layers-multi-gpu-distributed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_edu.arguments import wrong_type
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.nn.module import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """Runs a module on one device; in PyTorch, each of several cards takes a part of the batch.

    The numbers are the same, and so are the names in the ``state_dict``, which begin with ``module.``.

    Parameters
    ----------
    module : Module
        What is called.
    device_ids, output_device : sequence of int or device, and int or device, optional
        The cards that PyTorch would use; accepted. The module runs where its parameters are.
    dim : int
        The dimension that PyTorch would split; accepted.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.DataParallel.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> model = torch.nn.DataParallel(torch.nn.Linear(2, 3))
    >>> model(torch.ones(4, 2)).shape, list(model.state_dict())
    (torch.Size([4, 3]), ['module.weight', 'module.bias'])
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        if not callable(module):
            raise wrong_type("DataParallel", "module", "Module", module)
        self.module = module
        self.device_ids: list[Any] = []  # as in PyTorch where it uses no cards
        self.output_device = output_device
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """The wrapper of a module that several processes train together, which there are never here.

    Programs import it, and use it where ``torch.distributed.is_available()`` or an environment variable says so.

    Parameters
    ----------
    module : Module
        What PyTorch would wrap.
    **options
        How.

    Raises
    ------
    ValueError
        Always: as in PyTorch without ``init_process_group``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, **options: Any
    ) -> None:
        raise ValueError(
            "DistributedDataParallel: there is no process group, and none can be made here: one process trains"
        )


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
