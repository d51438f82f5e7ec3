"""Training watched: what happens to losses, gradients, weights and activations, and what is wrong, in words.

``watch`` (``recorder.py``) writes a record for each step of the optimizer; ``findings.py`` reads the records and says
what is wrong; ``picture.py`` draws them. ``sites.py`` looks at the nonlinearities, ``statistics.py`` counts.
"""

from __future__ import annotations

from tinygrad_edu.learn.watching.findings import Finding as Finding, findings as findings
from tinygrad_edu.learn.watching.recorder import Watch as Watch, watch as watch
from tinygrad_edu.learn.watching.records import read as read
