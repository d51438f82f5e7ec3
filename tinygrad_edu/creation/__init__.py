"""Making tensors from data, filled with constants, in sequences and in patterns; ``sampling`` makes random ones.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from tinygrad_edu.creation.common import (
    Dtype as Dtype,
    checked_sizes as checked_sizes,
    finish as finish,
    like as like,
)
from tinygrad_edu.creation.filled import (
    empty as empty,
    empty_like as empty_like,
    full as full,
    full_like as full_like,
    ones as ones,
    ones_like as ones_like,
    zeros as zeros,
    zeros_like as zeros_like,
)
from tinygrad_edu.creation.from_data import as_tensor as as_tensor, from_numpy as from_numpy, tensor as tensor
from tinygrad_edu.creation.patterns import (
    empty_permuted as empty_permuted,
    empty_strided as empty_strided,
    eye as eye,
    meshgrid as meshgrid,
    scalar_tensor as scalar_tensor,
    tril_indices as tril_indices,
    triu_indices as triu_indices,
)
from tinygrad_edu.creation.ranges import (
    arange as arange,
    linspace as linspace,
    logspace as logspace,
    range as range,
)
from tinygrad_edu.creation.sharing import asarray as asarray, frombuffer as frombuffer
