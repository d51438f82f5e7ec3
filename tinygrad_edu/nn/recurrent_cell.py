"""Recurrent layers for one step at a time: the loop over time is the caller's.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_ints
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.ops.autocast import without_autocast
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.ops.half import with_dtype_of
from tinygrad_edu.ops.nn.recurrent import gru_layer, lstm_layer, rnn_layer
from tinygrad_edu.ops.nn.recurrent_formula import Steps


class RNNCellBase(Module):
    """What the cells share: parameters, checks, and one element instead of a batch."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_ints(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        size = num_chunks * hidden_size
        self.weight_ih = Parameter(creation.empty((size, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(creation.empty((size, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            parameter = Parameter(creation.empty(size, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, parameter)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, evenly from [-k, k] with k = 1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _prepare(
        self, input: Tensor, hx: tuple[Tensor, ...] | None, count: int
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the input (B, input_size), and the ``count`` states (B, hidden_size), zeros if there are none."""
        name = type(self).__name__
        require_tensor(name, input)
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for number, state in enumerate(hx or ()):
            require_tensor(name, state, f"hx[{number}]")
            if state.dim() not in (1, 2):
                raise ValueError(f"{name}: Expected hx[{number}] to be 1D or 2D, got {state.dim()}D instead")
        is_batched = input.dim() == 2
        rows = input if is_batched else input.unsqueeze(0)
        if rows.shape[1] != self.input_size:
            raise RuntimeError(
                f"{name}: input has inconsistent input_size: got {rows.shape[1]} expected {self.input_size}"
            )
        if rows.dtype != self.weight_ih.dtype:
            raise RuntimeError(f"{name}: expected an input of {self.weight_ih.dtype}, got {rows.dtype}")
        if hx is None:
            zeros = creation.zeros(len(rows), self.hidden_size, dtype=rows.dtype, device=rows.device)
            return rows, [zeros] * count
        states = [state if is_batched else state.unsqueeze(0) for state in hx]
        for number, state in enumerate(states):
            if tuple(state.shape) != (len(rows), self.hidden_size):
                raise RuntimeError(
                    f"{name}: hidden{number} has inconsistent hidden_size or batch size: expected "
                    f"{[len(rows), self.hidden_size]}, got {list(state.shape)}"
                )
            if state.dtype != rows.dtype:
                raise RuntimeError(f"{name}: expected states of {rows.dtype}, got {state.dtype}")
        return rows, states

    def _gates(self, rows: Tensor, bias: Tensor | None) -> tuple[Tensor, Steps]:
        """Return what the step takes from the input, and a sequence of this one step."""
        return F.linear(rows, self.weight_ih, bias), Steps((len(rows),), reverse=False)

    def _sum_of_biases(self) -> Tensor | None:
        return self.bias_ih + self.bias_hh if self.bias else None

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(RNNCellBase):
    """One step of :class:`RNN`: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or its ReLU.

    Takes (B, input_size) and, or zeros, (B, hidden_size), or one of each; returns the new state.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.RNNCell(10, 20)(torch.randn(3, 10)).shape
    torch.Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if this_thread.mode.autocast:
            return without_autocast(with_dtype_of, self.weight_ih, self.forward, input, hx)
        rows, states = self._prepare(input, None if hx is None else (hx,), 1)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(
                f"RNNCell: Unknown nonlinearity: expected tanh or relu, got {self.nonlinearity}"
            )
        gates, steps = self._gates(rows, self._sum_of_biases())
        h, _ = rnn_layer(gates, self.weight_hh, *states, steps=steps, relu=self.nonlinearity == "relu")
        return h if input.dim() == 2 else h.squeeze(0)

    def extra_repr(self) -> str:
        kind = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + kind


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`: c' = f c + i g and h' = o tanh(c').

    Takes (B, input_size) and, or zeros, (h, c), (B, hidden_size) each, or one of each; returns (h', c').

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> h, c = torch.nn.LSTMCell(10, 20)(torch.randn(3, 10))
    >>> h.shape, c.shape
    (torch.Size([3, 20]), torch.Size([3, 20]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        if this_thread.mode.autocast:
            return without_autocast(with_dtype_of, self.weight_ih, self.forward, input, hx)
        rows, states = self._prepare(input, None if hx is None else (hx[0], hx[1]), 2)
        gates, steps = self._gates(rows, self._sum_of_biases())
        h, _, c = lstm_layer(gates, self.weight_hh, None, *states, steps=steps)
        return (h, c) if input.dim() == 2 else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`: h' = (1 - z) n + z h.

    Takes (B, input_size) and, or zeros, (B, hidden_size), or one of each; returns the new state.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GRUCell.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.GRUCell(10, 20)(torch.randn(3, 10)).shape
    torch.Size([3, 20])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if this_thread.mode.autocast:
            return without_autocast(with_dtype_of, self.weight_ih, self.forward, input, hx)
        rows, states = self._prepare(input, None if hx is None else (hx,), 1)
        gates, steps = self._gates(rows, self.bias_ih)
        h, _ = gru_layer(gates, self.weight_hh, self.bias_hh, *states, steps=steps)
        return h if input.dim() == 2 else h.squeeze(0)
