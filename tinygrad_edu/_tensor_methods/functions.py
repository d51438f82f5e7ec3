"""The methods of Tensor that are functions: ``x.sum(0)`` calls ``torch.sum`` with ``x`` as its first argument.

So what the one takes, the other takes, and a debugger goes straight to where the arithmetic stands.
"""

from __future__ import annotations

from tinygrad_edu import ops
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.ops import other_names
from tinygrad_edu.ops.shape import copies


class FunctionMethods(TensorBase):
    """Methods whose first argument is the tensor, as that of the function is; part of Tensor."""

    # ---- element by element -----------------------------------------------------------------------------

    exp = ops.exp
    exp2 = ops.exp2
    expm1 = ops.expm1
    log = ops.log
    log2 = ops.log2
    log10 = ops.log10
    log1p = ops.log1p
    sqrt = ops.sqrt
    rsqrt = ops.rsqrt
    sin = ops.sin
    cos = ops.cos
    tan = ops.tan
    asin = ops.asin
    acos = ops.acos
    atan = ops.atan
    sinh = ops.sinh
    cosh = ops.cosh
    tanh = ops.tanh
    asinh = ops.asinh
    acosh = ops.acosh
    atanh = ops.atanh
    sigmoid = ops.sigmoid
    erf = ops.erf
    erfc = ops.erfc
    neg = ops.neg
    reciprocal = ops.reciprocal
    square = ops.square
    sign = ops.sign
    floor = ops.floor
    ceil = ops.ceil
    trunc = ops.trunc
    frac = ops.frac
    isnan = ops.isnan
    isinf = ops.isinf
    isfinite = ops.isfinite
    logical_not = ops.logical_not
    bitwise_not = ops.bitwise_not
    abs = ops.absolute
    round = ops.round
    add = ops.add
    sub = ops.sub
    mul = ops.mul
    floor_divide = ops.floor_divide
    remainder = ops.remainder
    fmod = ops.fmod
    atan2 = ops.atan2
    maximum = ops.maximum
    minimum = ops.minimum
    eq = ops.eq
    ne = ops.ne
    lt = ops.lt
    le = ops.le
    gt = ops.gt
    ge = ops.ge
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    logical_xor = ops.logical_xor
    bitwise_and = ops.bitwise_and
    bitwise_or = ops.bitwise_or
    bitwise_xor = ops.bitwise_xor
    div = ops.div
    pow = ops.pow
    lerp = ops.lerp
    addcmul = ops.addcmul
    addcdiv = ops.addcdiv
    clamp = ops.clamp
    clip = ops.clamp
    allclose = ops.allclose
    isclose = ops.isclose
    equal = ops.equal
    nonzero = ops.nonzero
    masked_fill = ops.masked_fill
    logaddexp = ops.logaddexp
    logaddexp2 = ops.logaddexp2
    hypot = ops.hypot
    fmax = ops.fmax
    fmin = ops.fmin
    copysign = ops.copysign
    xlogy = ops.xlogy
    logit = ops.logit
    sinc = ops.sinc
    deg2rad = ops.deg2rad
    rad2deg = ops.rad2deg
    float_power = ops.float_power
    nan_to_num = ops.nan_to_num
    lgamma = ops.lgamma
    i0 = ops.i0
    igamma = ops.igamma
    igammac = ops.igammac
    mvlgamma = ops.mvlgamma

    def polygamma(self, n: int) -> Tensor:
        """See ``torch.polygamma``, which takes the order first."""
        return ops.polygamma(n, self)

    digamma = ops.digamma
    erfinv = ops.erfinv
    sgn = ops.sgn
    signbit = ops.signbit
    isposinf = ops.isposinf
    isneginf = ops.isneginf
    isreal = ops.isreal
    heaviside = ops.heaviside
    gcd = ops.gcd
    lcm = ops.lcm
    nextafter = ops.nextafter
    ldexp = ops.ldexp
    frexp = ops.frexp
    bitwise_left_shift = ops.bitwise_left_shift
    bitwise_right_shift = ops.bitwise_right_shift

    # ---- many elements together -------------------------------------------------------------------------

    sum = ops.sum
    mean = ops.mean
    prod = ops.prod
    max = ops.max
    min = ops.min
    amax = ops.amax
    amin = ops.amin
    argmax = ops.argmax
    argmin = ops.argmin
    any = ops.any
    all = ops.all
    var = ops.var
    std = ops.std
    norm = ops.norm
    logsumexp = ops.logsumexp
    cumsum = ops.cumsum
    cumprod = ops.cumprod
    count_nonzero = ops.count_nonzero
    sort = ops.sort
    argsort = ops.argsort
    topk = ops.topk
    unique = ops.unique
    bincount = ops.bincount
    unique_consecutive = ops.unique_consecutive
    median = ops.median
    nanmedian = ops.nanmedian
    kthvalue = ops.kthvalue
    mode = ops.mode
    msort = ops.msort
    aminmax = ops.aminmax
    quantile = ops.quantile
    nanquantile = ops.nanquantile
    cummax = ops.cummax
    cummin = ops.cummin
    logcumsumexp = ops.logcumsumexp
    diff = ops.diff
    nansum = ops.nansum
    nanmean = ops.nanmean
    histc = ops.histc
    histogram = ops.histogram
    dist = ops.dist
    renorm = ops.renorm
    cov = ops.cov
    corrcoef = ops.corrcoef

    # ---- products of matrices ---------------------------------------------------------------------------

    matmul = ops.matmul
    mm = ops.mm
    bmm = ops.bmm
    mv = ops.mv
    dot = ops.dot
    outer = ops.outer
    addmm = ops.addmm
    baddbmm = ops.baddbmm
    kron = ops.kron
    cross = ops.cross
    vdot = ops.vdot
    stft = ops.stft
    istft = ops.istft
    inner = ops.inner
    addbmm = ops.addbmm
    addmv = ops.addmv
    addr = ops.addr
    trace = ops.trace

    # ---- other places for elements ----------------------------------------------------------------------

    view = ops.view
    reshape = ops.reshape
    flatten = ops.flatten
    permute = ops.permute
    transpose = ops.transpose
    t = ops.t
    movedim = ops.movedim
    squeeze = ops.squeeze
    unsqueeze = ops.unsqueeze
    expand = ops.expand
    repeat = ops.repeat
    repeat_interleave = ops.repeat_interleave
    flip = ops.flip
    clone = ops.clone
    contiguous = ops.contiguous
    chunk = ops.chunk
    unbind = ops.unbind
    tril = ops.tril
    triu = ops.triu
    diag = ops.diag
    diagonal = ops.diagonal
    roll = ops.roll
    rot90 = ops.rot90
    fliplr = ops.fliplr
    flipud = ops.flipud
    diag_embed = ops.diag_embed
    diagflat = ops.diagflat
    tensor_split = ops.tensor_split
    hsplit = ops.hsplit
    vsplit = ops.vsplit
    dsplit = ops.dsplit
    broadcast_to = ops.broadcast_to
    sum_to_size = ops.sum_to_size
    unfold = ops.unfold
    as_strided = ops.as_strided
    as_strided_scatter = ops.as_strided_scatter
    narrow_copy = copies.narrow_copy
    split_with_sizes = copies.split_with_sizes
    unsafe_split = copies.unsafe_split
    unsafe_split_with_sizes = copies.unsafe_split_with_sizes
    unsafe_chunk = copies.unsafe_chunk

    # ---- elements by an index ---------------------------------------------------------------------------

    gather = ops.gather
    scatter = ops.scatter
    scatter_add = ops.scatter_add
    index_select = ops.index_select
    index_add = ops.index_add
    take_along_dim = ops.take_along_dim
    masked_select = ops.masked_select
    select = ops.select
    narrow = ops.narrow
    take = ops.take
    put = ops.put
    index_put = ops.index_put
    index_copy = ops.index_copy
    index_fill = ops.index_fill
    index_reduce = ops.index_reduce
    masked_scatter = ops.masked_scatter
    scatter_reduce = ops.scatter_reduce
    select_scatter = ops.select_scatter
    slice_scatter = ops.slice_scatter
    diagonal_scatter = ops.diagonal_scatter
    argwhere = ops.argwhere
    nonzero_static = ops.nonzero_static
    isin = ops.isin

    # ---- of layers --------------------------------------------------------------------------------------

    relu = ops.relu
    prelu = ops.prelu
    softmax = ops.softmax
    log_softmax = ops.log_softmax

    # ---- the same by other names -------------------------------------------------------------------------

    absolute = abs
    moveaxis = movedim
    arccos = other_names.arccos
    arccosh = other_names.arccosh
    arcsin = other_names.arcsin
    arcsinh = other_names.arcsinh
    arctan = other_names.arctan
    arctan2 = other_names.arctan2
    arctanh = other_names.arctanh
    negative = other_names.negative
    subtract = other_names.subtract
    multiply = other_names.multiply
    divide = other_names.divide
    true_divide = other_names.true_divide
    fix = other_names.fix
    greater = other_names.greater
    greater_equal = other_names.greater_equal
    less = other_names.less
    less_equal = other_names.less_equal
    not_equal = other_names.not_equal
    clamp_min = other_names.clamp_min
    clamp_max = other_names.clamp_max
    positive = other_names.positive
    ravel = other_names.ravel
    swapaxes = other_names.swapaxes
    swapdims = other_names.swapdims
    ger = other_names.ger

    # ---- linear algebra ---------------------------------------------------------------------------------

    cholesky = ops.cholesky
    cholesky_inverse = ops.cholesky_inverse
    cholesky_solve = ops.cholesky_solve
    det = ops.det
    geqrf = ops.geqrf
    inverse = ops.inverse
    logdet = ops.logdet
    lu = ops.lu
    lu_solve = ops.lu_solve
    matrix_exp = ops.matrix_exp
    matrix_power = ops.matrix_power
    orgqr = ops.orgqr
    ormqr = ops.ormqr
    pinverse = ops.pinverse
    qr = ops.qr
    slogdet = ops.slogdet
    svd = ops.svd
    triangular_solve = ops.triangular_solve
