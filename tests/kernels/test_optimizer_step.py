"""The compiled update rules against the plain loops, and both against numbers worked out by hand."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest

from tinygrad_edu_kernels.optimizer_step import cpu, flat, reference
from tinygrad_edu_kernels.threads import parallel, sharing, team

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])


def combinations(**choices):
    """Return a dict of options for every combination of the choices."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


# For each rule: which state arrays may be left out, and all combinations of its options.
SGD = combinations(
    has_buffer=[False, True],
    is_first_step=[False, True],
    lr=[0.1],
    momentum=[0.9],
    dampening=[0, 0.3],
    weight_decay=[0, 0.01],
    nesterov=[False, True],
    maximize=[False, True],
)
ADAM = combinations(
    amsgrad=[False, True],
    step=[1.0, 5.0],
    lr=[0.1],
    beta1=[0.9],
    beta2=[0.999],
    eps=[1e-8],
    weight_decay=[0, 0.01],
    decoupled_weight_decay=[False, True],
    maximize=[False, True],
)
ADAGRAD = combinations(
    step=[1.0, 5.0], lr=[0.1], lr_decay=[0, 0.2], weight_decay=[0, 0.01], eps=[1e-10], maximize=[False, True]
)
RMSPROP = combinations(
    centered=[False, True],
    has_buffer=[False, True],
    lr=[0.1],
    alpha=[0.99],
    eps=[1e-8],
    weight_decay=[0, 0.01],
    momentum=[0.9],
    maximize=[False, True],
)
CASES = [
    (rule, options)
    for rule, all_options in [("sgd", SGD), ("adam", ADAM), ("adagrad", ADAGRAD), ("rmsprop", RMSPROP)]
    for options in all_options
]


def run_step(kernels, rule, param, grad, state, **options):
    """Call one update rule; the three arrays of ``state`` are what may go into its state."""
    if rule == "sgd":
        kernels.sgd_step(param, grad, state[0] if options.pop("has_buffer") else None, **options)
    elif rule == "adam":
        largest = state[2] if options.pop("amsgrad") else None
        kernels.adam_step(param, grad, state[0], state[1], largest, **options)
    elif rule == "adagrad":
        kernels.adagrad_step(param, grad, state[1], **options)
    else:
        mean = state[0] if options.pop("centered") else None
        kernels.rmsprop_step(
            param, grad, state[1], mean, state[2] if options.pop("has_buffer") else None, **options
        )


def make_arrays(shape, dtype, layout):
    """Return a parameter, its gradient and three state arrays (the last two positive), laid out in memory."""
    rng = np.random.default_rng(len(shape) + sum(shape))
    arrays = []
    for position in range(5):
        numbers = np.array(rng.standard_normal(shape), dtype)
        if position == 2:
            numbers *= 0.01  # a mean whose square is below the mean square, as in real states
        if position >= 3:
            numbers = np.abs(numbers) + dtype(0.5)
        arrays.append(lay_out(np.array(numbers), layout, position))
    return arrays


def lay_out(numbers, layout, position):
    """Return the same numbers, contiguous or not."""
    if layout == "contiguous" or numbers.ndim == 0:
        return numbers
    if layout == "transposed" or (layout == "mixed" and position % 2):
        return np.asfortranarray(numbers)
    wide = np.zeros((*numbers.shape[:-1], 2 * numbers.shape[-1]), numbers.dtype)
    sliced = wide[..., ::2]
    sliced[...] = numbers
    return sliced


def tolerance(dtype):
    return {np.float16: 2e-3, np.float32: 2e-6, np.float64: 1e-13}[dtype]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(("rule", "options"), CASES)
@pytest.mark.usefixtures("way")
def test_rungs_are_equal(rule, options, dtype):
    expected = make_arrays((3, 4), dtype, "contiguous")
    run_step(reference, rule, expected[0], expected[1], expected[2:], **options)
    actual = make_arrays((3, 4), dtype, "contiguous")
    run_step(cpu, rule, actual[0], actual[1], actual[2:], **options)
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, e, rtol=tolerance(dtype), atol=tolerance(dtype))


FEW = [("sgd", SGD[-1]), ("adam", ADAM[-1]), ("adagrad", ADAGRAD[-1]), ("rmsprop", RMSPROP[-1])]


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "sliced", "mixed"])
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (7,), (5, 3), (2, 3, 4), (33, 65)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(("rule", "options"), FEW)
@pytest.mark.usefixtures("way")
def test_every_shape_and_memory_order(rule, options, dtype, shape, layout):
    expected = make_arrays(shape, dtype, "contiguous")
    run_step(reference, rule, expected[0], expected[1], expected[2:], **options)
    actual = make_arrays(shape, dtype, layout)
    run_step(cpu, rule, actual[0], actual[1], actual[2:], **options)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=tolerance(dtype), atol=tolerance(dtype))


@pytest.mark.skipif(not sharing.is_available(), reason="no team of threads here")
def test_large_parameters_are_shared(monkeypatch):
    """The weight of a small network is, by Adam and with more than one thread; a bias is not."""
    shared = []
    monkeypatch.setattr(team, "post", lambda *arguments: shared.append(arguments[2]))
    options = {"step": 1.0, "lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0}
    for threads in (1, 2):
        monkeypatch.setattr(parallel.setting, "num_threads", threads)
        for size in (128 * 784, 128):
            arrays = np.ones((4, size), np.float32)
            cpu.adam_step(*arrays, None, **options, decoupled_weight_decay=False, maximize=False)
    assert shared == [8]


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "sliced", "mixed"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(("rule", "options"), FEW)
def test_shared_steps_have_the_same_bits(rule, options, dtype, layout, request):
    """Three steps, one after the other; every element is its own, so it does not matter who updates it."""
    results = []
    for fixture in (None, "team_of_three"):
        if fixture is not None:
            request.getfixturevalue(fixture)
        arrays = make_arrays((30, 20), dtype, layout)
        for _ in range(3):
            run_step(cpu, rule, arrays[0], arrays[1], arrays[2:], **options)
        results.append(arrays)
    for alone, shared in zip(*results, strict=True):
        np.testing.assert_array_equal(alone, shared)


@pytest.mark.usefixtures("way")
def test_parameters_that_share_memory_are_updated_in_turn():
    """The next step, of a parameter within the first one, finds that one finished."""
    whole, foreign = np.arange(600, dtype=np.float32).reshape(30, 20), bytearray(2400)
    for param in (whole, np.frombuffer(foreign, np.float32).reshape(30, 20)):
        before = param.copy()
        for part in (param, param[2:4], param[:, ::2], param[3, 4:9]):
            grad = np.ones(part.shape, np.float32)
            cpu.sgd_step(part, grad, None, **sgd_options(lr=1.0))
        expected = before - 1
        expected[2:4] -= 1
        expected[:, ::2] -= 1
        expected[3, 4:9] -= 1
        np.testing.assert_array_equal(param, expected)


@rung
def test_a_slice_leaves_its_neighbours_alone(kernels):
    whole = np.ones((4, 6), np.float32)
    kernels.sgd_step(whole[:, ::2], np.ones((4, 3), np.float32), None, **sgd_options(lr=0.5))
    np.testing.assert_array_equal(whole, np.tile(np.float32([0.5, 1]), (4, 3)))


@rung
@pytest.mark.parametrize(("rule", "options"), FEW)
@pytest.mark.parametrize("layout", ["contiguous", "sliced"])
def test_the_gradient_is_not_changed(kernels, rule, options, layout):
    arrays = make_arrays((3, 4), np.float32, layout)
    before = arrays[1].copy()
    arrays[1].flags.writeable = False  # as the gradient of a sum is, whose elements share one number
    run_step(kernels, rule, arrays[0], arrays[1], arrays[2:], **options)
    np.testing.assert_array_equal(arrays[1], before)


def sgd_options(**changes):
    plain = dict(
        is_first_step=False, lr=0.1, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False
    )
    return {**plain, **changes}


def adam_options(**changes):
    plain = dict(
        step=1.0,
        lr=0.1,
        beta1=0.9,
        beta2=0.999,
        eps=0.0,
        weight_decay=0,
        decoupled_weight_decay=False,
        maximize=False,
    )
    return {**plain, **changes}


@rung
@pytest.mark.parametrize(
    ("options", "param_after", "buffer_after"),
    [
        # theta = 10, g = 2, b = 4
        (dict(momentum=0.5, lr=0.5), 10 - 0.5 * (0.5 * 4 + 2), 4),
        (dict(momentum=0.5, lr=0.5, is_first_step=True), 10 - 0.5 * 2, 2),
        (dict(momentum=0.5, lr=0.5, is_first_step=True, dampening=0.5), 10 - 0.5 * 2, 2),
        (dict(momentum=0.5, lr=0.5, dampening=0.25), 10 - 0.5 * (0.5 * 4 + 0.75 * 2), 3.5),
        (dict(momentum=0.5, lr=0.5, nesterov=True), 10 - 0.5 * (2 + 0.5 * 4), 4),
        (dict(momentum=0.5, lr=0.5, maximize=True), 10 - 0.5 * (0.5 * 4 - 2), 0),
        (dict(momentum=0.5, lr=0.5, weight_decay=0.1), 10 - 0.5 * (0.5 * 4 + 2 + 0.1 * 10), 5),
        (dict(momentum=0.5, lr=0.5, weight_decay=0.1, maximize=True), 10 - 0.5 * (0.5 * 4 - 2 + 0.1 * 10), 1),
    ],
)
def test_sgd_by_hand(kernels, options, param_after, buffer_after):
    param, grad, buffer = np.array([10.0]), np.array([2.0]), np.array([4.0])
    kernels.sgd_step(param, grad, buffer, **sgd_options(**options))
    np.testing.assert_allclose([param[0], buffer[0]], [param_after, buffer_after], rtol=1e-14)


@rung
def test_adam_by_hand(kernels):
    """Two steps with g = 3, then g = 1, written out."""
    param, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    kernels.adam_step(param, np.array([3.0]), m, v, None, **adam_options(beta1=0.5, beta2=0.75))
    np.testing.assert_allclose([m[0], v[0]], [1.5, 2.25])  # 0.5 * 3 and 0.25 * 9
    np.testing.assert_allclose(param, 1 - 0.1 * 1)  # m_hat = 3, v_hat = 9
    kernels.adam_step(param, np.array([1.0]), m, v, None, **adam_options(step=2.0, beta1=0.5, beta2=0.75))
    np.testing.assert_allclose([m[0], v[0]], [1.25, 1.9375])  # 0.5 * 1.5 + 0.5 and 0.75 * 2.25 + 0.25
    m_hat, v_hat = 1.25 / (1 - 0.25), 1.9375 / (1 - 0.5625)
    np.testing.assert_allclose(param, 0.9 - 0.1 * m_hat / math.sqrt(v_hat))


@rung
def test_weight_decay_of_adam_and_adamw(kernels):
    """A gradient of zero: Adam takes a full step for the decay, AdamW shrinks the parameter by lr * decay."""
    for decoupled, expected in [(False, 2 - 0.1), (True, 2 * (1 - 0.1 * 0.5))]:
        param, m, v = np.array([2.0]), np.zeros(1), np.zeros(1)
        options = adam_options(weight_decay=0.5, decoupled_weight_decay=decoupled, eps=1e-12)
        kernels.adam_step(param, np.zeros(1), m, v, None, **options)
        np.testing.assert_allclose(param, expected, rtol=1e-11)


@rung
def test_amsgrad_divides_by_the_largest(kernels):
    param, m, v, largest = np.array([0.0]), np.array([1.0]), np.array([4.0]), np.array([100.0])
    kernels.adam_step(param, np.zeros(1), m, v, largest, **adam_options(step=1e9, beta1=0.5, beta2=0.5))
    np.testing.assert_allclose([v[0], largest[0]], [2, 100])
    np.testing.assert_allclose(param, -0.1 * 0.5 / 10)


@rung
def test_adagrad_by_hand(kernels):
    param, total = np.array([1.0]), np.array([9.0])
    options = dict(step=3.0, lr=0.1, lr_decay=0.5, weight_decay=0, eps=1.0, maximize=False)
    kernels.adagrad_step(param, np.array([4.0]), total, **options)
    np.testing.assert_allclose(total, 25)
    np.testing.assert_allclose(param, 1 - 0.1 / (1 + 2 * 0.5) * 4 / (5 + 1))


@rung
def test_rmsprop_by_hand(kernels):
    param, v, mean, buffer = np.array([1.0]), np.array([8.0]), np.array([2.0]), np.array([0.5])
    options = dict(lr=0.1, alpha=0.5, eps=1.0, weight_decay=0, momentum=0.5, maximize=False)
    kernels.rmsprop_step(param, np.array([4.0]), v, mean, buffer, **options)
    np.testing.assert_allclose([v[0], mean[0]], [12, 3])
    direction = 0.5 * 0.5 + 4 / (math.sqrt(12 - 9) + 1)
    np.testing.assert_allclose([buffer[0], param[0]], [direction, 1 - 0.1 * direction])


@pytest.mark.parametrize(("rule", "options"), CASES)
def test_numbers_that_are_not_finite(rule, options):
    """NaN and infinity in gradient, parameter and state go where they go in the plain loops."""
    special = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, 1e30], np.float32)
    size = special.size

    def arrays():
        grid = np.meshgrid(special, special, special, indexing="ij")
        param, grad, state = (numbers.reshape(-1).copy() for numbers in grid)
        return param, grad, [state, np.abs(state), np.abs(state)]

    param, grad, state = arrays()
    assert param.shape == (size**3,)
    run_step(reference, rule, param, grad, state, **options)
    param2, grad2, state2 = arrays()
    run_step(cpu, rule, param2, grad2, state2, **options)
    for a, e in zip([param2, *state2], [param, *state], strict=True):
        np.testing.assert_allclose(a, e, rtol=2e-6)


@rung
def test_zero_by_zero_is_nan_and_no_exception(kernels):
    """Python would raise ZeroDivisionError; PyTorch and the hardware give NaN."""
    param, total = np.ones(1, np.float32), np.zeros(1, np.float32)
    options = dict(step=1.0, lr=0.1, lr_decay=0, weight_decay=0, eps=0.0, maximize=False)
    kernels.adagrad_step(param, np.zeros(1, np.float32), total, **options)
    assert np.isnan(param[0])


@rung
def test_float16_is_computed_in_float32(kernels):
    """1e-4 squared is no float16, but its root is needed: float16 arithmetic would step to infinity."""
    param, total = np.ones(1, np.float16), np.zeros(1, np.float16)
    options = dict(step=1.0, lr=0.5, lr_decay=0, weight_decay=0, eps=0.0, maximize=False)
    kernels.adagrad_step(param, np.full(1, 1e-4, np.float16), total, **options)
    assert param[0] == np.float16(0.5)


@rung
def test_float16_overflows_to_infinity(kernels):
    param = np.array([60000.0], np.float16)
    kernels.sgd_step(param, np.array([-60000.0], np.float16), None, **sgd_options(lr=1.0))
    assert param[0] == np.inf


@rung
def test_one_minus_beta_is_not_rounded_first(kernels):
    """1 - float32(0.999) is 0.00100005, five digits off."""
    param, grad, m, v = np.ones((4, 1), np.float32)
    m[0] = v[0] = 0
    kernels.adam_step(param, grad, m, v, None, **adam_options(beta1=0.999, beta2=0.999))
    np.testing.assert_allclose([m[0], v[0]], 0.001, rtol=1e-7)


@pytest.mark.parametrize("wrong", [1, 2])
def test_another_shape_is_an_error(wrong):
    """A loop over 1-D views would read past the end of the smaller array."""
    arrays = [np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))]
    arrays[wrong] = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"expected .* shape \(2, 3\), got \(3, 2\)"):
        cpu.sgd_step(*arrays, **sgd_options(momentum=0.9))


@rung
@pytest.mark.parametrize("dtype", [np.int64, np.complex64])
def test_another_dtype_is_an_error(kernels, dtype):
    with pytest.raises(TypeError, match=f"expected .* float32 or float64, got {np.dtype(dtype)}"):
        kernels.sgd_step(np.zeros(2, dtype), np.zeros(2, dtype), None, **sgd_options())


def test_one_compilation_serves_all_options():
    """An absent array, an integer 0 for a float, a bool: none of them may compile a loop again."""
    for rule, options in CASES:
        arrays = make_arrays((3,), np.float32, "contiguous")
        run_step(cpu, rule, arrays[0], arrays[1], arrays[2:], **options)
        loop = getattr(cpu, f"{rule}_loop")
        kinds = [signature for signature in loop.signatures if "float32" in str(signature[0])]
        assert len(kinds) == 1, (rule, options, kinds)


def test_unpickled_arrays_are_not_copied():
    """Their dtypes are equal to NumPy's own ones, and other objects."""
    param = pickle.loads(pickle.dumps(np.ones((2, 3), np.float32)))
    grad = np.ones((2, 3), np.float32)
    views, copied = flat.flatten([param, grad, None])
    assert not copied
    assert np.shares_memory(views[0], param)
    assert np.shares_memory(views[1], grad)
