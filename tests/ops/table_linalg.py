"""The table of operations: linear algebra.

A vector of a decomposition may have another sign: what is compared of it does not depend on that. Matrices are made
well-conditioned, symmetric or positive definite of any numbers, within the call, so that finite differences stay there.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
import scipy.linalg

from tests.ops.samples import Entry, S, real
from tinygrad_edu import linalg, ops


def transposed(x):
    return x.swapaxes(-1, -2)


def eye_like(x):
    return np.eye(x.shape[-1])


def tensor_eye(library, x):
    return library.eye(x.shape[-1], dtype=x.dtype)


def regular(x):
    """Return a matrix with an inverse, of any that is given."""
    return x + 3 * (np.eye(x.shape[-1]) if isinstance(x, np.ndarray) else eye_beside(x))
