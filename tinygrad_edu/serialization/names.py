"""What a file may name, and what each name makes: functions of our own that look at their arguments.

``pickle`` calls what a file names. That a name is harmless says nothing: ``numpy.dtype`` is, and with a forged state it
ends the process. So no function of Python's or NumPy's is ever called with what stands in the file before the file's
words have been compared with its numbers.
"""

from __future__ import annotations

import codecs
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import device
from tinygrad_edu.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter
from tinygrad_edu.serialization.checks import check_key, expect
from tinygrad_edu.serialization.container import LoadError
from tinygrad_edu.serialization.sparse import make_layout, make_sparse_tensor
from tinygrad_edu.serialization.storage import (
    FOREIGN_DTYPES,
    STORAGE_KINDS,
    UNTYPED,
    ForeignDtype,
    TensorReader,
    is_count,
    set_attributes,
)
from tinygrad_edu.size import Size

FACTORIES = {"bool": bool, "dict": dict, "float": float, "int": int, "list": list, "str": str, "tuple": tuple}
NUMPY_DTYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
ORDERS = ("<" if sys.byteorder == "little" else ">", "=", "|")  # of bytes, as NumPy writes this machine's


def make_size(sizes: Any) -> Size:
    """Make a ``torch.Size`` of a tuple of numbers."""
    expect(isinstance(sizes, tuple) and all(is_count(n) for n in sizes), "a size")
    return Size(sizes)


def make_device(kind: Any = "cpu", index: Any = None) -> device:
    """Make a ``torch.device``."""
    expect(type(kind) is str and (index is None or type(index) is int), "a device")
    try:
        return device(kind, index)
    except RuntimeError as error:
        raise LoadError(f"load: {error}") from None


def make_uninitialized_parameter(requires_grad: Any = True) -> UninitializedParameter:
    """Make a parameter of a lazy layer, whose shape is not known."""
    expect(type(requires_grad) is bool, "an uninitialized parameter")
    return UninitializedParameter(requires_grad)


def make_uninitialized_buffer(requires_grad: Any = False) -> UninitializedBuffer:
    """Make a buffer of a lazy layer, whose shape is not known."""
    expect(type(requires_grad) is bool, "an uninitialized buffer")
    return UninitializedBuffer(requires_grad)


def make_ordered_dict() -> OrderedDict[Any, Any]:
    """Make an empty OrderedDict, which is filled afterwards."""
    return OrderedDict()


def make_set(items: Any = ()) -> set[Any]:
    """Make a set of a list."""
    expect(type(items) in (list, tuple), "a set")
    for item in items:
        check_key(item)
    return set(items)


def make_frozenset(items: Any = ()) -> frozenset[Any]:
    """Make a frozenset of a list."""
    return frozenset(make_set(items))


def make_counter(counts: Any = None) -> Counter[Any]:
    """Make a Counter of a dict, whose keys have been looked at."""
    expect(counts is None or type(counts) is dict, "a Counter")
    counter: Counter[Any] = Counter()
    dict.update(counter, counts or {})
    return counter


def make_defaultdict(factory: Any = None) -> defaultdict[Any, Any]:
    """Make an empty defaultdict of a factory that is a type of Python's."""
    known = {make_set: set, make_bytearray: bytearray, make_ordered_dict: OrderedDict, make_counter: Counter}
    for function, cls in known.items():
        factory = cls if factory is function else factory
    is_known = any(factory is cls for cls in (None, *FACTORIES.values(), *known.values()))
    expect(is_known, "a defaultdict")
    return defaultdict(factory)


def make_deque(items: Any = (), maxlen: Any = None) -> deque[Any]:
    """Make an empty deque, which is filled afterwards."""
    expect(items == () and (maxlen is None or type(maxlen) is int), "a deque")
    return deque(maxlen=maxlen)


def make_bytes(text: Any, encoding: Any) -> bytes:
    """Encode text: so bytes are written in a pickle of protocol 2."""
    expect(type(text) is str and encoding in ("latin1", "latin-1"), "a bytes object")
    return codecs.encode(text, "latin-1")


def make_no_bytes() -> bytes:
    """Make an empty bytes object, which has a form of its own in a pickle of protocol 2."""
    return b""


def make_bytearray(content: Any = b"", encoding: Any = "latin-1") -> bytearray:
    """Make a bytearray of bytes or of text."""
    if type(content) is str:
        content = make_bytes(content, encoding)
    expect(type(content) is bytes, "a bytearray")  # not a number, which would ask for memory
    return bytearray(content)


def make_complex(real: Any, imag: Any) -> complex:
    """Make a complex number of two floats."""
    expect(type(real) is float and type(imag) is float, "a complex number")
    return complex(real, imag)


def make_range(*args: Any) -> range:
    """Make a range of whole numbers."""
    expect(all(type(arg) is int for arg in args), "a range")
    return range(*args)


def make_slice(*args: Any) -> slice:
    """Make a slice of whole numbers; a slice in a slice in a slice ... would end the process when it is freed."""
    expect(len(args) == 3 and all(arg is None or type(arg) is int for arg in args), "a slice")
    return slice(*args)


# ---- NumPy -------------------------------------------------------------------------------------------------


def make_numpy_dtype(name: Any, align: Any = False, copy: Any = False) -> np.dtype[Any]:
    """Make a NumPy dtype of the numbers that tensors can hold, or of their unsigned siblings."""
    expect(type(name) is str and name in NUMPY_DTYPES, "a NumPy dtype")
    return np.dtype(name)


def start_array(cls: Any, shape: Any, kind: Any) -> np.ndarray[Any, Any]:
    """Make an empty array, which gets its state afterwards."""
    expect(cls is np.ndarray and shape == (0,) and kind == b"b", "a NumPy array")
    return np.ndarray((0,), np.int8)


def make_array(buffer: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> np.ndarray[Any, Any]:
    """Make an array of a buffer of exactly its size."""
    check_array(buffer, dtype, shape)
    is_right = (
        sorted(axes) == list(range(len(shape))) if order == "K" else order in ("C", "F") and axes is None
    )
    expect(is_right, "a NumPy array")
    array = np.frombuffer(buffer, dtype)
    array = as_truth_values(array if array.flags.writeable else array.copy())
    if order != "K":
        return array.reshape(shape, order=order)
    return array.reshape(shape).transpose(axes)


def make_scalar(dtype: Any, content: Any) -> Any:
    """Make a NumPy scalar."""
    check_array(content, dtype, ())
    return as_truth_values(np.frombuffer(content, dtype).copy())[0]


def as_truth_values(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array as it is; a byte of a bool array that is neither 0 nor 1 becomes 1, in place."""
    if array.dtype.kind == "b":
        np.minimum(array.view(np.uint8), 1, out=array.view(np.uint8))
    return array


def check_array(buffer: Any, dtype: Any, shape: Any) -> None:
    """Raise unless a buffer has the size that a dtype and a shape need."""
    is_known = type(buffer) in (bytes, bytearray) and isinstance(dtype, np.dtype) and isinstance(shape, tuple)
    expect(is_known and len(shape) <= 64 and all(is_count(n) for n in shape), "a NumPy array")
    size = dtype.itemsize
    for n in shape:
        size *= n
    expect(size == len(buffer), "a NumPy array")


# ---- the table ---------------------------------------------------------------------------------------------


def known_functions(reader: TensorReader) -> dict[tuple[str, str], Any]:
    """Return what a file may have called, by module and name."""
    functions: dict[tuple[str, str], Any] = {
        ("torch._utils", "_rebuild_tensor"): reader.rebuild_tensor_v2,
        ("torch._utils", "_rebuild_tensor_v2"): reader.rebuild_tensor_v2,
        ("torch._utils", "_rebuild_tensor_v3"): reader.rebuild_tensor_v3,
        ("torch._utils", "_rebuild_parameter"): reader.rebuild_parameter,
        ("torch._utils", "_rebuild_parameter_with_state"): reader.rebuild_parameter_with_state,
        ("torch._tensor", "_rebuild_from_type_v2"): reader.rebuild_from_type,
        ("torch.nn.parameter", "UninitializedParameter"): make_uninitialized_parameter,
        ("torch.nn.parameter", "UninitializedBuffer"): make_uninitialized_buffer,
        ("torch._utils", "_rebuild_sparse_tensor"): make_sparse_tensor,
        ("torch.serialization", "_get_layout"): make_layout,
        ("torch", "Size"): make_size,
        ("torch", "device"): make_device,
        ("collections", "OrderedDict"): make_ordered_dict,
        ("collections", "Counter"): make_counter,
        ("collections", "defaultdict"): make_defaultdict,
        ("collections", "deque"): make_deque,
        ("_codecs", "encode"): make_bytes,
        ("builtins", "bytes"): make_no_bytes,
        ("builtins", "bytearray"): make_bytearray,
        ("builtins", "complex"): make_complex,
        ("builtins", "frozenset"): make_frozenset,
        ("builtins", "range"): make_range,
        ("builtins", "set"): make_set,
        ("builtins", "slice"): make_slice,
        ("numpy", "dtype"): make_numpy_dtype,
        # written by version 0.1 of this engine
        ("tinygrad_edu._tensor_methods.convert", "rebuild_tensor"): reader.rebuild_from_array,
        ("tinygrad_edu._tensor", "Size"): make_size,
        ("tinygrad_edu.size", "Size"): make_size,
        ("tinygrad_edu.dtypes", "from_numpy_dtype"): dtypes.from_numpy_dtype,
        ("tinygrad_edu.backend", "device"): make_device,
    }
    for core in ("numpy._core", "numpy.core"):  # NumPy 2 and NumPy 1
        functions[f"{core}.multiarray", "_reconstruct"] = start_array
        functions[f"{core}.multiarray", "scalar"] = make_scalar
        functions[f"{core}.numeric", "_frombuffer"] = make_array
    return functions


def known_constants() -> dict[tuple[str, str], Any]:
    """Return what a file may name without having it called."""
    constants: dict[tuple[str, str], Any] = {
        ("torch", "Tensor"): Tensor,
        ("torch.nn.parameter", "Parameter"): Parameter,
        ("tinygrad_edu._tensor", "Tensor"): Tensor,
        ("tinygrad_edu.nn.parameter", "Parameter"): Parameter,
        ("numpy", "ndarray"): np.ndarray,
        ("torch.storage", "UntypedStorage"): UNTYPED,
    }
    constants |= {("torch", name): kind for name, kind in STORAGE_KINDS.items()}
    constants |= {("torch", dtype.name): dtype for dtype in dtypes.ALL_DTYPES}
    constants |= {("torch", name): ForeignDtype(name) for name in FOREIGN_DTYPES}
    constants |= {("builtins", name): cls for name, cls in FACTORIES.items()}
    return constants


def build(obj: Any, state: Any) -> None:
    """Give an object its state, if it is one that has any."""
    if type(obj) is OrderedDict:
        is_metadata = type(state) is dict and list(state) == ["_metadata"]
        expect(is_metadata and isinstance(state["_metadata"], dict), "an OrderedDict")
        vars(obj).update(state)
    elif isinstance(obj, np.dtype):
        right = [(3, order, None, None, None, -1, -1, 0) for order in ORDERS]
        expect(type(state) is tuple and any(state == one for one in right), "a NumPy dtype")
    elif type(obj) is np.ndarray:
        expect(type(state) is tuple and len(state) == 5, "a NumPy array")
        version, shape, dtype, is_fortran, content = state
        check_array(content, dtype, shape)
        expect(version == 1 and type(is_fortran) is bool and type(content) is bytes, "a NumPy array")
        expect(obj.shape == (0,) and obj.base is None, "a NumPy array")
        obj.__setstate__(state)
        as_truth_values(obj)
    elif type(obj) is device:
        expect(type(state) is tuple and len(state) == 2 and type(state[1]) is dict, "a device")
        made = make_device(state[1].get("type"), state[1].get("index"))
        obj.type, obj.index = made.type, made.index
    elif isinstance(obj, Tensor):
        set_attributes(obj, state)
    else:
        raise LoadError(f"load: expected no state for {type(obj).__name__}, got some")
