"""That the generator spoils every public name, that the judge tells errors apart, and a short run of both."""

from __future__ import annotations

import ast
import random
import warnings

import pytest

import tinygrad_edu as torch
from tests.fuzz import judge
from tests.fuzz.namespace import namespace
from tests.fuzz.report import LENIENT, faults, offenders, summary
from tests.fuzz.right_calls import public_functions, right_calls
from tests.fuzz.runner import run_all, wrong_calls
from tests.fuzz.spoil import Wrong, spoil
from tests.fuzz.written_calls import WRITTEN
from tests.names import listed

pytestmark = pytest.mark.host("the workers compute on the CPU")

# They take nothing that could be spoiled, or are not for the users of the package.
LEFT_OUT = {
    *(
        "get_default_device",
        "get_float32_matmul_precision",
        "get_printoptions",
        "get_rng_state",
        "initial_seed",
    ),
    *("is_anomaly_enabled", "is_grad_enabled", "is_inference_mode_enabled", "seed", "printoptions"),
    *("are_deterministic_algorithms_enabled", "is_deterministic_algorithms_warn_only_enabled"),
    "get_deterministic_debug_mode",
    *("keep_freed_memory", "limit_blas_to_one_thread", "absolute"),
    "float_power_",  # of float64 alone, which nothing here makes
    *("accumulate_grad", "as_output_of", "become_view_of", "check_may_change", "edge", "grad_accumulator"),
    *("increment_version", "rebase_history", "set_history", "share_version", "retain_grad", "detach_"),
    *(
        "bool",
        "byte",
        "char",
        "double",
        "float",
        "half",
        "int",
        "long",
        "bfloat16",
        "short",
        "dim",
        "ndimension",
        "nelement",
    ),
    *("numel", "element_size", "is_inference", "is_pinned", "pin_memory", "storage_offset", "cuda"),
    *("is_complex", "is_floating_point", "version_counter"),
    *("coalesce", "is_coalesced", "indices", "values", "crow_indices", "col_indices", "to_sparse_coo", "smm"),
    *("is_nonzero", "is_signed", "is_shared", "is_distributed", "get_device", "const_data_ptr"),
}


def test_every_public_name_has_a_right_call():
    known = set(right_calls())
    names = [f"Tensor.{name}" if method else name for name, _, method in public_functions()]
    names += [f"nn.{name}" for name in listed(torch.nn) if isinstance(getattr(torch.nn, name), type)]
    names += [f"optim.{name}" for name in torch.optim.__all__ if name not in ("lr_scheduler", "swa_utils")]
    without = [n for n in names if n not in known and f"{n}()" not in known]
    assert [name for name in without if name.split(".")[1] not in LEFT_OUT] == []


@pytest.mark.parametrize("expression", WRITTEN)
def test_right_calls_are_right(expression):
    with warnings.catch_warnings(action="ignore"):
        eval(expression, namespace(torch))


def test_one_thing_is_spoiled_and_the_same_one_for_the_same_seed():
    rng = random.Random(0)
    for calls in right_calls().values():
        for right in calls:
            state = rng.getstate()
            wrong = spoil(right, rng)
            after = rng.getstate()
            rng.setstate(state)
            assert spoil(right, rng) == wrong
            rng.setstate(after)
            ast.parse(wrong.wrong, mode="eval")


JUDGED = {
    "torch.exp(real(2), 3, 4)": (judge.CLEAR, "TypeError"),
    "torch.exp([1.0])": (judge.CLEAR, "TypeError"),
    "torch.exp(real(2))": (judge.RETURNED, ""),
    "np.ones(2) + np.ones(3)": (judge.RAW, "ValueError"),
    "torch.exp(real(2).no_such_thing)": (judge.RAW, "AttributeError"),
    "torch.exp(undefined)": (judge.RAW, "NameError"),
    "__import__('time').sleep(60)": (judge.HANG, "Late"),
}


@pytest.mark.parametrize("expression", JUDGED)
def test_the_judge_tells_errors_apart(expression, monkeypatch):
    monkeypatch.setattr(judge, "SECONDS", 0.1)
    found = judge.outcome(Wrong("torch.exp", "torch.exp(real(2))", expression))
    assert (found.kind, found.error) == JUDGED[expression]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("exp: expected a Tensor, got a list", judge.CLEAR),
        ("argument 'input' must be Tensor", judge.CLEAR),
        ("something is wrong", judge.NAMELESS),
        ("exp: ufunc 'exp' not supported", judge.RAW),
        ("'NoneType' object has no attribute 'shape'", judge.RAW),
    ],
)
def test_a_message_is_judged_by_what_it_names(message, kind):
    assert judge.kind_of(Wrong("torch.exp", "", ""), TypeError(message)) == kind


def test_settings_are_put_back():
    before = torch.get_default_dtype(), torch.get_num_threads()
    judge.run("torch.set_default_dtype(torch.float64)", torch)
    judge.run("torch.set_num_threads(1)", torch)
    assert (torch.get_default_dtype(), torch.get_num_threads()) == before


def test_a_crash_ends_the_worker_and_not_the_run():
    good = Wrong("torch.exp", "torch.exp(real(2))", "torch.exp([1.0])")
    results = run_all(
        [good, Wrong("torch.exp", "torch.exp(real(2))", "__import__('os').abort()"), good], lambda: None
    )
    assert [result.here.kind for result in results] == [judge.CLEAR, judge.CRASH, judge.CLEAR]
    assert "the end of the process" in summary(results)
    assert "abort()" in offenders(results)


def test_few_wrong_calls_end_in_anything_but_an_error_of_ours():
    results = run_all(wrong_calls(300, seed=0), lambda: None)
    print(summary(results), offenders(results))
    found = [fault for result in results for fault in faults(result)]
    assert found.count(judge.CRASH) == found.count(judge.HANG) == 0
    assert found.count(judge.RAW) <= 3  # 0 now, 1 % at most
    assert found.count(LENIENT) <= 6  # 2 now, 2 % at most
