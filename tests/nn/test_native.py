"""Functions that PyTorch has in ``torch`` with other arguments than in ``nn.functional``."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu

pytestmark = [pytest.mark.torch_parity, pytest.mark.host("expressions make tensors in host memory")]

rng = np.random.default_rng(0)


def real(*shape):
    return rng.standard_normal(shape).astype(np.float32)


NAMES = {
    **{"x": real(2, 3, 4), "w": real(3), "b": real(3), "var": np.abs(real(3)) + 0.5},
    **{"i": real(2, 5), "h": real(2, 3), "c": real(2, 3), "y": np.sign(real(2, 3))},
    **{"w_ih": real(12, 5), "w_hh": real(12, 3), "b_ih": real(12), "b_hh": real(12)},
    "rows": np.array([[0, 1], [2, 1]]),
}

CALLS = """
batch_norm(x, w, b, w.detach(), var.detach(), False, 0.1, 1e-5, True)
batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False)
instance_norm(x, w, b, None, None, True, 0.1, 1e-5, False)
native_layer_norm(x, (4,), None, None, 1e-5)
native_layer_norm(x, (3, 4), x[0], x[1], 1e-5)
embedding(x[0], rows)
embedding(x[0], rows, 1)
embedding(x[0], rows, -1, True)
dropout(x, 0.5, False)
dropout(x, 1.0, True)
dropout_(x.clone(), 1.0, True)
alpha_dropout(x, 0.5, False)
alpha_dropout_(x.clone(), 0.5, False)
feature_dropout(x, 1.0, True)
feature_alpha_dropout(x, 0.5, False)
rrelu(x)
rrelu(x, 0.1, 0.2, False)
adaptive_max_pool1d(x, 2)
constant_pad_nd(x, (1, 2), 3)
constant_pad_nd(x, (1, 2))
binary_cross_entropy_with_logits(i, i.sigmoid())
binary_cross_entropy_with_logits(i, i.sigmoid(), None, i.exp().detach(), 1)
cosine_embedding_loss(h, c, y[:, 0], 0.1, 2)
hinge_embedding_loss(h, y)
margin_ranking_loss(h, c, y, 0.1, 2)
triplet_margin_loss(h, c, y, 1.0, 2, 1e-6, True, 1)
poisson_nll_loss(h, c.exp(), True, False, 1e-8, 1)
kl_div(h, c.exp(), 2)
kl_div(h, c, log_target=True)
ctc_loss(x.log_softmax(-1).transpose(0, 1), rows + 1, (3, 3), (1, 2), 0, 2, True)
ctc_loss(x.log_softmax(-1).transpose(0, 1), rows + 1, (3, 3), (1, 2))
gru_cell(i, h, w_ih[:9], w_hh[:9], b_ih[:9], b_hh[:9])
gru_cell(i, h, w_ih[:9], w_hh[:9])
lstm_cell(i, (h, c), w_ih, w_hh, b_ih, b_hh)
rnn_tanh_cell(i, h, w_ih[:3], w_hh[:3], b_ih[:3], b_hh[:3])
rnn_relu_cell(i, h, w_ih[:3], w_hh[:3])
"""


@pytest.mark.parametrize("call", CALLS.split("\n")[1:-1])
def test_parity(reference, call):
    found = []
    for library in (tinygrad_edu, reference):
        names = {k: library.tensor(v) for k, v in NAMES.items()}
        for x in names.values():
            x.requires_grad_(x.is_floating_point())
        output = eval(f"torch.{call}", {"torch": library, **names})
        outputs = output if isinstance(output, tuple) else (output,)
        total = sum([(x * x).sum() for x in outputs if x.requires_grad])
        if "feature" not in call and "_(" not in call:
            total.backward()
        found.append([x.detach().numpy() for x in outputs] + [x.grad for x in names.values()])
    for ours, theirs in zip(*found, strict=True):
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            ours, theirs = np.asarray(ours), np.asarray(theirs)
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
