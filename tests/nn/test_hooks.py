from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.autograd.gradcheck import gradgradcheck
from tinygrad_edu.nn import calling


def shapes(grads):
    return tuple(None if grad is None else tuple(grad.shape) for grad in grads)


def test_the_hook_sees_the_gradients_of_input_and_output():
    layer, seen = nn.Linear(3, 2), []
    layer.register_full_backward_hook(
        lambda module, grad_input, grad_output: seen.append((module, grad_input, grad_output))
    )
    x = torch.randn(4, 3, requires_grad=True)
    (layer(x) * 3).sum().backward()
    ((module, (grad_input,), (grad_output,)),) = seen
    assert module is layer
    assert grad_output.tolist() == [[3.0, 3.0]] * 4
    np.testing.assert_allclose(grad_input.numpy(force=True), x.grad.numpy(force=True))
    np.testing.assert_allclose(
        x.grad.numpy(force=True), 3 * np.ones((4, 2)) @ layer.weight.numpy(force=True), rtol=1e-6
    )


def test_the_hook_may_replace_the_gradient_of_the_input():
    layer = nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 0 + 7,))
    x = torch.randn(4, 3, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[7.0] * 3] * 4
    assert layer.bias.grad.tolist() == [4.0, 4.0]


def test_the_pre_hook_may_replace_the_gradient_of_the_output():
    layer, seen = nn.Linear(3, 2), []
    layer.register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 2,))
    layer.register_full_backward_hook(
        lambda module, grad_input, grad_output: seen.append(grad_output[0].tolist())
    )
    layer(torch.randn(4, 3, requires_grad=True)).sum().backward()
    assert layer.bias.grad.tolist() == [8.0, 8.0]
    assert seen == [[[2.0, 2.0]] * 4]


def test_order_and_removal():
    layer, order = nn.Linear(1, 1), []
    x = torch.ones(1, 1, requires_grad=True)
    handles = [layer.register_full_backward_hook(lambda *_, i=i: order.append(i)) for i in range(2)]
    layer.register_full_backward_hook(lambda *_: order.append("first"), prepend=True)
    layer.register_full_backward_pre_hook(lambda *_: order.append("pre"))
    layer(x).sum().backward()
    assert order == ["pre", "first", 0, 1]
    order.clear()
    handles[0].remove()
    layer(x).sum().backward()
    assert order == ["pre", "first", 1]


def test_gradients_are_those_without_hooks():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = torch.randn(5, 3, requires_grad=True)
    net(x).sum().backward()
    expected = [x.grad.numpy(force=True).copy(), *[p.grad.numpy(force=True).copy() for p in net.parameters()]]
    net.zero_grad()
    x.grad = None
    for module in net.modules():
        module.register_full_backward_hook(lambda *_: None)
    net(x).sum().backward()
    for found, wanted in zip([x.grad, *[p.grad for p in net.parameters()]], expected, strict=True):
        np.testing.assert_allclose(found.numpy(force=True), wanted, rtol=2e-6)


def test_the_first_layer_of_a_network_has_no_gradient_of_its_input():
    layer, seen = nn.Linear(3, 2), []
    layer.register_full_backward_hook(
        lambda module, grad_input, grad_output: seen.append((grad_input, shapes(grad_output)))
    )
    y = layer(torch.ones(4, 3))
    with pytest.warns(
        UserWarning, match="Full backward hook is firing when gradients are computed with respect to"
    ):
        y.sum().backward()
    assert seen == [((None,), ((4, 2),))]
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: (torch.ones(1),))
    y = layer(torch.ones(4, 3))
    with (
        pytest.warns(UserWarning, match="Full backward"),
        pytest.raises(RuntimeError, match="should always return None"),
    ):
        y.sum().backward()


class TwoOfThree(nn.Module):
    def forward(self, a, number, b):
        return a * number, b.detach(), a + b


def test_several_inputs_and_outputs():
    module, seen = TwoOfThree(), []
    module.register_full_backward_hook(lambda _, gi, go: seen.append((shapes(gi), shapes(go))))
    a, b = torch.ones(2, requires_grad=True), torch.ones(1, 2)
    first, constant, second = module(a, 3, b)
    assert (first.requires_grad, constant.requires_grad, second.requires_grad) == (True, False, True)
    (first.sum() + second.sum()).backward()
    assert seen == [(((2,), None, (1, 2)), ((2,), None, (1, 2)))]  # zeros for b, None for its copy
    assert a.grad.tolist() == [4.0, 4.0]
    assert b.grad is None


def test_integer_inputs_pass():
    layer, seen = nn.Embedding(4, 2), []
    layer.register_full_backward_hook(lambda _, gi, go: seen.append((gi, shapes(go))))
    y = layer(torch.tensor([1, 1, 3]))
    with pytest.warns(UserWarning, match="Full backward hook"):
        y.sum().backward()
    assert seen == [((None,), ((3, 2),))]
    assert layer.weight.grad.tolist() == [[0.0, 0.0], [2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]


def test_without_gradients_nothing_happens():
    layer, seen = nn.Linear(1, 1), []
    layer.register_full_backward_hook(lambda *_: seen.append(1))
    with torch.no_grad():
        assert not layer(torch.ones(1, 1)).requires_grad
    assert seen == []


def test_a_wrong_number_of_gradients_is_an_error():
    layer = nn.Linear(1, 1)
    layer.register_full_backward_hook(lambda _, gi, go: (gi[0], gi[0]))
    y = layer(torch.ones(1, 1, requires_grad=True))
    with pytest.raises(
        RuntimeError, match="Backward hook returned an invalid number of grad_input, got 2, but expected 1"
    ):
        y.sum().backward()
    layer = nn.Linear(1, 1)
    layer.register_full_backward_pre_hook(lambda _, go: ())
    y = layer(torch.ones(1, 1, requires_grad=True))
    with pytest.raises(
        RuntimeError, match="Backward pre hook returned an invalid number of grad_output, got 0, but"
    ):
        y.sum().backward()


def test_an_output_that_is_no_tensor_warns():
    class Dict(nn.Module):
        def forward(self, x):
            return {"y": x}

    module = Dict()
    module.register_full_backward_hook(lambda *_: None)
    with pytest.warns(
        UserWarning,
        match=r"module output should be a Tensor or a tuple of Tensors but received <class 'dict'>",
    ):
        module(torch.ones(1, requires_grad=True))


def test_backward_twice_calls_the_hook_twice():
    layer, seen = nn.Linear(1, 1), []
    layer.register_full_backward_hook(lambda *_: seen.append(1))
    y = layer(torch.ones(1, 1, requires_grad=True))
    y.backward(retain_graph=True)
    y.backward()
    assert seen == [1, 1]


def test_the_second_derivative_goes_through():
    layer, seen = nn.Tanh(), []
    layer.register_full_backward_hook(lambda *_: seen.append(1))
    x = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    assert gradgradcheck(layer, (x,))


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_calls_are_those_of_pytorch(reference):
    logs = []
    for library in (torch, reference):
        net = library.nn.Sequential(library.nn.Linear(3, 4), library.nn.ReLU(), library.nn.Linear(4, 2))
        log = []
        for name, module in net.named_modules():
            module.register_full_backward_pre_hook(
                lambda m, go, log=log, name=name: log.append((name, "pre", shapes(go)))
            )
            module.register_full_backward_hook(
                lambda m, gi, go, log=log, name=name: log.append((name, shapes(gi), shapes(go)))
            )
        net(library.ones(5, 3, requires_grad=True)).sum().backward()
        net(library.ones(5, 3)).sum().backward()
        logs.append(log)
    assert logs[0] == logs[1]


class Fails(nn.Module):
    def forward(self, x):
        raise ValueError("no")


def test_a_hook_that_is_always_called_sees_none_after_an_error():
    module, seen = Fails(), []
    module.register_forward_hook(lambda module, args, output: seen.append("only without an error"))
    module.register_forward_hook(lambda module, args, output: seen.append(output), always_call=True)
    with pytest.raises(ValueError, match="no"):
        module(torch.ones(1))
    assert seen == [None]


def test_an_error_in_a_hook_that_is_always_called_does_not_hide_the_first():
    module = Fails()

    def fails_too(module, args, output):
        raise KeyError("too")

    module.register_forward_hook(fails_too, always_call=True)
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ValueError, match="no"):
        module(torch.ones(1))


def test_programs_look_into_the_hooks_and_clear_them():
    layer = nn.Linear(2, 3)
    hooks = [lambda *_: None, lambda *_: None, lambda *_: None]
    layer.register_forward_hook(hooks[0])
    handle = layer.register_forward_hook(hooks[1])
    layer.register_forward_hook(hooks[2], prepend=True)
    assert list(layer._forward_hooks.values()) == [hooks[2], hooks[0], hooks[1]]
    layer._forward_hooks.clear()
    handle.remove()  # of a hook that is gone
    layer._forward_pre_hooks = OrderedDict()
    layer.register_forward_pre_hook(hooks[0])
    assert list(layer._forward_pre_hooks.values()) == [hooks[0]]


def test_hooks_out_of_a_file_keep_their_place(monkeypatch):
    layer = nn.Linear(2, 3)
    monkeypatch.setattr(calling, "NUMBERS", iter([5, 5, 6]))  # as in a new process
    layer.register_forward_hook(print)
    layer.register_forward_hook(len)
    assert list(layer._forward_hooks.values()) == [print, len]
