"""demos/gpt2.py takes files that PyTorch and Hugging Face have written, and computes what they compute."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.demos.test_numbered_demos import with_pytorch
from tinygrad_edu.safetensors import load_file

pytestmark = pytest.mark.host("files of the CPU")

FILE = Path(__file__).resolve().parents[2] / "demos" / "gpt2.py"
SMALL = {"layers": 2, "heads": 4, "width": 16, "tokens": 40, "context": 12}
NUMBERS = np.random.default_rng(0).integers(0, 40, (3, 9))


def gpt2(changed: bool = False) -> dict[str, Any]:
    """Return what the file defines, on this engine or on PyTorch."""
    source, names = FILE.read_text(encoding="utf-8"), {"__name__": "gpt2"}
    exec(compile(with_pytorch(source) if changed else source, FILE, "exec"), names)
    return names


def randomized(model: Any, library: Any) -> Any:
    """Give a model of PyTorch weights of a size that they have after training, in float64."""
    library.manual_seed(0)
    for parameter in model.double().parameters():
        parameter.data.copy_(0.3 * library.randn(parameter.shape))
    return model.eval()


def check(path: Path, expected: np.ndarray) -> None:
    """Load a file in three lines, and compare."""
    state = torch.load(path) if path.suffix == ".pt" else load_file(path)
    model = gpt2()["GPT2"](**SMALL).double()
    model.load_state_dict(state)
    scores = model(torch.tensor(NUMBERS)).detach().numpy()
    assert expected.std() > 0.5
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-6)


@pytest.fixture
def pytorch() -> ModuleType:
    return pytest.importorskip("torch")


@pytest.mark.torch_parity
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_files_of_pytorch(kind, prefix, tmp_path, pytorch):
    model = randomized(gpt2(changed=True)["GPT2"](**SMALL), pytorch)
    state = {prefix + name: value for name, value in model.state_dict().items()}
    for layer in range(SMALL["layers"]):  # older files have the mask
        state[f"{prefix}h.{layer}.attn.bias"] = pytorch.tril(pytorch.ones(12, 12)).view(1, 1, 12, 12)
    if prefix:
        state["lm_head.weight"] = state["transformer.wte.weight"].clone()
    path = tmp_path / f"model.{kind}"
    if kind == "pt":
        pytorch.save(state, path)
    else:
        importlib.import_module("safetensors.torch").save_file(state, path)
    check(path, model(pytorch.tensor(NUMBERS)).detach().numpy())


@pytest.mark.torch_parity
def test_files_of_hugging_face(tmp_path, pytorch):
    """With the library transformers, where it is installed: python -m pip install transformers."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_layer=2, n_head=4, n_embd=16, vocab_size=40, n_positions=12, bos_token_id=0, eos_token_id=0
    )
    model = randomized(transformers.GPT2LMHeadModel(config), pytorch)
    model.save_pretrained(tmp_path)
    numbers = pytorch.tensor(NUMBERS)
    check(tmp_path / "model.safetensors", model(numbers).logits.detach().numpy())
    ours = gpt2()["GPT2"](**SMALL).double()
    ours.load_state_dict(load_file(tmp_path / "model.safetensors"))
    expected = model.generate(numbers[:, :4], max_new_tokens=6, do_sample=False, eos_token_id=-1)
    np.testing.assert_array_equal(ours.generate(torch.tensor(NUMBERS[:, :4]), 6).numpy(), expected.numpy())


def test_names_and_shapes_are_those_of_the_published_files():
    """As the file of the model "gpt2" on the Hugging Face Hub has them, but for the masks."""
    model = gpt2()["GPT2"](layers=1, heads=12, width=768, tokens=50257)
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == {
        "wte.weight": (50257, 768),
        "wpe.weight": (1024, 768),
        "h.0.ln_1.weight": (768,),
        "h.0.ln_1.bias": (768,),
        "h.0.attn.c_attn.weight": (768, 2304),
        "h.0.attn.c_attn.bias": (2304,),
        "h.0.attn.c_proj.weight": (768, 768),
        "h.0.attn.c_proj.bias": (768,),
        "h.0.ln_2.weight": (768,),
        "h.0.ln_2.bias": (768,),
        "h.0.mlp.c_fc.weight": (768, 3072),
        "h.0.mlp.c_fc.bias": (3072,),
        "h.0.mlp.c_proj.weight": (3072, 768),
        "h.0.mlp.c_proj.bias": (768,),
        "ln_f.weight": (768,),
        "ln_f.bias": (768,),
    }


def test_a_missing_weight_is_named():
    model = gpt2()["GPT2"](**SMALL)
    state = model.state_dict()
    del state["h.1.mlp.c_fc.weight"]
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: \"h\.1\.mlp\.c_fc\.weight\""):
        model.load_state_dict(state)


def test_generating_goes_on_when_the_context_is_full():
    model = gpt2()["GPT2"](**SMALL)
    numbers = model.generate(torch.tensor(NUMBERS), 8)
    assert numbers.shape == (3, 17)
    assert torch.equal(numbers[:, :9], torch.tensor(NUMBERS))
    assert torch.equal(numbers[:, 16], model(numbers[:, 4:16])[:, -1].argmax(dim=1))
