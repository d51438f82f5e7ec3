"""Dropout: each element is kept or zeroed as a hash of (seed, position) says, so that no mask need be stored."""
