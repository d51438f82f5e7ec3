"""The integer divisions that the roofline counts are those in the compiled kernels."""

from __future__ import annotations

import re

import pytest

from tests.gpu import compile_gate

# In the code of one thread; one division more is that of the grid-stride loop, done once a thread.
DIVISIONS = {
    "_im2col_kernel": 9 + 1,
    "_mean_kernel": 2 + 1,
    "_mean_backward_kernel": 6 + 1,
    "_adam_kernel": 0 + 1,
    "_relu_backward_kernel": 0 + 1,
    "_column_sums_kernel": 1 + 1,  # quotient and remainder at once
    "_layer_norm_kernel": 0 + 1 + 3,  # and one before each of three passes
}


def test_divisions():
    reason = compile_gate.why_compiler_is_missing()
    if reason is not None:
        pytest.skip(reason)
    for signature, function in compile_gate.signatures().items():
        if signature.kernel not in DIVISIONS or signature.dtype != "float32":
            continue
        ptx = compile_gate.compile_kernel(function, signature.types, (8, 0)).ptx
        found = len(re.findall(r"\b(?:div|rem)\.s64", ptx))
        assert found == DIVISIONS[signature.kernel], signature.kernel
        assert len(re.findall(r"\b(?:div|rem)\.u32", ptx)) == found  # each has its short way
