"""Small programs that use each family of kernels: what they call, and with what, is what is timed.

They are small enough for plain Python loops.
"""

from __future__ import annotations

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import kernel_table, nn


def convolution() -> None:
    """Run 16 filters of 3 × 3 over two images of 4 channels and 10 × 10 pixels."""
    x = torch.randn(2, 4, 10, 10, requires_grad=True)
    weight = torch.randn(16, 4, 3, 3, requires_grad=True)
    F.conv2d(x, weight, torch.randn(16), padding=1).sum().backward()
    family, ones = kernel_table.convolution(x.array), (1, 1)
    family.col2im(family.im2col(x.array, (3, 3), ones, ones, ones), x.shape, (3, 3), ones, ones, ones)


def pooling() -> None:
    """Run all poolings over four images of 8 channels and 24 × 24 pixels."""
    x = torch.randn(4, 8, 24, 24, requires_grad=True)
    for pool in (F.max_pool2d, F.avg_pool2d):
        pool(x, 2).sum().backward()
    F.adaptive_avg_pool2d(x, 4).sum().backward()
    F.adaptive_max_pool2d(x, 4).sum().backward()


def softmax_loss() -> None:
    """Run softmax, log-softmax and cross-entropy for 500 rows of 30 scores."""
    x = torch.randn(500, 30, requires_grad=True)
    F.softmax(x, dim=1).sum().backward()
    F.log_softmax(x, dim=1).sum().backward()
    F.cross_entropy(x, torch.zeros(500, dtype=torch.int64)).backward()


def activation() -> None:
    """Run the activations that have a kernel for 50,000 numbers."""
    x = torch.randn(50, 1000, requires_grad=True)
    for function in (F.relu, torch.sigmoid, F.silu, F.gelu, F.softplus, torch.erf):
        function(x).sum().backward()


def norm() -> None:
    """Run layer norm and batch norm for 500 rows of 50 numbers."""
    x = torch.randn(500, 50, requires_grad=True)
    F.layer_norm(x, (50,)).sum().backward()
    F.batch_norm(x, None, None, training=True).sum().backward()


def attention() -> None:
    """Run attention with two heads over 40 places of 16 numbers."""
    x = torch.randn(1, 2, 40, 16, requires_grad=True)
    F.scaled_dot_product_attention(x, x, x, is_causal=True).sum().backward()


def dropout() -> None:
    """Run dropout for 30,000 numbers."""
    F.dropout(torch.randn(300, 100, requires_grad=True), 0.5).sum().backward()


def embedding() -> None:
    """Run the gradient of an embedding: 2,000 rows of 32 numbers, out of 100."""
    weight = torch.randn(100, 32, requires_grad=True)
    F.embedding(torch.randint(0, 100, (2000,)), weight).sum().backward()


def matrix_product() -> None:
    """Run a linear layer from 128 to 64, for 32 rows."""
    weight = torch.randn(64, 128, requires_grad=True)
    F.linear(torch.randn(32, 128, requires_grad=True), weight, torch.randn(64)).relu().sum().backward()


def recurrent() -> None:
    """Run 10 steps of 8 sequences, with 16 numbers in and 16 hidden units."""
    x = torch.randn(10, 8, 16, requires_grad=True)
    for layer in (nn.RNN(16, 16), nn.LSTM(16, 16), nn.GRU(16, 16)):
        layer(x)[0].sum().backward()


def optimizer_step() -> None:
    """Run a step of each optimizer for a parameter of 50,000 numbers."""
    param = nn.Parameter(torch.randn(50_000))
    param.grad = torch.randn(50_000)
    for optimizer in (torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad, torch.optim.RMSprop):
        optimizer([param], lr=0.1).step()


RECIPES = {
    recipe.__name__: recipe
    for recipe in (
        convolution, pooling, softmax_loss, activation, norm, attention, dropout, embedding, matrix_product, recurrent,
        optimizer_step,
    )
}  # fmt: skip
