"""Broadcasting, indexing and reductions on random shapes, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as torch
from tests.device import shares_memory, tensor_from_array, to_numpy
from tinygrad_edu import ops

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
SOLID_SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def numbers(shape, seed=0):
    """Return distinct numbers, in random order."""
    size = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(size).astype(np.float64).reshape(shape)


def gradient_by_counting(function, array):
    """Return how often each element of an array is in the result of an index: the gradient of its sum."""
    counts = np.zeros(array.size)
    np.add.at(counts, np.asarray(function(np.arange(array.size).reshape(array.shape))).astype(int).ravel(), 1)
    return counts.reshape(array.shape)


# ---- broadcasting ----


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3))
def test_broadcasting(shapes):
    """Values are NumPy's, and every operand's gradient has its shape: one for each time it was used."""
    a, b = (numbers(shape, seed) + 1 for seed, shape in enumerate(shapes.input_shapes))
    x, y = tensor_from_array(a.copy(), True), tensor_from_array(b.copy(), True)
    result = x * y + x - y
    np.testing.assert_allclose(to_numpy(result), a * b + a - b)
    assert result.shape == shapes.result_shape
    result.sum().backward()
    ones = np.ones(shapes.result_shape)
    for tensor, slope in [(x, (b + 1) * ones), (y, (a - 1) * ones)]:
        axes = tuple(range(ones.ndim - tensor.ndim))
        reduced = slope.sum(axes) if axes else slope
        stretched = tuple(i for i, n in enumerate(tensor.shape) if n == 1)
        np.testing.assert_allclose(to_numpy(tensor.grad), reduced.sum(stretched, keepdims=True))


@given(SHAPES, SHAPES)
def test_shapes_that_do_not_fit_are_named(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(RuntimeError, match="add: ") as error:
            torch.zeros(a) + torch.zeros(b)
        assert str(list(a)) in str(error.value)
        assert str(list(b)) in str(error.value)
    else:
        assert (torch.zeros(a) + torch.zeros(b)).shape == np.broadcast_shapes(a, b)


@given(SOLID_SHAPES, st.data())
def test_expand_and_sum_are_each_others_gradients(shape, data):
    stretched = tuple(data.draw(st.integers(1, 3)) if n == 1 else n for n in shape)
    wanted = tuple(data.draw(st.lists(st.integers(1, 3), max_size=2))) + stretched
    x = tensor_from_array(numbers(shape), True)
    x.expand(*wanted).sum().backward()
    np.testing.assert_allclose(to_numpy(x.grad), np.full(shape, np.prod(wanted) / np.prod(shape)))


# ---- indexing ----


@st.composite
def slices(draw, size):
    start, stop = (
        draw(st.one_of(st.none(), st.integers(-size - 2, size + 2))),
        draw(st.one_of(st.none(), st.integers(-size - 2, size + 2))),
    )
    return slice(start, stop, draw(st.sampled_from([None, 1, 2, 3])))


@st.composite
def mixed_indices(draw, shape):
    """Return an index of ints, slices, None, Ellipsis, int arrays of one shape, and masks, in any order."""
    index, dim = [], 0
    common = draw(hnp.array_shapes(max_dims=2, max_side=3))
    number_of_true = int(np.prod(common)) if len(common) == 1 else None
    has_ellipsis = False
    while dim < len(shape):
        kind = draw(st.sampled_from(["int", "slice", "none", "array", "list", "mask", "ellipsis", "stop"]))
        size = shape[dim]
        if kind == "int":
            index.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            index.append(draw(slices(size)))
        elif kind == "array":
            index.append(draw(hnp.arrays(np.int64, common, elements=st.integers(-size, size - 1))))
        elif kind == "list" and number_of_true is not None:
            index.append(
                draw(st.lists(st.integers(-size, size - 1), min_size=number_of_true, max_size=number_of_true))
            )
        elif kind == "mask" and number_of_true is not None and number_of_true <= size:
            mask = np.zeros(size, bool)
            mask[draw(st.permutations(range(size)))[:number_of_true]] = True
            index.append(mask)
        elif (
            kind == "none" and index.count(None) < 2
            if not any(isinstance(i, np.ndarray) for i in index)
            else False
        ):
            index.append(None)
            continue
        elif kind == "ellipsis" and not has_ellipsis:
            index.append(Ellipsis)
            has_ellipsis = True
            dim += draw(st.integers(0, len(shape) - dim))
            continue
        elif kind == "stop" and not has_ellipsis:  # after it, all dimensions up to the last are named
            break
        else:
            continue
        dim += 1
    return tuple(index)


def like_pytorch(array, index):
    """Index as PyTorch does: ints first, as NumPy does if there are no arrays."""
    if not any(isinstance(i, np.ndarray | list) for i in index):
        return array[index]
    first, rest = [], []
    for i in index:
        first.append(
            i if isinstance(i, int) or i is None or i is Ellipsis or isinstance(i, slice) else slice(None)
        )
        if not isinstance(i, int):
            rest.append(slice(None) if i is None or isinstance(i, slice) else i)
    return array[tuple(first)][tuple(rest)]


def as_tensors(index, data):
    """Return the index with some of its arrays as Tensors."""
    return tuple(
        tensor_from_array(i) if isinstance(i, np.ndarray) and data.draw(st.booleans()) else i for i in index
    )


@settings(max_examples=300)
@given(SOLID_SHAPES, st.data())
def test_indexing_with_everything(shape, data):
    index = data.draw(mixed_indices(shape))
    array = numbers(shape)
    expected = like_pytorch(array, index)
    x = tensor_from_array(array.copy(), True)
    result = x[as_tensors(index, data)]
    assert result.shape == expected.shape
    np.testing.assert_array_equal(to_numpy(result), expected)
    result.sum().backward()
    np.testing.assert_array_equal(
        to_numpy(x.grad), gradient_by_counting(lambda a: like_pytorch(a, index), array)
    )


@settings(max_examples=200)
@given(SOLID_SHAPES, st.data())
def test_assigning_to_everything(shape, data):
    """The new elements are there; the old ones and the value get the gradient of what is left of them."""
    index = data.draw(mixed_indices(shape))
    positions = like_pytorch(np.arange(np.prod(shape)).reshape(shape), index)
    assume(np.unique(positions).size == np.size(positions))  # which of two values wins is not defined
    value = 100 + np.arange(np.size(positions), dtype=np.float64).reshape(np.shape(positions))
    expected = numbers(shape)
    expected.ravel()[np.ravel(positions)] = value.ravel()
    x, v = tensor_from_array(numbers(shape), True), tensor_from_array(value, True)
    y = x.clone()
    y[as_tensors(index, data)] = v
    np.testing.assert_array_equal(to_numpy(y), expected)
    (y * y).sum().backward()
    np.testing.assert_array_equal(to_numpy(v.grad), 2 * value)
    kept = np.ones(shape)
    kept.ravel()[np.ravel(positions)] = 0
    np.testing.assert_array_equal(to_numpy(x.grad), 2 * kept * numbers(shape))


@given(SOLID_SHAPES, st.data())
def test_whole_masks(shape, data):
    mask = data.draw(hnp.arrays(bool, shape))
    array = numbers(shape)
    x = tensor_from_array(array.copy(), True)
    np.testing.assert_array_equal(to_numpy(x[tensor_from_array(mask)]), array[mask])
    np.testing.assert_array_equal(to_numpy(torch.masked_select(x, tensor_from_array(mask))), array[mask])
    x[tensor_from_array(mask)].sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), mask.astype(float))


@given(SOLID_SHAPES, st.data())
def test_basic_indices_are_views(shape, data):
    index = data.draw(mixed_indices(shape))
    assume(not any(isinstance(i, np.ndarray | list) for i in index))
    x = tensor_from_array(numbers(shape))
    y = x[index]
    assert y.array.size == 0 or shares_memory(x, y)
    y.fill_(-1.0)
    assert (to_numpy(x) == -1).sum() == to_numpy(y).size


@given(SOLID_SHAPES, st.data())
def test_gather_and_scatter_add(shape, data):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    picked = [data.draw(st.integers(0, n)) for n in shape]
    picked[dim] = data.draw(st.integers(0, 4))
    index = data.draw(hnp.arrays(np.int64, picked, elements=st.integers(0, shape[dim] - 1)))
    array = numbers(shape)
    part = array[tuple(slice(None) if d == dim % len(shape) else slice(n) for d, n in enumerate(picked))]
    x = tensor_from_array(array.copy(), True)
    y = ops.gather(x, dim, tensor_from_array(index))
    np.testing.assert_array_equal(to_numpy(y), np.take_along_axis(part, index, dim))
    y.sum().backward()
    zeros = torch.zeros(shape, dtype=torch.float64)
    counted = ops.scatter_add(
        zeros, dim, tensor_from_array(index), torch.ones(index.shape, dtype=torch.float64)
    )
    np.testing.assert_array_equal(to_numpy(x.grad), to_numpy(counted))


# ---- reductions ----


@st.composite
def dims_of(draw, ndim):
    """Return None, one dimension, or several, positive and negative."""
    if ndim == 0 or draw(st.booleans()):
        return None
    dims = draw(st.lists(st.integers(0, ndim - 1), min_size=1, unique=True))
    dims = tuple(d - ndim if draw(st.booleans()) else d for d in dims)
    return dims[0] if len(dims) == 1 and draw(st.booleans()) else dims


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax", "amin", "any", "all", "norm"])
@settings(max_examples=30)
@given(data=st.data())
def test_reductions(name, data):
    array = numbers(data.draw(SOLID_SHAPES)) - 3
    dim, keepdim = data.draw(dims_of(array.ndim)), data.draw(st.booleans())
    function = getattr(ops, name)
    if name == "norm":
        found = function(tensor_from_array(array), 2, dim, keepdim)
        expected = np.sqrt((array**2).sum(dim, keepdims=keepdim))
    else:
        more = {"correction": 0} if name in ("var", "std") else {}
        found = function(tensor_from_array(array), dim, keepdim=keepdim, **more)
        expected = getattr(np, name)(array, axis=dim, keepdims=keepdim)
    assert found.shape == expected.shape
    np.testing.assert_allclose(to_numpy(found), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["prod", "max", "min", "argmax", "argmin", "cumsum", "cumprod"])
@settings(max_examples=30)
@given(data=st.data())
def test_reductions_along_one_dimension(name, data):
    array = numbers(data.draw(SOLID_SHAPES)) % 5 - 1
    dim = data.draw(st.integers(-array.ndim, array.ndim - 1))
    result = getattr(ops, name)(tensor_from_array(array), dim)
    values = result[0] if name in ("max", "min") else result
    np.testing.assert_allclose(to_numpy(values), getattr(np, name)(array, axis=dim))


@given(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3), st.data())
def test_reductions_of_nothing(shape, data):
    assume(0 in shape)
    dim = data.draw(dims_of(len(shape)))
    x = torch.zeros(shape, dtype=torch.float64)
    np.testing.assert_array_equal(to_numpy(ops.sum(x, dim)), to_numpy(x).sum(dim))
    reduced = shape if dim is None else [shape[d] for d in np.atleast_1d(dim)]
    if 0 in reduced:
        with pytest.raises(
            RuntimeError if dim is None else IndexError,
            match=r"amax\(\): Expected reduction over at least one element",
        ) as error:
            ops.amax(x, dim)
        assert str(list(shape)) in str(error.value)


# ---- shapes ----


@given(SOLID_SHAPES, st.data())
def test_reshape_permute_and_back(shape, data):
    order = data.draw(st.permutations(range(len(shape))))
    array = numbers(shape)
    x = tensor_from_array(array.copy(), True)
    y = x.permute(*order)
    np.testing.assert_array_equal(to_numpy(y), array.transpose(order))
    flat = y.reshape(-1)
    np.testing.assert_array_equal(to_numpy(flat), array.transpose(order).ravel())
    weights = np.arange(array.size, dtype=np.float64)
    (flat * tensor_from_array(weights)).sum().backward()
    inverse = np.argsort(order)
    np.testing.assert_array_equal(to_numpy(x.grad), weights.reshape(y.shape).transpose(inverse))


@given(SOLID_SHAPES, st.data())
def test_split_and_cat(shape, data):
    dim = data.draw(st.integers(0, len(shape) - 1))
    size = data.draw(st.integers(1, 5))
    array = numbers(shape)
    parts = ops.split(tensor_from_array(array), size, dim)
    assert all(part.shape[dim] == size for part in parts[:-1])
    np.testing.assert_array_equal(to_numpy(ops.cat(parts, dim)), array)
    stacked = ops.stack(ops.unbind(tensor_from_array(array), dim), dim)
    np.testing.assert_array_equal(to_numpy(stacked), array)


@given(SOLID_SHAPES, st.data())
def test_einsum_is_matmul_is_numpy(shape, data):
    k, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    a, b = numbers((*shape, k)), numbers((k, n), 1)
    x, y = tensor_from_array(a), tensor_from_array(b)
    np.testing.assert_allclose(to_numpy(ops.einsum("...k,kn->...n", x, y)), a @ b)
    np.testing.assert_allclose(to_numpy(ops.matmul(x, y)), a @ b)
