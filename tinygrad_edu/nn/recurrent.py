"""Recurrent layers over whole sequences: RNN, LSTM and GRU.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.recurrent_base import RNNBase
from tinygrad_edu.ops.nn.recurrent import gru_layer, lstm_layer, rnn_layer
from tinygrad_edu.ops.nn.recurrent_formula import Steps


class RNN(RNNBase):
    """An Elman network: h_t = tanh(W_ih x_t + b_ih + W_hh h_before + b_hh), or its ReLU.

    Parameters
    ----------
    input_size, hidden_size : int
        Features of an element of a sequence, and of the state.
    num_layers : int
        Each layer but the first reads the states of the one before it.
    nonlinearity : {"tanh", "relu"}
        What is applied to the sum.
    bias, batch_first, dropout, bidirectional, device, dtype
        As those of :class:`LSTM`.

    Notes
    -----
    Takes a sequence and, or zeros, initial states; returns the states of the last layer, and the last states of all
    layers. The shapes are those of :class:`LSTM`.

    References
    ----------
    J. Elman, "Finding Structure in Time", 1990;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> output, h_n = torch.nn.RNN(10, 20, 2)(torch.randn(5, 3, 10))
    >>> output.shape, h_n.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        _refuse_projection(kwargs)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity

    def _run_direction(
        self, number: int, rows: Tensor, states: list[Tensor], steps: Steps
    ) -> tuple[Tensor, ...]:
        weight_ih, weight_hh, bias_ih, bias_hh, _ = self._weights(number)
        gates = F.linear(rows, weight_ih, bias_ih + bias_hh if self.bias else None)  # of all steps at once
        return rnn_layer(gates, weight_hh, *states, steps=steps, relu=self.nonlinearity == "relu")


class LSTM(RNNBase):
    r"""Long short-term memory: a cell that keeps what its gates let it keep.

    Parameters
    ----------
    input_size, hidden_size : int
        Features of an element of a sequence, and of the cell.
    num_layers : int
        Each layer but the first reads the states of the one before it.
    bias : bool
        Whether there are b_ih and b_hh.
    batch_first : bool
        Whether sequences are (B, T, features) instead of (T, B, features). States are not concerned.
    dropout : float
        The probability of dropout between the layers.
    bidirectional : bool
        Whether a second direction reads every sequence from its end; the states of both stand side by side.
    proj_size : int
        If above 0, the state is W_hr (o tanh(c)), of so many features.
    device, dtype
        Of the parameters.

    Notes
    -----
    .. math:: i, f, o = \sigma(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh}), \quad
              g = \tanh(\cdot), \quad c_t = f\, c_{t-1} + i\, g, \quad h_t = o \tanh(c_t)

    Takes a sequence (T, B, input_size), or (T, input_size) for one alone, or a ``PackedSequence``; and, or zeros, the
    states (h_0, c_0), (layers * directions, B, hidden_size) each. Returns the states of the last layer (T, B,
    directions * hidden_size), and (h_n, c_n). The parameters of layer k are ``weight_ih_lk``
    (4 hidden_size, its input), ``weight_hh_lk`` (4 hidden_size, hidden_size) with the gates in the order i, f, g, o,
    ``bias_ih_lk`` and ``bias_hh_lk``; those of the second direction end in ``_reverse``.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> output, (h_n, c_n) = torch.nn.LSTM(10, 20, 2, bidirectional=True)(torch.randn(5, 3, 10))
    >>> output.shape, h_n.shape, c_n.shape
    (torch.Size([5, 3, 40]), torch.Size([4, 3, 20]), torch.Size([4, 3, 20]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def _as_list(self, hx: Any) -> list[Tensor]:
        return [hx[0], hx[1]]

    def _as_returned(self, states: list[Tensor]) -> tuple[Tensor, ...]:
        return tuple(states)

    def _run_direction(
        self, number: int, rows: Tensor, states: list[Tensor], steps: Steps
    ) -> tuple[Tensor, ...]:
        weight_ih, weight_hh, bias_ih, bias_hh, weight_hr = self._weights(number)
        gates = F.linear(rows, weight_ih, bias_ih + bias_hh if self.bias else None)  # of all steps at once
        return lstm_layer(gates, weight_hh, weight_hr, *states, steps=steps)


class GRU(RNNBase):
    r"""Gated recurrent units: a state that moves a part of the way to new content.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        As those of :class:`LSTM`.

    Notes
    -----
    .. math:: r, z = \sigma(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh}), \quad
              n = \tanh(W_{in} x_t + b_{in} + r\, (W_{hn} h_{t-1} + b_{hn})), \quad
              h_t = (1 - z)\, n + z\, h_{t-1}

    Takes a sequence and, or zeros, initial states; returns the states of the last layer, and the last states of all
    layers. The shapes are those of :class:`LSTM`, with 3 hidden_size rows of the weights: r, z, n.

    References
    ----------
    K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> output, h_n = torch.nn.GRU(10, 20, batch_first=True)(torch.randn(3, 5, 10))
    >>> output.shape, h_n.shape
    (torch.Size([3, 5, 20]), torch.Size([1, 3, 20]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def _run_direction(
        self, number: int, rows: Tensor, states: list[Tensor], steps: Steps
    ) -> tuple[Tensor, ...]:
        weight_ih, weight_hh, bias_ih, bias_hh, _ = self._weights(number)
        gates = F.linear(rows, weight_ih, bias_ih)  # of all steps at once
        return gru_layer(gates, weight_hh, bias_hh, *states, steps=steps)


def _refuse_projection(options: dict[str, Any]) -> None:
    """Raise if there is a proj_size: only an LSTM has a projection."""
    if "proj_size" in options:
        raise ValueError("RNNBase: proj_size argument is only supported for LSTM, not RNN or GRU")
