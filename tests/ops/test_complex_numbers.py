"""Complex numbers: derivatives by finite differences, values and gradients of PyTorch, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import tensor_from_array, to_numpy
from tinygrad_edu.autograd import gradcheck, gradgradcheck

# Programs of complex tensors z and w (2, 3) and of a real one x (2, 3).
DIFFERENTIABLE = """
z + w; z - w; z * w; z / w; z ** w; z ** 3; z ** 0.5; 2.0 ** z; z * x; x * z; x / z; z / x; x ** z; z ** x; z + x; x - z
-z; z.conj(); z.conj_physical(); z.abs(); z.angle(); z.sgn(); z.real; z.imag; z.real * z.imag; torch.view_as_real(z)
torch.view_as_complex(torch.stack([x, x * x], -1)); torch.complex(x, x * x); torch.polar(x * x, x)
x.to(z.dtype) * z; (z * 1j).real; z.exp(); z.expm1(); z.log(); z.log2(); z.log10(); z.log1p(); z.sqrt(); z.rsqrt()
z.sin(); z.cos(); z.tan(); z.asin(); z.acos(); z.atan(); z.sinh(); z.cosh(); z.tanh(); z.asinh(); z.acosh(); z.atanh()
z.reciprocal(); z.square(); z.sigmoid(); torch.sinc(z); z.lerp(w, 0.3)
z.sum(); z.sum(0); z.mean(1); z.prod(); z.prod(1); z.cumsum(0); z.cumprod(1); z.var(); z.std(1); z.norm(); z.norm(3, 1)
z.logsumexp(1); z.logcumsumexp(1); torch.logaddexp(z, w); torch.dist(z, w); torch.cov(z)
z @ w.T; z @ w.mH; torch.mm(z, w.H); z[0] @ w.T; torch.dot(z[0], w[0]); torch.vdot(z[0], w[0]); torch.outer(z[0], w[0])
torch.einsum('ij,kj->ik', z, w); torch.addmm(z @ w.T, z, w.T, beta=2j, alpha=1 - 1j); torch.kron(z, w)
torch.nn.functional.linear(z, w, w[:, 0]); torch.nn.functional.conv1d(z[None], w[None])
torch.where(x > 0, z, w); torch.cat([z, w]); torch.cat([z, x]); torch.stack([z, w]); z[:, 1:]
z.masked_fill(x > 0, 2j); z.tril(); z.reshape(3, 2).flip(0).roll(1)
torch.addcmul(z, w, z, value=1j); z.H; z.mH; torch.adjoint(z)
""".replace("\n", ";").split(";")  # fmt: skip
DIFFERENTIABLE = [program.strip() for program in DIFFERENTIABLE if program.strip()]


def numbers(seed):
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.5, 1.5, (2, 3))
    return size * np.exp(1j * rng.uniform(-3, 3, (2, 3))), size


Z, W, X = numbers(0)[0], numbers(1)[0], numbers(2)[1]


def run(program, engine=torch):
    """Return a function of z, w and x that runs a program."""
    return lambda z, w, x: eval(program, {"torch": engine, "z": z, "w": w, "x": x})


def inputs():
    return tuple([tensor_from_array(array.copy(), True) for array in (Z, W, X)])


@pytest.mark.gradcheck
@pytest.mark.parametrize("program", DIFFERENTIABLE)
def test_derivatives(program):
    assert gradcheck(run(program), inputs())
    assert gradgradcheck(run(program), inputs(), atol=1e-4)


@pytest.mark.torch_parity
@pytest.mark.parametrize("program", DIFFERENTIABLE)
def test_values_and_gradients_are_those_of_pytorch(program):
    pytorch = pytest.importorskip("torch")
    theirs = [pytorch.tensor(array, requires_grad=True) for array in (Z, W, X)]
    ours = inputs()
    expected, found = run(program, pytorch)(*theirs), run(program)(*ours)
    assert str(found.dtype) == str(expected.dtype)
    np.testing.assert_allclose(to_numpy(found), expected.detach().resolve_conj().numpy(), 1e-9, 1e-12)
    for engine, y in ((pytorch, expected), (torch, found)):
        seed = np.linspace(1, 2, y.numel()).reshape(y.shape) * (1 - 0.5j if y.dtype.is_complex else 1)
        y.backward(engine.tensor(seed, dtype=y.dtype))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            assert str(a.grad.dtype) == str(b.grad.dtype)
            np.testing.assert_allclose(to_numpy(a.grad), b.grad.resolve_conj().numpy(), 1e-9, 1e-12)


def test_a_wrong_gradient_is_noticed():
    class NotConjugated(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * 2 * ctx.saved_tensors[0]

    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(NotConjugated.apply, inputs()[:1])


def test_a_complex_number_is_no_loss():
    z = torch.tensor([1 + 2j], requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real scalar outputs but got torch.complex64"):
        z.sum().backward()
    with pytest.raises(RuntimeError, match="both grad_output and output are required to have the same dtype"):
        z.sum().backward(torch.tensor(1.0))
    z.sum().backward(torch.tensor(1 + 0j))
    assert z.grad.tolist() == [1]


def test_parts_are_views_that_can_be_changed():
    z = torch.tensor([1 + 2j, 3 + 4j])
    z.real.mul_(10)
    z.imag = torch.tensor([5.0, 6.0])
    torch.view_as_real(z)[0, 0] = 7
    assert z.tolist() == [7 + 5j, 30 + 6j]
    torch.view_as_complex(pairs := torch.zeros(2, 2)).add_(1 + 2j)
    assert pairs.tolist() == [[1, 2], [1, 2]]


def test_the_gradient_after_a_part_was_changed():
    z = torch.tensor([1 + 2j, 3 + 4j], requires_grad=True)
    y = z * 1
    y.real.mul_(3)
    y.imag = torch.zeros(2)
    torch.view_as_real(y).sum().backward()
    assert z.grad.tolist() == [3, 3]


def test_real_numbers_are_their_own_real_part_and_conjugate():
    x = torch.ones(2)
    assert all(same is x for same in (x.real, x.conj(), x.resolve_conj(), x.resolve_neg()))
    assert not any([x.is_conj(), torch.is_conj(x), torch.is_neg(x)])


REFUSED = [
    (lambda: torch.ones(2).imag, RuntimeError, "imag is not implemented for tensors with non-complex dtypes"),
    (lambda: torch.view_as_real(torch.ones(2)), RuntimeError, "only supported for complex tensors"),
    (lambda: torch.view_as_complex(torch.ones(3)), RuntimeError, "last dimension of size 2"),
    (lambda: torch.view_as_complex(torch.ones(2, 4)[:, ::2]), RuntimeError, "last dimension with stride 1"),
    (lambda: torch.view_as_complex(torch.ones(2, 3)[:, :2]), RuntimeError, "stride divisible by 2"),
    (
        lambda: torch.complex(torch.ones(2), torch.ones(2).double()),
        RuntimeError,
        "Expected object of scalar type",
    ),
    (
        lambda: torch.complex(torch.ones(2).long(), torch.ones(2).long()),
        RuntimeError,
        "to be Float or Double",
    ),
    (lambda: torch.ones(2).mH, RuntimeError, "only supported on matrices or batches of matrices"),
    (lambda: torch.ones(2, 2, 2).H, RuntimeError, "only supported on matrices"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
