"""Benchmarks: the same program on this engine and on PyTorch, in alternating processes.

``python -m tests.benchmarks`` from the root of the checkout; ``--help`` says what can be chosen.
"""
