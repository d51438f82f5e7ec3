"""What the tests of layers share: the same layer here and in PyTorch, with the same numbers, side by side."""

from __future__ import annotations

import numpy as np

import tinygrad_edu
from tests.exchange import library_array, library_tensor
from tinygrad_edu.autograd.gradcheck import gradcheck
from tinygrad_edu.numpy_dtypes import BFLOAT16, is_floating


def to_library(library, value):
    """Return an array as a tensor of one of the two libraries; containers element by element."""
    if isinstance(value, np.ndarray):
        return library_tensor(library, value)
    if isinstance(value, dict):
        return {key: to_library(library, item) for key, item in value.items()}
    return value


def numbers(tensor):
    return None if tensor is None else library_array(tensor)


def make_layer(library, name, args=(), kwargs=None, seed=0):
    """Make a layer of ``nn`` with parameters that depend on the seed alone, and are nowhere 0 or 1."""
    layer = getattr(library.nn, name)(*args, **to_library(library, kwargs or {}))
    rng = np.random.default_rng(seed)
    for parameter in layer.parameters():
        values = rng.uniform(0.2, 0.9, tuple(parameter.shape)) * rng.choice([-1, 1], tuple(parameter.shape))
        parameter.data = library.tensor(values).to(parameter.dtype)
    return layer


def make_inputs(shapes, dtype=np.float32, seed=1):
    """Return an array for every shape; what is an array already stays as it is."""
    rng = np.random.default_rng(seed)
    return [x if isinstance(x, np.ndarray) else np.array(rng.standard_normal(x), dtype) for x in shapes]


def backward(library, output, seed=2):
    """Run backward from every element of the output, each with a weight of its own."""
    weights = np.random.default_rng(seed).standard_normal(tuple(output.shape))
    (output * library.tensor(weights).to(output.dtype)).sum().backward()


def run_layer(library, layer, arrays):
    """Return the output of a layer, and the gradients of its inputs and parameters, by name."""
    inputs = [library_tensor(library, x, is_floating(x.dtype)) for x in arrays]
    output = layer(*inputs)
    found = {"output": numbers(output)}
    if output.requires_grad:
        backward(library, output)
    found.update({f"gradient of input {i}": numbers(x.grad) for i, x in enumerate(inputs)})
    found.update({f"gradient of {name}": numbers(p.grad) for name, p in layer.named_parameters()})
    found.update({f"buffer {name}": numbers(b) for name, b in layer.named_buffers()})
    return found


def assert_same(found, expected, rtol=1e-5, atol=1e-6):
    assert list(found) == list(expected)
    for name, values in expected.items():
        if values is None:
            assert found[name] is None, name
            continue
        assert found[name] is not None, f"{name} is None"
        assert found[name].dtype == values.dtype, name
        assert found[name].shape == values.shape, name
        wide = [x.astype(np.float32) if x.dtype == BFLOAT16 else x for x in (found[name], values)]
        np.testing.assert_allclose(*wide, rtol=rtol, atol=atol, err_msg=name)


def assert_layer_parity(reference, name, args, kwargs, shapes, rtol=1e-5, atol=1e-6):
    """Compare repr, output, gradients and buffers of a layer with PyTorch's."""
    arrays = make_inputs(shapes)
    ours = make_layer(tinygrad_edu, name, args, kwargs)
    theirs = make_layer(reference, name, args, kwargs)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    found, expected = run_layer(tinygrad_edu, ours, arrays), run_layer(reference, theirs, arrays)
    assert_same(found, expected, rtol, atol)


def assert_gradcheck(layer, *arrays):
    """Check the gradients of inputs and parameters by finite differences, in float64."""
    layer.double()
    inputs = [tinygrad_edu.tensor(x).requires_grad_(x.dtype.kind == "f") for x in arrays]

    def run(*tensors):
        return layer(*tensors[: len(inputs)])

    assert gradcheck(run, (*inputs, *layer.parameters()), atol=1e-6)


def copy_state(reference, ours, theirs):
    """Give a model here the parameters and buffers of a PyTorch model."""
    state = {name: library_tensor(tinygrad_edu, library_array(x)) for name, x in theirs.state_dict().items()}
    ours.load_state_dict(state)
