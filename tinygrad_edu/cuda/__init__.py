"""What a program asks of the GPU.

References
----------
https://docs.pytorch.org/docs/stable/cuda.html
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from tinygrad_edu import backend, cuda_availability, random as _random
from tinygrad_edu.arguments import reject_options
from tinygrad_edu.backend import DeviceLike
from tinygrad_edu.cuda import amp as amp
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.tensor_types import CUDA_TYPES

BoolTensor = CUDA_TYPES["BoolTensor"]
ByteTensor = CUDA_TYPES["ByteTensor"]
CharTensor = CUDA_TYPES["CharTensor"]
DoubleTensor = CUDA_TYPES["DoubleTensor"]
FloatTensor = CUDA_TYPES["FloatTensor"]
BFloat16Tensor = CUDA_TYPES["BFloat16Tensor"]
HalfTensor = CUDA_TYPES["HalfTensor"]
IntTensor = CUDA_TYPES["IntTensor"]
LongTensor = CUDA_TYPES["LongTensor"]
ShortTensor = CUDA_TYPES["ShortTensor"]


def is_available() -> bool:
    """Tell whether tensors can be put on a GPU."""
    return cuda_availability.is_cuda_available()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Tell whether tensors can be of bfloat16: never."""
    return False


# ---- cards ---------------------------------------------------------------------------------------


def device_count() -> int:
    """Return the number of GPUs; 0 where CUDA is not available."""
    return int(backend.cupy().cuda.runtime.getDeviceCount()) if is_available() else 0


def current_device() -> int:
    """Return the index of the GPU in use: the one that ``device="cuda"`` means."""
    return int(backend.cupy().cuda.runtime.getDevice())


def set_device(device: DeviceLike) -> None:
    """Let ``device="cuda"`` mean this GPU from now on, in this thread."""
    _card(device).use()


class device(contextlib.AbstractContextManager[None]):
    """Let ``device="cuda"`` mean this GPU within a ``with`` block.

    Parameters
    ----------
    device : torch.device, str or int
        Which one.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cuda.device.html
    """

    def __init__(self, device: DeviceLike) -> None:
        self._card = _card(device)

    def __enter__(self) -> None:
        self._card.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        self._card.__exit__(*exc_info)


def get_device_name(device: DeviceLike = None) -> str:
    """Return the name of a GPU."""
    return str(_properties(device)["name"].decode())


def get_device_capability(device: DeviceLike = None) -> tuple[int, int]:
    """Return the compute capability of a GPU, such as (8, 6)."""
    properties = _properties(device)
    return int(properties["major"]), int(properties["minor"])


def mem_get_info(device: DeviceLike = None) -> tuple[int, int]:
    """Return (free, all) bytes of a GPU's memory."""
    free, total = _card(device).mem_info
    return int(free), int(total)


def _card(device: DeviceLike) -> Any:
    """Return CuPy's object for a GPU; the one in use for None."""
    index = backend.resolve_device("cuda" if device is None else device).index
    if index is None:
        raise ValueError(f"Expected a cuda device, but got: {device}")
    return backend.cupy().cuda.Device(index)


def _properties(device: DeviceLike) -> Any:
    return backend.cupy().cuda.runtime.getDeviceProperties(_card(device).id)


# ---- waiting, and queues of work -----------------------------------------------------------------


def synchronize(device: DeviceLike = None) -> None:
    """Wait until the GPU has done all that was asked of it."""
    with _card(device) as card:
        card.synchronize()


class Stream:
    """A queue of work: what is in one queue runs in order, two queues run side by side.

    Parameters
    ----------
    device : device, optional
        The GPU; by default the one in use.
    priority : int
        The lower, the sooner.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cuda.Stream.html
    """

    def __init__(self, device: DeviceLike = None, priority: int = 0, *, cupy_stream: Any = None) -> None:
        self._card = _card(device)
        with self._card:
            streams = backend.cupy().cuda.Stream
            self.cupy_stream = cupy_stream or streams(non_blocking=True, priority=priority)

    @property
    def device(self) -> backend.device:
        """The GPU that it belongs to."""
        return backend.device("cuda", self._card.id)

    @property
    def cuda_stream(self) -> int:
        """CUDA's own handle of it."""
        return int(self.cupy_stream.ptr)

    def synchronize(self) -> None:
        """Wait until all its work is done."""
        self.cupy_stream.synchronize()

    def query(self) -> bool:
        """Tell whether all its work is done."""
        return bool(self.cupy_stream.done)

    def record_event(self, event: Event | None = None) -> Event:
        """Put a mark behind the work so far."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let the work that comes wait for a mark in another queue."""
        self.cupy_stream.wait_event(event.cupy_event)

    def wait_stream(self, stream: Stream) -> None:
        """Let the work that comes wait for all that is in another queue now."""
        self.wait_event(stream.record_event())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.cuda_stream == self.cuda_stream

    def __hash__(self) -> int:
        return hash(self.cuda_stream)


class Event:
    """A mark in a queue of work, to wait for or to take the time at.

    Parameters
    ----------
    enable_timing : bool
        Whether it knows its time.
    blocking : bool
        Whether ``synchronize`` sleeps instead of asking again and again.
    interprocess, external : bool
        Must be False: events belong to one process, and to CuPy.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cuda.Event.html
    """

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
        external: bool = False,
    ) -> None:
        reject_options("Event", interprocess=interprocess, external=external)
        self.cupy_event = backend.cupy().cuda.Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream: Stream | None = None) -> None:
        """Put the mark behind the work so far."""
        self.cupy_event.record(None if stream is None else stream.cupy_stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Let the work that comes in ``stream`` wait for the mark."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Tell whether the work before it is done."""
        return bool(self.cupy_event.done)

    def synchronize(self) -> None:
        """Wait until the work before it is done."""
        self.cupy_event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds from this mark to another one."""
        return float(backend.cupy().cuda.get_elapsed_time(self.cupy_event, end_event.cupy_event))


class stream(contextlib.AbstractContextManager[None]):
    """Put the work of a ``with`` block into a queue of its own; None changes nothing.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cuda.stream.html
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self.stream._card.__enter__()
            self.stream.cupy_stream.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        if self.stream is not None:
            self.stream.cupy_stream.__exit__(*exc_info)
            self.stream._card.__exit__(*exc_info)


def current_stream(device: DeviceLike = None) -> Stream:
    """Return the queue in use."""
    with _card(device):
        return Stream(device, cupy_stream=backend.cupy().cuda.get_current_stream())


def default_stream(device: DeviceLike = None) -> Stream:
    """Return the queue that is in use where no other is asked for."""
    return Stream(device, cupy_stream=backend.cupy().cuda.Stream.null)


# ---- memory --------------------------------------------------------------------------------------


def memory_allocated(device: DeviceLike = None) -> int:
    """Return the bytes of GPU memory that arrays take; 0 where CUDA is not available."""
    if not is_available():
        return 0
    with _card(device):
        return int(backend.cupy().get_default_memory_pool().used_bytes())


def memory_reserved(device: DeviceLike = None) -> int:
    """Return the bytes that CuPy's pool has taken from the driver, whether arrays use them or not."""
    if not is_available():
        return 0
    with _card(device):
        return int(backend.cupy().get_default_memory_pool().total_bytes())


def max_memory_allocated(device: DeviceLike = None) -> int:
    """Return the most bytes that arrays took at a time since the peak was reset.

    CuPy's pool keeps no such record, so it is kept from the first call on of this function or of
    ``reset_peak_memory_stats``, for what the calling thread allocates.
    """
    if not is_available():
        return 0
    index, now = _card(device).id, memory_allocated(device)
    peaks = _peak_recorder().peaks
    peaks[index] = max(peaks.get(index, 0), now)
    return int(peaks[index])


def reset_peak_memory_stats(device: DeviceLike = None) -> None:
    """Let ``max_memory_allocated`` begin anew, with what is in use now."""
    if is_available():
        _peak_recorder().peaks[_card(device).id] = memory_allocated(device)


@functools.cache
def _peak_recorder() -> Any:
    """Return a hook of CuPy's memory pool that notes the peak of every card."""
    cupy = backend.cupy()

    class PeakRecorder(cupy.cuda.MemoryHook):  # type: ignore[misc, name-defined]
        name = "tinygrad_edu.cuda.PeakRecorder"

        def __init__(self) -> None:
            super().__init__()
            self.peaks: dict[int, int] = {}

        def malloc_postprocess(self, **allocation: Any) -> None:
            index, used = allocation["device_id"], int(cupy.get_default_memory_pool().used_bytes())
            self.peaks[index] = max(self.peaks.get(index, 0), used)

    recorder = PeakRecorder()
    recorder.__enter__()  # for good
    return recorder


def empty_cache() -> None:
    """Give unused GPU memory back to the driver."""
    if is_available():
        backend.cupy().get_default_memory_pool().free_all_blocks()


# ---- random numbers ------------------------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Seed the default generator, which serves all devices."""
    _random.manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the default generator, which serves all devices."""
    _random.manual_seed(seed)


def get_rng_state(device: Any = "cuda") -> dict[str, Any]:
    """Return the state of the default generator, which serves all devices."""
    return _random.get_rng_state()


def set_rng_state(new_state: dict[str, Any], device: Any = "cuda") -> None:
    """Set the state of the default generator, which serves all devices."""
    _random.set_rng_state(new_state)


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
