"""Right calls of linear algebra."""

from __future__ import annotations

LINALG = """
torch.cholesky(torch.eye(3) * 4.0)
torch.cholesky(torch.eye(2), upper=True)
torch.logdet(torch.eye(3) * 2.0)
torch.lu_unpack(real(3, 3), torch.tensor([1, 2, 3], dtype=torch.int32))
torch.lu_solve(real(2, 1), torch.eye(2), torch.tensor([1, 2], dtype=torch.int32))
torch.svd(real(3, 2))
torch.svd(real(2, 3), some=False)
torch.svd_lowrank(real(4, 3), q=2)
torch.pca_lowrank(real(4, 3), q=2, center=False)
positive(1, 1).cholesky()
positive(1, 1).logdet()
real(2, 1).lu_solve(torch.eye(2), torch.tensor([1, 2], dtype=torch.int32))
real(3, 2).svd()
"""
