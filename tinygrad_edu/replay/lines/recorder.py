"""Writing down what a program does to arrays, while it runs as always.

The recorder is an observer. For each thing that happens to an array it writes one line of Python: which function
was called, on which arrays, and what the result is called from now on. An array has a name if it is an argument or
the result of a line before; an array that is there already, a parameter for instance, is named when it is first
met. Whatever it sees and cannot write down, it refuses.
"""

from __future__ import annotations

import contextlib
import dis
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.callers import is_of_the_user
from tinygrad_edu.autograd.node import AccumulateGrad, Node
from tinygrad_edu.autograd.observer import NOTHING, Block, Observer
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.replay.arrays import copied, is_array, may_share_memory
from tinygrad_edu.replay.lines.functions import accumulate, as_tuple, write, write_into
from tinygrad_edu.replay.lines.known import is_known
from tinygrad_edu.replay.lines.line import Expression, Line
from tinygrad_edu.replay.lines.names import Names, identifier


class Refused(Exception):
    """The program does something that a list of array functions cannot hold."""


class Recorder(Names, Observer):
    """An observer that writes the lines.

    Attributes
    ----------
    lines : list of Line
        What happened, in order.
    nodes : list of Node
        Which forwards have been written, the oldest first.
    modules, optimizers : dict
        Which modules and optimizers took part.
    """

    def __init__(self, arguments: list[Any], code: CodeType | None = None, letter: str = "x") -> None:
        super().__init__(arguments, letter)
        self.code = code
        self.nodes: list[Node] = []  # in order of age
        self.went_back = False
        self.number: Any = None  # what ``return loss.item()`` returns
        self.lines: list[Line] = []
        self.modules: dict[int, Any] = {}
        self.optimizers: dict[int, Any] = {}
        self.busy = 0  # within a node or an optimizer's step, which are one line each
        self.constants: dict[str, Any] = {}
        self._steps = 0
        self.makers: dict[int, tuple[str, Any]] = {}  # which function made an array that no line makes
        self._with_new_grad: set[int] = set()

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Note the arguments of a node before it computes; ``made`` writes the line."""
        if self.busy:
            return run()
        operation: Any = node
        if not isinstance(node, Op) or not is_known(operation.__class__):
            self.refuse(f"{type(node).__name__} is not among the operations that replay knows")
        if not isinstance(
            node, Op
        ):  # of the program's own making, or it looks for gradients, as hooks of modules do
            self._line = Line([], Expression(node.name()))
            return run()
        arguments = [*map(self.text, arrays)]
        written = {name: self.text(value) for name, value in options.items()}
        if options.get("in_place"):
            self._check_change(arrays[0], [*self._arguments, *self.outside])
        called = self._text_of_function(operation.forward)
        self._line = Line([], called, arguments, written, operation.forward)
        with self.within():
            output = run()
        if any(isinstance(x, np.generic) for x in (output if isinstance(output, tuple) else (output,))):
            self._line.wrapper = self.named(np.asarray, "asarray")
            if isinstance(output, tuple):
                self.refuse("an operation has several results, one of which is a single number")
        self._line.unpacks = isinstance(output, tuple)
        return output

    def made(self, node: Node, inputs: tuple[Any, ...], results: tuple[Any, ...]) -> None:
        """Write the line of a forward, now that its results are known as they go on."""
        if self.busy:
            return
        self.nodes.append(node)
        self._line.targets = [self.result(tensor.array) for tensor in results]
        self.lines.append(self._line)
        for x in inputs:
            if isinstance(x, Tensor) and any(x.array is array for array in self.outside):
                self.leaves[id(x)] = x

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Any]
    ) -> tuple[Any, ...]:
        """Write the line of a backward."""
        if self.busy:
            return run()
        self.went_back = True
        self._check_node(node, grad_outputs)
        arguments = [*map(self.text, grad_outputs)]
        with self.within():
            grads = run()
        if isinstance(node, AccumulateGrad):
            self._write_accumulation(node.variable, grad_outputs[0])
            return grads
        self._write_call(node.backward, arguments, grads)
        if len(grads) == 1:
            self.lines[-1].wrapper = self.named(as_tuple, "as_tuple")
        return grads

    def _write_call(
        self, function: Callable[..., Any], arguments: list[Expression], result: Any = None
    ) -> None:
        """Write the line of a function that returns an array, nothing, or a tuple of such."""
        unpacks = isinstance(result, tuple)
        results = result if unpacks else () if result is None else (result,)
        called = self._text_of_function(function)
        targets = [*map(self.result, results)]
        self.lines.append(Line(targets, called, arguments, function=function, unpacks=unpacks))

    def _check_node(self, node: Node, grad_outputs: list[Any]) -> None:
        if any(isinstance(grad, Tensor) for grad in grad_outputs):
            self.refuse("a gradient is differentiated again (create_graph=True)")
        if node.retained:
            self.refuse("a tensor that is not a leaf keeps its grad (retain_grad)")
        if node.tensor_hooks:
            self.refuse("a tensor has a hook", for_good=False)
        if isinstance(node, AccumulateGrad):
            if node.variable._post_accumulate_hooks:
                self.refuse("a parameter has a hook", for_good=False)
        elif not isinstance(node, Op) or id(node) not in self._names:
            self.refuse(f"the backward of {node.name()} belongs to a forward that was not written down")

    def _write_accumulation(self, leaf: Any, grad: Any) -> None:
        if self.is_argument(leaf):
            return self.refuse("an argument is given a gradient inside")
        self.leaves[id(leaf)] = leaf
        self._with_new_grad.add(id(leaf))
        arguments = [self._text_of_tensor(leaf), self.text(grad)]
        if leaf._grad is None or not is_array(leaf._grad.array):
            return self.refuse("a parameter has a sparse gradient")
        self._write_call(accumulate, arguments, leaf._grad.array)

    def called(self, function: Callable[..., Any], arguments: tuple[Any, ...], result: Any) -> None:
        """Write the line of a function that was called on arrays outside of a node."""
        if self.busy:
            return
        owner: Any = getattr(function, "__self__", None)
        if isinstance(getattr(owner, "param_groups", None), list):
            self._check_optimizer(owner, arguments)
        self._write_call(function, [*map(self.text, arguments)], result)

    @contextlib.contextmanager
    def within(self, function: Any = None) -> Any:
        """Let what is called on arrays be one line, whatever it calls in its turn."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

    def constant(self, array: Any) -> None:
        """Write the line in which an array is made of Python's values, all of which are guarded."""
        if self.busy or id(array) in self._names:
            return
        numbers = copied(array)
        name = self.named(numbers, "constant")
        self.constants[str(name)] = numbers
        self.lines.append(Line([self.result(array)], Expression(name, ".copy"), []))

    def _check_optimizer(self, optimizer: Any, arguments: tuple[Any, ...]) -> None:
        self._steps += 1
        self.optimizers[id(optimizer)] = optimizer
        if arguments:
            self.refuse("an optimizer has a closure")
        if not type(optimizer).__module__.startswith("tinygrad_edu.optim."):
            self.refuse("an optimizer is of the program's own making")
        if optimizer._hooks["step_pre"] or optimizer._hooks["step_post"]:
            self.refuse("an optimizer has a hook", for_good=False)
        remembered = [value for state in optimizer.state.values() for value in state.values()]
        if any(type(value) in (list, dict, tuple) for value in remembered):
            self.refuse("an optimizer remembers more than tensors and numbers")

    def wrote(self, tensor: Any, values: Any) -> None:
        """Write the line of a change in place."""
        if self.busy:
            return
        source = self.text(values)
        self._check_change(
            tensor.array, [*self._arguments, *[x for x in self.outside if x is not tensor.array]]
        )
        if id(tensor.array) in self._parameters or id(tensor) in self.leaves:
            self.text(tensor.array)
            self._write_call(write_into, [self._text_of_tensor(tensor), source])
        else:
            self._write_call(write, [self.text(tensor.array), source])

    def _check_change(self, array: Any, others: list[Any]) -> None:
        if any(may_share_memory(array, other) for other in others):
            self.refuse("an argument, or a part of something that outlives the call, is changed in place")

    def gave_grad(self, tensor: Any, grad: Any) -> None:
        """Write the line in which a gradient is forgotten; a backward's own is its line already."""
        if self.busy:
            return
        if grad is not None:
            return self.refuse("the program sets a grad by itself")
        if self.is_argument(tensor):
            return self.refuse("the gradient of an argument is forgotten")
        self.leaves[id(tensor)] = tensor
        self._with_new_grad.add(id(tensor))
        place = Expression(self._text_of_tensor(tensor), "._grad")
        self.lines.append(Line([place], Expression("None")))

    def looked_for_grad(self, tensor: Any) -> None:
        """Note whether a tensor had a gradient when the call began: what is done may depend on that."""
        if self.is_argument(tensor):
            self.refuse("it looks at the grad of an argument")
        elif id(tensor) not in self._with_new_grad:
            self.grads_before.setdefault(id(tensor), (tensor, tensor._grad is not None))

    def returned(self, name: str, value: Any) -> None:
        """Note which function of the engine returns arrays that no line makes: one of them may be used."""
        for tensor in value if isinstance(value, tuple) else (value,):
            array = getattr(tensor, "array", None) if isinstance(tensor, Tensor) else None
            if is_array(array) and id(array) not in self._names:
                self.makers.setdefault(id(array), (name, array))

    def renew_histories(self, output: Any) -> None:
        """Have views among the results take over what happened to their base in place: otherwise it is done later."""
        if isinstance(output, Tensor):
            try:
                output.edge()
            except RuntimeError as error:  # the program may never ask for it
                self.refuse(f"a result has no history that can be followed: {error}")
        elif type(output) in (list, tuple, dict):
            for element in output.values() if isinstance(output, dict) else output:
                self.renew_histories(element)

    def read(self, how: str, tensor: Any = None, number: Any = None) -> None:
        """Refuse, unless the number is returned at once: Python may do with it whatever it likes."""
        if self.busy:
            return
        name = None if tensor is None else self._names.get(id(tensor.array))
        with self.within():  # this function's own looking is not the program's
            returned = self.code is not None and is_returned_at_once(self.code)
        if how == "item()" and name and returned:
            self.lines.append(Line([Expression("number")], Expression(name, ".item"), []))
            self.number = number
        else:
            self.refuse(
                f"Python looks at the numbers of a tensor, by {how}; return the tensor and look at it outside"
            )

    def block(self, name: str, kind: str) -> Block:
        """Let an optimizer's step be one line, and refuse the loading of data."""
        if kind == "data":
            self.refuse("a batch is loaded")
        if kind != "optimizer":
            return NOTHING
        self._steps -= 1  # ``called`` adds it again, unless this optimizer has a step of its own
        return self.within()

    def module(self, module: Any) -> Block:
        """Note the modules that take part, and the names of their parameters and buffers."""
        if module._has_hooks():
            self.refuse("a module has a hook", for_good=False)
        if id(module) not in self.modules:
            for inner in module.modules():
                self.modules[id(inner)] = inner
            for name, leaf in [*module.named_parameters(), *module.named_buffers()]:
                self._parameters.setdefault(id(leaf.array), (name, leaf))
                self.leaves.setdefault(id(leaf), leaf)
        return NOTHING

    def all_leaves(self) -> list[Any]:
        """Return all tensors that a call may change: an optimizer updates parameters that no operation has met, too."""
        leaves = dict(self.leaves)
        for optimizer in self.optimizers.values():
            leaves.update({id(param): param for group in optimizer.param_groups for param in group["params"]})
        return [*leaves.values()]

    def name_parameters(self) -> None:
        """Call parameters that were met before their module as the module does."""
        for text, value in [*self.scope.items()]:
            name: Any = self._names.get(id(value))
            if isinstance(value, Tensor) and id(value.array) in self._parameters:
                wanted = identifier(self._parameters[id(value.array)][0])
                if wanted not in self.scope:
                    self.scope[wanted] = self.scope.pop(text)
                    name.text = wanted

    def let_go(self) -> None:
        """Forget all arrays but those that were there before."""
        self._alive, self._names, self._arguments, self.nodes, self.makers = [], {}, [], [], {}

    def finish(self) -> None:
        """Refuse what is known only at the end."""
        if self._steps:
            self.refuse("an optimizer has a step of its own that replay does not know")


def is_returned_at_once(code: CodeType) -> bool:
    """Tell whether the function with this code is about to return what the function that it has called returns."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not is_of_the_user(frame):
        frame = frame.f_back
    following = [i.opname for i in dis.get_instructions(code) if i.offset > frame.f_lasti]
    return frame.f_code is code and following[:1] == ["RETURN_VALUE"]
