"""Activation functions and their gradients, element by element, each in one pass over memory.

The gradients are functions of grad_output and of what the forward pass has kept: the output y of relu, sigmoid
and tanh, the input x of the others.
"""
