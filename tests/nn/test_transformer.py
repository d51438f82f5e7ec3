"""Attention and Transformers against PyTorch's: outputs and all gradients, in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_same, backward, make_layer, numbers
from tinygrad_edu import nn

L, S, N, E, HEADS = 5, 6, 3, 8, 2

RNG = np.random.default_rng(7)
PADDING = np.zeros((N, S), bool)
PADDING[0, 4:] = PADDING[2, 1:] = True
OWN_PADDING = PADDING[:, :L]
MASK = RNG.random((L, S)) < 0.4
MASK[:, 0] = False
CAUSAL = np.triu(np.ones((L, L), bool), 1)


def as_numbers(mask):
    return np.where(mask, -np.inf, 0.0)


def sequences(batch_first=False, key_width=E, value_width=E, batched=True):
    shapes = [(L, N, E), (S, N, key_width), (S, N, value_width)]
    arrays = [np.random.default_rng(i).standard_normal(shape) for i, shape in enumerate(shapes)]
    if not batched:
        return [x[:, 0] for x in arrays]
    return [x.swapaxes(0, 1).copy() for x in arrays] if batch_first else arrays


# (options of the layer, options of the call, what the sequences are like)
ATTENTION = [
    ({}, {}, {}),
    ({"bias": False}, {}, {}),
    ({"batch_first": True}, {}, {}),
    ({}, {}, {"batched": False}),
    ({"kdim": 3, "vdim": 4}, {}, {"key_width": 3, "value_width": 4}),
    ({"kdim": 3, "bias": False}, {"need_weights": False}, {"key_width": 3}),
    ({"add_bias_kv": True}, {}, {}),
    ({"add_zero_attn": True}, {"need_weights": False}, {}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"key_padding_mask": PADDING, "attn_mask": MASK}, {}),
    ({}, {"average_attn_weights": False}, {}),
    ({}, {"need_weights": False}, {}),
    ({}, {"key_padding_mask": PADDING}, {}),
    ({"batch_first": True}, {"key_padding_mask": PADDING, "need_weights": False}, {}),
    ({}, {"key_padding_mask": as_numbers(PADDING), "attn_mask": as_numbers(MASK)}, {}),
    ({}, {"key_padding_mask": PADDING[0]}, {"batched": False}),
    ({}, {"attn_mask": MASK}, {}),
    ({}, {"attn_mask": MASK, "is_causal": True}, {}),
    ({}, {"attn_mask": as_numbers(MASK), "need_weights": False}, {}),
    ({}, {"attn_mask": RNG.standard_normal((N * HEADS, L, S))}, {}),
    ({}, {"attn_mask": RNG.random((N * HEADS, L, S)) < 0.1, "need_weights": False}, {}),
    # a query that may look at nothing: zeros without weights
    ({}, {"attn_mask": np.ones((L, S), bool), "need_weights": False}, {}),
]


def run_attention(library, options, call, arrays):
    layer = make_layer(library, "MultiheadAttention", (E, HEADS), {**options, "dtype": library.float64})
    inputs = [library.tensor(x, requires_grad=True) for x in arrays]
    output, weights = layer(*inputs, **{k: to_tensor(library, v) for k, v in call.items()})
    backward(library, output)
    found = {"output": numbers(output), "weights": numbers(weights)}
    found.update({f"gradient of input {i}": numbers(x.grad) for i, x in enumerate(inputs)})
    found.update({f"gradient of {name}": numbers(p.grad) for name, p in layer.named_parameters()})
    return found


def to_tensor(library, value):
    return library.tensor(value) if isinstance(value, np.ndarray) else value


@pytest.mark.torch_parity
@pytest.mark.parametrize(("options", "call", "like"), ATTENTION)
def test_attention_parity(reference, options, call, like):
    arrays = sequences(options.get("batch_first", False), **like)
    found, expected = (run_attention(x, options, call, arrays) for x in (torch, reference))
    assert_same(found, expected, rtol=1e-7, atol=1e-9)


LAYER_OPTIONS = [
    {**dict(zip(("norm_first", "batch_first", "bias"), choice, strict=True)), "activation": activation}
    for choice in itertools.product([False, True], repeat=3)
    for activation in ("relu", "gelu")
]
MASKS = [
    {},
    {"mask": CAUSAL},
    {"mask": as_numbers(CAUSAL), "is_causal": True},
    {"padding": OWN_PADDING},
    {"mask": CAUSAL, "padding": OWN_PADDING},
]


def run_module(library, name, args, options, inputs, call):
    """Run a module of Transformer layers, with dropout off; layers are given as (name, args)."""
    made = [make_layer(library, *x) if isinstance(x, tuple) else x for x in args]
    module = make_layer(library, name, made, options).double()
    tensors = [library.tensor(x, requires_grad=True) for x in inputs]
    output = module(*tensors, **{k: to_tensor(library, v) for k, v in call.items()})
    backward(library, output)
    found = {"state": None, "output": numbers(output)}
    found.update({f"gradient of input {i}": numbers(x.grad) for i, x in enumerate(tensors)})
    found.update({f"gradient of {key}": numbers(p.grad) for key, p in module.named_parameters()})
    return found, list(module.state_dict()), repr(module)


def assert_module_parity(reference, *case):
    (found, keys, text), (expected, their_keys, their_text) = (
        run_module(x, *case) for x in (torch, reference)
    )
    assert keys == their_keys
    assert text == their_text.replace("NonDynamicallyQuantizableLinear", "Linear")
    assert_same(found, expected, rtol=1e-6, atol=1e-8)


def sequence(length, batch_first, seed):
    x = np.random.default_rng(seed).standard_normal((length, N, E))
    return x.swapaxes(0, 1).copy() if batch_first else x


@pytest.mark.torch_parity
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("options", LAYER_OPTIONS)
def test_encoder_layer_parity(reference, options, masks):
    names = {"mask": "src_mask", "padding": "src_key_padding_mask", "is_causal": "is_causal"}
    call = {names[k]: v for k, v in masks.items()}
    options = {"dim_feedforward": 7, "dropout": 0.0, **options}
    inputs = [sequence(L, options["batch_first"], 1)]
    assert_module_parity(reference, "TransformerEncoderLayer", (E, HEADS), options, inputs, call)


@pytest.mark.torch_parity
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("options", LAYER_OPTIONS[::2])
def test_decoder_layer_parity(reference, options, masks):
    names = {"mask": "tgt_mask", "padding": "tgt_key_padding_mask", "is_causal": "tgt_is_causal"}
    call = {names[k]: v for k, v in masks.items()}
    call.update({"memory_key_padding_mask": PADDING, "memory_mask": MASK} if masks else {})
    options = {"dim_feedforward": 7, "dropout": 0.0, **options}
    inputs = [sequence(L, options["batch_first"], 1), sequence(S, options["batch_first"], 2)]
    assert_module_parity(reference, "TransformerDecoderLayer", (E, HEADS), options, inputs, call)


LAYER_ARGS = (E, HEADS, 7, 0.0)


@pytest.mark.torch_parity
@pytest.mark.parametrize("masks", MASKS)
def test_encoder_parity(reference, masks):
    names = {"mask": "mask", "padding": "src_key_padding_mask", "is_causal": "is_causal"}
    call = {names[k]: v for k, v in masks.items()}
    args = [("TransformerEncoderLayer", LAYER_ARGS), 2]
    options = {"enable_nested_tensor": False}
    assert_module_parity(reference, "TransformerEncoder", args, options, [sequence(L, False, 1)], call)


@pytest.mark.torch_parity
@pytest.mark.parametrize("masks", MASKS)
def test_decoder_parity(reference, masks):
    names = {"mask": "tgt_mask", "padding": "tgt_key_padding_mask", "is_causal": "tgt_is_causal"}
    call = {names[k]: v for k, v in masks.items()}
    args = [("TransformerDecoderLayer", LAYER_ARGS), 2, ("LayerNorm", (E,))]
    inputs = [sequence(L, False, 1), sequence(S, False, 2)]
    assert_module_parity(reference, "TransformerDecoder", args, {}, inputs, call)


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("masks", MASKS)
def test_transformer_parity(reference, masks, batch_first):
    names = {"mask": "tgt_mask", "padding": "tgt_key_padding_mask", "is_causal": "tgt_is_causal"}
    call = {names[k]: v for k, v in masks.items()}
    options = {"dropout": 0.0, "batch_first": batch_first, "activation": "gelu"}
    inputs = [sequence(S, batch_first, 1), sequence(L, batch_first, 2)]
    assert_module_parity(reference, "Transformer", (E, HEADS, 2, 1, 7), options, inputs, call)


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("args", "options"),
    [
        ((E, HEADS), {}),
        ((E, HEADS), {"kdim": 3, "add_bias_kv": True}),
        ((E, HEADS), {"bias": False}),
    ],
)
def test_the_state_of_pytorch_can_be_loaded(reference, args, options):
    ours, theirs = nn.MultiheadAttention(*args, **options), reference.nn.MultiheadAttention(*args, **options)
    ours.load_state_dict({k: torch.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    theirs.load_state_dict({k: reference.tensor(v.numpy()) for k, v in ours.state_dict().items()})


def test_parameters_start_as_in_the_paper_of_glorot_and_bengio():
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = (6 / (64 + 3 * 64)) ** 0.5
    weight = layer.in_proj_weight.numpy(force=True)
    assert np.abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert not layer.in_proj_bias.any()
    assert not layer.out_proj.bias.any()
    assert layer.bias_k.std().item() == pytest.approx((2 / (64 * 2)) ** 0.5, rel=1)
    model = nn.Transformer(16, 2, 1, 1, 32)
    limit = (6 / (16 + 32)) ** 0.5
    assert model.encoder.layers[0].linear1.weight.abs().max().item() <= limit


def test_dropout_in_training_only():
    torch.manual_seed(0)
    x = torch.randn(L, N, E)
    layer = nn.TransformerEncoderLayer(E, HEADS, 16, dropout=0.5)
    assert not torch.allclose(layer(x), layer(x))
    layer.eval()
    assert torch.allclose(layer(x), layer(x), atol=1e-5)


def test_layers_are_copies():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(E, HEADS, 16), 2)
    assert torch.equal(encoder.layers[0].linear1.weight, encoder.layers[1].linear1.weight)
    assert encoder.layers[0].linear1.weight is not encoder.layers[1].linear1.weight


WRONG = [
    (AssertionError, "embed_dim must be divisible by num_heads", lambda: nn.MultiheadAttention(5, 2)),
    (ValueError, "must be greater than 0", lambda: nn.MultiheadAttention(0, 2)),
    (
        RuntimeError,
        "activation should be relu/gelu",
        lambda: nn.TransformerEncoderLayer(E, HEADS, activation="x"),
    ),
    (
        AssertionError,
        "was expecting embedding dimension of 8",
        lambda: nn.MultiheadAttention(E, HEADS)(*[torch.ones(L, N, 6)] * 3),
    ),
    (
        AssertionError,
        "query should be unbatched 2D or batched 3D",
        lambda: nn.MultiheadAttention(E, HEADS)(*[torch.ones(E)] * 3),
    ),
    (
        RuntimeError,
        "Need attn_mask if specifying the is_causal hint",
        lambda: nn.MultiheadAttention(E, HEADS)(*[torch.ones(L, N, E)] * 3, is_causal=True),
    ),
    (
        RuntimeError,
        "expected attn_mask of shape",
        lambda: nn.MultiheadAttention(E, HEADS)(*[torch.ones(L, N, E)] * 3, attn_mask=torch.zeros(2, 2)),
    ),
    (
        AssertionError,
        "expected key_padding_mask of shape",
        lambda: nn.MultiheadAttention(E, HEADS)(
            *[torch.ones(L, N, E)] * 3, key_padding_mask=torch.zeros(2, 2)
        ),
    ),
    (
        RuntimeError,
        "the batch number of src and tgt must be equal",
        lambda: nn.Transformer(E, HEADS, 1, 1, 8)(torch.ones(L, 1, E), torch.ones(L, 2, E)),
    ),
    (
        RuntimeError,
        "the feature number of src and tgt must be equal to d_model",
        lambda: nn.Transformer(E, HEADS, 1, 1, 8)(torch.ones(L, 1, 3), torch.ones(L, 1, E)),
    ),
]


@pytest.mark.parametrize(("error", "message", "call"), WRONG)
def test_errors(error, message, call):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.torch_parity
def test_masks_of_two_types_warn_as_in_pytorch():
    said = []
    for package in (torch, pytest.importorskip("torch")):
        x, blocked = package.ones(2, 3, 4), package.zeros(3, 3).bool()
        layer = package.nn.MultiheadAttention(4, 2)
        with pytest.warns(
            UserWarning, match="Support for mismatched key_padding_mask and attn_mask"
        ) as caught:
            layer(x, x, x, package.zeros(3, 2), attn_mask=blocked[:2, :2])
        said.append(str(caught[0].message))
    assert said[0] == said[1]
