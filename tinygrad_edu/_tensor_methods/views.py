"""What an in-place change does to the history of a tensor, and of those that share its memory."""

from __future__ import annotations

from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.ops.indexing.index import ViewScatter


class RebaseMethods(TensorBase):
    """The method that gives a tensor a new history; part of Tensor. See ``autograd/views.py``."""

    def rebase_history(self, result: TensorBase) -> None:
        """Take over the history of ``result``, whose numbers have been written into this tensor's memory.

        A view hands it on to its base; itself and its siblings follow when asked.
        """
        view = self._view
        base, changed = self, result
        if view is not None:
            base = view.base
            changed = ViewScatter.apply(base, result, steps=view.steps_in_order(), in_place=True)
        base.set_history(changed._edge)
        base._rebased += 1
