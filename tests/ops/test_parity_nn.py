"""Every option of convolution, pooling, losses and normalisation, and einsum equations, against PyTorch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tinygrad_edu import ops

pytestmark = [
    pytest.mark.torch_parity,
    pytest.mark.filterwarnings("ignore:Using padding='same'"),
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides"),
]
torch = pytest.importorskip("torch")
F = torch.nn.functional

from tests.device import tensor_from_array  # noqa: E402
from tests.ops.parity import compare, raises_alike  # noqa: E402

REDUCTIONS = ["mean", "sum", "none"]


def rand(*shape, seed=0, low=None):
    rng = np.random.default_rng([seed, *shape])
    return rng.standard_normal(shape) if low is None else rng.uniform(low, 1, shape)


def grid(**choices):
    """Return every combination of the choices as a dict of options."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def describe(options):
    return ",".join(f"{key}={value}" for key, value in options.items())


CONV2D = grid(stride=[1, 2, (2, 1)], padding=[0, 1, (2, 0)], dilation=[1, (1, 2)], groups=[1, 2, 4])
CONV1D = grid(stride=[1, 3], padding=[0, 2], dilation=[1, 2], groups=[1, 2, 4])
SAME = grid(padding=["same", "valid"], dilation=[1, 2, 3], groups=[1, 2])


@pytest.mark.parametrize("options", CONV2D, ids=describe)
def test_conv2d(options):
    x, w, b = rand(2, 4, 6, 7), rand(4, 4 // options["groups"], 3, 2), rand(4)
    compare(ops.conv2d, F.conv2d, x, w, b, tolerance=1e-10, **options)


@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (3, 3), (4, 1)], ids=str)
def test_conv2d_with_padding_in_words(kernel):
    for options in SAME:
        compare(
            ops.conv2d,
            F.conv2d,
            rand(2, 4, 10, 8),
            rand(2, 4 // options["groups"], *kernel),
            rand(2),
            tolerance=1e-10,
            **options,
        )


@pytest.mark.parametrize("options", CONV1D, ids=describe)
def test_conv1d(options):
    x, w, b = rand(2, 4, 9), rand(4, 4 // options["groups"], 3), rand(4)
    compare(ops.conv1d, F.conv1d, x, w, b, tolerance=1e-10, **options)
    compare(ops.conv1d, F.conv1d, x[0], w, tolerance=1e-10, **options)


def test_conv1d_with_padding_in_words():
    for options, k in itertools.product(SAME, [1, 2, 3, 4]):
        compare(
            ops.conv1d,
            F.conv1d,
            rand(2, 4, 11),
            rand(2, 4 // options["groups"], k),
            tolerance=1e-10,
            **options,
        )


@pytest.mark.parametrize(
    "options",
    grid(stride=[1, 2], padding=[0, 1], output_padding=[0, 1], groups=[1, 2], dilation=[1, 2]),
    ids=describe,
)
def test_conv_transpose2d(options):
    x, w, b = rand(2, 4, 3, 4), rand(4, 3, 3, 2), rand(3 * options["groups"])
    if options["output_padding"] >= max(options["stride"], options["dilation"]):
        raises_alike(ops.conv_transpose2d, F.conv_transpose2d, x, w, b, **options)
    else:
        compare(ops.conv_transpose2d, F.conv_transpose2d, x, w, b, tolerance=1e-10, **options)


def test_convolution_in_float32():
    x, w, b = rand(2, 3, 6, 6).astype("f"), rand(4, 3, 3, 3).astype("f"), rand(4).astype("f")
    compare(ops.conv2d, F.conv2d, x, w, b, padding=1, tolerance=1e-4)


WINDOWS = grid(kernel_size=[2, 3, (2, 3)], stride=[None, 1, (2, 1)], padding=[0, 1], ceil_mode=[False, True])


@pytest.mark.parametrize("options", WINDOWS, ids=describe)
def test_max_pool2d(options):
    for dilation in (1, 2, (1, 2)):
        compare(
            ops.max_pool2d, F.max_pool2d, rand(2, 2, 7, 8), dilation=dilation, return_indices=True, **options
        )
    compare(ops.max_pool2d, F.max_pool2d, rand(2, 7, 8), **options)


@pytest.mark.parametrize("options", WINDOWS, ids=describe)
def test_avg_pool2d(options):
    for count_include_pad, divisor in [(True, None), (False, None), (True, 5), (False, 2)]:
        compare(
            ops.avg_pool2d,
            F.avg_pool2d,
            rand(2, 2, 7, 8),
            count_include_pad=count_include_pad,
            divisor_override=divisor,
            **options,
        )
    compare(ops.avg_pool2d, F.avg_pool2d, rand(2, 7, 8), **options)


@pytest.mark.parametrize(
    "options",
    grid(kernel_size=[2, 3], stride=[None, 1, 2], padding=[0, 1], ceil_mode=[False, True]),
    ids=describe,
)
def test_1d_pooling(options):
    compare(ops.max_pool1d, F.max_pool1d, rand(2, 2, 9), return_indices=True, **options)
    compare(ops.max_pool1d, F.max_pool1d, rand(2, 2, 9), dilation=2, **options)
    for count_include_pad in (True, False):
        compare(ops.avg_pool1d, F.avg_pool1d, rand(2, 2, 9), count_include_pad=count_include_pad, **options)


@pytest.mark.parametrize("size", [1, 3, (2, 5), (None, 2), (7, 8), (9, 10)], ids=str)
def test_adaptive_pooling(size):
    compare(ops.adaptive_avg_pool2d, F.adaptive_avg_pool2d, rand(2, 2, 7, 8), size)
    compare(ops.adaptive_max_pool2d, F.adaptive_max_pool2d, rand(2, 2, 7, 8), size, return_indices=True)
    if isinstance(size, int):
        compare(ops.adaptive_avg_pool1d, F.adaptive_avg_pool1d, rand(2, 2, 7), size)
        compare(ops.adaptive_max_pool1d, F.adaptive_max_pool1d, rand(2, 2, 7), size, return_indices=True)


CLASS_LOSS = grid(
    reduction=REDUCTIONS, ignore_index=[-100, 1], weighted=[False, True], extra=[(), (3,), (2, 2)]
)


@pytest.mark.parametrize("options", CLASS_LOSS, ids=describe)
def test_losses_on_class_numbers(options):
    options = dict(options)
    extra = options.pop("extra")
    weight = rand(5, low=0.2) if options.pop("weighted") else None
    x = rand(4, 5, *extra)
    target = np.random.default_rng(1).integers(0, 5, (4, *extra))
    target.flat[0] = options["ignore_index"]
    for smoothing in (0.0, 0.3):
        compare(
            ops.cross_entropy,
            F.cross_entropy,
            x,
            target,
            weight,
            nongrad=(2,),
            label_smoothing=smoothing,
            **options,
        )
    compare(ops.nll_loss, F.nll_loss, x, target, weight, nongrad=(2,), **options)


@pytest.mark.parametrize(
    "options",
    grid(reduction=REDUCTIONS, label_smoothing=[0.0, 0.3], weighted=[False, True], extra=[(), (3,)]),
    ids=describe,
)
def test_cross_entropy_of_probabilities(options):
    options = dict(options)
    extra = options.pop("extra")
    weight = rand(5, low=0.2) if options.pop("weighted") else None
    compare(
        ops.cross_entropy, F.cross_entropy, rand(4, 5, *extra), rand(4, 5, *extra, low=0), weight, **options
    )
    if not extra:
        compare(ops.cross_entropy, F.cross_entropy, rand(5), rand(5, low=0), weight, **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_on_numbers(reduction):
    a, b = rand(3, 4), rand(3, 4, seed=1)
    compare(ops.mse_loss, F.mse_loss, a, b, reduction=reduction)
    compare(ops.l1_loss, F.l1_loss, a, b, reduction=reduction)
    for beta in (0.0, 0.3, 1.0):
        compare(ops.smooth_l1_loss, F.smooth_l1_loss, a, b, beta=beta, reduction=reduction)
    for delta in (0.3, 1.0):
        compare(ops.huber_loss, F.huber_loss, a, b, delta=delta, reduction=reduction)
    sign = np.where(b > 0, 1.0, -1.0)
    for margin in (0.0, 0.7):
        compare(
            ops.hinge_embedding_loss,
            F.hinge_embedding_loss,
            a,
            sign,
            margin=margin,
            nongrad=(1,),
            reduction=reduction,
        )
        compare(
            ops.margin_ranking_loss,
            F.margin_ranking_loss,
            a,
            b,
            sign,
            margin=margin,
            nongrad=(2,),
            reduction=reduction,
        )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_on_probabilities(reduction):
    p, t, weight = rand(3, 4, low=0.01), rand(3, 4, seed=1, low=0.01), rand(4, low=0.2)
    compare(ops.binary_cross_entropy, F.binary_cross_entropy, p, t, weight, nongrad=(2,), reduction=reduction)
    logits = rand(3, 4, seed=2) * 5
    for pos_weight in (None, torch.tensor(rand(4, low=0.3))):
        ours = None if pos_weight is None else tensor_from_array(pos_weight.numpy())
        compare(
            lambda x, y, w, p=ours: ops.binary_cross_entropy_with_logits(
                x, y, w, reduction=reduction, pos_weight=p
            ),
            lambda x, y, w, p=pos_weight: F.binary_cross_entropy_with_logits(
                x, y, w, reduction=reduction, pos_weight=p
            ),
            logits,
            t,
            weight,
            nongrad=(2,),
        )


@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(reduction, log_target):
    x, t = rand(3, 4), rand(3, 4, low=0.01)
    compare(
        ops.kl_div, F.kl_div, x, np.log(t) if log_target else t, reduction=reduction, log_target=log_target
    )


EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ij,kj->ki": [(2, 3), (4, 3)],
    "bij,bjk->bik": [(2, 2, 3), (2, 3, 4)],
    "...ij,...jk": [(2, 1, 2, 3), (4, 3, 2)],
    "...ij,jk->...ik": [(2, 2, 3), (3, 2)],
    "i,i": [(3,), (3,)],
    "i,j": [(2,), (3,)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "iij,jk->ik": [(2, 2, 3), (3, 2)],
    "ijk->": [(2, 3, 2)],
    "ba": [(2, 3)],
    "ijk->kj": [(2, 3, 4)],
    "bhqd,bhkd->bhqk": [(2, 2, 3, 4), (2, 2, 5, 4)],
    "bhqk,bhkd->bhqd": [(2, 2, 3, 5), (2, 2, 5, 4)],
    "ij,ij->ij": [(2, 3), (2, 3)],
    "ij,ij": [(2, 3), (2, 3)],
    "i...->...": [(3, 2, 2)],
    "...i->...": [(2, 3)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)],
    "bn,anm,bm->ba": [(2, 3), (4, 3, 5), (2, 5)],
    "ik,jkl,il->ij": [(2, 3), (4, 3, 5), (2, 5)],
    "ij,kl->ikjl": [(2, 3), (2, 2)],
    "i, ij -> j": [(2,), (2, 3)],
    "Ab,bA->A": [(2, 3), (3, 2)],
    "...,...->...": [(3, 1), (2,)],
    "ij,j->i": [(0, 3), (3,)],
    "ij,jk->ik ": [(2, 0), (0, 3)],
    "...a,...a->...": [(2, 3, 4), (4,)],
    "abc,cd,bd->ad": [(2, 3, 4), (4, 5), (3, 5)],
    "i->": [(3,)],
    "b...,b...->b": [(2, 3, 2), (2, 3, 2)],
    "iijj->ij": [(2, 2, 3, 3)],
    ",->": [(), ()],
    "ij,k->": [(2, 3), (4,)],
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    arrays = [rand(*shape, seed=i) for i, shape in enumerate(EQUATIONS[equation])]
    compare(
        lambda *xs: ops.einsum(equation, *xs),
        lambda *xs: torch.einsum(equation, *xs),
        *arrays,
        tolerance=1e-10,
    )
    compare(lambda *xs: ops.einsum(equation, list(xs)), lambda *xs: torch.einsum(equation, list(xs)), *arrays)


def test_einsum_refuses_what_pytorch_refuses():
    for equation, shapes in [
        ("ij,jk", [(2, 3)]),
        ("ij,jk->ik", [(2, 3), (4, 2)]),
        ("ij->ik", [(2, 3)]),
        ("ijk", [(2, 3)]),
        ("ij->ii", [(2, 2)]),
    ]:
        raises_alike(ops.einsum, torch.einsum, equation, *[rand(*s) for s in shapes])


MATMUL = [
    (),
    (3,),
    (2, 3),
    (3, 2),
    (2, 2, 3),
    (2, 3, 2),
    (1, 3, 3),
    (2, 1, 3, 3),
    (0, 3),
    (3, 0),
    (2, 0, 3),
    (3, 3),
]


def test_matmul_on_all_pairs_of_shapes():
    for a, b in itertools.product(MATMUL, MATMUL):
        x, y = rand(*a), rand(*b, seed=1)
        try:
            torch.matmul(torch.tensor(x), torch.tensor(y))
        except RuntimeError:
            message = raises_alike(ops.matmul, torch.matmul, x, y)
            assert message.startswith("matmul")
        else:
            compare(ops.matmul, torch.matmul, x, y, tolerance=1e-10)


def test_batch_norm_moves_the_running_statistics():
    x, weight, bias = rand(5, 3, 2), rand(3), rand(3)
    mean, var = rand(3), rand(3, low=0.2)
    ours, theirs = (ops_stats(library, x, mean, var, weight, bias) for library in (None, torch))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10)


def ops_stats(library, x, mean, var, weight, bias):
    """Return the output and the new running statistics."""
    import tinygrad_edu

    make = (library or tinygrad_edu).tensor
    running_mean, running_var = make(mean.copy()), make(var.copy())
    function = F.batch_norm if library else ops.batch_norm
    y = function(make(x), running_mean, running_var, make(weight), make(bias), True, 0.3, 1e-3)
    return [t.numpy(force=True) for t in (y, running_mean, running_var)]


def test_batch_norm_refuses_a_single_value_per_channel():
    raises_alike(
        lambda x: ops.batch_norm(x, None, None, training=True),
        lambda x: F.batch_norm(x, None, None, training=True),
        rand(1, 3),
    )


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 3), (2, 4, 2, 2)], ids=str)
def test_normalisation(shape):
    x, weight, bias = rand(*shape), rand(4), rand(4)
    for groups in (1, 2, 4):
        compare(ops.group_norm, F.group_norm, x, groups, weight, bias, tolerance=1e-9)
    compare(ops.layer_norm, F.layer_norm, x, shape[1:], rand(*shape[1:]), rand(*shape[1:]), tolerance=1e-9)
    compare(ops.layer_norm, F.layer_norm, x, shape[-1:], tolerance=1e-9)
    compare(ops.rms_norm, F.rms_norm, x, shape[-1:], rand(*shape[-1:]), tolerance=1e-9)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("widths", [(1, 1), (2, 0), (1, 2, 0, 1), (0, 0), (-1, 1)], ids=str)
def test_pad(mode, widths):
    x = rand(2, 2, 3, 4) if len(widths) == 4 or mode == "constant" else rand(2, 3, 4)
    try:
        F.pad(torch.tensor(x), widths, mode)
    except (RuntimeError, NotImplementedError):
        raises_alike(ops.pad, F.pad, x, widths, mode)
    else:
        compare(ops.pad, F.pad, x, widths, mode)


def test_embedding():
    table = rand(5, 3)
    for padding_idx in (None, 0, -1):
        options = {} if padding_idx is None else {"padding_idx": padding_idx}
        compare(ops.embedding, F.embedding, np.array([[0, 4, 0], [1, 0, 4]]), table, **options)
