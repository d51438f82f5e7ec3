"""The operations: one file a family, forward and backward of each side by side, derivative included.

The files lie in wings: ``elementwise``, ``shape``, ``indexing``, ``reduce``, ``linalg`` and ``nn``. What all of them
use lies beside them: ``common`` (arguments, dtypes, broadcasting), ``summation`` (adding up), ``half`` (float16),
``convert``.
"""

from __future__ import annotations

from tinygrad_edu.ops.common import (
    cast as cast,
    normalize_dim as normalize_dim,
    raw as raw,
    unbroadcast as unbroadcast,
)
from tinygrad_edu.ops.convert import (
    copy_of as copy_of,
    fill as fill,
    full_of as full_of,
    move as move,
    scalar_like as scalar_like,
)
from tinygrad_edu.ops.elementwise.arithmetic import (
    absolute as absolute,
    add as add,
    addcdiv as addcdiv,
    addcmul as addcmul,
    lerp as lerp,
    mul as mul,
    neg as neg,
    pow as pow,
    square as square,
    sub as sub,
)
from tinygrad_edu.ops.elementwise.bessel import (
    airy_ai as airy_ai,
    bessel_j0 as bessel_j0,
    bessel_j1 as bessel_j1,
    bessel_y0 as bessel_y0,
    bessel_y1 as bessel_y1,
    i0 as i0,
    i0e as i0e,
    i1 as i1,
    i1e as i1e,
    modified_bessel_i0 as modified_bessel_i0,
    modified_bessel_i1 as modified_bessel_i1,
    modified_bessel_k0 as modified_bessel_k0,
    modified_bessel_k1 as modified_bessel_k1,
    scaled_modified_bessel_k0 as scaled_modified_bessel_k0,
    scaled_modified_bessel_k1 as scaled_modified_bessel_k1,
    spherical_bessel_j0 as spherical_bessel_j0,
)
from tinygrad_edu.ops.elementwise.compare import (
    allclose as allclose,
    bitwise_and as bitwise_and,
    bitwise_left_shift as bitwise_left_shift,
    bitwise_not as bitwise_not,
    bitwise_or as bitwise_or,
    bitwise_right_shift as bitwise_right_shift,
    bitwise_xor as bitwise_xor,
    eq as eq,
    equal as equal,
    ge as ge,
    gt as gt,
    isclose as isclose,
    isfinite as isfinite,
    isinf as isinf,
    isnan as isnan,
    le as le,
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    logical_xor as logical_xor,
    lt as lt,
    ne as ne,
)
from tinygrad_edu.ops.elementwise.complex_numbers import (
    adjoint as adjoint,
    angle as angle,
    complex as complex,
    conj as conj,
    conj_physical as conj_physical,
    imag as imag,
    polar as polar,
    real as real,
    resolve_conj as resolve_conj,
    resolve_neg as resolve_neg,
    view_as_complex as view_as_complex,
    view_as_real as view_as_real,
)
from tinygrad_edu.ops.elementwise.division import (
    div as div,
    floor_divide as floor_divide,
    fmod as fmod,
    reciprocal as reciprocal,
    remainder as remainder,
)
from tinygrad_edu.ops.elementwise.gamma import (
    digamma as digamma,
    igamma as igamma,
    igammac as igammac,
    lgamma as lgamma,
    mvlgamma as mvlgamma,
    polygamma as polygamma,
    zeta as zeta,
)
from tinygrad_edu.ops.elementwise.normal import (
    erfcx as erfcx,
    erfinv as erfinv,
    log_ndtr as log_ndtr,
    ndtr as ndtr,
    ndtri as ndtri,
)
from tinygrad_edu.ops.elementwise.number_parts import (
    frexp as frexp,
    gcd as gcd,
    lcm as lcm,
    ldexp as ldexp,
    nextafter as nextafter,
    rsub as rsub,
)
from tinygrad_edu.ops.elementwise.polynomials import (
    chebyshev_polynomial_t as chebyshev_polynomial_t,
    chebyshev_polynomial_u as chebyshev_polynomial_u,
    chebyshev_polynomial_v as chebyshev_polynomial_v,
    chebyshev_polynomial_w as chebyshev_polynomial_w,
    hermite_polynomial_h as hermite_polynomial_h,
    hermite_polynomial_he as hermite_polynomial_he,
    laguerre_polynomial_l as laguerre_polynomial_l,
    legendre_polynomial_p as legendre_polynomial_p,
    shifted_chebyshev_polynomial_t as shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u as shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v as shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w as shifted_chebyshev_polynomial_w,
)
from tinygrad_edu.ops.elementwise.rounding import (
    ceil as ceil,
    floor as floor,
    frac as frac,
    round as round,
    sign as sign,
    trunc as trunc,
)
from tinygrad_edu.ops.elementwise.select import (
    clamp as clamp,
    masked_fill as masked_fill,
    maximum as maximum,
    minimum as minimum,
    nonzero as nonzero,
    where as where,
)
from tinygrad_edu.ops.elementwise.signs import (
    heaviside as heaviside,
    isneginf as isneginf,
    isposinf as isposinf,
    isreal as isreal,
    sgn as sgn,
    signbit as signbit,
)
from tinygrad_edu.ops.elementwise.special import (
    copysign as copysign,
    deg2rad as deg2rad,
    entr as entr,
    float_power as float_power,
    fmax as fmax,
    fmin as fmin,
    hypot as hypot,
    logaddexp as logaddexp,
    logaddexp2 as logaddexp2,
    logit as logit,
    nan_to_num as nan_to_num,
    rad2deg as rad2deg,
    sinc as sinc,
    xlog1py as xlog1py,
    xlogy as xlogy,
)
from tinygrad_edu.ops.elementwise.trigonometry import (
    acos as acos,
    acosh as acosh,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as atan2,
    atanh as atanh,
    cos as cos,
    cosh as cosh,
    sin as sin,
    sinh as sinh,
    tan as tan,
    tanh as tanh,
)
from tinygrad_edu.ops.elementwise.unary import (
    erf as erf,
    erfc as erfc,
    exp as exp,
    exp2 as exp2,
    expm1 as expm1,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    rsqrt as rsqrt,
    sigmoid as sigmoid,
    sqrt as sqrt,
)
from tinygrad_edu.ops.fft.short_time import istft as istft, stft as stft
from tinygrad_edu.ops.indexing.along_dim import (
    index_add as index_add,
    index_select as index_select,
    masked_select as masked_select,
    narrow as narrow,
    select as select,
)
from tinygrad_edu.ops.indexing.find import (
    argwhere as argwhere,
    isin as isin,
    nonzero_static as nonzero_static,
    unravel_index as unravel_index,
)
from tinygrad_edu.ops.indexing.gather import (
    gather as gather,
    scatter as scatter,
    scatter_add as scatter_add,
    take_along_dim as take_along_dim,
)
from tinygrad_edu.ops.indexing.index import (
    SetItem as SetItem,
    getitem as getitem,
    raw_index as raw_index,
)
from tinygrad_edu.ops.indexing.put import (
    index_copy as index_copy,
    index_fill as index_fill,
    index_put as index_put,
    masked_scatter as masked_scatter,
    put as put,
    take as take,
)
from tinygrad_edu.ops.indexing.replace import (
    diagonal_scatter as diagonal_scatter,
    select_scatter as select_scatter,
    slice_scatter as slice_scatter,
)
from tinygrad_edu.ops.indexing.scatter_reduce import (
    index_reduce as index_reduce,
    scatter_reduce as scatter_reduce,
)
from tinygrad_edu.ops.linalg.cholesky import (
    cholesky_inverse as cholesky_inverse,
    cholesky_solve as cholesky_solve,
)
from tinygrad_edu.ops.linalg.determinant import logdet as logdet
from tinygrad_edu.ops.linalg.einsum import einsum as einsum
from tinygrad_edu.ops.linalg.least_squares import pinverse as pinverse
from tinygrad_edu.ops.linalg.lu import lu_unpack as lu_unpack
from tinygrad_edu.ops.linalg.matmul import (
    addmm as addmm,
    baddbmm as baddbmm,
    bmm as bmm,
    dot as dot,
    linear as linear,
    matmul as matmul,
    mm as mm,
    mv as mv,
    outer as outer,
)
from tinygrad_edu.ops.linalg.matrix_functions import matrix_exp as matrix_exp, matrix_power as matrix_power
from tinygrad_edu.ops.linalg.older_names import (
    cholesky as cholesky,
    det as det,
    lu as lu,
    lu_solve as lu_solve,
    qr as qr,
    slogdet as slogdet,
    svd as svd,
    triangular_solve as triangular_solve,
)
from tinygrad_edu.ops.linalg.products import (
    addbmm as addbmm,
    addmv as addmv,
    addr as addr,
    chain_matmul as chain_matmul,
    cross as cross,
    inner as inner,
    kron as kron,
    tensordot as tensordot,
    trace as trace,
    vander as vander,
    vdot as vdot,
)
from tinygrad_edu.ops.linalg.qr import geqrf as geqrf, orgqr as orgqr, ormqr as ormqr
from tinygrad_edu.ops.linalg.solve import inverse as inverse
from tinygrad_edu.ops.nn.activation import (
    elu as elu,
    gelu as gelu,
    leaky_relu as leaky_relu,
    logsigmoid as logsigmoid,
    mish as mish,
    prelu as prelu,
    relu as relu,
    selu as selu,
    silu as silu,
    softplus as softplus,
    softsign as softsign,
    tanhshrink as tanhshrink,
)
from tinygrad_edu.ops.nn.adaptive_pool import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
    adaptive_avg_pool2d as adaptive_avg_pool2d,
    adaptive_max_pool1d as adaptive_max_pool1d,
    adaptive_max_pool2d as adaptive_max_pool2d,
)
from tinygrad_edu.ops.nn.attention import scaled_dot_product_attention as scaled_dot_product_attention
from tinygrad_edu.ops.nn.binary_loss import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from tinygrad_edu.ops.nn.classification_loss import cross_entropy as cross_entropy, nll_loss as nll_loss
from tinygrad_edu.ops.nn.conv import conv1d as conv1d, conv2d as conv2d, conv3d as conv3d
from tinygrad_edu.ops.nn.conv_transpose import (
    conv_transpose2d as conv_transpose2d,
    conv_transpose3d as conv_transpose3d,
)
from tinygrad_edu.ops.nn.ctc_loss import ctc_loss as ctc_loss
from tinygrad_edu.ops.nn.dropout import dropout as dropout, dropout_channels as dropout_channels
from tinygrad_edu.ops.nn.embedding import embedding as embedding, one_hot as one_hot
from tinygrad_edu.ops.nn.embedding_bag import embedding_bag as embedding_bag
from tinygrad_edu.ops.nn.hard_activation import (
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    relu6 as relu6,
    threshold as threshold,
)
from tinygrad_edu.ops.nn.interpolate import interpolate as interpolate
from tinygrad_edu.ops.nn.loss import (
    hinge_embedding_loss as hinge_embedding_loss,
    huber_loss as huber_loss,
    kl_div as kl_div,
    l1_loss as l1_loss,
    margin_ranking_loss as margin_ranking_loss,
    mse_loss as mse_loss,
    smooth_l1_loss as smooth_l1_loss,
)
from tinygrad_edu.ops.nn.margin_loss import (
    multi_margin_loss as multi_margin_loss,
    multilabel_margin_loss as multilabel_margin_loss,
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
)
from tinygrad_edu.ops.nn.norm import (
    batch_norm as batch_norm,
    group_norm as group_norm,
    instance_norm as instance_norm,
    layer_norm as layer_norm,
    rms_norm as rms_norm,
)
from tinygrad_edu.ops.nn.pool import (
    avg_pool1d as avg_pool1d,
    avg_pool2d as avg_pool2d,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
)
from tinygrad_edu.ops.nn.pool3d import (
    adaptive_avg_pool3d as adaptive_avg_pool3d,
    adaptive_max_pool3d as adaptive_max_pool3d,
    avg_pool3d as avg_pool3d,
    max_pool3d as max_pool3d,
)
from tinygrad_edu.ops.nn.similarity import cosine_similarity as cosine_similarity, normalize as normalize
from tinygrad_edu.ops.nn.softmax import log_softmax as log_softmax, softmax as softmax
from tinygrad_edu.ops.promotion import promote as promote
from tinygrad_edu.ops.reduce.bins import bucketize as bucketize, histc as histc, searchsorted as searchsorted
from tinygrad_edu.ops.reduce.differences import (
    gradient as gradient,
)
from tinygrad_edu.ops.reduce.distance import (
    cdist as cdist,
    corrcoef as corrcoef,
    cov as cov,
    dist as dist,
    pdist as pdist,
    renorm as renorm,
)
from tinygrad_edu.ops.reduce.extremum import (
    amax as amax,
    amin as amin,
    argmax as argmax,
    argmin as argmin,
    max as max,
    min as min,
)
from tinygrad_edu.ops.reduce.histogram import (
    histogram as histogram,
    histogramdd as histogramdd,
)
from tinygrad_edu.ops.reduce.nan_sums import nanmean as nanmean, nansum as nansum
from tinygrad_edu.ops.reduce.order import (
    aminmax as aminmax,
    kthvalue as kthvalue,
    median as median,
    mode as mode,
    msort as msort,
    nanmedian as nanmedian,
)
from tinygrad_edu.ops.reduce.quantile import nanquantile as nanquantile, quantile as quantile
from tinygrad_edu.ops.reduce.reduction import (
    all as all,
    any as any,
    count_nonzero as count_nonzero,
    mean as mean,
    prod as prod,
    sum as sum,
)
from tinygrad_edu.ops.reduce.running import (
    cummax as cummax,
    cummin as cummin,
    cumulative_trapezoid as cumulative_trapezoid,
    diff as diff,
    logcumsumexp as logcumsumexp,
    trapezoid as trapezoid,
)
from tinygrad_edu.ops.reduce.scan import cumprod as cumprod, cumsum as cumsum
from tinygrad_edu.ops.reduce.search import (
    argsort as argsort,
    bincount as bincount,
    sort as sort,
    topk as topk,
    unique as unique,
    unique_consecutive as unique_consecutive,
)
from tinygrad_edu.ops.reduce.segments import (
    segment_reduce as segment_reduce,
)
from tinygrad_edu.ops.reduce.statistics import (
    logsumexp as logsumexp,
    norm as norm,
    std as std,
    std_mean as std_mean,
    var as var,
    var_mean as var_mean,
)
from tinygrad_edu.ops.shape.blocks import (
    block_diag as block_diag,
    cartesian_prod as cartesian_prod,
    combinations as combinations,
    diag_embed as diag_embed,
    diagflat as diagflat,
)
from tinygrad_edu.ops.shape.broadcasting import (
    broadcast_tensors as broadcast_tensors,
    sum_to_size as sum_to_size,
)
from tinygrad_edu.ops.shape.join import (
    cat as cat,
    hstack as hstack,
    repeat as repeat,
    repeat_interleave as repeat_interleave,
    stack as stack,
    tile as tile,
    vstack as vstack,
)
from tinygrad_edu.ops.shape.layout import (
    broadcast_to as broadcast_to,
    clone as clone,
    contiguous as contiguous,
    expand as expand,
    flatten as flatten,
    movedim as movedim,
    permute as permute,
    reshape as reshape,
    squeeze as squeeze,
    t as t,
    transpose as transpose,
    unflatten as unflatten,
    unsqueeze as unsqueeze,
    view as view,
)
from tinygrad_edu.ops.shape.pad import constant_pad_nd as constant_pad_nd, pad as pad
from tinygrad_edu.ops.shape.pieces import (
    atleast_1d as atleast_1d,
    atleast_2d as atleast_2d,
    atleast_3d as atleast_3d,
    column_stack as column_stack,
    dsplit as dsplit,
    dstack as dstack,
    hsplit as hsplit,
    tensor_split as tensor_split,
    vsplit as vsplit,
)
from tinygrad_edu.ops.shape.roll import (
    flip as flip,
    fliplr as fliplr,
    flipud as flipud,
    roll as roll,
    rot90 as rot90,
)
from tinygrad_edu.ops.shape.sizes import sizes_of as sizes_of
from tinygrad_edu.ops.shape.split import (
    chunk as chunk,
    split as split,
    unbind as unbind,
)
from tinygrad_edu.ops.shape.strided import (
    as_strided as as_strided,
    as_strided_scatter as as_strided_scatter,
    unfold as unfold,
)
from tinygrad_edu.ops.shape.triangle import diag as diag, diagonal as diagonal, tril as tril, triu as triu

# NumPy's names for them, by which ``backward`` calls them.
clip = clamp
concatenate = cat
