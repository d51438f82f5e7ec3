"""Tools around training: so far, loading data (``torch.utils.data``)."""

from __future__ import annotations

from tinygrad_edu.utils import data as data

__all__ = ["data"]
