"""Settings of the libraries that compute.

References
----------
https://docs.pytorch.org/docs/stable/backends.html
"""

from tinygrad_edu.backends import cuda

__all__ = ["cuda"]
