"""Change the imports of a script, and nothing else of its text."""

from __future__ import annotations

import ast
import io
import re
import tokenize

from tinygrad_edu.missing_names import our_name
from tinygrad_edu.port.aliases import is_pytorch

FROM = re.compile(rb"from(?:\s|\\\r?\n)+")


def with_changed_imports(source: str) -> str:
    r"""Return the text with ``torch`` and ``torchvision`` changed to this engine in its imports.

    Examples
    --------
    >>> print(with_changed_imports("import torch\nfrom torchvision import transforms"))
    import tinygrad_edu as torch
    from tinygrad_edu.vision import transforms
    """
    # Positions in the tree count bytes of UTF-8, and lines that end in \n, \r\n or \r.
    text = source.encode()
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", text))]
    for first, last, new in sorted(_edits(ast.parse(source), text, starts), reverse=True):
        text = text[:first] + new.encode() + text[last:]
    return text.decode()


def read(path: str) -> tuple[str, str]:
    """Return the text of a script, with its ends of lines as they are, and its encoding."""
    with open(path, "rb") as file:
        data = file.read()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding), encoding


def _edits(tree: ast.AST, text: bytes, starts: list[int]) -> list[tuple[int, int, str]]:
    """Return what is to be replaced: from this byte to that byte, by a text."""
    edits: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if is_pytorch(alias.name):
                    first = starts[alias.lineno - 1] + alias.col_offset
                    last = starts[(alias.end_lineno or 0) - 1] + (alias.end_col_offset or 0)
                    edits.append((first, last, _imported(alias)))
        elif isinstance(node, ast.ImportFrom) and is_pytorch(node.module) and not node.level:
            module = node.module or ""
            match = FROM.match(text, starts[node.lineno - 1] + node.col_offset)
            if match and text.startswith(module.encode(), match.end()):  # not "from torch . nn import"
                edits.append((match.end(), match.end() + len(module.encode()), our_name(module)))
    return edits


def _imported(alias: ast.alias) -> str:
    """Return what stands for ``torch.nn as nn`` in an import."""
    ours = our_name(alias.name)
    if alias.asname:
        return f"{ours} as {alias.asname}"
    package = alias.name.partition(".")[0]  # import torch.nn binds the name torch, and loads torch.nn
    binding = f"{our_name(package)} as {package}"
    return binding if alias.name == package else f"{ours}, {binding}"
