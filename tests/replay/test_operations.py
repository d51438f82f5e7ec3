"""Every operation of the table, with its first sample: replayed with equal results, or run as it is."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import tensor_from_array, to_numpy
from tests.ops.op_table import TABLE
from tests.ops.samples import Call, flatten
from tinygrad_edu import backend, ops
from tinygrad_edu.replay.state import equal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]

AS_IT_IS = {
    "allclose", "argwhere", "as_strided", "as_strided_scatter", "avg_pool3d", "bincount", "bucketize",
    "cast", "cholesky_inverse", "combinations", "contiguous", "conv_transpose3d", "ctc_loss", "cummax",
    "cummin", "diag", "diag_embed", "diagflat", "dropout", "dropout_channels", "equal", "geqrf",
    "heaviside", "histc", "histogram", "histogramdd", "index_fill", "index_reduce", "isin", "isneginf",
    "isposinf", "isreal", "linalg.eig", "linalg.eigvals", "linalg.householder_product",
    "linalg.ldl_factor", "linalg.ldl_factor_ex", "linalg.ldl_solve", "linalg.lstsq", "linalg.lu",
    "linalg.lu_factor", "linalg.lu_factor_ex", "linalg.lu_solve", "linalg.matrix_rank", "linalg.pinv",
    "linalg.vander", "lu", "lu_solve", "lu_unpack", "masked_scatter", "masked_select", "mode",
    "multi_margin_loss", "multilabel_margin_loss", "nanquantile", "nonzero", "nonzero_static", "orgqr",
    "ormqr", "pdist", "pinverse", "quantile", "scatter_reduce", "searchsorted", "segment_reduce",
    "signbit", "unfold", "unique", "unique_consecutive", "unravel_index", "vander",
}  # fmt: skip
"""These look at numbers, make arrays where nobody sees it, are not known, or have a call that sets a seed (dropout).

All others must be replayed.
"""


def forward(call, function):
    return flatten(call.run(function))


def step(call, function, optimizer):
    optimizer.zero_grad()
    total = sum([(output * output).sum() for output in flatten(call.run(function)) if output.requires_grad])
    total.backward()
    optimizer.step()
    return [total]


def permute(call, seed):
    """Write the same numbers in another order into the inputs."""
    rng = np.random.default_rng(seed)
    for tensor in call.tensors:
        array = tensor.array
        if array.flags.c_contiguous and getattr(array.flags, "writeable", True):  # CuPy's arrays always are
            numbers = rng.permutation(to_numpy(array).reshape(-1)).reshape(array.shape)
            array[...] = backend.to_device(numbers, None)


def outcomes(entry, call, train, replay):
    """Return what five calls return, or which error they raise; and the function."""
    arguments = [call, entry.call or getattr(ops, entry.name)]
    if train:
        arguments.append(torch.optim.SGD(call.differentiable, lr=0.01))
    function = step if train else torch.no_grad()(forward)
    function = torch.compile(function) if replay else function
    torch.manual_seed(3)
    seen = []
    for i in range(5):
        if i != 2:
            permute(call, i)
        try:
            seen.append([getattr(x, "array", x) for x in function(*arguments)])
        except Exception as error:
            seen.append(type(error).__name__)
    return [seen, [tensor.array for tensor in call.tensors]], function


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_replayed_or_as_it_is(entry, train):
    calls = [Call(entry.samples[0], tensor_from_array) for _ in range(2)]
    if train and not (entry.differentiable and calls[0].differentiable):
        pytest.skip("it has no gradient")
    (eager, _), (replayed, function) = [outcomes(entry, call, train, i == 1) for i, call in enumerate(calls)]
    assert equal(eager, replayed)
    if entry.name not in AS_IT_IS:
        assert not function.refused
        assert [recording for recording in function.recordings if recording.checked]
        assert not any(recording.kernels_failed for recording in function.recordings)
