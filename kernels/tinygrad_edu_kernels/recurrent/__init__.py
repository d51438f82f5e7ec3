"""Recurrent layers, forward and backward: one layer in one direction, all its time steps.

Sequences are given as *packed* rows: those of step 0, then those of step 1, and so on. Step t has ``batch_sizes[t]``
rows, of the longest sequences of the batch, which come first; so no step has more than the one before it.
"""
