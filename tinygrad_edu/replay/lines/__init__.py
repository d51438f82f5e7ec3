"""How the lines of a list are written, while the program runs as always.

In reading order: ``line`` (what one is), ``recorder`` (an observer writes them), ``names`` (what it calls things),
``functions`` (which the lines call) and ``known`` (which operations it may write).
"""
