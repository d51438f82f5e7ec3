"""What all families of kernels are tested with: one thread, and three at a time."""

from __future__ import annotations

import pytest

from tinygrad_edu_kernels.threads import parallel, sharing


@pytest.fixture
def three_threads(monkeypatch):
    """Cut every piece of work, however small, into three parts, for the pool, whatever the number of cores."""
    monkeypatch.setattr(sharing, "WORTHWHILE_NANOSECONDS", 1e-9)
    monkeypatch.setattr(sharing, "is_available", lambda: False)
    monkeypatch.setattr(parallel, "WORTHWHILE_NANOSECONDS", 1e-9)
    monkeypatch.setattr(parallel.setting, "num_threads", 3)


@pytest.fixture
def team_of_three(monkeypatch):
    """Share every piece of work, however small, among three threads that are awake."""
    if not sharing.is_available():
        pytest.skip("no team of threads here")
    monkeypatch.setattr(sharing, "WORTHWHILE_NANOSECONDS", 1e-9)
    monkeypatch.setattr(parallel.setting, "num_threads", 3)


@pytest.fixture(params=["one thread", "three threads", "team of three"])
def way(request):
    """All ways through the compiled kernels."""
    if request.param != "one thread":
        request.getfixturevalue(request.param.replace(" ", "_"))
    return request.param


@pytest.fixture(params=["three threads", "team of three"])
def shared(request):
    """Both ways of sharing."""
    request.getfixturevalue(request.param.replace(" ", "_"))
    return request.param
