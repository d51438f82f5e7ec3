"""Linear algebra: the names of ``torch.linalg``. How each works, and its derivative, stands in ``ops/linalg``.

References
----------
https://docs.pytorch.org/docs/stable/linalg.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.ops.linalg.cholesky import cholesky as cholesky, cholesky_ex as cholesky_ex
from tinygrad_edu.ops.linalg.determinant import det as det, slogdet as slogdet
from tinygrad_edu.ops.linalg.eigen import (
    eig as eig,
    eigh as eigh,
    eigvals as eigvals,
    eigvalsh as eigvalsh,
)
from tinygrad_edu.ops.linalg.ldl import (
    ldl_factor as ldl_factor,
    ldl_factor_ex as ldl_factor_ex,
    ldl_solve as ldl_solve,
)
from tinygrad_edu.ops.linalg.least_squares import (
    lstsq as lstsq,
    matrix_rank as matrix_rank,
    pinv as pinv,
)
from tinygrad_edu.ops.linalg.lu import (
    lu as lu,
    lu_factor as lu_factor,
    lu_factor_ex as lu_factor_ex,
    lu_solve as lu_solve,
)
from tinygrad_edu.ops.linalg.matmul import matmul as matmul
from tinygrad_edu.ops.linalg.matrices import LinAlgError as LinAlgError
from tinygrad_edu.ops.linalg.matrix_functions import (
    matrix_exp as matrix_exp,
    matrix_power as matrix_power,
    multi_dot as multi_dot,
)
from tinygrad_edu.ops.linalg.norms import (
    cond as cond,
    matrix_norm as matrix_norm,
    norm as norm,
    vector_norm as vector_norm,
)
from tinygrad_edu.ops.linalg.qr import householder_product as householder_product, qr as qr
from tinygrad_edu.ops.linalg.solve import (
    inv as inv,
    inv_ex as inv_ex,
    solve as solve,
    solve_ex as solve_ex,
    tensorinv as tensorinv,
    tensorsolve as tensorsolve,
)
from tinygrad_edu.ops.linalg.svd import svd as svd, svdvals as svdvals
from tinygrad_edu.ops.linalg.triangular import solve_triangular as solve_triangular
from tinygrad_edu.ops.linalg.vectors import (
    cross as cross,
    diagonal as diagonal,
    vander as vander,
    vecdot as vecdot,
)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
