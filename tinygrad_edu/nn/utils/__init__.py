"""Helpers for parameters and their gradients.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#utilities
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.nn.utils import (
    parametrizations as parametrizations,
    parametrize as parametrize,
    prune as prune,
    rnn as rnn,
    stateless as stateless,
)
from tinygrad_edu.nn.utils.clip_grad import (
    clip_grad_norm_ as clip_grad_norm_,
    clip_grad_value_ as clip_grad_value_,
    clip_grads_with_norm_ as clip_grads_with_norm_,
    get_total_norm as get_total_norm,
)
from tinygrad_edu.nn.utils.convert_parameters import (
    parameters_to_vector as parameters_to_vector,
    vector_to_parameters as vector_to_parameters,
)
from tinygrad_edu.nn.utils.fusion import (
    fuse_conv_bn_eval as fuse_conv_bn_eval,
    fuse_conv_bn_weights as fuse_conv_bn_weights,
    fuse_linear_bn_eval as fuse_linear_bn_eval,
    fuse_linear_bn_weights as fuse_linear_bn_weights,
)
from tinygrad_edu.nn.utils.init import skip_init as skip_init
from tinygrad_edu.nn.utils.spectral_norm import (
    remove_spectral_norm as remove_spectral_norm,
    spectral_norm as spectral_norm,
)
from tinygrad_edu.nn.utils.weight_norm import (
    remove_weight_norm as remove_weight_norm,
    weight_norm as weight_norm,
)

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
