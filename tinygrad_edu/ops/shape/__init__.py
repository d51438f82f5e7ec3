"""Operations that give elements another place.

- layout: reshape, view, permute, expand, flip, repeat
- join: cat, stack, split, chunk, unbind
- pad: a border
- triangle: tril, triu, diag, diagonal
"""
