"""Kernels: the inner loops of tinygrad_edu, written once to be read and once more to be fast.

Every family is a folder of modules that hold the same functions with the same signatures:

``reference.py``
    Plain Python loops. The specification: slow, and made to be stepped through in a debugger.
``cpu.py``
    The same loops compiled by Numba.
``cuda.py``
    The same loops as CUDA kernels.

Kernels know arrays only. They never import ``tinygrad_edu``, and importing this package compiles nothing.

Notes
-----
Numba's parallel loops run on a thread pool that does not survive ``os.fork()``: on Linux, with the default
OpenMP layer, a forked child that enters a parallel kernel after its parent did is killed. Start worker
processes with ``spawn`` or ``forkserver``, or keep kernels out of them.
"""
