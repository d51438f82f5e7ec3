"""The site: ``python -m sphinx -W docs site`` makes it of the chapters, the lessons and the docstrings."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu.version import __version__

sys.path.insert(0, str(Path(__file__).parent))
import lessons
import reference
import steppers

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "tinygrad_edu"
copyright = "the tinygrad_edu authors"
release = __version__
root_doc = "index"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["README.md", "images"]  # index.md includes README.md
html_extra_path = ["built"]

# The chapters are Markdown as it is read in the repository: their links to headings are those of GitHub.
myst_heading_anchors = 4
# One name may be had from several modules (Tensor, from nn.init as well): a word in a docstring may mean any of them.
# Links to files that are no pages of the site (../CONTRIBUTING.md) lead to the repository only; a test follows them.
suppress_warnings = ["ref.python", "myst.xref_missing"]

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

autodoc_member_order = "groupwise"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"tinygrad_edu {release}"
html_show_sourcelink = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


trees: dict[Any, str] = {}


def share_toctree(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give pages of source code, as deep in folders, one tree of links to all chapters: it takes half a second."""
    if page.startswith("_modules/"):
        context["toctree"] = functools.partial(shared_toctree, page.count("/"), context["toctree"])


def shared_toctree(depth: int, make: Any, **options: Any) -> str:
    """Return the tree with links from that depth."""
    key = (depth, *sorted(options.items()))
    if key not in trees:
        trees[key] = make(**options)
    return trees[key]


def setup(app: Sphinx) -> None:
    """Write the pages of the lessons and of the reference before Sphinx looks for pages."""
    app.connect("autodoc-process-docstring", reference.make_plain, priority=400)  # before napoleon, at 500
    app.connect("html-page-context", share_toctree, priority=400)  # before furo, at 500
    folder = Path(app.srcdir)
    lessons.write_notebooks(folder.parent / "demos" / "lessons", folder / "lesson_pages")
    reference.write_pages(folder / "reference_pages")
    steppers.write_pages(folder.parent, folder / "stepper_pages", folder / "built")
