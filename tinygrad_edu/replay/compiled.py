"""What ``torch.compile`` returns: run as always, then from a list, and never something else than the program does.

The first call runs as always. The second is written down while it runs. The third runs from the list, is taken
back, runs as always and is compared; on the CPU the list is then written as one of kernels, which the fourth call
compares likewise. From then on it is the list, as long as the guards hold.
"""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

from tinygrad_edu.autograd.callers import warn_user
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.observer import observed_by
from tinygrad_edu.nn.module import Module
from tinygrad_edu.replay.guarding.guards import NotForReplay, describe
from tinygrad_edu.replay.guarding.watching import PythonWatch
from tinygrad_edu.replay.lines.recorder import Recorder
from tinygrad_edu.replay.recording import Recording
from tinygrad_edu.replay.state import State, equal

MOST_RECORDINGS = 8
ALL: weakref.WeakSet[Any] = weakref.WeakSet()
"""Everything that is compiled, for ``torch.compiler.reset``."""


class Compiled:
    """A function that is replayed.

    Parameters
    ----------
    function : callable
        The program's own: it gets Tensors and plain values.
    fullgraph : bool
        Raise if it cannot be replayed.
    graphs : bool
        On a GPU, run the list as CUDA graphs.

    Attributes
    ----------
    recordings : list of Recording
        One for each kind of call, at most eight.
    refused : str
        Why the function runs as always, if it does for good.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> @torch.compile
    ... def double(x):
    ...     return 2 * x + 1
    >>> for _ in range(3):
    ...     y = double(torch.ones(2))
    >>> print(double.source)
    def replay(x0):
        t0 = mul.forward(x0, float32(2.0))
        t1 = add.forward(t0, float32(1.0))
        r0 = result(t1)
        return r0
    """

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False, graphs: bool = False) -> None:
        functools.update_wrapper(self, function, updated=())
        self.__wrapped__ = function
        self.function, self.fullgraph, self.graphs = function, fullgraph, graphs
        self.recordings: list[Recording] = []
        self.refused = ""
        self._warm = self._warned = False
        self._thread = threading.get_ident()
        ALL.add(self)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __repr__(self) -> str:
        return f"<compiled {self.function!r}>"

    def __reduce__(self) -> Any:
        return Compiled, (self.function, self.fullgraph, self.graphs)  # a copy writes lists of its own

    @property
    def source(self) -> str:
        """The lists, each as the straight-line Python function that is run."""
        return "\n".join([recording.text for recording in self.usable]).rstrip()

    @property
    def usable(self) -> list[Recording]:
        """The recordings that can be replayed."""
        return [recording for recording in self.recordings if not recording.recorder.refused]

    def check(self) -> None:
        """Have the next call of each list compared with the program itself again."""
        for recording in self.recordings:
            recording.checked = False

    def forget(self) -> None:
        """Forget the lists, and begin anew."""
        self.recordings, self.refused, self._warm = [], "", False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function, or its list."""
        if self.refused or not self._may_replay():
            return self.function(*args, **kwargs)
        if not self._warm:  # parameters, states and kernels are made now
            output = self.function(*args, **kwargs)
            self._warm = True
            return output
        tensors: list[Any] = []
        kept: list[Any] = []
        try:
            key = describe((args, kwargs), tensors, kept)
        except NotForReplay as reason:
            if self.fullgraph:
                raise RuntimeError(f"torch.compile(fullgraph=True): {reason}") from None
            return self.function(*args, **kwargs)
        for i, recording in enumerate(self.recordings):
            if recording.key == key and recording.holds():
                if recording.recorder.refused:
                    return self.function(*args, **kwargs)
                if not recording.checked:
                    return self._compare(i, tensors, args, kwargs)
                if recording.graphs is None:
                    return recording.run(tensors)
                return self._run_graphs(recording, tensors)
        if len(self.recordings) >= MOST_RECORDINGS:
            return self.function(*args, **kwargs)
        output, recording = self._record(key, tensors, args, kwargs)
        recording.kept = kept
        self.recordings.append(recording)
        if recording.recorder.refused:
            self._refuse(recording.recorder.refused, recording.recorder.for_good)
        return output

    def _may_replay(self) -> bool:
        """Tell whether nobody looks on, and nothing is switched on that the lists do not know."""
        mode = this_thread.mode
        free = not mode.observers and not mode.autocast and self._thread == threading.get_ident()
        return free and sys.getprofile() is None

    def _record(
        self, key: Any, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, Recording]:
        """Run as always, and write down what happens."""
        recorder = Recorder([x.array for x in tensors], getattr(self.function, "__code__", None))
        watch = PythonWatch(recorder)
        recording = Recording(recorder, watch, key, self._refuse)
        with observed_by(recorder):
            with watch:
                output = self.function(*args, **kwargs)
            recorder.renew_histories(output)
        try:
            recording.finish(self.function, [*args, *kwargs.values()], tensors, output)
            if describe((args, kwargs), [], []) != key:
                recorder.refuse("it changes an argument")
        except Exception as error:  # the program itself has run well, and must go on
            recorder.refuse(f"its list cannot be put together: {error!r}")
        return output, recording

    def _compare(self, index: int, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run from the list and as always, from one state; both must do the same."""
        recording = self.recordings[index]
        recorder = recording.recorder
        arrays = [*[tensor.array for tensor in tensors], *recorder.outside]
        places = arrays, recorder.all_leaves(), [*recorder.optimizers.values()]
        complete = recording.graphs is None or bool(recording.graphs.source)  # else they are still being made
        before = State(*places)
        try:
            replayed: Any = recording.run(tensors)
        except Exception as error:
            replayed = error
        after = State(*places).content()
        before.bring_back()
        had_kernels = recording.kernels
        self._write_kernels(recording, tensors, before)
        output, again = self._record(recording.key, tensors, args, kwargs)
        why = recorder.refused or again.recorder.refused or recording.agrees_with(again)
        if why and not recording.failures and not again.recorder.refused:
            again.failures = 1  # the first of a kind may make something that is there later
            again.kept = recording.kept
            self.recordings[index] = again
        elif why:
            self._refuse(why)
        elif not equal(replayed, output) or not equal(after, State(*places).content()):
            self._step_back(recording, had_kernels is not None)
        elif not recording.guards.hold():
            self._refuse("it changes Python values that it reads")
        else:
            # Where there is a list of kernels now, the next call compares it.
            recording.checked = complete and recording.kernels is had_kernels
            if self.graphs:
                self._start_graphs(recording)
            again.be_compared_with(recording)
        return output

    def _step_back(self, recording: Recording, had_kernels: bool) -> None:
        """Give up what did something else than the program: CUDA graphs, kernels, or the list itself."""
        if recording.graphs is not None:
            self._give_up_graphs(recording, "they do not do what the program does")
        elif had_kernels:
            recording.may_have_kernels = False
            recording.use_operations()
        else:
            self._refuse("the list of its operations does not do what it does itself")

    def _name(self) -> str:
        """Return what the function is called, or the kind of module that it is."""
        name: str = getattr(self.function, "__qualname__", type(self.function).__name__)
        return name

    def _start_graphs(self, recording: Recording) -> None:
        """Have a list run as CUDA graphs, where it can be."""
        if recording.insides:
            self._give_up_graphs(
                recording, "a backward may yet go through its results; compile the whole step"
            )
        else:
            recording.start_graphs()

    def _run_graphs(self, recording: Recording, tensors: list[Any]) -> Any:
        """Run a list as CUDA graphs; have the next call compared when they have just been captured."""
        was_ready = bool(recording.graphs.source)
        output = recording.run(tensors)
        if recording.graphs.refused:
            self._give_up_graphs(recording, recording.graphs.refused)
        elif recording.graphs.source and not was_ready:
            recording.checked = False
        return output

    def _give_up_graphs(self, recording: Recording, why: str) -> None:
        """Go back to the list, and say so once."""
        recording.graphs, recording.checked = None, True
        if self.graphs:
            warn_user(f"torch.compile: {self._name()} is replayed without CUDA graphs: {why}")
        self.graphs = False

    def _write_kernels(self, recording: Recording, tensors: list[Any], before: State) -> None:
        """Have a list of operations that is about to be compared written as one of kernels, if that can be."""
        try:
            recording.use_kernels(tensors)
        except Exception as error:  # the list of operations does it, too
            recording.may_have_kernels, recording.kernels_failed = False, repr(error)
        finally:
            before.bring_back()

    def _refuse(self, why: str, for_good: bool = True) -> None:
        """Go back to the program itself, and say so once."""
        if for_good:
            self.refused, self.recordings = why, []
        name = self._name()
        if self.fullgraph:
            raise RuntimeError(f"torch.compile(fullgraph=True): {name} cannot be replayed: {why}")
        if not self._warned:
            warn_user(f"torch.compile: {name} runs as it is, not replayed: {why}")
        self._warned = True


OF_COMPILED = ("source", "check", "forget", "refused", "recordings")


class OptimizedModule(Module):
    """A module whose calls are replayed; everything else is the module's own.

    Parameters
    ----------
    module : Module
        The module.
    fullgraph : bool
        Raise if it cannot be replayed.
    graphs : bool
        On a GPU, run the lists as CUDA graphs.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.compile.html
    """

    def __init__(self, module: Module, fullgraph: bool = False, graphs: bool = False) -> None:
        super().__init__()
        self._orig_mod = module
        self.training = module.training
        self._compiled = Compiled(module, fullgraph, graphs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the module, or its list."""
        return self._compiled(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod" or "_compiled" not in self.__dict__:
            return super().__getattr__(name)
        if name in OF_COMPILED:
            return getattr(self._compiled, name)
        return getattr(self._orig_mod, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_compiled" in self.__dict__ and name != "training":
            setattr(self._orig_mod, name, value)
        else:
            super().__setattr__(name, value)
