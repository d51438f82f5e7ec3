"""Bytes, operations and times of the roofline, against numbers counted by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinygrad_edu.learn import roofline, roofline_work
from tinygrad_edu.learn.__main__ import main
from tinygrad_edu.learn.roofline_work import A100_40, CARDS, H100, Card, Work


def test_a_product():
    # (2, 3) @ (3, 4): 6 + 12 numbers in, 8 out; 8 sums of 3 products
    work = roofline_work.matrix_product("product", 2, 3, 4)
    assert (work.read, work.written, work.flops) == (72, 32, 48)
    assert work.intensity == 48 / 104


def test_one_factor_for_all_images():
    # (2, 3) @ (5, 3, 4): the first factor is read once; 1 kernel of cuBLAS and 2 for each array of pointers
    work = roofline_work.shared_product("product", 2, 3, 4, 5)
    assert (work.read, work.written, work.flops, work.launches) == ((6 + 60) * 4, 40 * 4, 240, 7)


def test_im2col():
    # one channel of 4 x 4 pixels, twice: 9 rows of 16 columns for each image
    work = roofline_work.im2col(2, 1, 4, 3)
    assert (work.read, work.written, work.divisions) == (32 * 4, 2 * 144 * 4, 9 * 288)


def test_col2im():
    work = roofline_work.col2im(2, 1, 4, 3)
    assert (work.read, work.written, work.flops, work.divisions) == (288 * 4, 32 * 4, 288, 32 * 15)


def test_pooling():
    # 4 x 4 -> 2 x 2: all 16 pixels are read, 4 maxima and 4 indices of 4 bytes are written
    work = roofline_work.max_pool(1, 1, 4)
    assert (work.read, work.written) == (64, 32)
    back = roofline_work.max_pool_backward(1, 1, 4)
    # gradient, index and the pixel's old value are read; 16 zeros and 4 sums are written
    assert (back.read, back.written, back.launches) == (4 * 12, 16 * 4 + 4 * 4, 2)


def test_embedding():
    # 3 copies of 2 numbers into 5 rows: gradients, int64 indices and old values are read; zeros and sums written
    work = roofline_work.embedding_backward(3, 2, 5)
    assert (work.read, work.written, work.divisions) == (24 + 24 + 24, 40 + 24, 12)


def test_every_kernel_is_in_the_table():
    """The names of the kernels in cuda.py, by the words of the table."""
    folder = Path(roofline_work.__file__).parents[2] / "kernels" / "tinygrad_edu_kernels"
    found = set()
    for path in sorted(folder.glob("*/cuda.py")):
        found |= set(
            re.findall(r"^@cuda.jit\ndef _(\w+)_kernel", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
    assert found == set(KERNELS)
    assert set(KERNELS.values()) <= {work.name for work in roofline.examples()}


KERNELS = {
    "rnn": "RNN",
    "rnn_backward": "RNN backward",
    "lstm": "LSTM",
    "lstm_backward": "LSTM backward",
    "gru": "GRU",
    "gru_backward": "GRU backward",
    "attention": "attention",
    "query_gradient": "attention, gradient of queries",
    "key_gradient": "attention, gradients of keys and values",
    "relu": "ReLU",
    "relu_backward": "ReLU backward",
    "sigmoid": "sigmoid",
    "sigmoid_backward": "sigmoid backward",
    "tanh_backward": "tanh backward",
    "silu": "SiLU",
    "silu_backward": "SiLU backward",
    "gelu": "GELU",
    "gelu_backward": "GELU backward",
    "gelu_tanh": "GELU by tanh",
    "gelu_tanh_backward": "GELU by tanh backward",
    "softplus": "softplus",
    "softplus_backward": "softplus backward",
    "erf": "erf",
    "layer_norm": "layer_norm",
    "layer_norm_backward": "layer_norm backward",
    "column_sums": "layer_norm gradients of weight and bias",
    "batch_norm": "batch_norm",
    "batch_norm_backward": "batch_norm backward",
    "im2col": "im2col",
    "col2im": "col2im",
    "max": "max_pool2d",
    "max_backward": "max_pool2d backward",
    "mean": "avg_pool2d",
    "mean_backward": "avg_pool2d backward",
    "adaptive_mean": "adaptive_avg_pool2d",
    "adaptive_mean_backward": "adaptive_avg_pool2d backward",
    "adaptive_max": "adaptive_max_pool2d",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "softmax_backward": "softmax backward",
    "log_softmax_backward": "log_softmax backward",
    "loss": "cross-entropy",
    "totals": "cross-entropy sums",
    "loss_backward": "cross-entropy backward",
    "adam": "Adam",
    "sgd": "SGD with momentum",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "dropout": "dropout",
    "add_rows": "embedding backward",
}


def test_means():
    # 4 x 4 -> 2 x 2 and back: 16 pixels are read and 4 written, then 4 read and 16 written
    assert (
        roofline_work.pooled("mean", 1, 1, 4, 2).read,
        roofline_work.pooled("mean", 1, 1, 4, 2).written,
    ) == (64, 16)
    assert roofline_work.pooled("largest", 1, 1, 4, 2, indices=True).written == 32
    back = roofline_work.pooled_backward("mean", 1, 1, 4, 6)
    assert (back.read, back.written, back.divisions) == (16, 64, 96)


def test_normalisation():
    # 64 x 5: two matrices are read, 2 parts of 5 columns written for each of two sums
    sums = roofline_work.column_sums(64, 5)
    assert (sums.read, sums.written, sums.divisions, sums.launches) == (2 * 320 * 4, 20 * 4, 10, 2)
    # 2 images, 3 channels, 4 positions: 24 numbers, whose place is looked for three times
    batch = roofline_work.channels("batch_norm", 2, 3, 4, inputs=1, flops=8, passes=3)
    assert (batch.read, batch.written, batch.divisions) == (96, 96, 72)


def test_adam():
    work = roofline_work.adam(1000)
    assert (work.read + work.written, work.intensity) == (28_000, 0.5)


def test_the_floor_is_the_higher_of_two_lines():
    card = Card("slow", flops=10.0, bandwidth=4.0, integers=40.0)
    assert Work("memory", 6, 6, flops=20).floor(card) == 3  # 12 bytes at 4 a second
    assert Work("arithmetic", 2, 2, flops=50).floor(card) == 5  # 50 operations at 10 a second


def test_what_is_expected_is_the_longest():
    card = Card("slow", flops=10.0, bandwidth=4.0, integers=40.0)
    assert Work("reach", 6, 6, reach=0.5).expected(card) == 6
    divided = Work("divisions", 6, 6, divisions=20, reach=0.5)
    assert (divided.expected(card), divided.fraction(card)) == (
        10,
        0.3,
    )  # 20 x 20 instructions at 40 a second
    assert Work("tiny", 1, 1, launches=3).expected(A100_40) == 3 * roofline_work.SHORTEST


def test_cards():
    assert pytest.approx(9.75e12, rel=0.01) == A100_40.integers
    assert pytest.approx(H100.flops / 4, rel=0.01) == H100.integers  # half the lanes, and no multiply-add


def test_the_parameters_are_those_of_the_network():
    from tinygrad_edu.learn.parity_programs import SmallCNN

    sizes = [parameter.numel() for parameter in SmallCNN((32, 64), 28).parameters()]
    assert roofline_work.cnn_parameters() == sizes


def test_the_step():
    step = roofline_work.training_step(64)
    flops = sum(work.flops for _, work in step if "product" in work.name or "gradient of the " in work.name)
    # 2 x multiply-adds, of: conv1 twice, conv2 three times, fc1 and fc2 three times
    conv1, conv2 = 64 * 32 * 9 * 784, 64 * 64 * 288 * 196
    linear = 64 * 3136 * 128 + 64 * 128 * 10
    sums = 64 * (128 + 10)  # the gradients of the two biases
    assert flops == 2 * (2 * conv1 + 3 * conv2 + 3 * linear) + sums
    assert roofline.launches(step) == roofline.launches(roofline_work.training_step(2))


def test_the_command_prints_tables(capsys):
    assert main(["roofline", "--batch", "2"]) == 0
    printed = capsys.readouterr().out
    assert "| im2col |" in printed
    assert "**the step**" in printed
    assert f"{roofline.launches(roofline_work.training_step(2))} launches" in printed
    columns = {line.count("|") for line in printed.splitlines() if line.startswith("|")}
    assert columns == {7, 10}


@pytest.mark.parametrize("work", roofline.examples(), ids=lambda work: work.name)
def test_nothing_is_faster_than_its_floor(work):
    for card in CARDS:
        assert 0 < work.floor(card) <= work.expected(card)


@pytest.mark.parametrize("name", ["kernels", "step"])
def test_the_page_has_the_tables_that_are_printed(name):
    """After a change: python -m tinygrad_edu.learn roofline."""
    folder = Path(roofline_work.__file__).parents[2] / "docs"
    marker = f"<!-- {name} -->\n"
    pages = [text for path in folder.glob("*.md") if marker in (text := path.read_text(encoding="utf-8"))]
    assert len(pages) == 1
    table = pages[0].partition(marker)[2].partition("\n<!-- end -->")[0]
    step = roofline_work.training_step()
    assert table == (
        roofline.work_table(roofline.examples()) if name == "kernels" else roofline.step_table(step)
    )
