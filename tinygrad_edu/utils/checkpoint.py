"""``torch.utils.checkpoint``: less memory for more time. A part of a model is computed again in the backward pass.

What the derivatives of the part need is thrown away after the forward pass and computed anew when its gradient
comes, so that only one such part is in memory at a time.

References
----------
Tianqi Chen, Bing Xu, Chiyuan Zhang, Carlos Guestrin: Training Deep Nets with Sublinear Memory Cost.
https://arxiv.org/abs/1604.06174
https://docs.pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tinygrad_edu import autograd, random
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import reject_options
from tinygrad_edu.autograd.grad_mode import enable_grad, is_grad_enabled, this_thread
from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["checkpoint", "checkpoint_sequential"]


class Part:
    """A call of a function, to be done twice with the same random numbers.

    Attributes
    ----------
    function, args, kwargs
        The call.
    random_state : dict or None
        Where the random numbers stood before it; None if the second call need not have the same ones.
    autocast : dict
        Where autocast was on, and is again for the second call.
    """

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], same_numbers: bool
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.random_state = random.get_rng_state() if same_numbers else None
        self.autocast = this_thread.mode.autocast

    def inputs(self) -> list[Tensor]:
        """Return the Tensors among the arguments."""
        return [x for x in (*self.args, *self.kwargs.values()) if isinstance(x, Tensor)]

    def call(self, inputs: Iterable[Tensor]) -> Any:
        """Call the function with these in place of the Tensors among the arguments."""
        following = iter(inputs)
        args = [next(following) if isinstance(x, Tensor) else x for x in self.args]
        kwargs = {k: next(following) if isinstance(x, Tensor) else x for k, x in self.kwargs.items()}
        return self.function(*args, **kwargs)

    def call_again(self, inputs: Iterable[Tensor]) -> Any:
        """Call it with the random numbers and the autocast of the first time, and leave those of now as they are."""
        now, mode = random.get_rng_state(), this_thread.mode
        autocast, mode.autocast = mode.autocast, self.autocast
        if self.random_state is not None:
            random.set_rng_state(self.random_state)
        try:
            return self.call(inputs)
        finally:
            mode.autocast = autocast
            if self.random_state is not None:
                random.set_rng_state(now)


class Recomputed(autograd.Function):
    """The node of a part in the graph; its inputs are those of the part, and the parameters that the part uses."""

    @staticmethod
    def forward(ctx: Any, part: Part, outputs: Any, count: int, *tensors: Tensor) -> Any:
        ctx.part, ctx.count = part, count
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        return tuple([x.detach() if isinstance(x, Tensor) else x for x in outputs])

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        tensors, again = ctx.saved_tensors, is_grad_enabled()
        with enable_grad():
            # Behind a view the graph begins anew: a gradient is asked for here, and not for what came before.
            tensors = [x.view_as(x) if i < ctx.count else x for i, x in enumerate(tensors)]
            outputs = as_tuple(ctx.part.call_again(tensors[: ctx.count]))
        wanted = [i for i, x in enumerate(tensors) if x.requires_grad]
        arrived = [
            (y, g) for y, g in zip(outputs, grad_outputs, strict=True) if g is not None and y.requires_grad
        ]
        grads: list[Any] = [None] * len(tensors)
        with without_hooks(tensors[ctx.count :]):
            found = autograd.grad(
                [y for y, _ in arrived],
                [tensors[i] for i in wanted],
                [g for _, g in arrived],
                create_graph=again,
                allow_unused=True,
            )
        for i, grad in zip(wanted, found, strict=True):
            grads[i] = grad
        return None, None, None, *grads


@contextlib.contextmanager
def without_hooks(parameters: list[Tensor]) -> Iterator[None]:
    """Leave the hooks of leaves out for a while: they are called when the gradient arrives there for good."""
    nodes = [edge[0] for edge in [p.edge() for p in parameters] if edge is not None]
    hooks = [node.tensor_hooks for node in nodes]
    for node in nodes:
        node.tensor_hooks = ()
    try:
        yield
    finally:
        for node, own in zip(nodes, hooks, strict=True):
            node.tensor_hooks = own


def as_tuple(outputs: Any) -> tuple[Any, ...]:
    """Return what a function returned as a tuple."""
    return outputs if isinstance(outputs, tuple) else (outputs,)


def leaves_behind(outputs: Iterable[Any]) -> Iterator[Tensor]:
    """Yield the leaves that a gradient of the outputs would reach."""
    nodes = [x.grad_fn for x in outputs if isinstance(x, Tensor) and x.grad_fn is not None]
    seen = set(nodes)
    while nodes:
        node = nodes.pop()
        if hasattr(node, "variable"):
            yield node.variable
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                nodes.append(following)


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Call a function, and call it again in the backward pass instead of keeping what its derivatives need.

    Parameters
    ----------
    function : callable
        A module or a function of Tensors, which returns a Tensor or a tuple. What it uses beside its arguments
        must be leaves of the graph, such as parameters.
    *args, **kwargs
        Its arguments.
    use_reentrant : bool, optional
        Which of PyTorch's two ways is meant; both are the same here, except that True takes no ``kwargs``. PyTorch
        asks for False.
    context_fn : callable, optional
        Not there.
    determinism_check, debug, early_stop
        Of PyTorch's own way; accepted.
    preserve_rng_state : bool
        Whether the second call draws the same random numbers, as dropout needs.

    Raises
    ------
    ValueError
        If there are ``kwargs`` and ``use_reentrant`` is True.

    References
    ----------
    https://docs.pytorch.org/docs/stable/checkpoint.html#torch.utils.checkpoint.checkpoint

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.utils.checkpoint import checkpoint
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: (x * x).exp(), x, use_reentrant=False).sum().backward()
    >>> x.grad  # 2 x exp(x^2)
    tensor([  5.4366, 218.3926])
    """
    reject_options("checkpoint", context_fn=context_fn)
    if use_reentrant is None:
        warnings.warn("checkpoint: give use_reentrant=False, as PyTorch asks for", stacklevel=2)
        use_reentrant = True
    if kwargs and use_reentrant:
        raise ValueError(
            f"checkpoint: unexpected keyword arguments with use_reentrant=True: {', '.join(kwargs)}"
        )
    part = Part(function, args, kwargs, preserve_rng_state)
    inputs = part.inputs()
    if not is_grad_enabled():
        return part.call(inputs)
    separate = [x.detach().requires_grad_(x.requires_grad) for x in inputs]
    result = part.call(separate)
    outputs = as_tuple(result)
    own = {id(x) for x in separate}
    parameters = [x for x in leaves_behind(outputs) if id(x) not in own]
    recomputed = Recomputed.apply(part, outputs, len(inputs), *inputs, *parameters)
    return recomputed if isinstance(result, tuple) else recomputed[0]


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Call functions one after the other in several parts, all but the last of them by :func:`checkpoint`.

    Parameters
    ----------
    functions : Sequential or list of callables
        What is called.
    segments : int
        How many parts they are split into.
    input : Tensor
        The argument of the first.
    use_reentrant : bool, optional
        See :func:`checkpoint`.
    **kwargs
        ``preserve_rng_state``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/checkpoint.html#torch.utils.checkpoint.checkpoint_sequential
    """
    if use_reentrant is None:
        warnings.warn("checkpoint_sequential: give use_reentrant=False, as PyTorch asks for", stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"checkpoint_sequential: unexpected keyword arguments: {', '.join(kwargs)}")
    steps = list(functions)
    size = len(steps) // segments
    for start in range(0, size * (segments - 1), size):
        part = Steps(steps[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return Steps(steps[size * (segments - 1) :])(input)


class Steps:
    """Functions that are called one after the other."""

    def __init__(self, functions: list[Callable[..., Any]]) -> None:
        self.functions = functions

    def __call__(self, x: Any) -> Any:
        """Return what the last one makes of what the others make of ``x``."""
        for function in self.functions:
            x = function(x)
        return x


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
