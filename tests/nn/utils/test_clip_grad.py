from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.nn import utils


def parameters(library, scale=1.0):
    rng = np.random.default_rng(0)
    found = []
    for shape in [(3, 4), (5,), (), (2,)]:
        p = library.zeros(shape, requires_grad=True)
        p.grad = library.tensor(np.array(scale * rng.standard_normal(shape), np.float32))
        found.append(p)
    found[-1].grad = None
    return found


def grads(params):
    return [None if p.grad is None else p.grad.numpy(force=True) for p in params]


@pytest.mark.torch_parity
@pytest.mark.parametrize("norm_type", [2.0, 1, 3.0, float("inf"), "inf"])
@pytest.mark.parametrize("max_norm", [0.5, 2, 1000.0])
def test_clip_grad_norm_is_that_of_pytorch(reference, norm_type, max_norm):
    ours, theirs = parameters(torch), parameters(reference)
    total = utils.clip_grad_norm_(ours, max_norm, norm_type)
    expected = reference.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    for found, wanted in zip(grads(ours), grads(theirs), strict=True):
        if wanted is None:
            assert found is None
        else:
            np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_the_norm_afterwards_is_the_limit():
    params = parameters(torch, scale=100.0)
    before = [p.grad for p in params[:3]]
    total = utils.clip_grad_norm_((p for p in params), 1.0)
    assert total.item() > 100
    assert utils.get_total_norm([p.grad for p in params[:3]]).item() == pytest.approx(1.0, rel=1e-5)
    assert all(p.grad is grad for p, grad in zip(params[:3], before, strict=True))  # in place


def test_small_gradients_are_left_alone():
    params = parameters(torch)
    before = [None if g is None else g.copy() for g in grads(params)]
    utils.clip_grad_norm_(params, 1e6)
    for found, wanted in zip(grads(params), before, strict=True):
        assert np.array_equal(found, wanted)


def test_one_tensor_and_none_at_all():
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor([3.0, 4.0])
    assert utils.clip_grad_norm_(p, 1.0).item() == 5.0
    np.testing.assert_allclose(p.grad.numpy(force=True), [0.6, 0.8], rtol=1e-5)
    assert utils.clip_grad_norm_([], 1.0).item() == 0.0
    assert utils.clip_grad_norm_([torch.zeros(1, requires_grad=True)], 1.0).item() == 0.0
    assert utils.get_total_norm(p.grad).item() == pytest.approx(1.0, rel=1e-5)


def test_infinite_gradients():
    params = parameters(torch)
    params[1].grad[0] = float("inf")
    before = params[0].grad.numpy(force=True).copy()
    with pytest.raises(
        RuntimeError, match=r"The total norm of order 2.0 for gradients from `parameters` is non-finite"
    ):
        utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert np.array_equal(params[0].grad.numpy(force=True), before)
    assert utils.clip_grad_norm_(params, 1.0).item() == float("inf")
    assert params[0].grad.abs().max().item() == 0.0


@pytest.mark.torch_parity
def test_clip_grad_value_is_that_of_pytorch(reference):
    ours, theirs = parameters(torch), parameters(reference)
    utils.clip_grad_value_(ours, 0.4)
    reference.nn.utils.clip_grad_value_(theirs, 0.4)
    for found, wanted in zip(grads(ours), grads(theirs), strict=True):
        assert np.array_equal(found, wanted)
    utils.clip_grad_value_(ours[0], 0.1)
    assert np.abs(ours[0].grad.numpy(force=True)).max() == np.float32(0.1)


@pytest.mark.torch_parity
def test_clip_grads_with_norm_is_that_of_pytorch(reference):
    ours, theirs = parameters(torch), parameters(reference)
    utils.clip_grads_with_norm_(ours, 1.0, torch.tensor(7.0))
    reference.nn.utils.clip_grads_with_norm_(theirs, 1.0, reference.tensor(7.0))
    for found, wanted in zip(grads(ours)[:3], grads(theirs)[:3], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
