"""The methods of tensors that keep the graph right when tensors share memory and are changed in place.

A view is made from its *base*, the tensor that owns the memory, by one or more steps (``x[0]``, then
``.reshape(4)``). If one of the two is changed in place by an operation that autograd records, the other has a
new history as well:

- a change of the base: the view repeats its steps on the base, the next time somebody asks for its history;
- a change of the view: the base becomes "the old base with this view replaced" (``ViewScatter``), and then
  every view of it, this one as well, has to follow.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import enable_grad, this_thread
from tinygrad_edu.autograd.node import Edge, Node, VersionCounter

NO_GRAD_VIEW = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this "
    "use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view "
    "and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both "
    "outside (if you want the inplace to be tracked)."
)
CUSTOM_FUNCTION_VIEW = (
    "Output of a custom Function is a view and is being modified inplace. This view was created inside a custom "
    "Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would "
    "override the custom backward associated with the custom Function, leading to incorrect gradients. This "
    "behavior is forbidden. You can fix this by cloning the output of the custom Function."
)


ONE_OF_MANY_VIEWS = (
    "Output {output_nr} of {name} is a view and is being modified inplace. This view is the output of a function that "
    "returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace "
    "the inplace operation by an out-of-place one."
)


class ViewInfo:
    """How a view was made.

    Attributes
    ----------
    base : Tensor
        The tensor that owns the memory.
    rebased : int
        How often the base had been given a new history when the view's own was made.
    steps : tuple or None
        The operations that lead from the base to the view, as (steps before, op, options).
    forbidden : str or None
        Why the view must not be changed in place while autograd records.
    base_array : array
        That of the base when the view was made; ``base.t_()``, for instance, gives the base another one.
    """

    __slots__ = ("base", "base_array", "forbidden", "rebased", "steps")

    def __init__(self, base: Any, steps: Any, forbidden: str | None) -> None:
        self.base = base
        self.base_array = base.array
        self.rebased = base._rebased
        self.steps = steps
        self.forbidden = forbidden

    def steps_in_order(self) -> list[tuple[Any, dict[str, Any]]]:
        """Return the operations, with their options, from the base to the view."""
        if self.base_array is not self.base.array:
            raise RuntimeError(
                "The shape or the memory of a tensor has been changed in place after this view of it was made, which "
                "cannot be followed any longer. Hint: make the view after the change"
            )
        steps, remaining = [], self.steps
        while remaining is not None:
            remaining, op, options = remaining
            steps.append((op, options))
        return steps[::-1]


class ViewMethods:
    """Methods for tensors that share memory; part of TensorBase."""

    _view: ViewInfo | None
    _counter: VersionCounter | None

    @property
    def _base(self: Any) -> Any:
        """The tensor that owns the memory, if this one is a view."""
        return None if self._view is None else self._view.base

    def _is_view(self: Any) -> bool:
        """Tell whether the tensor is a view of another one that autograd knows of."""
        return self._view is not None

    def become_view_of(self: Any, parent: Any, op: Any, options: dict[str, Any]) -> None:
        """Note that this tensor shares the memory of ``parent``, by this operation."""
        if parent._inference:
            self._inference = True
            return
        self._counter = parent.version_counter()
        above = parent._view
        if above is None:
            self._view = ViewInfo(parent, (None, op, options), None)
        else:
            self._view = ViewInfo(above.base, (above.steps, op, options), above.forbidden)
        if not this_thread.mode.grad_enabled and self._view.forbidden is None:
            self._view.forbidden = NO_GRAD_VIEW

    def _forbid_changes(self: Any, node: Node, output_nr: int) -> None:
        """Let nobody change this view, one of several outputs of a node, in place while autograd records."""
        if self._view is not None:
            name = node.operation_name()
            self._view.forbidden = ONE_OF_MANY_VIEWS.format(output_nr=output_nr, name=name)

    def as_output_of(self: Any, node: Node, output_nr: int, args: tuple[Any, ...]) -> Any:
        """Return this tensor, made by a custom Function from ``args``, with the Function as its history."""
        base = self if self._view is None else self._view.base
        result = self.detach() if any(self is x for x in args) else self  # an input keeps its own history
        result.set_history((node, output_nr))
        result._view = None
        if any(base is x or base is getattr(x, "_base", None) for x in args):
            result._view = ViewInfo(base, None, CUSTOM_FUNCTION_VIEW)
        return result

    def _follow_base(self: Any) -> None:
        """If the memory was given a new history through another tensor, take it over."""
        view = self._view
        if view is None or view.base._rebased == view.rebased:
            return
        if view.forbidden is not None:
            raise RuntimeError(f"The base of this view has been changed in place. {view.forbidden}")
        replayed = view.base
        with enable_grad():
            for op, options in view.steps_in_order():
                replayed = op.apply(replayed, **options)
        self.set_history(replayed._edge)
        view.rebased = view.base._rebased

    def check_may_change(self: Any, recorded: bool) -> None:
        """Raise if an in-place change would spoil a leaf that wants a gradient, or cannot be recorded."""
        if self._inference and not this_thread.mode.inference:
            raise RuntimeError(
                "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get "
                "a normal tensor before doing inplace update."
            )
        view = self._view
        if (
            view is not None
            and view.forbidden is not None
            and this_thread.mode.grad_enabled
            and (recorded or view.base.requires_grad)
        ):
            raise RuntimeError(view.forbidden)
        if not recorded:
            return
        if self.requires_grad and view is not None and view.base.is_leaf:
            raise explained(
                RuntimeError(
                    "a view of a leaf Variable that requires grad is being used in an in-place operation."
                )
            )
        if self.requires_grad and self.is_leaf:
            raise explained(
                RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
            )

    # ---- versions ------------------------------------------------------------------------------------

    @property
    def _version(self: Any) -> int:
        """How often the memory has been changed in place."""
        return 0 if self._counter is None else self._counter.value

    def version_counter(self: Any) -> VersionCounter:
        """Return the counter of in-place changes; tensors that share memory share it."""
        if self._inference:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        if self._counter is None:
            self._counter = VersionCounter()
        return self._counter

    def share_version(self: Any, counter: VersionCounter) -> None:
        """Count changes together with those of another tensor, whose memory this one shares."""
        self._counter = counter

    def increment_version(self: Any, changed_by: str) -> None:
        """Note that the array was changed in place."""
        if not self._inference:
            counter = self.version_counter()
            counter.value += 1
            counter.last_change = changed_by

    def is_inference(self: Any) -> bool:
        """Tell whether it was made in inference mode."""
        return self._inference

    def set_history(self: Any, edge: Edge | None) -> None:
        """Say which output of which node this tensor is."""
        self._edge = edge
        if self._retains_grad and edge is not None:
            self._ask_for_grad(edge)
