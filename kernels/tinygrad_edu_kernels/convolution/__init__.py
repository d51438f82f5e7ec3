"""Two-dimensional convolution (cross-correlation, as in PyTorch), its two gradients, im2col and col2im.

Shapes: ``x`` (n, c, h, w); ``weight`` (o, c / groups, kh, kw); ``bias`` (o,); output (n, o, oh, ow), where

    oh = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1, and ow likewise.

``kernel_size``, ``stride``, ``padding`` and ``dilation`` are pairs of integers, (vertical, horizontal).
"""
