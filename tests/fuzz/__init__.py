"""Wrong calls of every public name, and what becomes of them here and in PyTorch: ``python -m tests.fuzz``."""
