"""The kernel ladder, rung beside rung: ``learn.kernels("convolution")``."""

from tinygrad_edu.learn.ladder.ladder import KernelLadder as KernelLadder, kernels as kernels

__all__ = ["kernels", "KernelLadder"]
