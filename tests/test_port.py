"""``python -m tinygrad_edu.port``: what a script asks of PyTorch and does not get here."""

from __future__ import annotations

import ast

import pytest

from tinygrad_edu import port
from tinygrad_edu.port import differences, lookup
from tinygrad_edu.port.__main__ import main

# A text, and what is found in it: line, kind, name. Names that no engine but PyTorch will ever have stand for all.
SNIPPETS = [
    ("import torch\ntorch.nn.Linear(2, 3).to('cpu')\ntorch.utils.data.DataLoader", []),
    ("import torch\nx = torch.hspmm", [(2, "missing", "torch.hspmm")]),
    ("import torch as t\nx = t.hspmm(t.ones(3))", [(2, "missing", "torch.hspmm")]),
    ("from torch import nn as layers\nlayers.quantized.Linear", [(2, "missing", "torch.nn.quantized")]),
    (
        "import torch.nn.functional as F\nF.relu(F.nonsense(x))",
        [(2, "missing", "torch.nn.functional.nonsense")],
    ),
    ("import torch.nn as nn\nclass A(nn.Nonsense): pass", [(2, "missing", "torch.nn.Nonsense")]),
    ("import torch\n@torch.nonsense()\ndef f(): pass", [(2, "missing", "torch.nonsense")]),
    ("def f():\n    import torch\n    return torch.hspmm", [(3, "missing", "torch.hspmm")]),
    ("import torch\nnn = torch.nn\nnn.Nonsense", [(3, "missing", "torch.nn.Nonsense")]),
    ("import torch.fx", [(1, "missing", "torch.fx")]),
    ("import torch.fx.passes as p\np.x", [(1, "missing", "torch.fx"), (2, "missing", "torch.fx")]),
    ("from torch import (nn,\n  hspmm)", [(1, "missing", "torch.hspmm")]),
    ("from torchvision import nonsense, datasets", [(1, "missing", "torchvision.nonsense")]),
    ("from torch import *", [(1, "guess", "from torch import *")]),
    ("import torch\ntorch.Tensor.to_mkldnn", [(2, "missing", "torch.Tensor.to_mkldnn")]),
    ("import torch\ntorch.float32.nonsense", [(2, "guess", "torch.float32.nonsense")]),
    # methods of nobody knows what
    ("x.relu().to_mkldnn()", [(1, "guess", ".to_mkldnn")]),
    ("f(x)[0].to_mkldnn", [(1, "guess", ".to_mkldnn")]),
    ("import numpy as np\nnp.linalg.to_mkldnn()", []),
    ("class A:\n    def to_mkldnn(self): pass\nA().to_mkldnn()", []),
    ("x.to_mkldnn = 1\nx.to_mkldnn", []),
    ("''.join(x), x.nonsense()", []),
    # arguments
    ("import torch\ntorch.zeros(3, nonsense=1, dtype=None)", [(2, "argument", "torch.zeros(nonsense=)")]),
    (
        "from torch import nn\nnn.Linear(\n    2, 3,\n    nonsense=True)",
        [(4, "argument", "torch.nn.Linear(nonsense=)")],
    ),
    ("import torch\ntorch.sum(x, axis=1, keepdims=True)", []),
    ("import torch\ntorch.zeros(3, **kwargs)", []),
    ("from torch.nn import Module\nModule(nonsense=1)", [(2, "argument", "torch.nn.Module(nonsense=)")]),
    # what can be done without, and names with two meanings
    ("try:\n    import torch.fx\nexcept ImportError:\n    fx = None", [(2, "guess", "torch.fx")]),
    ("try:\n    import os\nfinally:\n    import torch.fx", [(4, "missing", "torch.fx")]),
    (
        "import torch.nn.functional as F\ndef f(F):\n    return F.nonsense",
        [(3, "guess", "torch.nn.functional.nonsense")],
    ),
    # what is another
    ("import torch\nf = torch.compile(f)", [(2, "differs", "torch.compile")]),
    (
        "import torch\ntorch.distributed.init_process_group()",
        [(2, "refused", "torch.distributed.init_process_group")],
    ),
]


@pytest.mark.parametrize(("source", "expected"), SNIPPETS, ids=[source for source, _ in SNIPPETS])
def test_what_is_found(source, expected):
    found = port.check(source)
    assert [(f.line, f.kind, f.name) for f in found] == expected
    assert all(f.text for f in found)


def test_what_is_said():
    (finding,) = port.check("import torch\ntorch.hspmm")
    assert str(finding) == "2: missing: torch.hspmm: PyTorch has it, this engine does not (yet)"
    assert port.check("import torch\ntorch.nonsense")[0].text == lookup.NOWHERE
    assert port.check("import torchvision\ntorchvision.nonsense")[0].text == lookup.NO_VISION


@pytest.mark.parametrize("name", [*differences.RUNS_ANOTHER_WAY, *differences.NOT_WHEN_CALLED])
def test_what_differs_is_here(name):
    lookup.find(name)


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", [*differences.RUNS_ANOTHER_WAY, *differences.NOT_WHEN_CALLED])
def test_what_differs_is_a_name_of_pytorch(name):
    torch = pytest.importorskip("torch")
    for part in name.split(".")[1:]:
        torch = getattr(torch, part)


CHANGED = [
    ("import torch", "import tinygrad_edu as torch"),
    ("import torch as t, os", "import tinygrad_edu as t, os"),
    ("import  os ,  torch # torch", "import  os ,  tinygrad_edu as torch # torch"),
    ("import torch.nn", "import tinygrad_edu.nn, tinygrad_edu as torch"),
    ("import torch.nn.functional as F", "import tinygrad_edu.nn.functional as F"),
    ("import torchvision", "import tinygrad_edu.vision as torchvision"),
    ("import torchvision.transforms as T", "import tinygrad_edu.vision.transforms as T"),
    ("from torch import nn as n", "from tinygrad_edu import nn as n"),
    (
        "from  torch.nn  import (Linear, # torch\n ReLU)",
        "from  tinygrad_edu.nn  import (Linear, # torch\n ReLU)",
    ),
    ("from \\\n torch import nn", "from \\\n tinygrad_edu import nn"),
    ("x = 'é torch'; import torch", "x = 'é torch'; import tinygrad_edu as torch"),
    ("if 1:\r\n\timport torch\r\n\r\n", "if 1:\r\n\timport tinygrad_edu as torch\r\n\r\n"),
    ("import torchtext, torch_geometric", "import torchtext, torch_geometric"),
    ("from .torch import nn\nfrom . import torch", "from .torch import nn\nfrom . import torch"),
    ("'import torch'\n# import torch", "'import torch'\n# import torch"),
]


@pytest.mark.parametrize(("source", "expected"), CHANGED, ids=[source for source, _ in CHANGED])
def test_imports_are_changed_and_nothing_else(source, expected):
    assert port.with_changed_imports(source) == expected
    ast.parse(expected)


def test_the_changed_script_runs(capsys):
    source = (
        "import torch, torch.nn.functional as F\nimport torch.utils.data\nfrom torchvision import transforms\n"
        "print(F.relu(torch.tensor([-1.0, 2.0])).sum().item(), torch.utils.data.Dataset.__name__)"
    )
    exec(compile(port.with_changed_imports(source), "<ported>", "exec"), {})
    assert capsys.readouterr().out == "2.0 Dataset\n"


def test_the_command_line(tmp_path, capsys):
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_bytes("# -*- coding: latin-1 -*-\r\nimport torch  # é\r\n".encode("latin-1"))
    bad.write_text("import torch\ntorch.hspmm\n", encoding="utf-8")
    assert main([str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: 0 missing, 0 that run another way, 0 guesses\n"
    assert main([str(good), str(bad)]) == 1
    assert f"{bad}:2: missing: torch.hspmm" in capsys.readouterr().out

    assert main([str(good), "--write"]) == 0
    written = tmp_path / "good_ported.py"
    expected = "# -*- coding: latin-1 -*-\r\nimport tinygrad_edu as torch  # é\r\n"
    assert written.read_bytes() == expected.encode("latin-1")
    assert main([str(bad), "--write", "-o", str(tmp_path / "new.py")]) == 1
    assert (tmp_path / "new.py").read_text(encoding="utf-8").startswith("import tinygrad_edu as torch\n")

    for arguments in ([good, "--write"], [good, "--write", "-o", bad], [tmp_path / "none.py"]):
        assert main([str(argument) for argument in arguments]) == 2
    assert written.read_bytes() == expected.encode("latin-1")
    assert bad.read_text(encoding="utf-8") == "import torch\ntorch.hspmm\n"
    (tmp_path / "broken.py").write_text("x = (", encoding="utf-8")
    assert main([str(tmp_path / "broken.py"), str(good)]) == 2
    assert "broken.py: '(' was never closed" in capsys.readouterr().err


def test_arguments_that_do_not_go_together(capsys):
    with pytest.raises(SystemExit):
        main(["a.py", "b.py", "--write", "-o", "c.py"])
    assert "-o goes with --write and a single script" in capsys.readouterr().err
