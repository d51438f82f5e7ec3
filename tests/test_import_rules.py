"""The order of the parts: who may import whom, read from the source without running it."""

from __future__ import annotations

import ast
import functools
import graphlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "tinygrad_edu": ROOT / "tinygrad_edu",
    "tinygrad_edu_kernels": ROOT / "kernels" / "tinygrad_edu_kernels",
}

# In reading order. A module imports from its own layer and from those above it in this list. A new module
# that no line names fails the test: put it where it belongs.
LAYERS = {
    "kernels": ["tinygrad_edu_kernels"],
    "backend": [
        "tinygrad_edu.version",
        "tinygrad_edu.torch_version",
        "tinygrad_edu.missing_names",
        "tinygrad_edu.type_names",
        "tinygrad_edu.cuda_availability",
        "tinygrad_edu.backend",
        "tinygrad_edu.numpy_dtypes",
        "tinygrad_edu.dtypes",
        "tinygrad_edu.size",
        "tinygrad_edu.layouts",
        "tinygrad_edu.memory_formats",
        "tinygrad_edu.float_errors",
        "tinygrad_edu.scalars",
        "tinygrad_edu.arguments",
        "tinygrad_edu.determinism",
        "tinygrad_edu.process_settings",
        "tinygrad_edu.threads",
        "tinygrad_edu.compile_ahead",
        "tinygrad_edu.compiling",
        "tinygrad_edu.kernel_table",
    ],
    "autograd": ["tinygrad_edu.autograd"],
    "ops": ["tinygrad_edu.ops", "tinygrad_edu.random"],
    "tensor": [
        "tinygrad_edu.profiler",
        "tinygrad_edu._tensor",
        "tinygrad_edu._tensor_methods",
        "tinygrad_edu._tensor_str",
        "tinygrad_edu.creation",
        "tinygrad_edu.fft",
        "tinygrad_edu.frequencies",
        "tinygrad_edu.inplace_functions",
        "tinygrad_edu.autograd.functional",
        "tinygrad_edu.queries",
        "tinygrad_edu.sparse",
        "tinygrad_edu.tensor_types",
        "tinygrad_edu.masked",
        "tinygrad_edu.sampling",
        "tinygrad_edu.sampling_counts",
        "tinygrad_edu.signal",
        "tinygrad_edu.special",
        "tinygrad_edu.cuda",
        "tinygrad_edu.amp",
        "tinygrad_edu.linalg",
        "tinygrad_edu.distributed",
        "tinygrad_edu.multiprocessing",
        "tinygrad_edu.onnx",
        "tinygrad_edu.types",
        "tinygrad_edu.accelerator",
        "tinygrad_edu.backends",
    ],
    "nn": ["tinygrad_edu.nn"],
    "optim": ["tinygrad_edu.optim"],
    "func": ["tinygrad_edu.func", "tinygrad_edu.testing", "tinygrad_edu.autograd.forward_ad"],
    "replay": ["tinygrad_edu.replay", "tinygrad_edu.compiler", "tinygrad_edu.jit"],
    "distributions": ["tinygrad_edu.distributions"],
    "serialization": ["tinygrad_edu.serialization", "tinygrad_edu.safetensors", "tinygrad_edu.hub"],
    "utils": ["tinygrad_edu.utils"],
    "package": ["tinygrad_edu"],
    "vision": ["tinygrad_edu.vision"],
    "estimator": ["tinygrad_edu.estimator"],
    "warmup": ["tinygrad_edu.warmup"],
    "programs": ["tinygrad_edu.as_torch", "tinygrad_edu.port", "tinygrad_edu.run"],
    "learn": ["tinygrad_edu.learn"],
}
LAYER_NAMES = list(LAYERS)


def module_name(path: Path) -> str:
    """Name the module of a file: tinygrad_edu/nn/__init__.py is tinygrad_edu.nn."""
    for package, folder in SOURCES.items():
        if path.is_relative_to(folder):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    raise ValueError(path)


FILES = {module_name(path): path for folder in SOURCES.values() for path in sorted(folder.rglob("*.py"))}


@functools.cache  # and not as the file is imported, which all processes do: it takes seconds
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text(encoding="utf-8"), path) for name, path in FILES.items()}


def layer_of(module: str) -> str | None:
    """Return the layer whose list names the module, or the package that it is in."""
    while module:
        for layer, members in LAYERS.items():
            # "tinygrad_edu" stands for itself alone, not for all that is in it
            if module in members and (module != "tinygrad_edu" or layer == "package"):
                return layer
        module = module.rpartition(".")[0]
        if module == "tinygrad_edu":
            return None
    return None


def is_import_call(node: ast.AST) -> bool:
    names = ("__import__", "import_module", "importlib.import_module")
    return isinstance(node, ast.Call) and ast.unparse(node.func) in names


def import_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what imports something when the program runs, also inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from import_nodes(ast.Module(body=node.orelse, type_ignores=[]))
            continue
        if isinstance(node, ast.Import | ast.ImportFrom) or is_import_call(node):
            yield node
        yield from import_nodes(node)


def imported_modules(importer: str, node: ast.AST) -> list[str]:
    """Return the modules that one import loads: ours by the file they are in, others by what is written."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Call):
        return [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
    assert isinstance(node, ast.ImportFrom)
    base = node.module or ""
    if node.level:  # from ..ops import add
        package = importer if FILES[importer].name == "__init__.py" else importer.rpartition(".")[0]
        parents = package.split(".")[: len(package.split(".")) + 1 - node.level]
        base = ".".join([*parents, base] if base else parents)
    # "from tinygrad_edu import nn" loads tinygrad_edu.nn, and so does "from tinygrad_edu.nn import Linear"
    return [f"{base}.{alias.name}" if f"{base}.{alias.name}" in FILES else base for alias in node.names]


@functools.cache
def imports() -> list[tuple[str, ast.AST, str]]:
    return [
        (importer, node, imported)
        for importer, tree in trees().items()
        for node in import_nodes(tree)
        for imported in imported_modules(importer, node)
    ]


def is_ours(module: str) -> bool:
    return module.split(".")[0] in SOURCES


def where(module: str, node: ast.AST) -> str:
    return f"{FILES[module].relative_to(ROOT).as_posix()}:{node.lineno}"


def test_there_is_something_to_read():
    assert len(FILES) > 3


def test_every_module_has_a_layer():
    homeless = [module for module in FILES if layer_of(module) is None]
    assert not homeless, f"say in LAYERS ({Path(__file__).name}) where these belong: {homeless}"


def test_imports_point_one_way():
    wrong = []
    for importer, node, imported in imports():
        lower, upper = layer_of(importer), layer_of(imported) if is_ours(imported) else None
        if lower and upper and LAYER_NAMES.index(upper) > LAYER_NAMES.index(lower):
            wrong.append(f"{where(importer, node)}: {lower} must not import {imported}, which is of {upper}")
    assert not wrong, "\n" + "\n".join(wrong)


def graph_of(edges: list[tuple[str, ast.AST, str]]) -> dict[str, set[str]]:
    """Return for every module those that it imports."""
    graph: dict[str, set[str]] = {}
    for importer, _, imported in edges:
        if imported in FILES and imported != importer:
            graph.setdefault(importer, set()).add(imported)
    return graph


def check_no_cycle(graph: dict[str, set[str]]) -> None:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail("import cycle: " + " <- ".join(error.args[1]))


def test_no_import_cycle():
    check_no_cycle(graph_of(imports()))


def test_no_cycle_of_types_but_the_one():
    """Counting also what is imported for type checkers alone, one import closes a circle.

    Tensor has methods that make tensors (new_zeros and its like), and what makes tensors says of its results that they
    are Tensors.
    """
    with_types = [
        (importer, node, imported)
        for importer, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for imported in imported_modules(importer, node)
    ]
    graph = graph_of(with_types)
    rooms = [module for module in graph if module.startswith("tinygrad_edu.creation.")]
    assert rooms
    for room in rooms:
        graph[room].discard("tinygrad_edu._tensor")
    check_no_cycle(graph)
    assert not any("tinygrad_edu._tensor" in graph_of(imports())[room] for room in rooms)


def test_the_engine_knows_no_observer():
    """Those who observe import autograd; the files that run nodes import none of them."""
    observers = ("tinygrad_edu.profiler", "tinygrad_edu.autograd.anomaly")
    wrong = [
        f"{importer} imports {imported}"
        for importer, _, imported in imports()
        if importer.startswith(
            ("tinygrad_edu.autograd.", "tinygrad_edu.ops", "tinygrad_edu.nn", "tinygrad_edu.optim")
        )
        and imported.startswith(observers)
    ]
    assert not wrong, wrong


def test_kernels_know_arrays_only():
    wrong = [
        f"{where(importer, node)}: imports {imported}"
        for importer, node, imported in imports()
        if importer.split(".")[0] == "tinygrad_edu_kernels" and imported.split(".")[0] == "tinygrad_edu"
    ]
    assert not wrong, "\n" + "\n".join(wrong)


ROOM = "tinygrad_edu_kernels.threads"


def is_in_room(module: str) -> bool:
    return module == ROOM or module.startswith(ROOM + ".")


def looks_into_the_room(tree: ast.AST, importer: str) -> Iterator[ast.AST]:
    """Yield what uses more of the thread runtime than the names that its face exports."""
    (exported,) = [
        ast.literal_eval(node.value)
        for node in trees()[ROOM].body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    face = {ROOM}  # what the room is called in this file
    for node in import_nodes(tree):
        modules = imported_modules(importer, node)
        if any(is_in_room(module) and module != ROOM for module in modules):
            yield node
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias, module in zip(node.names, modules, strict=True):
                if module == ROOM and alias.name == ROOM.rpartition(".")[2]:
                    face.add(alias.asname or alias.name)
                elif module == ROOM and isinstance(node, ast.ImportFrom) and alias.name not in exported:
                    yield node
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in face and node.attr not in exported:
            yield node


def test_nobody_looks_into_the_thread_runtime():
    wrong = [
        f"{where(importer, node)}: {ast.unparse(node)}"
        for importer, tree in trees().items()
        if not is_in_room(importer)
        for node in looks_into_the_room(tree, importer)
    ]
    assert not wrong, f"import what {ROOM} exports, no more:\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("from tinygrad_edu_kernels import threads\nthreads.run_over(1, 2.0, f)", 0),
        ("from tinygrad_edu_kernels.threads import run_over, number_of_sums", 0),
        ("from tinygrad_edu_kernels.threads import team", 1),
        ("from tinygrad_edu_kernels.threads.team import Team", 1),
        ("import tinygrad_edu_kernels.threads.team", 1),
        ("from tinygrad_edu_kernels.threads import WORTHWHILE_NANOSECONDS", 1),
        ("from tinygrad_edu_kernels import threads\nthreads.parallel.setting", 1),
        ("from tinygrad_edu_kernels import threads as t\nt.sharing.is_available()", 1),
        ("import tinygrad_edu_kernels.threads\ntinygrad_edu_kernels.threads.team.Team()", 1),
        ("def f():\n    importlib.import_module('tinygrad_edu_kernels.threads.mailbox')", 1),
    ],
)
def test_the_guard_of_the_thread_runtime(source, count):
    assert len(list(looks_into_the_room(ast.parse(source), "tinygrad_edu_kernels.pooling.cpu"))) == count


def test_private_parts_of_numba_are_in_one_file_of_the_thread_runtime():
    """Numba's documentation is about the names in numba, numba.types and numba.extending."""
    wrong = [
        f"{where(importer, node)}: imports {imported}; put it into numba_private.py"
        for importer, node, imported in imports()
        if is_in_room(importer) and importer != f"{ROOM}.numba_private"
        if imported.split(".")[0] == "numba" and imported not in ("numba", "numba.types", "numba.extending")
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_only_backend_and_cuda_availability_import_cupy():
    wrong = [
        f"{where(importer, node)}: imports {imported}; use tinygrad_edu.backend.array_module"
        for importer, node, imported in imports()
        if imported.split(".")[0] in ("cupy", "cupyx")
        if importer not in ("tinygrad_edu.backend", "tinygrad_edu.cuda_availability")
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_no_star_imports():
    texts = {
        path: path.read_text(encoding="utf-8")
        for folder in ("tinygrad_edu", "kernels", "tests", "demos")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    wrong = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path, text in texts.items()
        if re.search(r"import[\s\\(]*\*", text)  # to parse all of them takes seconds
        for node in ast.walk(ast.parse(text, path))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    assert not wrong, f"name what you import: {wrong}"


def test_no_lambda_in_the_engine():
    """A learner stops in a function that has a name."""
    wrong = [
        where(module, node)
        for module, tree in trees().items()
        if module.startswith(("tinygrad_edu.ops", "tinygrad_edu.autograd"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
    ]
    assert not wrong, f"write a function with a name: {wrong}"


def test_import_is_quiet_and_light(tmp_path):
    """Importing prints nothing, warns of nothing, and loads nothing that is optional or slow to load."""
    program = (
        "import sys, tinygrad_edu\n"
        "optional = ['matplotlib', 'cupy', 'graphviz', 'torch', 'pytest', 'hypothesis', 'PIL', 'IPython']\n"
        "slow = ['numba', 'llvmlite', 'yaml', 'scipy', 'multiprocessing', 'socket']\n"
        "slow += ['tinygrad_edu.' + name for name in tinygrad_edu._LOADED_WHEN_USED]\n"
        "sys.exit(' '.join(name for name in optional + slow if name in sys.modules) or None)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LOADED_LATER = """
import sys, tinygrad_edu as torch
for name in torch._LOADED_WHEN_USED:
    assert name in dir(torch)
    assert getattr(torch, name) is sys.modules["tinygrad_edu." + name] is vars(torch)[name]
assert torch.utils.data.DataLoader
assert "numba" not in sys.modules
torch.nn.functional.gelu(torch.ones(3))
assert "numba" in sys.modules
"""


def test_what_is_slow_to_load_is_loaded_when_it_is_used():
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    env.pop("TINYGRAD_EDU_KERNELS", None)
    subprocess.run([sys.executable, "-c", LOADED_LATER], env=env, check=True)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import cupy", ["cupy"]),
        ("from . import name", ["tinygrad_edu.ops"]),
        ("from .. import nn", ["tinygrad_edu.nn"]),
        ("from ..nn.functional import relu", ["tinygrad_edu.nn.functional"]),
        ("from tinygrad_edu.nn import functional, Linear", ["tinygrad_edu.nn.functional", "tinygrad_edu.nn"]),
        ("def f():\n    import cupy.cuda", ["cupy.cuda"]),
        ("cupy = importlib.import_module('cupy')", ["cupy"]),
        ("if TYPE_CHECKING:\n    import cupy\nelse:\n    import numpy", ["numpy"]),
    ],
)
def test_the_reader_of_imports(monkeypatch, source, expected):
    """The tests above see no more than this reader does: a file ops/planted.py with each kind of import."""
    for module in ("tinygrad_edu.ops.planted", "tinygrad_edu.nn", "tinygrad_edu.nn.functional"):
        monkeypatch.setitem(FILES, module, Path(*module.split(".")).with_suffix(".py"))
    nodes = list(import_nodes(ast.parse(source)))
    assert [m for node in nodes for m in imported_modules("tinygrad_edu.ops.planted", node)] == expected
