"""What programs ask for before they use it, or set and need not have: backends, versions, constants."""

from __future__ import annotations

import itertools
import operator

import pytest

import tinygrad_edu as torch
from tests.both import check
from tinygrad_edu.torch_version import TorchVersion

SAME_AS_PYTORCH = """
torch.backends.mps.is_available()
torch.backends.mps.is_built()
torch.backends.cudnn.is_available()
torch.distributed.is_initialized()
torch.distributed.destroy_process_group()
torch.nn.parallel.DataParallel is torch.nn.DataParallel
torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 3))
torch.onnx.is_in_onnx_export()
torch.backends.cudnn.version()
torch.backends.cudnn.enabled
torch.backends.cudnn.benchmark
torch.backends.cudnn.benchmark_limit
torch.backends.cudnn.deterministic
torch.backends.cudnn.allow_tf32
torch.are_deterministic_algorithms_enabled()
torch.is_deterministic_algorithms_warn_only_enabled()
torch.get_deterministic_debug_mode()
torch.use_deterministic_algorithms(False)
torch.use_deterministic_algorithms(1)
torch.set_deterministic_debug_mode('default')
torch.set_deterministic_debug_mode('loud')
torch.backends.cuda.flash_sdp_enabled()
torch.backends.cuda.mem_efficient_sdp_enabled()
torch.backends.cuda.math_sdp_enabled()
torch.backends.cuda.cudnn_sdp_enabled()
torch.backends.cuda.enable_flash_sdp(True)
torch.nn.attention.SDPBackend.MATH == torch.nn.attention.SDPBackend.FLASH_ATTENTION
torch.nn.attention.sdpa_kernel(3).__enter__()
sorted(torch.multiprocessing.get_all_sharing_strategies())
torch.multiprocessing.get_sharing_strategy()
torch.multiprocessing.get_start_method(allow_none=True) in (None, 'fork', 'spawn', 'forkserver')
torch.typename(torch.ones(1))
torch.typename(torch.ones(1, dtype=torch.bool))
torch.typename(1)
torch.typename('a')
torch.typename(int)
torch.inf, -torch.inf, torch.pi, torch.e, torch.newaxis
math.isnan(torch.nan)
torch.ones(2)[:, torch.newaxis]
isinstance(torch.ones(1), torch.autograd.Variable)
isinstance(1, torch.autograd.Variable)
isinstance(torch.__version__, str)
torch.__version__ == str(torch.__version__)
torch.__version__ >= (0, 1)
torch.__version__ >= '0.1'
torch.__version__ > '0.0.9'
torch.__version__.split('.')[0].isdigit()
torch.__version__ < None
"""


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH.strip().splitlines())
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))


def test_there_is_one_process():
    assert not torch.distributed.is_available()
    assert not torch.distributed.is_initialized()
    with pytest.raises(NotImplementedError, match="init_process_group: one process trains here"):
        torch.distributed.init_process_group("nccl", rank=0, world_size=2)
    with pytest.raises(AssertionError, match="there is no process group"):
        torch.distributed.destroy_process_group()
    with pytest.raises(ValueError, match="DistributedDataParallel: there is no process group"):
        torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 3), device_ids=[0])


def test_nothing_is_exported():
    assert not torch.onnx.is_in_onnx_export()
    with pytest.raises(AttributeError, match="'export': PyTorch has it, this engine does not"):
        torch.onnx.export(torch.nn.Linear(2, 3))


def test_switches_of_cudnn_can_be_set():
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        assert torch.backends.cudnn.benchmark
    finally:
        torch.backends.cudnn.benchmark = before


VERSIONS = ["0.1.0", "0.9", "0.10", "1.10.0", "1.10", "1.10.0rc1", "1.10a0", "1.10.dev2020", "1.10.0+cpu"]
VERSIONS += ["1.10.0+cu118", "2", "2.0.0", "v2.0", "1.10.0a0+git12"]


@pytest.mark.torch_parity
@pytest.mark.parametrize("version", VERSIONS)
def test_versions_compare_like_pytorchs(version):
    from torch.torch_version import TorchVersion as Theirs

    others = [*VERSIONS, "abc", (1, 10), [2], (1,), (0, 9, 1)]
    comparisons = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq]
    for other, compare in itertools.product(others, comparisons):
        ours, theirs = compare(TorchVersion(version), other), compare(Theirs(version), other)
        assert ours == theirs, (compare.__name__, version, other)
        assert (TorchVersion(version) != other) != (TorchVersion(version) == other)


def test_deterministic_algorithms_can_be_asked_for():
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        torch.set_deterministic_debug_mode("error")
        assert torch.get_deterministic_debug_mode() == 2
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert not torch.set_flush_denormal(True)


def test_ways_of_attention_can_be_chosen():
    cuda, kinds = torch.backends.cuda, torch.nn.attention.SDPBackend
    with torch.nn.attention.sdpa_kernel([kinds.MATH, kinds.EFFICIENT_ATTENTION]):
        assert cuda.math_sdp_enabled()
        assert cuda.mem_efficient_sdp_enabled()
        assert not cuda.flash_sdp_enabled()
        assert not cuda.cudnn_sdp_enabled()
        cuda.enable_cudnn_sdp(True)
        cuda.enable_math_sdp(False)
        cuda.enable_mem_efficient_sdp(False)
        cuda.enable_flash_sdp(False)
        assert not cuda.math_sdp_enabled()
        assert cuda.cudnn_sdp_enabled()
    assert cuda.flash_sdp_enabled()
    assert cuda.math_sdp_enabled()


def square_of(number, base, queue):
    if base < 0:
        raise SystemExit(3)
    queue.put((number, torch.full((2,), base + number)))


def fail_or_wait(number, queue):
    if number == 1:
        raise SystemExit(4)
    queue.get()  # nobody puts anything there


def test_a_process_that_fails_ends_one_that_waits_for_it():
    mp = torch.multiprocessing
    queue, before = mp.get_context("fork").Queue(), set(mp.active_children())
    with pytest.raises(RuntimeError, match="process 1 terminated with exit code 4"):
        mp.spawn(fail_or_wait, (queue,), nprocs=2, start_method="fork")
    assert set(mp.active_children()) <= before


def test_functions_run_in_processes():
    mp = torch.multiprocessing
    queue = mp.get_context("fork").Queue()
    assert mp.spawn(square_of, (10, queue), nprocs=2, start_method="fork") is None
    found = dict(queue.get() for _ in range(2))
    assert {number: x.tolist() for number, x in found.items()} == {0: [10, 10], 1: [11, 11]}
    (process,) = mp.spawn(square_of, (5, queue), join=False, start_method="fork")
    assert queue.get()[1].tolist() == [5, 5]
    process.join()
    with pytest.raises(RuntimeError, match="process [01] terminated with exit code 3"):
        mp.spawn(square_of, (-1, queue), nprocs=2, start_method="fork")
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system"
    mp.set_sharing_strategy("file_descriptor")
    with pytest.raises(AssertionError, match="expected one of"):
        mp.set_sharing_strategy("telepathy")
