"""Calling a module: forward, the hooks round it, and the note that an error gets on its way out."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.handle import RemovableHandle
from tinygrad_edu.autograd.observer import observed_module
from tinygrad_edu.nn.hooks import BackwardHooks


class Hook(NamedTuple):
    """A hook that wants the keyword arguments, too, or is called also after an error."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


Hooks: TypeAlias = "OrderedDict[int, Callable[..., Any] | Hook]"
"""The hooks of one kind by their numbers, in the order of calling; programs look in here, and clear it."""

NUMBERS = itertools.count()


class ModuleCall:
    """How a module is called; part of Module."""

    _forward_pre_hooks: Hooks
    _forward_hooks: Hooks
    _backward_pre_hooks: Hooks
    _backward_hooks: Hooks

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward``, and the hooks if there are any."""
        try:
            if this_thread.mode.observers:
                with observed_module(self):
                    return self._call_with_hooks(args, kwargs)
            if self._has_hooks():
                return self._call_with_hooks(args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            note_layer(error, self)
            raise

    def _has_hooks(self) -> bool:
        """Tell whether anything is to be called before, after or in the backward of ``forward``."""
        return bool(
            self._forward_pre_hooks or self._forward_hooks or self._backward_pre_hooks or self._backward_hooks
        )

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook in tuple(self._forward_pre_hooks.values()):
            args, kwargs = self._call_pre_hook(hook, args, kwargs)
        backward_hooks = None
        if self._backward_pre_hooks or self._backward_hooks:
            backward_hooks = BackwardHooks(
                self,
                list(self._backward_pre_hooks.values()),
                list(self._backward_hooks.values()),
            )
            args = backward_hooks.wrap_inputs(args)
        remaining = list(self._forward_hooks.values())
        try:
            output = self.forward(*args, **kwargs)
            while remaining:
                output = self._call_forward_hook(remaining.pop(0), args, kwargs, output)
        except Exception:
            self._call_remaining(remaining, args, kwargs)
            raise
        if backward_hooks is None:
            return output
        if not isinstance(output, Tensor | tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                f"received {type(output)}",
                stacklevel=3,
            )
        return backward_hooks.wrap_outputs(output)

    def _call_forward_hook(
        self, hook: Callable[..., Any] | Hook, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> Any:
        """Return the output that the hook leaves behind."""
        function, with_kwargs, _ = hook if isinstance(hook, Hook) else Hook(hook)
        answer = function(self, *((args, kwargs, output) if with_kwargs else (args, output)))
        return output if answer is None else answer

    def _call_remaining(self, hooks: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """After an error: call the hooks that are always to be called; there is no output."""
        for hook in hooks:
            if not (isinstance(hook, Hook) and hook.always_call):
                continue
            try:
                self._call_forward_hook(hook, args, kwargs, None)
            except Exception as error:
                warnings.warn(
                    "module forward hook with ``always_call=True`` raised an exception that was silenced as another "
                    f"error was raised in forward: {error}",
                    stacklevel=3,
                )

    def _call_pre_hook(
        self, hook: Callable[..., Any] | Hook, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments that the hook leaves behind."""
        function, with_kwargs, _ = hook if isinstance(hook, Hook) else Hook(hook)
        if not with_kwargs:
            answer = function(self, args)
            if answer is None:
                return args, kwargs
            return answer if isinstance(answer, tuple) else (answer,), kwargs
        answer = function(self, args, kwargs)
        if answer is None:
            return args, kwargs
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {answer}."
            )
        return answer

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before forward; what it returns replaces the arguments.

        Parameters
        ----------
        hook : callable
            Called with the module and the tuple of positional arguments.
        prepend : bool
            Call it before the hooks that are there already.
        with_kwargs : bool
            Call ``hook(module, args, kwargs)``; it returns None or (new args, new kwargs).

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook away.
        """
        return _register(self._forward_pre_hooks, Hook(hook, True) if with_kwargs else hook, prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after forward; what it returns replaces the output.

        With ``always_call`` also if forward, or a hook before it, has raised an error; the output is None then.

        With ``with_kwargs`` the call is ``hook(module, args, kwargs, output)``; see
        :meth:`register_forward_pre_hook` for the rest.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> def tell(module, args, output):
        ...     print(type(module).__name__, output.shape)
        >>> layer = torch.nn.Linear(3, 2)
        >>> handle = layer.register_forward_hook(tell)
        >>> y = layer(torch.ones(4, 3))
        Linear torch.Size([4, 2])
        >>> handle.remove()
        """
        plain = not (with_kwargs or always_call)
        return _register(
            self._forward_hooks, hook if plain else Hook(hook, with_kwargs, always_call), prepend
        )

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` in backward, first; what it returns replaces grad_output."""
        return _register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` in backward; what it returns replaces grad_input.

        Both gradients are tuples, with None for what is not a Tensor. Where no gradient has come, grad_output has
        None, and grad_input zeros. Keyword arguments of forward are not among the inputs.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook
        """
        return _register(self._backward_hooks, hook, prepend)


def _register(hooks: Hooks, hook: Callable[..., Any] | Hook, prepend: bool) -> RemovableHandle:
    number = next(number for number in NUMBERS if number not in hooks)  # hooks may come out of a file
    hooks[number] = hook
    if prepend:
        hooks.move_to_end(number, last=False)
    return RemovableHandle(hooks, number)


class LayerNote(NamedTuple):
    """What is known of the place of an error, while it passes through one module after the other."""

    module_id: int  # of the outermost module so far; a number, because errors are pickled and outlive models
    layer: str
    path: str
    text: str


def note_layer(error: Exception, module: Any) -> None:
    """Add to an error in which layer it happened; the path grows on the way out, one module at a time."""
    attributes = error.__dict__  # not setattr: an error may forbid it, and must come through all the same
    known: LayerNote | None = attributes.get("layer_note")
    notes: list[str] = attributes.setdefault("__notes__", [])
    name = type(module).__name__
    if known is None:
        note = LayerNote(id(module), name, "", f"in layer {name}")
        notes.insert(0, note.text)
        explained(error)
    else:
        inner = next((n for n, child in module.named_modules() if id(child) == known.module_id), "")
        if not inner or known.text not in notes:
            return  # not a part of this module, or the module itself: keep what is known
        path = f"{inner}.{known.path}" if known.path else inner
        note = LayerNote(id(module), known.layer, path, f"in layer '{path}' ({known.layer}) of {name}")
        notes[notes.index(known.text)] = note.text
    attributes["layer_note"] = note
