"""Functions of the user that run before or after a step, and when state is saved or loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.autograd.handle import RemovableHandle

Hook = Callable[..., Any]
EVENTS = (
    "step_pre",
    "step_post",
    "state_dict_pre",
    "state_dict_post",
    "load_state_dict_pre",
    "load_state_dict_post",
)


class OptimizerHooks:
    """The hooks of an optimizer; part of Optimizer.

    References
    ----------
    https://docs.pytorch.org/docs/stable/optim.html#torch.optim.Optimizer.register_step_pre_hook
    """

    _hooks: dict[str, list[Hook]]

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before every step; it may return other (args, kwargs)."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after every step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict()``."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after ``state_dict()``; it may return another one."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before ``load_state_dict()``; it may return another one."""
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after ``load_state_dict()``."""
        return self._register("load_state_dict_post", hook, prepend)

    def _register(self, event: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        hooks = self._hooks[event]
        hooks.insert(0 if prepend else len(hooks), hook)
        return RemovableHandle(hooks, hook)

    def _before_step(self, closure: Any) -> Any:
        """Run the hooks before a step; return its closure, which they may replace."""
        for hook in tuple(self._hooks["step_pre"]):
            args = (self,) if closure is None else (self, closure)
            answer = hook(self, args, {})
            if answer is None:
                continue
            if not (isinstance(answer, tuple) and len(answer) == 2):
                raise RuntimeError(
                    f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {answer}."
                )
            new_args, new_kwargs = answer
            closure = new_args[1] if len(new_args) > 1 else new_kwargs.get("closure")
        return closure

    def _after_step(self, closure: Any) -> None:
        """Run the hooks after a step."""
        for hook in tuple(self._hooks["step_post"]):
            hook(self, (self,) if closure is None else (self, closure), {})

    def _run_hooks(self, event: str, *state_dict: Any) -> Any:
        """Run the hooks of saving or loading; return the state dict, which they may replace."""
        for hook in tuple(self._hooks[event]):
            answer = hook(self, *state_dict)
            if answer is not None and state_dict:
                state_dict = (answer,)
        return state_dict[0] if state_dict else None


def no_hooks() -> dict[str, list[Hook]]:
    """Return an empty list for each event."""
    return {event: [] for event in EVENTS}
