"""The first NaN or Inf: where it was made, of what, and what mends it.

Examples
--------
>>> import tinygrad_edu as torch
>>> from tinygrad_edu import learn
>>> x = torch.tensor([0.5, 0.0])
>>> with learn.detect_anomaly():
...     try:
...         torch.log(x)
...     except RuntimeError as error:
...         print(error.__notes__[1])
The first is output[1] = -inf; 1 of 2 elements are so
The inputs there: 0
Hint: log(0) is -inf. clamp(min=1e-8) before the log, add an eps, or use log_softmax or a loss that takes logits
"""

from __future__ import annotations

from tinygrad_edu.autograd import anomaly
from tinygrad_edu.autograd.anomaly import NAN_FINDERS, NanFinder


class detect_anomaly(anomaly.detect_anomaly):
    """Stop at the first NaN or Inf, in forward or backward, and say all that is known of it.

    The error names the operation, the layer, the line of the program, the element, what the inputs were there and
    their extent, and, for what goes wrong often, what mends it. ``torch.autograd.detect_anomaly`` does the same with
    NaN alone; PyTorch's looks at the backward only.

    An infinity counts where it is made from finite numbers: ``masked_fill(mask, -inf)`` and what is computed from it
    pass. This costs time: use it to look for a fault.

    Parameters
    ----------
    check_inf : bool
        Whether an infinity stops it, too.
    """

    def __init__(self, check_inf: bool = True) -> None:
        super().__init__()
        self.check_inf = check_inf

    def finder(self) -> NanFinder | None:
        """Return the one that is to look on."""
        return NAN_FINDERS[2] if self.check_inf else super().finder()
