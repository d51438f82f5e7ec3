"""What asks for compilation: ``torch.compile`` replays (see tests/replay); ``torch.jit`` runs as it is."""

from __future__ import annotations

import warnings

import pytest

import tinygrad_edu as torch


def double(x):
    return 2 * x


@pytest.mark.parametrize(
    "call",
    [
        lambda f: torch.jit.script(f),
        lambda f: torch.jit.trace(f, (torch.ones(1),)),
        lambda f: torch.jit.trace(f, example_inputs=torch.ones(1), strict=False),
    ],
)
@pytest.mark.parametrize("model", [double, torch.nn.Linear(1, 1)])
def test_it_returns_what_it_got_and_says_so(call, model):
    with pytest.warns(UserWarning, match="compiles nothing here") as caught:
        assert call(model) is model
    assert caught[0].filename == __file__


def test_it_says_so_once_a_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            torch.jit.script(double)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda f: torch.compile(f),
        lambda f: torch.compile(f, mode="reduce-overhead", fullgraph=True),
        lambda f: torch.compile(f, backend="eager", dynamic=True, options={"a": 1}),
        lambda f: torch.compile(backend="eager")(f),
        lambda f: torch.compile()(f),
    ],
)
def test_compile_takes_what_pytorch_takes(call, monkeypatch):
    layer = torch.nn.Linear(1, 1)
    compiled, function = call(layer), call(double)
    assert isinstance(compiled, torch.nn.Module)
    assert list(compiled.state_dict()) == ["_orig_mod.weight", "_orig_mod.bias"]  # as in PyTorch
    assert compiled.weight is layer.weight
    assert not compiled.eval().training
    assert not layer.training
    with torch.no_grad():
        for _ in range(5):
            assert compiled(torch.ones(1)) == layer(torch.ones(1))
            assert function(torch.ones(1)) == 2
    assert compiled.source.startswith("def replay(x0):")
    assert function.__name__ == "double"
    monkeypatch.setenv("TINYGRAD_EDU_REPLAY", "0")
    assert call(layer) is layer
    assert call(double) is double


def test_a_decorated_method():
    class Model(torch.nn.Module):
        @torch.compile
        def forward(self, x):
            return x * 2

    model = Model()
    for _ in range(4):
        assert model(torch.ones(1)) == 2
    assert "mul.forward" in Model.forward.source
    assert torch.compiler.reset() is None
    assert not Model.forward.source


@pytest.mark.parametrize(
    "quiet",
    [
        lambda f: torch.compile(f, disable=True),
        lambda f: torch.compiler.disable(f),
        lambda f: torch.compiler.disable()(f),
        lambda f: torch.compiler.disable(recursive=False, reason="why")(f),
        lambda f: torch.jit.ignore(f),
        lambda f: torch.jit.ignore(drop=True)(f),
        lambda f: torch.jit.unused(f),
        lambda f: torch.jit.export(f),
    ],
)
def test_what_turns_it_off_says_nothing(quiet):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quiet(double) is double
    assert not torch.compiler.is_compiling()
    assert not torch.jit.is_scripting()
    assert not torch.jit.is_tracing()
    assert torch.compiler.reset() is None


@pytest.mark.filterwarnings("ignore:torch")
def test_wrong_arguments():
    with pytest.raises(RuntimeError, match="expected mode or options, got both"):
        torch.compile(double, mode="default", options={})
    for make in (torch.compile, torch.jit.script, torch.compile()):
        with pytest.raises(TypeError, match="'model' must be callable, not int"):
            make(3)
    with pytest.raises(TypeError, match="must be bool"):
        torch.compile(double, fullgraph=1)
