"""Everything takes PyTorch's arguments: their names, their order and their defaults; methods as well as functions."""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import inspect

import pytest

import tinygrad_edu
from tests.both import check, outcome
from tests.pytorch_signatures import differences, is_native, overloads
from tinygrad_edu.tensor_types import HOST_TYPES

pytestmark = [pytest.mark.torch_parity, pytest.mark.host("signatures are the same on every device")]

PLACES = [
    "torch",
    "torch.Tensor",
    "torch.nn",
    "torch.nn.Module",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.prune",
    "torch.nn.utils.rnn",
    "torch.nn.utils.stateless",
    "torch.linalg",
    "torch.special",
    "torch.fft",
    "torch.signal.windows",
    "torch.distributions",
    "torch.sparse",
    "torch.testing",
    "torch.masked",
    "torch.random",
    "torch.hub",
    "torch.optim",
    "torch.optim.Optimizer",
    "torch.optim.lr_scheduler",
    "torch.utils.data",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.func",
    "torch.cuda",
    "torch.cuda.amp",
    "torch.amp",
    "torch.compiler",
    "torch.jit",
    "torch.utils.checkpoint",
    "torch.profiler",
    "torch.Generator",
]

# What is not taken, and why; a pattern of "place.name: difference" each.
NOT_TAKEN = {
    "*: out": "a result is always a new tensor",
    "*: layout": "tensors are made dense; to_sparse() turns them into others",
    "*: pin_memory": "Tensor.pin_memory() does it",
    "torch.Tensor.*contiguous: place of memory_format": "its stub is wrong: it has no place",
    "*: out_dtype": "products on a card alone have it",
    "*: cudnn_enable*": "there is no cuDNN",
    "torch.nn.functional.*_loss: weight": "PyTorch's page does not know it",
    "torch.nn.Hardtanh: m*_value": "deprecated names of min_val and max_val",
    "torch.*: default of reduction": "its stub says 1, the mean; without it, nothing is reduced",
    "torch.arange: place of end": "the end stands first if it is alone, which is seen when it is called",
    "torch.randint_like: place of high": "the place of low, which stands for it if it is alone",
    "torch.randint: place of *": "high stands first if it is alone, which is seen when it is called",
    "torch.repeat_interleave: place of repeats": "repeats alone are an input",
    "torch.m[ai][xn]: place of other": "the place of dim, which may be the other tensor",
    "torch.Tensor.m[ai][xn]: place of other": "the place of dim, which may be the other tensor",
    "torch.*[hvd_]split: place of *": "the place of indices_or_sections",
    "torch.*scatter*: place of value": "the place of src, which may be a number",
    "torch.*std*: place of unbiased": "the place of dim, which may be a flag",
    "torch.*var*: place of unbiased": "the place of dim, which may be a flag",
    "torch.nn.Transformer*: default of activation": "relu is ours",
    "torch.norm: place of dtype": "out stands before it there",
    "torch.tensor: place of *": "its stub is wrong: they have no place",
    "torch.Tensor.requires_grad_: mode": "its stub is wrong",
    "torch*.subtract*: place of alpha": "its stub is wrong",
    "torch.*_: input": "they are the methods, whose first argument is self",
    "torch*.isin: place of *element": "the place of elements and test_elements, which may be numbers",
    "torch.view_copy: place of dtype": "the place of size, which may be a dtype",
    "torch.l*space: default of steps": "its stub is wrong: it must be given",
    "torch.full: names": "there are no named tensors",
    "torch.result_type: *": "the overloads are for numbers; by position",
    "torch.Tensor.random_: *": "from is a keyword of Python; by position",
    "torch.Tensor.uniform_: *": "from is a keyword of Python; by position",
    "torch.Tensor.*pin*: device": "deprecated there",
    "torch.pairwise_distance: keepdims": "it is nn.functional.pairwise_distance, which says keepdim only",
    "torch.max_pool1d_with_indices: default of stride": "None is what it is by default",
    "torch.*pool?d: default of stride": "None is what it is by default",
    "torch.jit.trace: _*": "there is no trace",
    "torch.jit.trace: place of *": "the same",
    "torch.utils.checkpoint.checkpoint: default of context_fn": "None is what it is by default: no context",
    "torch.Tensor.new: *": "sizes or values; by position",
    "torch.meshgrid: default of indexing": "None is ij there, with a warning",
    "torch.load: pickle_module": "there is no pickle in a file",
    "torch.load: mmap": "files are read",
    "torch.save: *": "there is no pickle in a file, and one format",
    "torch.*enable_grad: orig_func": "its own, for decorators",
    "torch.utils.data.random_split: default of generator": "the generator that there is",
    "torch.hub.*: *": "weights are loaded from files alone; whatever else is asked of it, there is no hub",
    "torch.random.fork_rng: *": "there is one kind of device; the others are its own, for errors",
    "torch.profiler.*: *": "profiler: see docs/differences_from_pytorch.md",
}

# What nothing says the signature of.
UNKNOWN = {
    *(
        "torch.Generator",
        "torch.Tensor",
        "torch.device",
        "torch.finfo",
        "torch.iinfo",
        "torch.nn.init.Tensor",
    ),
    *("torch.is_anomaly_enabled", "torch.numel", "torch.nn.functional.logsigmoid", "torch.autograd.Variable"),
    *("torch.profiler.ProfilerActivity", "torch.Generator.get_state", "torch.Generator.set_state"),
    *(f"torch.{name}" for name in HOST_TYPES),
    *(f"torch.cuda.{name}" for name in HOST_TYPES),
    *("torch.is_autocast_enabled", "torch.get_autocast_dtype"),
    *("torch.is_autocast_enabled", "torch.get_device", "torch.Tensor.const_data_ptr"),
    "torch.linalg.LinAlgError",
    *(f"torch.sparse.{name}" for name in ("addmm", "log_softmax", "mm", "sampled_addmm", "softmax")),
    *("torch.nn.utils.parametrizations.Tensor", "torch.nn.utils.parametrize.Tensor"),
    *("torch.nn.utils.rnn.Tensor", "torch.nn.utils.stateless.Tensor"),
    *("torch.Tensor.cdouble", "torch.Tensor.cfloat"),
    *("torch.Generator.manual_seed", "torch.Generator.seed", "torch.Generator.initial_seed"),
}


def resolve(library, place):
    """Return a module or class of one of the two libraries."""
    parts = place.split(".")[1:]
    value = library
    for i, part in enumerate(parts):
        value = getattr(value, part, None) or importlib.import_module(
            ".".join([library.__name__, *parts[: i + 1]])
        )
    return value


def cases():
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    found = []
    for place in PLACES:
        ours, theirs = resolve(tinygrad_edu, place), resolve(torch, place)
        for name in sorted(set(dir(ours)) & set(dir(theirs))):
            mine, other = getattr(ours, name), getattr(theirs, name)
            if name.startswith("_") or not callable(mine) or inspect.ismodule(mine):
                continue
            found.append((place, name, mine, other))
    return found


CASES = cases()


def signature_at(place, mine):
    """Return the signature; a method may be a function, whose first argument is then the tensor."""
    signature = inspect.signature(mine)
    if place == "torch.Tensor" and inspect.isfunction(mine):
        first, *others = signature.parameters.values()
        signature = signature.replace(parameters=[first.replace(name="self"), *others])
    return signature


def differences_of(place, name, mine, other):
    known = overloads(place, name, other)
    try:
        return {
            f"{place}.{name}: {d}"
            for d in differences(signature_at(place, mine), known, is_native(place, other))
        }
    except ValueError:  # a class of Python's own
        return set()


@pytest.mark.parametrize("case", CASES, ids=[f"{place}.{name}" for place, name, _, _ in CASES])
def test_pytorchs_arguments_are_taken(case):
    found = differences_of(*case)
    unexplained = [d for d in sorted(found) if not any(fnmatch.fnmatch(d, pattern) for pattern in NOT_TAKEN)]
    assert unexplained == []


def test_every_exception_is_needed():
    found = set().union(*[differences_of(*case) for case in CASES])
    unused = [pattern for pattern in NOT_TAKEN if not fnmatch.filter(found, pattern)]
    assert unused == []


def test_what_is_not_compared():
    assert {
        f"{place}.{name}" for place, name, _, other in CASES if not overloads(place, name, other)
    } <= UNKNOWN


EXTRA = {
    "gather": "index=torch.zeros(1, 1, dtype=torch.int64)",
    "scatter": "index=torch.zeros(1, 1, dtype=torch.int64), value=7.0",
    "scatter_": "index=torch.zeros(1, 1, dtype=torch.int64), value=7.0",
    "scatter_add": "index=torch.zeros(1, 1, dtype=torch.int64), src=torch.ones(1, 1)",
    "scatter_add_": "index=torch.zeros(1, 1, dtype=torch.int64), src=torch.ones(1, 1)",
    "index_add": "index=torch.tensor([1]), source=torch.ones(2, 1)",
    "index_add_": "index=torch.tensor([1]), source=torch.ones(2, 1)",
    **dict.fromkeys(["index_copy", "index_copy_"], "index=torch.tensor([1]), source=torch.ones(2, 1)"),
    **dict.fromkeys(["index_fill", "index_fill_"], "index=torch.tensor([1]), value=7.0"),
    **dict.fromkeys(
        ["index_reduce", "index_reduce_"], "index=torch.tensor([1]), source=torch.ones(2, 1), reduce='mean'"
    ),
    **dict.fromkeys(
        ["scatter_reduce", "scatter_reduce_"],
        "index=torch.zeros(1, 1, dtype=torch.int64), src=torch.ones(1, 1), reduce='amax'",
    ),
    "select_scatter": "src=torch.ones(2), index=1",
    "slice_scatter": "src=torch.ones(2, 1), start=2",
    "slice_copy": "start=1",
    "select_copy": "index=1",
    "narrow_copy": "start=1, length=1",
    **dict.fromkeys(
        ["split_with_sizes", "unsafe_split_with_sizes", "split_with_sizes_copy"], "split_sizes=[1, 2]"
    ),
    "unsafe_split": "split_size=2",
    "unsafe_chunk": "chunks=2",
    "index_select": "index=torch.tensor([1])",
    "take_along_dim": "indices=torch.zeros(2, 1, dtype=torch.int64)",
    "narrow": "start=1, length=1",
    "select": "index=1",
    "chunk": "chunks=2",
    "topk": "k=1",
    "repeat_interleave": "repeats=2",
    "unflatten": "sizes=(3, 1)",
    "tensor_split": "sections=2",
    **dict.fromkeys(["quantile", "nanquantile"], "q=0.5"),
    "kthvalue": "k=1",
    "cross": "other=torch.ones(2, 3)",
    **dict.fromkeys(["renorm", "renorm_"], "p=2, maxnorm=3.0"),
    "cosine_similarity": "x2=torch.ones(2, 3)",
}
FIRST = {
    **dict.fromkeys(["cat", "concat", "concatenate"], "tensors=[{}]"),
    "stack": "tensors=[{}]",
    "cosine_similarity": "x1={}",
    **dict.fromkeys(["trapezoid", "cumulative_trapezoid", "trapz"], "y={}"),
}


def takes(value, name):
    parameters = inspect.signature(value).parameters
    return name in parameters or "numpy_names" in parameters


WITH_DIM = [
    (owner, name)
    for owner in ("torch", "torch.Tensor")
    for name in sorted(dir(resolve(tinygrad_edu, owner)))
    if name in EXTRA or name in FIRST or name[0] != "_"
    if name != "segment_reduce"  # whose axis is PyTorch's own
    if callable(getattr(resolve(tinygrad_edu, owner), name))
    and not isinstance(getattr(resolve(tinygrad_edu, owner), name), type)
    and takes(getattr(resolve(tinygrad_edu, owner), name), "axis")
]


@pytest.mark.parametrize(("owner", "name"), WITH_DIM, ids=[f"{o}.{n}" for o, n in WITH_DIM])
def test_numpys_names_mean_the_same(owner, name):
    """``axis`` is ``dim`` and ``keepdims`` is ``keepdim``: results as with PyTorch's own names, and as PyTorch's."""
    torch = pytest.importorskip("torch")
    x = "torch.arange(6.0).reshape(2, 3)"
    parts = [EXTRA[name]] if name in EXTRA else []
    start = (
        f"{x}.{name}("
        if owner == "torch.Tensor"
        else f"torch.{name}({FIRST.get(name, 'input={}').format(x)}, "
    )
    keep = (
        ["keepdims=True"]
        if "keepdim" in inspect.signature(getattr(resolve(tinygrad_edu, owner), name)).parameters
        else []
    )
    by_numpy = start + ", ".join(["axis=1", *keep, *parts]) + ")"
    check(by_numpy, torch)
    ours = outcome(by_numpy, tinygrad_edu)
    assert ours[0] == "value", ours
    assert ours == outcome(by_numpy.replace("axis=", "dim=").replace("keepdims=", "keepdim="), tinygrad_edu)
