"""The transforms as plain functions, without state and without randomness.

They lie in files of their kinds: ``basic.py`` (conversions, crops, borders, flips), ``resizing.py``, ``colour.py``,
``warping.py`` (rotation and the like, blur), ``pillow.py``.

References
----------
https://docs.pytorch.org/vision/stable/transforms.html#functional-transforms
"""

from __future__ import annotations

from tinygrad_edu.vision.transforms.basic import (
    PADDING_MODES as PADDING_MODES,
    AnyArray as AnyArray,
    Image as Image,
    as_image as as_image,
    as_size as as_size,
    center_crop as center_crop,
    channels_first_tensor as channels_first_tensor,
    check_padding as check_padding,
    convert_image_dtype as convert_image_dtype,
    crop as crop,
    get_dimensions as get_dimensions,
    get_image_num_channels as get_image_num_channels,
    get_image_size as get_image_size,
    hflip as hflip,
    normalize as normalize,
    pad as pad,
    to_tensor as to_tensor,
    vflip as vflip,
)
from tinygrad_edu.vision.transforms.colour import (
    adjust_brightness as adjust_brightness,
    adjust_contrast as adjust_contrast,
    adjust_gamma as adjust_gamma,
    adjust_hue as adjust_hue,
    adjust_saturation as adjust_saturation,
    adjust_sharpness as adjust_sharpness,
    autocontrast as autocontrast,
    equalize as equalize,
    invert as invert,
    posterize as posterize,
    rgb_to_grayscale as rgb_to_grayscale,
    solarize as solarize,
    to_grayscale as to_grayscale,
)
from tinygrad_edu.vision.transforms.pillow import pil_to_tensor as pil_to_tensor, to_pil_image as to_pil_image
from tinygrad_edu.vision.transforms.resizing import (
    InterpolationMode as InterpolationMode,
    five_crop as five_crop,
    resize as resize,
    resized_crop as resized_crop,
    ten_crop as ten_crop,
)
from tinygrad_edu.vision.transforms.warping import (
    affine as affine,
    erase as erase,
    gaussian_blur as gaussian_blur,
    rotate as rotate,
)
