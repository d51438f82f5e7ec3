"""Products of matrices, and what is made of them.

- matmul: matmul, mm, bmm, dot, outer, linear
- einsum: einsum
"""
