"""The stand-in as a plugin of pytest, which is loaded before anything else.

python -m pytest -p tests.gpu.standin.plugin --device cuda tests/ops
"""

from __future__ import annotations

from tests.gpu.standin.install import install

install()
