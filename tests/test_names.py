"""Names that PyTorch has and this engine does not: the list, its page, and what the errors say."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import pickle
import pydoc
import subprocess
import sys

import pytest

import tinygrad_edu as torch
from tests import names
from tinygrad_edu import missing_names, nn

SAYS_SO = "PyTorch has it, this engine does not (yet); see docs/missing_names.md"
MISSING = [(owner, name) for owner in names.MODULES for name in names.missing(owner)]


def in_a_new_process(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", program]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(names.ROOT), str(names.ROOT / "kernels")])}
    return subprocess.run(command, cwd=names.ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.torch_parity
def test_the_list_is_what_pytorch_has():
    """In a process of its own: what other tests have imported would be names of PyTorch's modules, too."""
    done = in_a_new_process("from tests import names; print(names.names_file(), end='')")
    assert done.stdout == names.NAMES.read_text(encoding="utf-8"), "run python -m tests.names\n" + done.stderr


def test_the_page_is_what_is_missing():
    done = in_a_new_process("from tests import names; print(names.page(), end='')")
    assert done.stdout == names.PAGE.read_text(encoding="utf-8"), "run python -m tests.names\n" + done.stderr


@pytest.mark.torch_parity
def test_every_module_with_a_public_face_is_compared():
    """A package, or a module that has a __getattr__ of its own, for which PyTorch has one of the same name."""
    ours = []
    for path in sorted((names.ROOT / "tinygrad_edu").rglob("*.py")):
        module = ".".join(path.relative_to(names.ROOT).with_suffix("").parts).removesuffix(".__init__")
        is_face = path.name == "__init__.py" or "_error_of_module(__name__, name)" in path.read_text("utf-8")
        name = "torch" + module.removeprefix("tinygrad_edu")
        # torch.ops is something else: the table of compiled operators
        if is_face and name != "torch.ops" and is_a_module(name):
            ours.append(name)
    assert sorted(ours) == sorted(names.MODULES)


def is_a_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True


def test_every_missing_name_says_so():
    assert len(MISSING) > 100
    for owner, name in MISSING:
        module = names.find(owner, "tinygrad_edu")
        with pytest.raises(AttributeError) as caught:
            getattr(module, name)
        assert str(caught.value) == f"module '{module.__name__}' has no attribute '{name}': {SAYS_SO}"
        assert caught.value.name == name
        assert caught.value.obj is None  # or Python would look for a name of the module that is spelt alike


PROGRAMS = {
    "from tinygrad_edu import nn\nnn.intrinsic": f"module 'tinygrad_edu.nn' has no attribute 'intrinsic': {SAYS_SO}",
    "from tinygrad_edu.nn import Linear, intrinsic": f"cannot import name 'intrinsic': {SAYS_SO}",
    "from tinygrad_edu.nn.functional import scaled_mm": f"cannot import name 'scaled_mm': {SAYS_SO}",
    "from tinygrad_edu import fx": f"cannot import name 'fx': {SAYS_SO}",
    "import tinygrad_edu as torch\ntorch.fx.wrap": f"module 'tinygrad_edu' has no attribute 'fx': {SAYS_SO}",
    "from tinygrad_edu import nn\nnn.Identity().to_empty": (
        f"'Identity' object has no attribute 'to_empty': {SAYS_SO}"
    ),
    "from tinygrad_edu import nn\nnn.Linaer": (
        "module 'tinygrad_edu.nn' has no attribute 'Linaer'. Did you mean: 'Linear'?"
    ),
    "from tinygrad_edu import nn\nnn.Identity().zero_gard": (
        "'Identity' object has no attribute 'zero_gard'. Did you mean: 'zero_grad'?"
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_user_sees(program):
    last_line = in_a_new_process(program).stderr.splitlines()[-1]
    kind = "ImportError" if "import name" in PROGRAMS[program] else "AttributeError"
    assert last_line == f"{kind}: {PROGRAMS[program]}"


def test_a_submodule_that_is_not_there():
    """Python never asks the package; but the answer misleads nobody."""
    done = in_a_new_process("import tinygrad_edu.fx")
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'tinygrad_edu.fx'"


def test_programs_may_ask_whether_there_is_a_name():
    assert not hasattr(torch, "hspmm")
    assert getattr(nn, "intrinsic", None) is None
    assert not hasattr(nn.Identity(), "compile")
    try:
        from tinygrad_edu.nn import intrinsic
    except ImportError as error:
        intrinsic = error.name
    assert intrinsic == "tinygrad_edu.nn"


def test_tools_that_look_into_modules():
    for owner in names.MODULES:
        module = names.find(owner, "tinygrad_edu")
        assert not set(names.missing(owner)) & set(dir(module))
        assert inspect.getmodule(module) is module
        assert inspect.unwrap(module) is module
        assert pydoc.render_doc(module)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    assert repr(copy.deepcopy(model)) == repr(pickle.loads(pickle.dumps(model))) == repr(model)


def test_names_are_read_when_one_is_missing_and_not_before():
    program = (
        "import tinygrad_edu as torch\n"
        "from tinygrad_edu import missing_names\n"
        "torch.nn.Linear, torch.optim.SGD\n"
        "print(missing_names.pytorch_names.cache_info().currsize, hasattr(torch, 'hspmm'))\n"
        "print(missing_names.pytorch_names.cache_info().currsize)\n"
    )
    assert in_a_new_process(program).stdout == "0 False\n1\n"


def test_without_a_list_of_the_module_it_is_the_usual_error():
    error = missing_names.error_of_module("tinygrad_edu.elsewhere", "intrinsic")
    assert repr(error) == repr(AttributeError("module 'tinygrad_edu.elsewhere' has no attribute 'intrinsic'"))
