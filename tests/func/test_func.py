"""torch.func gives what PyTorch's gives: values, structures, and whether they have a history."""

from __future__ import annotations

import collections
import re

import pytest

import tinygrad_edu as torch
from tests.both import check
from tinygrad_edu.func import tree

X, Y = "torch.tensor([0.5, 2.0, -1.0])", "torch.tensor([3.0, -1.0, 0.25])"
CALLS = [
    f"grad(lambda x: (x.sin() * x).sum())({X})",
    f"grad(lambda x: (x.sin() * x).sum())({X}.requires_grad_())",
    "grad(grad(torch.sin))(torch.tensor(1.0))",
    "grad(grad(grad(lambda x: x**4)))(torch.tensor(2.0))",
    f"grad(lambda x, y: (x * y).sum(), argnums=1)({X}, {Y})",
    f"grad(lambda x, y: (x * x * y).sum(), argnums=(0, 1))({X}, {Y})",
    f"grad(lambda x, y: (x * x * y).sum(), argnums=-1)({X}, {Y})",
    f"grad(lambda x, y: x.sum(), argnums=(0, 1))({X}, {Y})",
    f"grad(lambda p, x: (p['w'] * x + p['b']).pow(2).sum())(dict(w={X}, b={Y}), {Y})['w']",
    f"list(grad(lambda p: (p[0] * p[1][0]).sum())([{X}, ({Y},)])[1])",
    f"grad(lambda x: (x.sum(), x * 2), has_aux=True)({X})",
    f"grad_and_value(lambda x: x.exp().sum())({X})",
    f"grad_and_value(lambda x: (x.exp().sum(), (x, [x])), has_aux=True)({X})",
    f"grad(lambda x, k: (x**k).sum())({X}, k=2)",
    f"(lambda w: grad(lambda x: (w * x).sum())({X}))({Y}.requires_grad_())",
    f"(lambda w: grad(lambda x: (w * x * x).sum())({X}))({Y}.requires_grad_())",
    "grad(lambda x: grad(lambda y: x * y**2)(torch.tensor(3.0)))(torch.tensor(2.0))",
    "grad(lambda x: x)(torch.ones(2))",
    "grad(lambda x: 3.0)(torch.ones(2))",
    "grad(lambda x: x.sum())(3.0)",
    "grad(lambda x: x.sum(), argnums=1)(torch.ones(2))",
    "grad(lambda x: x.sum(), argnums='x')(torch.ones(2))",
    "grad(lambda x: x.sum(), has_aux=True)(torch.ones(2))",
    f"(lambda out, back: (out, back({Y})))(*vjp(lambda x: x.sin() * 2, {X}))",
    f"(lambda out, back: (out, back({Y}), back({X})))(*vjp(lambda x, y: x * y, {X}, {Y}))",
    f"(lambda out, back: (out, back(({Y}, torch.tensor(2.0)))))(*vjp(lambda x: (x.sin(), x.sum()), {X}))",
    f"(lambda out, back, aux: (out, aux, back({Y})))(*vjp(lambda x: (x.sin(), x * 2), {X}, has_aux=True))",
    f"jvp(lambda x: x.sin() * 2, ({X},), ({Y},))",
    f"jvp(lambda x, y: (x * y, x.sum()), ({X}, {Y}), ({Y}, {X}))",
    f"jvp(lambda x: (x.exp(), x), ({X},), ({Y},), has_aux=True)",
    f"jvp(torch.sin, {X}, {Y})",
    f"jacrev(lambda x: x.sin() * x.sum())({X})",
    f"jacrev(lambda x: (x.sin(), x.sum()))({X})",
    f"jacrev(lambda x, y: x * y.sum(), argnums=(0, 1))({X}, {Y})",
    f"jacrev(lambda p: p['w'] * 2)(dict(w={X}))['w']",
    f"jacrev(lambda x: (x * x, x), has_aux=True)({X})",
    f"jacfwd(lambda x: x.sin() * x.sum())({X})",
    f"jacfwd(jacrev(lambda x: (x**3).sum()))({X})",
    f"hessian(lambda x: (x.sin() * x).prod())({X})",
    f"hessian(lambda x, y: (x * y * y).sum(), argnums=(0, 1))({X}, {Y})",
    f"jacrev(grad(lambda x: (x**3).sum()))({X}.requires_grad_())",
    # vmap
    "vmap(torch.dot)(torch.arange(6.0).view(2, 3), torch.ones(2, 3))",
    "vmap(torch.dot, in_dims=(0, None))(torch.arange(6.0).view(2, 3), torch.ones(3))",
    "vmap(torch.dot, in_dims=1)(torch.arange(6.0).view(3, 2), torch.ones(3, 2))",
    "vmap(torch.sum, in_dims=-1)(torch.arange(6.0).view(3, 2))",
    "vmap(lambda x: x * 2, out_dims=1)(torch.arange(6.0).view(2, 3))",
    "vmap(lambda x: x * 2, out_dims=-1)(torch.arange(6.0).view(2, 3))",
    "vmap(lambda x: (x * 2, x.sum()), out_dims=(1, 0))(torch.arange(6.0).view(2, 3))",
    "vmap(lambda x: [x * 2])(torch.arange(6.0).view(2, 3))",
    "vmap(lambda x, k: x * k, in_dims=(0, None))(torch.arange(6.0).view(2, 3), 3)",
    "vmap(lambda d: d['a'] + d['b'], in_dims=({'a': 0, 'b': None},))(dict(a=torch.ones(2, 3), b=torch.ones(3)))",
    "vmap(lambda d: d['a'] + d['b'])(dict(a=torch.ones(2, 3), b=torch.ones(2)))",
    "vmap(vmap(torch.sin))(torch.ones(2, 3))",
    "vmap(grad(torch.sin))(torch.arange(3.0))",
    "vmap(grad(lambda w, x: (w * x).sum().tanh()), in_dims=(None, 0))(torch.ones(3), torch.arange(6.0).view(2, 3))",
    "jacrev(vmap(lambda x: x.sum()**2))(torch.arange(6.0).view(2, 3))",
    "vmap(lambda x: x * 2)(torch.ones(2, 3).requires_grad_())",
    "vmap(lambda x, scale=1: x * scale)(torch.ones(2), scale=4)",
    "jacrev(torch.square)(torch.tensor(3.0))",
    "hessian(lambda x: x**3)(torch.tensor(2.0))",
    "vmap(torch.sin)()",
    "vmap(torch.sin)(3.0)",
    "vmap(torch.dot, in_dims=(0, 0, 0))(torch.ones(2, 3), torch.ones(2, 3))",
    "vmap(torch.dot)(torch.ones(2, 3), torch.ones(4, 3))",
    "vmap(torch.sin, in_dims=None)(torch.ones(2))",
    "vmap(torch.sin, in_dims=3)(torch.ones(2))",
    "vmap(torch.sin, in_dims='x')(torch.ones(2))",
    "vmap(lambda x: 3)(torch.ones(2))",
    "vmap(lambda x: (x, x), out_dims=(0, 0, 0))(torch.ones(2))",
    "vmap(torch.sin, out_dims='x')(torch.ones(2))",
    "vmap(torch.sin, randomness='nonsense')(torch.ones(2))",
    "vmap(torch.sin, chunk_size=2)(torch.arange(5.0))",
    "vmap(torch.sin, chunk_size=0)",
    "vmap(lambda x: torch.relu(x) - x.clamp(min=-0.5).cumsum(0))(torch.arange(-3.0, 3).view(2, 3))",
    # modules
    "functional_call(torch.nn.Linear(2, 1), dict(weight=torch.ones(1, 2), bias=torch.ones(1)), torch.ones(3, 2))",
    "functional_call(torch.nn.Linear(2, 1), (dict(weight=torch.ones(1, 2)), dict(bias=torch.ones(1))), torch.ones(2))",
    "functional_call(torch.nn.Bilinear(1, 1, 1, bias=False), dict(weight=torch.ones(1, 1, 1)), (torch.ones(1),) * 2)",
    "functional_call(torch.nn.Identity(), {}, kwargs=dict(input=torch.ones(2)))",
    "functional_call(torch.nn.Linear(2, 1), 3, torch.ones(2))",
    "functional_call(torch.nn.Linear(2, 1), (dict(bias=torch.ones(1)), dict(bias=torch.ones(1))), torch.ones(2))",
    "functional_call(torch.nn.Linear(2, 1), dict(nonsense=torch.ones(1)), torch.ones(2)).shape",
    "functional_call(torch.nn.Linear(2, 1), dict(bias=torch.ones(1)), torch.ones(2), strict=True)",
    "stack_module_state([])",
    "stack_module_state([torch.nn.Linear(1, 1), torch.nn.Identity()])",
    "stack_module_state([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).eval()])",
    "{k: tuple(v.shape) for k, v in stack_module_state([torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)])[0].items()}",
    "[v.requires_grad and v.is_leaf for v in stack_module_state([torch.nn.Linear(2, 1)])[0].values()]",
]  # fmt: skip


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
@pytest.mark.parametrize("call", CALLS)
def test_as_in_pytorch(call):
    names = "grad_and_value|grad|vjp|jvp|jacrev|jacfwd|hessian|vmap|functional_call|stack_module_state"
    call = re.sub(rf"(?<![\w.])({names})\(", r"torch.func.\1(", call)
    check(call, pytest.importorskip("torch"))


def test_a_parameter_with_two_names_is_replaced_under_both():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    before = model[0].weight
    x = torch.ones(1, 2)
    doubled = {"0.weight": torch.eye(2) * 2}
    assert torch.func.functional_call(model, doubled, x).tolist() == [[4.0, 4.0]]
    assert model[0].weight is model[1].weight is before
    untied = torch.func.functional_call(model, doubled, x, tie_weights=False)
    assert torch.allclose(untied, 2 * model[1](x))
    with pytest.raises(ValueError, match="no"):
        torch.func.functional_call(Fails(), {}, x)


class Fails(torch.nn.Module):
    def forward(self, x):
        raise ValueError("no")


def test_an_ensemble():
    """Three models at once, and the gradients of all of them, are what each of them gives alone."""
    models = [
        torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.BatchNorm1d(5)).eval()
        for _ in range(3)
    ]
    parameters, buffers = torch.func.stack_module_state(models)
    x = torch.randn(6, 4)

    def call(parameters, buffers, x):
        return torch.func.functional_call(models[0], (parameters, buffers), (x,))

    together = torch.vmap(call, in_dims=(0, 0, None))(parameters, buffers, x)
    together.pow(2).sum().backward()
    for i, model in enumerate(models):
        alone = model(x)
        assert torch.equal(together[i], alone)
        alone.pow(2).sum().backward()
        for name, parameter in model.named_parameters():
            assert torch.allclose(parameters[name].grad[i], parameter.grad, atol=1e-6)


def test_results_without_outer_gradients_hold_no_graph():
    x = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        assert not torch.func.grad(lambda y: (y * y).sum())(x).requires_grad
    assert x.grad is None


def test_randomness():
    drawn = torch.vmap(lambda x: x + torch.rand(2), randomness="different")(torch.zeros(3))
    assert len(set(drawn.flatten().tolist())) == 6
    with pytest.raises(NotImplementedError):
        torch.vmap(torch.sin, randomness="same")


def test_trees():
    Point = collections.namedtuple("Point", "x y")
    nested = {"a": [1, (2, 3)], "b": Point(4, {}), "c": ()}
    assert list(tree.leaves_of(nested)) == [1, 2, 3, 4]
    assert tree.mapped(lambda x: -x, nested) == {"a": [-1, (-2, -3)], "b": Point(-4, {}), "c": ()}
    assert tree.spread({"a": 0, "b": 1, "c": 2}, nested) == [0, 0, 0, 1]
    assert tree.spread({"b": 0, "a": 1, "c": 2}, nested) is None
    assert tree.spread([0], (1,)) is None
