"""The programs are no tests, and their modules no examples: ``test_programs.py`` alone is collected."""

from pathlib import Path

collect_ignore = [
    str(path) for path in Path(__file__).parent.rglob("*.py") if path.name != "test_programs.py"
]
