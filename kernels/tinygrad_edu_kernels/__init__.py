"""Kernels: the inner loops of tinygrad_edu, written once to be read and once more to be fast.

Every family is a folder of modules that hold the same functions with the same signatures:

``reference.py``
    Plain Python loops. The specification: slow, and made to be stepped through in a debugger.
``cpu.py``
    The same loops compiled by Numba.
``cuda.py``
    The same loops as CUDA kernels.

Kernels know arrays only. They never import ``tinygrad_edu``, and importing this package compiles nothing. Their threads
are in a folder of their own, ``threads``, of which the other files use what its ``__init__.py`` exports.
"""
