"""The version, in the one place that everything else (setup.cfg too) reads it from; it is ``torch.version`` as well."""

__version__ = "0.1.0"

# What PyTorch was built for; this engine is built for nothing, and takes the CUDA that CuPy finds.
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version = "unknown"
debug = False
