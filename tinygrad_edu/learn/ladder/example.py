"""The small image whose convolution is animated, and the small product: numbers that the kernels have made."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu_kernels import micro_kernel
from tinygrad_edu_kernels.convolution import reference

IMAGE = [[0, 1, 2, 1, 0], [1, 3, 5, 3, 1], [2, 5, 9, 5, 2], [1, 3, 5, 3, 1], [0, 1, 2, 1, 0]]
FILTERS = [[[1, 0, -1], [2, 0, -2], [1, 0, -1]], [[0, 1, 0], [1, -4, 1], [0, 1, 0]]]
A = [[1, 2, 0, 1], [0, 1, 3, 2], [2, 1, 1, 0], [1, 0, 2, 3]]
B = [[1, 0, 2, 1, 3, 1, 0, 2], [0, 2, 1, 1, 0, 3, 1, 1], [2, 1, 0, 3, 1, 0, 2, 1], [1, 1, 1, 0, 2, 1, 3, 0]]
ONE, NONE = (1, 1), (0, 0)


def example() -> dict[str, Any]:
    """Return what the animations show."""
    image, filters = np.array(IMAGE, np.float32)[None, None], np.array(FILTERS, np.float32)[:, None]
    columns = reference.im2col(image, (3, 3), ONE, NONE, ONE)[0]
    out = reference.conv2d_forward(image, filters, None, ONE, NONE, ONE, 1)[0]
    a, b = np.array(A), np.array(B)
    return {
        "image": IMAGE,
        "kernel": 3,
        "columns": columns.astype(int).tolist(),
        "filters": filters.reshape(len(filters), -1).astype(int).tolist(),
        "out": out.reshape(len(out), -1).astype(int).tolist(),
        "tile": {"a": A, "b": B, "c": (a @ b).tolist(), "rows": 2, "lanes": 2},
        "machine": {"rows": micro_kernel.ROWS, "lanes": micro_kernel.LANES},
    }
