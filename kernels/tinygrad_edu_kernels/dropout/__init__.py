"""Dropout: a hash of (seed, position) says which elements are kept, so no mask need be stored."""
