"""Values of Python that a program reads by other ways than a plain name: a list holds for those it was written for."""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
import operator
import os
import sys
import types
import warnings
import weakref

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu.replay.state import equal

SCALE = 2.0


@dataclasses.dataclass
class Config:
    scale: float = 2.0

    def set(self, scale):
        self.scale = scale


def by_a_name_that_is_made():
    config, which = Config(), "le"
    return lambda x: x * getattr(config, f"sca{which}"), config.set


def with_a_default():
    class Plain:
        pass

    config = Plain()
    return lambda x: x * getattr(config, "scale", 2.0), functools.partial(setattr, config, "scale")


def by_vars():
    config = Config()
    return lambda x: x * vars(config)["scale"], config.set


def by_asdict():
    config = Config()
    return lambda x: x * dataclasses.asdict(config)["scale"], config.set


def by_an_attrgetter():
    config, get = Config(), operator.attrgetter("scale")
    return lambda x: x * get(config), config.set


def by_a_bound_method_of_a_dict():
    values = {"scale": 2.0}
    get = values.get
    return lambda x: x * get("scale"), functools.partial(values.__setitem__, "scale")


def through_a_weak_reference():
    config = Config()
    reference = weakref.ref(config)
    return lambda x: x * reference().scale, config.set


def in_a_chain_of_dicts():
    values = {"scale": 2.0}
    chain = collections.ChainMap({}, values)
    return lambda x: x * chain["scale"], functools.partial(values.__setitem__, "scale")


def behind_a_proxy():
    values = {"scale": 2.0}
    proxy = types.MappingProxyType(values)
    return lambda x: x * proxy["scale"], functools.partial(values.__setitem__, "scale")


def in_the_environment():
    os.environ["TINYGRAD_EDU_TEST_SCALE"] = "2"

    def change(scale):
        os.environ["TINYGRAD_EDU_TEST_SCALE"] = str(scale)

    return lambda x: x * float(os.environ["TINYGRAD_EDU_TEST_SCALE"]), change


def set_scale(scale):
    global SCALE
    SCALE = scale


def among_globals():
    set_scale(2.0)
    return lambda x: x * globals()["SCALE"], set_scale


def in_a_module_that_is_made():
    module = types.ModuleType("made")
    module.scale = 2.0
    return lambda x: x * module.scale, functools.partial(setattr, module, "scale")


def in_a_module_that_is_imported_inside():
    set_scale(2.0)

    def f(x):
        from tests.replay.test_python_values import SCALE as scale

        return x * scale

    return f, functools.partial(setattr, sys.modules[f.__module__], "SCALE")


def as_a_default():
    def scaled(x, scale=2.0):
        return x * scale

    return lambda x: scaled(x) + 1, lambda scale: setattr(scaled, "__defaults__", (scale,))


def as_a_default_of_a_keyword():
    def scaled(x, *, scale=2.0):
        return x * scale

    return scaled, lambda scale: setattr(scaled, "__kwdefaults__", {"scale": scale})


def as_the_code_of_a_function():
    def scaled(x):
        return x * 2.0

    def otherwise(x):
        return x * 3.0

    return lambda x: scaled(x) + 1, lambda scale: setattr(scaled, "__code__", otherwise.__code__)


def as_an_attribute_of_a_function():
    def scaled(x):
        return x * scaled.scale

    scaled.scale = 2.0
    return scaled, functools.partial(setattr, scaled, "scale")


def by_another_class():
    class First:
        scale = 2.0

    class Second:
        scale = 3.0

    config = First()
    return lambda x: x * config.scale, lambda scale: setattr(config, "__class__", Second)


def in_a_cache():
    config = Config()

    @functools.lru_cache
    def scale():
        return config.scale

    def change(value):
        config.scale = value
        scale.cache_clear()

    return lambda x: x * scale(), change


def in_a_library(monkeypatch):
    return lambda x: F.relu(x) * math.tau, lambda scale: monkeypatch.setattr(math, "tau", scale)


def as_a_function_of_the_engine(monkeypatch):
    return lambda x: F.relu(x), lambda scale: monkeypatch.setattr(F, "relu", lambda x: x * scale)


class Scaled(torch.nn.Module):
    def forward(self, x):
        return x * 2.0


class Times:
    def __mul__(self, x):
        return x * 2.0


def as_the_forward_of_a_class(monkeypatch):
    scaled = Scaled()
    return lambda x: scaled(x), lambda scale: monkeypatch.setattr(
        Scaled, "forward", lambda self, x: x * scale
    )


def as_the_forward_of_a_class_of_the_engine(monkeypatch):
    relu = torch.nn.ReLU()
    return lambda x: relu(x), lambda scale: monkeypatch.setattr(
        torch.nn.ReLU, "forward", lambda self, x: x * scale
    )


def as_a_method_that_python_calls(monkeypatch):
    times = Times()
    return lambda x: times * x, lambda scale: monkeypatch.setattr(Times, "__mul__", lambda self, x: x * scale)


PROGRAMS = [
    as_the_forward_of_a_class,
    as_the_forward_of_a_class_of_the_engine,
    as_a_method_that_python_calls,
    by_a_name_that_is_made,
    with_a_default,
    by_vars,
    by_asdict,
    by_an_attrgetter,
    by_a_bound_method_of_a_dict,
    through_a_weak_reference,
    in_a_chain_of_dicts,
    behind_a_proxy,
    in_the_environment,
    among_globals,
    in_a_module_that_is_made,
    in_a_module_that_is_imported_inside,
    as_a_default,
    as_a_default_of_a_keyword,
    as_the_code_of_a_function,
    as_an_attribute_of_a_function,
    by_another_class,
    in_a_cache,
    in_a_library,
    as_a_function_of_the_engine,
]


@pytest.mark.parametrize("make", PROGRAMS)
def test_a_value_that_changes_between_calls(make, monkeypatch):
    function, change = make(*[monkeypatch] * make.__code__.co_argcount)
    compiled = torch.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are not replayed
        for i in range(12):
            if i in (5, 9):
                change(float(i))
            x = torch.randn(4)
            assert equal(compiled(x), function(x)), i
