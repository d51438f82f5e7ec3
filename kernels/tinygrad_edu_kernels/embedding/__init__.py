"""The gradient of an embedding: rows added up by number.

``reference``: plain loops. ``cpu``: Numba. ``cuda``: Numba on the GPU, with atomic additions.
"""
