"""Operations that take elements out, or put them in, by an index.

- index: x[...], index_select, index_add, masked_select, narrow
- gather: gather, scatter, take_along_dim
"""
