"""``import tinygrad_edu.as_torch``, and what a program imports as torch is this engine.

The first line of a program or notebook; below it stands what stands there anyway::

    import tinygrad_edu.as_torch
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

For this process alone, ``torch`` means ``tinygrad_edu`` and ``torchvision`` means ``tinygrad_edu.vision``: the same
module objects, not copies. It is true for everything that is imported afterwards, other people's packages, too. A
PyTorch on the disk stays as it is. ``uninstall`` ends it.

How: Python asks the finders of ``sys.meta_path`` one by one who knows a module that it has not imported yet. The finder
below stands before all others, and answers for these two packages.

``python -m tinygrad_edu.run script.py`` does the same for a script that is not to be touched at all.

References
----------
https://docs.python.org/3/reference/import.html#the-meta-path
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from tinygrad_edu.missing_names import STANDS_FOR, hint, is_module, our_name


class OwnModule(Loader):
    """Hands out a module of this engine under another name."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module that is there; it is imported first if it must be."""
        self.module = importlib.import_module(our_name(spec.name))
        self.spec = self.module.__spec__
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module as it is: it has been executed. Python has only written the other name on it."""
        module.__spec__ = self.spec


class TorchFinder(MetaPathFinder):
    """Finds ``torch``, ``torchvision`` and all that lies in them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module comes from; None if it is another package's."""
        if fullname.partition(".")[0] not in STANDS_FOR:
            return None
        ours = _spec_of(our_name(fullname))
        if ours is None:  # to return None would have the next finder look, in the folders of this engine
            what = hint(fullname) if is_module(fullname) else repr(fullname)
            raise ModuleNotFoundError(f"No module named {what}", name=fullname)
        is_package = ours.submodule_search_locations is not None
        return ModuleSpec(fullname, OwnModule(), is_package=is_package)


def _spec_of(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:  # of a file that is no package
        return None


_finder = TorchFinder()


def install() -> None:
    """Let ``torch`` mean this engine from now on; done when this module is imported.

    Raises
    ------
    ImportError
        If PyTorch itself has been imported in this process: some would have the one, and some the other.
    """
    for name in STANDS_FOR:
        if name in sys.modules and not _is_ours(name):
            raise ImportError(
                f"tinygrad_edu.as_torch: expected to be imported before {name}, but the real {name} has been imported "
                "in this process already; import tinygrad_edu.as_torch first, in a notebook after a restart"
            )
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Let ``import torch`` mean PyTorch again; names that a program has imported so far stay what they are."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in list(sys.modules):
        if name.partition(".")[0] in STANDS_FOR and _is_ours(name):
            del sys.modules[name]


def _is_ours(name: str) -> bool:
    return sys.modules[name] is sys.modules.get(our_name(name))


install()
