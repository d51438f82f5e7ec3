"""Products of matrices, and the linear layer: x W^T + b.

``reference``: plain loops. ``cpu``: BLAS and a micro-kernel, on all threads where that pays.
"""
