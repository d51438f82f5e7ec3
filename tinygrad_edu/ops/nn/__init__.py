"""The operations of layers and losses: what ``nn.functional`` is made of.

- activation, softmax, dropout
- conv, conv_transpose, pool, adaptive_pool
- norm, normalize: layers that normalise, and what they share
- loss, classification_loss, binary_loss
- embedding, recurrent, recurrent_formula, attention
"""
