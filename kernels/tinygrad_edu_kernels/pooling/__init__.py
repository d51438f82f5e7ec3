"""Two-dimensional pooling: largest value or mean of windows, sliding or adaptive, and the gradients.

Every function takes images ``x`` (n, c, h, w). Sliding windows are given by ``kernel_size``, ``stride``,
``padding`` (and ``dilation``), pairs of integers, (vertical, horizontal), together with the ``output_size``
that the caller worked out (it knows ``ceil_mode``); a window that reaches over the edge is clipped.

A maximum remembers where it was found: ``indices`` (n, c, oh, ow), int32, hold the position ``row * w +
column``.
"""
