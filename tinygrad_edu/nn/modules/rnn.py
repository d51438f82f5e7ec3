"""The path of PyTorch for recurrent layers: ``torch.nn.modules.rnn``."""

from __future__ import annotations

from tinygrad_edu.nn.recurrent import (
    GRU as GRU,
    LSTM as LSTM,
    RNN as RNN,
)
from tinygrad_edu.nn.recurrent_base import (
    RNNBase as RNNBase,
)
from tinygrad_edu.nn.recurrent_cell import (
    GRUCell as GRUCell,
    LSTMCell as LSTMCell,
    RNNCell as RNNCell,
    RNNCellBase as RNNCellBase,
)
