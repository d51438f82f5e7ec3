"""A list on a GPU as CUDA graphs: ``plan`` (which lines become part of one) and ``cuda_graph`` (how they are run)."""
