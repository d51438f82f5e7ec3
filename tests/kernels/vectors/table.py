"""What is expected of each compiled function that has a loop over numbers. A new kernel gets a row here.

Functions that are compiled by themselves, for their callers, have rows, too: so a loop is looked at by itself, wherever
it ends up. One that is ``inlined`` is looked at in the kernels that it becomes a piece of.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """At least so many loops are on vectors, and no loop takes numbers one by one or from here and there, but these.

    ``but`` says how many do, and ``because`` why that is right. The vectors are used from ``fewest`` turns on at most.
    """

    vectors: int = 1
    but: int = 0
    because: str = ""
    fewest: int = 16


PARAMETERS = Row(fewest=32)  # of a layer there are many; the loop has a version for every choice of options
TRANSPOSED = "what is beyond whole blocks is transposed number by number"
EMPTY_ROWS = "LLVM makes a loop of its own for rows without a number"
EVERY_SECOND = "with AVX-512, every second number is loaded by a mask, which costs nothing there"

ROWS = {
    "activation.cpu._relu": Row(),
    "activation.cpu._relu_backward": Row(),
    "activation.cpu._sigmoid": Row(),
    "activation.cpu._sigmoid_backward": Row(),
    "activation.cpu._tanh_backward": Row(),
    "activation.cpu._silu": Row(),
    "activation.cpu._silu_backward": Row(),
    "activation.cpu._gelu": Row(),
    "activation.cpu._gelu_backward": Row(),
    "activation.cpu._gelu_tanh": Row(),
    "activation.cpu._gelu_tanh_backward": Row(),
    "activation.cpu._softplus": Row(),
    "activation.cpu._softplus_backward": Row(),
    "activation.cpu._erf_range": Row(),
    "attention.cpu._exponentials": Row(3),
    "attention.cpu._weights_and_gradients": Row(3),
    "convolution.cpu._into_planes": Row(),
    "convolution.cpu._out_of_planes": Row(),
    "convolution.cpu._zero_outside": Row(0, but=1, because="it writes down a column"),
    "convolution.cpu._fill_columns": Row(2, but=1, because="a stride leaves out pixels"),
    "convolution.cpu._add_columns": Row(2, but=1, because="a stride leaves out pixels"),
    "convolution.cpu._forward_images": Row(),
    "convolution.cpu._grad_weight_images": Row(),
    "convolution.direct._forward_images": Row(4, but=1, because=TRANSPOSED),
    "convolution.direct._grad_weight_images": Row(3, but=1, because=TRANSPOSED),
    "convolution.direct._hand_over": Row(),
    "dropout.cpu._dropout_range": Row(),
    "embedding.cpu._add_rows": Row(),
    "matrix_product.panels.add_to_rows": Row(),
    "matrix_product.panels._turn_round": Row(but=1, because=TRANSPOSED),
    "matrix_product.panels._panels": Row(8, but=1, because=TRANSPOSED),
    "norm.cpu._sum": Row(),
    "norm.cpu._sum_of_squares": Row(),
    "norm.cpu._sum_of_products": Row(),
    "norm.cpu._layer_norm_rows": Row(4, but=1, because=EMPTY_ROWS),
    "norm.cpu._layer_norm_backward_sum": Row(4),
    "norm.cpu._batch_norm_channels": Row(3),
    "norm.cpu._batch_norm_backward_channels": Row(2),
    "optimizer_step.cpu.sgd_loop": PARAMETERS,
    "optimizer_step.cpu.adam_loop": PARAMETERS,
    "optimizer_step.cpu.adagrad_loop": PARAMETERS,
    "optimizer_step.cpu.rmsprop_loop": Row(
        2,
        fewest=32,
        but=1,
        because="momentum without a centred average is stored by a mask, which LLVM does for AVX2",
    ),
    "pooling.cpu._max_planes": Row(
        but=1, because="a window's row has two or three pixels: fewer than a vector"
    ),
    "pooling.cpu._max_2x2_planes": Row(2),
    "pooling.cpu._max_backward_planes": Row(
        0, but=2, because="each gradient goes to the pixel that an index names"
    ),
    "pooling.cpu._mean_planes": Row(),
    "pooling.cpu._mean_backward_planes": Row(),
    "pooling.sliding.mean_planes": Row(3, but=1, because=EVERY_SECOND),
    "pooling.sliding.mean_backward_planes": Row(3),
    "pooling.sliding._add": Row(),
    "pooling.sliding._add_tap": Row(but=1, because=EVERY_SECOND),
    "recurrent.cpu._rnn_steps": Row(3),
    "recurrent.cpu._rnn_steps_back": Row(2),
    "recurrent.cpu._lstm_steps": Row(6),
    "recurrent.cpu._lstm_steps_back": Row(6),
    "recurrent.cpu._gru_steps": Row(4),
    "recurrent.cpu._gru_steps_back": Row(6),
    "recurrent.products._by_tiles": Row(),
    "recurrent.rows.copy": Row(),
    "recurrent.rows.add": Row(),
    "recurrent.rows.sigmoid_of_sum": Row(),
    "recurrent.rows.tanh_of_sum": Row(),
    "recurrent.rows.lstm_row": Row(5),
    "recurrent.rows.lstm_row_back": Row(6),
    "recurrent.rows.gru_row": Row(3),
    "recurrent.rows.gru_row_back": Row(6),
    "softmax_loss.cpu._exponentials": Row(3, but=2, because=EMPTY_ROWS),
    "softmax_loss.cpu._divide_by_sum": Row(2),
    "softmax_loss.cpu._softmax_of_row": Row(3),
    "softmax_loss.cpu._softmax_rows": Row(2),
    "softmax_loss.cpu._log_softmax_rows": Row(3),
    "softmax_loss.cpu._softmax_backward_rows": Row(2),
    "softmax_loss.cpu._log_softmax_backward_rows": Row(2),
    "softmax_loss.cpu._loss_rows": Row(2),
    "softmax_loss.cpu._loss_backward_rows": Row(),
}
