"""Reads a pickle with ``pickle``, for ``weights_only=False``: whatever the file says is done."""

from __future__ import annotations

import io
import pickle
from typing import Any

from tinygrad_edu.serialization.container import LoadError
from tinygrad_edu.serialization.names import known_constants, known_functions
from tinygrad_edu.serialization.storage import TensorReader


class TrustingUnpickler(pickle.Unpickler):
    """Makes tensors as the interpreter does, and anything else as Python does."""

    def __init__(self, data: bytes, reader: TensorReader) -> None:
        super().__init__(io.BytesIO(data))
        self.reader = reader
        self.functions = known_functions(reader)
        self.constants = known_constants()

    def persistent_load(self, pid: Any) -> Any:
        """Return a storage."""
        return self.reader.storage(pid)

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name stands for: PyTorch's names for tensors are our functions."""
        root = module.partition(".")[0]
        if (module, name) == ("tinygrad_edu._tensor_methods.convert", "rebuild_tensor"):
            return self.reader.rebuild_from_array
        if root != "torch":
            return super().find_class(module, name)
        for table in (self.functions, self.constants):
            if (module, name) in table:
                return table[module, name]
        raise LoadError(
            f"load: expected a file whose classes are there, got one with PyTorch's own {module}.{name}: a whole model "
            "can be read by the engine that wrote it. Hint: there, save its state_dict()."
        )
