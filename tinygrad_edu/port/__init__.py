r"""What a script asks of PyTorch, and what of it is here: ``python -m tinygrad_edu.port script.py``.

It reads the text of the script and runs nothing of it: Python's ``ast`` makes a tree of it, ``aliases.py`` finds out
which names in it are PyTorch's, ``findings.py`` looks each of them up in this engine, and ``rewrite.py`` changes the
imports.

Examples
--------
>>> from tinygrad_edu import port
>>> for finding in port.check("import torch as t\nx = t.ones(3, device='cpu')\ny = t.hspmm(x, x)"):
...     print(finding)
3: missing: torch.hspmm: PyTorch has it, this engine does not (yet)
>>> print(port.with_changed_imports("import os, torch.nn as nn  # layers"))
import os, tinygrad_edu.nn as nn  # layers
"""

from __future__ import annotations

from tinygrad_edu.port.findings import Finding as Finding, check as check
from tinygrad_edu.port.rewrite import with_changed_imports as with_changed_imports
