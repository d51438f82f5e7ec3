"""Right calls of recurrent layers, attention and Transformers; the others are in ``written_calls``."""

from __future__ import annotations

SEQUENCES = """
nn.RNN(3, 4, num_layers=2, batch_first=True)(real(2, 5, 3))
nn.LSTM(3, 4, bidirectional=True)(real(5, 2, 3))
nn.GRU(3, 4, bias=True)(real(5, 2, 3))
nn.RNNCell(3, 4, nonlinearity='tanh')(real(2, 3))
nn.LSTMCell(3, 4)(real(2, 3))
nn.GRUCell(3, 4)(real(2, 3), real(2, 4))
nn.RNNBase('GRU', 3, 4)
nn.RNNCellBase(3, 4, True, 3)
nn.MultiheadAttention(4, 2, dropout=0.0)(real(3, 2, 4), real(3, 2, 4), real(3, 2, 4))
nn.TransformerEncoderLayer(4, 2, dim_feedforward=8, dropout=0.0)(real(3, 2, 4))
nn.TransformerDecoderLayer(4, 2, dim_feedforward=8, dropout=0.0)(real(3, 2, 4), real(5, 2, 4))
nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2)(real(3, 2, 4))
nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2)(real(3, 2, 4), real(5, 2, 4))
nn.Transformer(4, 2, 1, 1, 8)(real(3, 2, 4), real(5, 2, 4))
F.multi_head_attention_forward(real(3, 2), real(3, 2), real(3, 2), 2, 1, real(6, 2), *3*[None], 0, 0, real(2, 2), None)
"""
