"""Attention, forward and backward, without a matrix of all pairs in memory.

Every query compares itself with all keys and takes the mean of their values, weighted by the softmax of the scores.
"""
