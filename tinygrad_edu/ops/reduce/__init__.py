"""Operations that bring many elements together.

- reduction: sum, mean, prod, any, all
- extremum: max, amax, argmax
- statistics: var, std, norm, logsumexp
- scan: cumsum, cumprod
- search: sort, topk, unique, bincount
"""
