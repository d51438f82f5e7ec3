"""Writes the lessons as notebooks, which Jupyter opens and which the site shows with what they print."""

from __future__ import annotations

from pathlib import Path

import jupytext

INDEX = """# Lessons

Twelve small programs, each about one idea, with questions whose answers are run. They are notebooks as well:
`python docs/lessons.py` writes them into a folder `notebooks`, for JupyterLab or Colab.

```{{toctree}}
{entries}
```
"""


def write_notebooks(lessons: Path, folder: Path) -> list[Path]:
    """Write a notebook for each lesson, and a page that lists them; return the notebooks."""
    folder.mkdir(exist_ok=True)
    notebooks = []
    for lesson in sorted(lessons.glob("[0-9]*.py")):
        notebook = jupytext.read(lesson, fmt="py:percent")
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"  # else by chance, and every build would differ
        notebooks.append(folder / f"{lesson.stem}.ipynb")
        jupytext.write(notebook, notebooks[-1])
    entries = "\n".join(path.stem for path in notebooks)
    (folder / "index.md").write_text(INDEX.format(entries=entries), encoding="utf-8")
    return notebooks


if __name__ == "__main__":
    for path in write_notebooks(Path(__file__).parents[1] / "demos" / "lessons", Path("notebooks")):
        print(path)
