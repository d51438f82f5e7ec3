"""Softmax and log-softmax over the last axis, softmax cross-entropy, and their gradients.

Arrays are matrices: one distribution a row. The largest entry of a row is taken off before the exponential,
so that nothing overflows. A row whose largest entry is not finite (a NaN, an infinity, all minus infinity)
gives NaN.
"""
