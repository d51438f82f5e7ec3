"""Muon: PyTorch's steps, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim.muon import orthogonalized

OPTIONS = [
    {},
    {"lr": 0.02, "nesterov": False},
    {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.0},
    {"lr": 0.02, "adjust_lr_fn": "original", "ns_steps": 3},
    {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw", "eps": 1e-3},
    {"lr": 0.02, "ns_coefficients": (2.0, -1.5, 0.5)},
]


def walk(library, shape, options):
    """Return a matrix after each of some steps."""
    rng = np.random.default_rng(0)
    w = library.tensor(rng.standard_normal(shape).astype("float32"), requires_grad=True)
    optimizer = library.optim.Muon([w], **options)
    seen = []
    for _ in range(4):
        w.grad = library.tensor(rng.standard_normal(shape).astype("float32"))
        optimizer.step()
        seen.append(w.tolist())
    return np.array(seen), np.array(optimizer.state[w]["momentum_buffer"].tolist())


@pytest.mark.torch_parity
@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (1, 5)])
@pytest.mark.parametrize("options", OPTIONS)
def test_like_torch(shape, options):
    reference = pytest.importorskip("torch")
    (found, buffer), (expected, other) = walk(torch, shape, options), walk(reference, shape, options)
    np.testing.assert_allclose(buffer, other, rtol=1e-5, atol=1e-6)
    # The directions are of bfloat16: some of its steps, times the learning rate and its factor.
    most = 0.03 * options.get("lr", 1e-3) * 4
    np.testing.assert_allclose(found, expected, rtol=0, atol=most)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3)])
def test_all_directions_become_about_equally_long(shape):
    torch.manual_seed(0)
    x = orthogonalized(torch.randn(*shape), (3.4445, -4.7750, 2.0315), 5, 1e-7)
    sizes = np.linalg.svd(x.float().cpu().numpy(), compute_uv=False)
    assert 0.5 < sizes.min()
    assert sizes.max() < 1.3


WRONG = [
    (dict(lr=-1.0), "Learning rate should be >= 0 but is: -1.0"),
    (dict(momentum=-0.1), "momentum should be >= 0 but is: -0.1"),
    (dict(weight_decay=-0.1), "weight decay should be >= 0 but is: -0.1"),
    (dict(adjust_lr_fn="other"), "Adjust learning rate function other is not supported"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        torch.optim.Muon([torch.zeros(2, 2, requires_grad=True)], **options)


def test_matrices_only():
    with pytest.raises(ValueError, match=r"Muon only supports 2D parameters .* size: torch.Size\(\[2\]\)"):
        torch.optim.Muon([torch.zeros(2, requires_grad=True)])


STEPS = [
    ("AdamW", dict(weight_decay=0.1)),
    ("Adam", dict(eps=1e-3)),
    ("SGD", dict(momentum=0.9, dampening=0.5)),
    ("Adadelta", dict(rho=0.5)),
    ("RMSprop", dict(alpha=0.5)),
]


@pytest.mark.parametrize(("name", "options"), STEPS)
def test_an_option_may_be_a_tensor_of_one_element(name, options):
    seen = []
    for given in (options, {key: torch.tensor(value) for key, value in options.items()}):
        w = torch.ones(2, requires_grad=True)
        optimizer = getattr(torch.optim, name)([w], lr=0.1, **given)
        for _ in range(2):
            w.grad = torch.tensor([0.5, -0.25])
            optimizer.step()
        seen.append(w.tolist())
    assert seen[0] == pytest.approx(seen[1])


@pytest.mark.parametrize(("name", "options"), STEPS)
def test_an_option_of_more_elements_is_refused(name, options):
    given = {key: torch.full((2,), value) for key, value in options.items()}
    with pytest.raises((RuntimeError, ValueError), match=r"ambiguous|expected \w+ to be a number"):
        getattr(torch.optim, name)([torch.ones(2, requires_grad=True)], **given)
