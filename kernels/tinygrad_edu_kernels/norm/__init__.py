"""Layer and batch normalisation, forward and backward.

Both take the mean off some numbers and divide by their standard deviation: layer normalisation does it with
every row of a matrix, batch normalisation with every channel of a batch.
"""
