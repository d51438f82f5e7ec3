"""Operations on each element by itself, or on pairs of elements after broadcasting.

- arithmetic: add, mul, pow, lerp and their like
- division: div, floor_divide, remainder, fmod
- unary: exp, log, sqrt, erf, sign
- trigonometry: sin to atanh
- rounding: floor, ceil, trunc, round
- compare: eq, lt, isclose, logical and bitwise operators
- select: where, masked_fill, maximum, clamp
"""
