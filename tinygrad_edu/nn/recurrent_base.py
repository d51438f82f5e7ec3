"""What the recurrent layers share: their parameters, and the way of a sequence through layers and directions.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_bools, require_ints
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.nn.utils.rnn import PackedSequence
from tinygrad_edu.ops.autocast import without_autocast
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.ops.half import with_dtype_of
from tinygrad_edu.ops.indexing.along_dim import index_select
from tinygrad_edu.ops.nn.recurrent_formula import Steps
from tinygrad_edu.ops.shape.join import cat, stack

NUM_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


class RNNBase(Module):
    """What the recurrent layers share: parameters, the order of layers and directions, states.

    Inside, sequences are packed rows, (sum of lengths, features), whether they came packed or not; ``Steps`` says
    which rows belong to which step. See ``LSTM`` for the arguments.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_bools("RNNBase", bidirectional=bidirectional)
        _check_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if not isinstance(mode, str) or mode not in NUM_GATES:
            raise ValueError(
                f"RNNBase: Unrecognized RNN mode: expected one of {', '.join(NUM_GATES)}, got {mode}"
            )
        self.mode = mode
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.proj_size = num_layers, proj_size
        self.bias, self.batch_first = bias, batch_first
        self.dropout, self.bidirectional = float(dropout), bidirectional
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[: self._num_directions]:
                self._add_parameters(layer, suffix, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _add_parameters(self, layer: int, suffix: str, factory: dict[str, Any]) -> None:
        """Make the parameters of one direction of a layer."""
        gates, state_size = NUM_GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        input_size = self.input_size if layer == 0 else state_size * self._num_directions
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (gates, input_size),
            "weight_hh": (gates, state_size),
        }
        if self.bias:
            shapes.update(bias_ih=(gates,), bias_hh=(gates,))
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = [f"{kind}_l{layer}{suffix}" for kind in shapes]
        for name, shape in zip(names, shapes.values(), strict=True):
            self.register_parameter(name, Parameter(creation.empty(shape, **factory)))
        self._all_weights.append(names)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, evenly from [-k, k] with k = 1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: in PyTorch, this moves the parameters into one piece of memory for cuDNN."""

    @property
    def _num_directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of every direction of every layer."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if this_thread.mode.autocast:  # they compute in the dtype of their parameters
            return without_autocast(with_dtype_of, self._flat_weights[0], self.forward, input, hx)
        name = type(self).__name__ if self.mode in ("LSTM", "GRU") else "RNN"
        require_tensor(name, input)
        if input.dim() not in (2, 3):
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        is_batched, batch_dim = input.dim() == 3, 0 if self.batch_first else 1
        states = self._unpacked_states(hx, is_batched)
        input = input if is_batched else input.unsqueeze(batch_dim)
        sequences = input.transpose(0, 1) if self.batch_first else input
        length, batch = sequences.shape[:2]
        states = self._checked_states(sequences, states, batch, 3)
        if length == 0:
            raise RuntimeError(f"{name}: Expected sequence length to be larger than 0 in RNN")
        rows = sequences.reshape((length * batch, self.input_size))
        output, states = self._run_layers(rows, (batch,) * length, states)
        output = output.reshape((length, batch, output.shape[1]))
        if self.batch_first:
            output = output.transpose(0, 1)
        if not is_batched:
            output, states = output.squeeze(batch_dim), [state.squeeze(1) for state in states]
        return output, self._as_returned(states)

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        """Run the layers over a PackedSequence; states come and go in the order before it was sorted."""
        rows, batch_sizes, order, back = input
        states = None if hx is None else [permuted(state, order) for state in self._as_list(hx)]
        sizes = tuple(batch_sizes.tolist())
        states = self._checked_states(rows, states, sizes[0], 2)
        output, states = self._run_layers(rows, sizes, states)
        states = [permuted(state, back) for state in states]
        return PackedSequence(output, batch_sizes, order, back), self._as_returned(states)

    def _as_list(self, hx: Any) -> list[Tensor]:
        """Return the states that were given: one; an LSTM has two."""
        return [hx]

    def _as_returned(self, states: list[Tensor]) -> Any:
        """Undo ``_as_list``."""
        return states[0]

    def _unpacked_states(self, hx: Any, is_batched: bool) -> list[Tensor] | None:
        """Return the given states with a batch dimension."""
        if hx is None:
            return None
        states = self._as_list(hx)
        expected = 3 if is_batched else 2
        if any(state.dim() != expected for state in states):
            found = ", ".join(f"{state.dim()}-D" for state in states)
            kind = "batched" if is_batched else "unbatched"
            raise RuntimeError(
                f"{self.mode}: For {kind} {expected}-D input, the states should also be {expected}-D but got {found}"
            )
        return states if is_batched else [state.unsqueeze(1) for state in states]

    def _checked_states(
        self, input: Tensor, states: list[Tensor] | None, batch: int, ndim: int
    ) -> list[Tensor]:
        """Check the input and the initial states, which are zeros if there are none."""
        weight = self._flat_weights[0]
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        if input.dim() != ndim:
            raise RuntimeError(f"{self.mode}: input must have {ndim} dimensions, got {input.dim()}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{self.mode}: input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{input.shape[-1]}"
            )
        count = self.num_layers * self._num_directions
        sizes = [self.proj_size or self.hidden_size, self.hidden_size][: 2 if self.mode == "LSTM" else 1]
        expected = [(count, batch, size) for size in sizes]
        if states is None:
            return [creation.zeros(shape, dtype=input.dtype, device=input.device) for shape in expected]
        for number, (state, shape) in enumerate(zip(states, expected, strict=True)):
            if tuple(state.shape) != shape:
                which = f"hidden[{number}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"{self.mode}: Expected {which} size {shape}, got {list(state.shape)}")
            if state.dtype != input.dtype:
                raise RuntimeError(
                    f"{self.mode}: expected the states to have the input's dtype {input.dtype}, got {state.dtype}"
                )
        return states

    def _run_layers(
        self, rows: Tensor, batch_sizes: tuple[int, ...], states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Run all layers over packed rows, each with the output of the one before; return that and the last states."""
        last_states: list[Any] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self._num_directions):
                number = layer * self._num_directions + direction
                steps = Steps(batch_sizes, reverse=direction == 1)
                output, *last = self._run_direction(number, rows, [state[number] for state in states], steps)
                outputs.append(output)
                last_states.append(last)
            rows = outputs[0] if len(outputs) == 1 else cat(outputs, 1)
            if self.dropout and layer < self.num_layers - 1:
                rows = F.dropout(rows, self.dropout, self.training)
        return rows, [stack(kind) for kind in zip(*last_states, strict=True)]

    def _run_direction(
        self, number: int, rows: Tensor, states: list[Tensor], steps: Steps
    ) -> tuple[Tensor, ...]:
        """Run one direction of a layer; return the output for all rows, and the last states."""
        raise NotImplementedError

    def _weights(self, number: int) -> tuple[Any, ...]:
        """Return weight_ih, weight_hh, bias_ih, bias_hh and weight_hr of a direction; None for those there are not."""
        weights: list[Any] = self.all_weights[number]
        biases = weights[2:4] if self.bias else [None, None]
        return (*weights[:2], *biases, weights[-1] if self.proj_size else None)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False,
        }  # fmt: skip
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text


def _check_dropout(dropout: Any, num_layers: int) -> None:
    is_number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool)
    if not (is_number and 0 <= dropout <= 1):
        raise ValueError(
            "RNNBase: dropout should be a number in range [0, 1] representing the probability of an element being "
            f"zeroed, got {dropout!r}"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=5,
        )


def _check_arguments(
    input_size: Any,
    hidden_size: Any,
    num_layers: int,
    bias: Any,
    batch_first: Any,
    dropout: Any,
    proj_size: int,
) -> None:
    """Raise unless the arguments of a recurrent layer make sense."""
    _check_dropout(dropout, num_layers)
    for name, value, kind in (
        ("bias", bias, bool),
        ("batch_first", batch_first, bool),
        ("input_size", input_size, int),
        ("hidden_size", hidden_size, int),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"RNNBase: {name} should be of type {kind.__name__}, got: {type(value).__name__}")
    require_ints("RNNBase", num_layers=num_layers, proj_size=proj_size)
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"RNNBase: {name} must be greater than zero, got {value}")
    if proj_size < 0:
        raise ValueError(
            f"RNNBase: proj_size should be a positive integer or zero to disable projections, got {proj_size}"
        )
    if proj_size >= hidden_size:
        raise ValueError(
            f"RNNBase: proj_size has to be smaller than hidden_size {hidden_size}, got {proj_size}"
        )


def permuted(state: Tensor, order: Tensor | None) -> Tensor:
    """Return a state (*, B, *) with its sequences in another order."""
    return state if order is None else index_select(state, 1, order)
