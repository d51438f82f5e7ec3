"""Right calls of what is about complex numbers; the others are in ``written_calls``."""

from __future__ import annotations

COMPLEX = """
torch.complex(real(2, 3), real(2, 3))
torch.polar(positive(2, 3), real(3))
torch.adjoint(torch.complex(real(2, 3), real(2, 3)))
torch.angle(torch.complex(real(2, 3), real(2, 3)))
torch.conj(torch.complex(real(2, 3), real(2, 3)))
torch.conj_physical(torch.complex(real(2, 3), real(2, 3)))
torch.resolve_conj(torch.complex(real(2, 3), real(2, 3)))
torch.resolve_neg(torch.complex(real(2, 3), real(2, 3)))
torch.real(torch.complex(real(2, 3), real(2, 3)))
torch.imag(torch.complex(real(2, 3), real(2, 3)))
torch.view_as_real(torch.complex(real(2, 3), real(2, 3)))
torch.view_as_complex(real(3, 2))
torch.is_conj(real(2))
torch.is_neg(real(2))
real(2, 3).adjoint()
real(2, 3).angle()
real(2, 3).conj()
real(2, 3).conj_physical()
real(2, 3).conj_physical_()
real(2, 3).resolve_conj()
real(2, 3).resolve_neg()
real(2, 3).is_conj()
real(2, 3).is_neg()
real(2, 3).cfloat()
real(2, 3).cdouble()
"""
