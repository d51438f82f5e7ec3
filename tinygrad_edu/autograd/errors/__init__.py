"""What errors teach: the user's line, what the operands are called there, what would fit, where a NaN or a gap began.

Nothing here computes, and nothing runs before something has gone wrong or somebody looks on. In reading order:
``explaining`` (the note on an error) with ``expressions`` (names of operands) and ``hints`` (what would fit);
``cuts`` (where numbers left the graph); ``nonfinite`` (the report of the first NaN) with ``layers`` and ``mends``.
"""
