"""The methods of a tensor that register hooks; ``hooks.py`` calls them."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.handle import RemovableHandle


class HookMethods:
    """How hooks are given to a tensor; part of TensorBase."""

    _hooks: list[Any] | tuple[()]
    _post_accumulate_hooks: list[Any] | tuple[()]

    def register_hook(self: Any, hook: Any) -> RemovableHandle:
        """Call ``hook(grad)`` when this tensor's gradient is known; what it returns replaces the gradient.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        owner, output_nr = (self.grad_accumulator(), 0) if self._edge is None else self._edge
        if not owner.tensor_hooks:
            owner.tensor_hooks = []
        if self._edge is None:
            self._hooks = owner.tensor_hooks  # the node of a leaf lives no longer than the graph
        entry = (output_nr, hook)
        owner.tensor_hooks.append(entry)
        return RemovableHandle(owner.tensor_hooks, entry)

    def register_post_accumulate_grad_hook(self: Any, hook: Any) -> RemovableHandle:
        """Call ``hook(tensor)`` when a backward has added to the ``grad`` of this leaf.

        An optimizer can make its step there, so that the gradients need not all be in memory at once.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_post_accumulate_grad_hook.html

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda x: print(x.grad))
        >>> (x * 3).sum().backward()
        tensor([3., 3.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._edge is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors: this one was made by "
                f"{self.grad_fn}"
            )
        if not self._post_accumulate_hooks:
            self._post_accumulate_hooks = []
        self._post_accumulate_hooks.append(hook)
        return RemovableHandle(self._post_accumulate_hooks, hook)
