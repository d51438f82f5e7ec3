"""``vmap``: a function of one sample becomes one of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.func.tree import leaves_of, spread, with_leaves
from tinygrad_edu.ops import stack


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that applies another one to every sample of a batch, and stacks the results.

    Parameters
    ----------
    func : callable
        Takes and returns Tensors without the dimension of the batch, or tuples, lists and dicts of them.
    in_dims : int, None, or a tree of them
        Which dimension of each input counts the samples; None: the input is the same for all of them.
    out_dims : int, None, or a tree of them
        Where that dimension stands in the outputs; None for an output that is the same for all samples.
    randomness : {"error", "different"}
        Random numbers in ``func`` are different for each sample. "error" does not raise where some are drawn; "same",
        the same ones for each, is not there.
    chunk_size : int, optional
        Accepted, and changes nothing.

    Notes
    -----
    PyTorch rewrites each operation to one that takes the batch. Here it is a loop over the samples: what it saves is
    thought, not time. In return, ``func`` may do all that Python can, such as ``if`` and ``item()``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.vmap.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> dot_of_rows = torch.vmap(torch.dot)
    >>> dot_of_rows(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 1.0], [0.0, 2.0]]))
    tensor([3., 8.])
    """
    _check_options(out_dims, randomness, chunk_size)

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        dims = _checked_dims(in_dims, args)
        inputs = list(leaves_of(args))
        sizes = {x.shape[dim] for x, dim in zip(inputs, dims, strict=True) if dim is not None}
        if len(sizes) != 1:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                f"{sorted(sizes)} for the mapped dimension"
                if sizes
                else "vmap: Expected at least one Tensor to vmap over"
            )
        results = []
        for i in range(sizes.pop()):
            sample = [x if dim is None else x.select(dim, i) for x, dim in zip(inputs, dims, strict=True)]
            results.append(func(*with_leaves(args, iter(sample)), **kwargs))
        return _stacked(results, out_dims)

    return mapped


def _check_options(out_dims: Any, randomness: str, chunk_size: int | None) -> None:
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    if randomness == "same":
        raise NotImplementedError(
            "vmap: expected randomness of 'error' or 'different', got 'same', which is not here"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    if any(not isinstance(dim, int) and dim is not None for dim in leaves_of(out_dims)):
        raise ValueError(
            f"vmap: expected out_dims of int, None or tuples, lists and dicts of them, got {out_dims}"
        )


def _checked_dims(in_dims: Any, args: tuple[Any, ...]) -> list[int | None]:
    """Return for each Tensor in the arguments which dimension counts the samples."""
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"vmap: expected in_dims to be an int or a tuple like the inputs, got {type(in_dims)}"
        )
    if not args:
        raise ValueError("vmap: got no inputs. Hint: a function without inputs has nothing to be mapped over")
    dims = spread(in_dims, args)
    if dims is None:
        raise ValueError(f"vmap: in_dims {in_dims} is not compatible with the structure of the inputs")
    for x, dim in zip(leaves_of(args), dims, strict=True):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(f"vmap: expected in_dims of int or None, got {dim}")
        if not isinstance(x, Tensor):
            raise ValueError(
                f"vmap: got in_dim={dim} for an input of type {type(x)}, which is no Tensor; use None as its in_dim"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"vmap: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {x.ndim} so "
                f"expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
            )
    return dims


def _stacked(results: list[Any], out_dims: Any) -> Any:
    """Return one tree for the trees of all samples, with Tensors that have one dimension more."""
    if not results:
        raise ValueError("vmap: expected at least one sample, got a batch of size 0")
    single = isinstance(results[0], Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1
    dims = list(out_dims) if single else spread(out_dims, results[0])
    if dims is None:
        raise ValueError(f"vmap: out_dims {out_dims} is not compatible with the structure of the outputs")
    stacked = []
    for dim, *samples in zip(dims, *[leaves_of(result) for result in results], strict=True):
        if dim is not None and not isinstance(samples[0], Tensor):
            raise ValueError(
                f"vmap: the function must only return Tensors, got type {type(samples[0])}. Did you mean to set "
                "out_dims= to None for output?"
            )
        stacked.append(samples[0] if dim is None else stack(samples, dim))
    return with_leaves(results[0], iter(stacked))
