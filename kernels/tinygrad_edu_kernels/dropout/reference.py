"""Dropout, specified: one hash an element, in plain Python integers.

References
----------
.. [1] N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15
       (2014): 1929-1958.
.. [2] G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014,
       the generator SplitMix64. Its finaliser is "Mix13" of D. Stafford, "Better Bit Mixing", 2011.
.. [3] https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

MASK_64 = 0xFFFF_FFFF_FFFF_FFFF
GOLDEN_GAMMA = 0x9E37_79B9_7F4A_7C15  # 2^64 over the golden ratio, made odd: the step of SplitMix64's counter


def dropout(x: Array, p: float, seed: int) -> Array:
    r"""Zero elements at random and scale the rest up, so that the mean stays.

    Parameters
    ----------
    x : array of any shape
        What is dropped from.
    p : float
        Probability, from 0 to 1, that an element is dropped.
    seed : int
        From 0 to 2^63 - 1. The same seed and shape drop the same elements on every device.

    Returns
    -------
    array of the shape of x

    Notes
    -----
    .. math:: y_i = m_i\, x_i, \quad
              m_i = \begin{cases} 1 / (1 - p) & u_i \ge p \\ 0 & \text{otherwise} \end{cases}

    where :math:`u_i`, uniform in [0, 1), is the upper 53 bits of a hash of the seed and of the element's
    position i in C order: number i of the SplitMix64 sequence that starts at ``mix(seed)``. Any number of the
    sequence can be had without those before it, so threads need not agree on an order. Mixing the seed first
    keeps the sequences of neighbouring seeds apart.

    y is linear in x, so the gradient is the same function of the gradient: ``dropout(grad_output, p, seed)``.
    Dropped elements are multiplied by 0, not replaced by it: a NaN or an infinity shows as NaN, as in
    PyTorch.

    Examples
    --------
    >>> dropout(np.ones(8), 0.5, seed=1).tolist()
    [2.0, 0.0, 0.0, 2.0, 0.0, 2.0, 0.0, 0.0]
    """
    threshold = drop_threshold(p)
    scale = x.dtype.type(0 if p == 1 else 1 / (1 - p))
    zero = x.dtype.type(0)
    start = mix(seed)
    y = np.empty(x.size, x.dtype)
    for i, value in enumerate(x.flat):
        random_bits = mix((start + (i + 1) * GOLDEN_GAMMA) & MASK_64)
        kept = (random_bits >> 11) >= threshold
        y[i] = value * (scale if kept else zero)
    return y.reshape(x.shape)


def drop_threshold(p: float) -> int:
    """Return the 53-bit number below which an element is dropped."""
    return int(p * 2**53)


def mix(bits: int) -> int:
    """Scramble 64 bits so that each depends on all of them: SplitMix64's finaliser (Stafford's Mix13)."""
    bits = ((bits ^ (bits >> 30)) * 0xBF58_476D_1CE4_E5B9) & MASK_64
    bits = ((bits ^ (bits >> 27)) * 0x94D0_49BB_1331_11EB) & MASK_64
    return bits ^ (bits >> 31)
