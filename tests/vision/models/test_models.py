"""The networks against torchvision's: names and shapes of all parameters, outputs, gradients, first weights."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.vision import models

OURS_ALONE = {"lenet"}

HUGE = {"vit_l_16", "vit_l_32", "vit_h_14"}  # hundreds of megabytes, and nothing new
WHOLE = pytest.mark.whole  # hundreds of megabytes in the linear layers
GOOGLENET = {"aux_logits": True, "transform_input": True, "init_weights": False}

# Networks whose numbers are compared, each made by one expression of both packages, and the size of the images.
# They are short members of their families: the others differ in the numbers of their tables, which the shapes show.
COMPARED = {
    "alexnet": (lambda m: m.alexnet(num_classes=10), 63, WHOLE),
    "vgg": (lambda m: m.vgg13_bn(num_classes=10), 32, WHOLE),
    "vgg.make_layers": (lambda m: m.vgg.make_layers([8, "M", 12, 16, "M"]), 9, ()),
    "vgg.make_layers with norm": (lambda m: m.vgg.make_layers([8, "M", 12, 16, "M"], batch_norm=True), 9, ()),
    "resnet, basic blocks": (lambda m: m.resnet.ResNet(m.resnet.BasicBlock, [1, 2, 1, 1]), 33, ()),
    "resnet, bottlenecks": (
        lambda m: m.resnet.ResNet(
            m.resnet.Bottleneck, [1, 2, 1, 1], replace_stride_with_dilation=[False, True, True]
        ),
        33,
        (),
    ),
    "resnext": (
        lambda m: m.resnet.ResNet(m.resnet.Bottleneck, [1, 1, 1, 1], groups=32, width_per_group=4),
        33,
        (),
    ),
    "densenet": (lambda m: m.densenet.DenseNet(8, (2, 3, 2, 2), 16), 33, ()),
    "densenet, efficient": (lambda m: m.densenet.DenseNet(8, (2, 3), 16, memory_efficient=True), 33, ()),
    "mobilenet_v2": (lambda m: m.mobilenet_v2(width_mult=0.25, num_classes=10), 33, ()),
    "squeezenet1_0": (lambda m: m.squeezenet1_0(num_classes=10), 32, ()),
    "squeezenet1_1": (lambda m: m.squeezenet1_1(num_classes=10), 32, ()),
    "googlenet": (lambda m: m.googlenet(num_classes=10, **GOOGLENET), 32, WHOLE),
    "shufflenet_v2": (
        lambda m: m.shufflenetv2.ShuffleNetV2([2, 1, 1], [8, 16, 32, 48, 64], num_classes=10),
        33,
        (),
    ),
    "efficientnet": (
        lambda m: m.efficientnet.EfficientNet(
            [
                m.efficientnet.FusedMBConvConfig(1, 3, 1, 16, 16, 1),
                m.efficientnet.FusedMBConvConfig(4, 3, 2, 16, 24, 1),
                m.efficientnet.MBConvConfig(4, 5, 2, 24, 40, 2, 1.1, 1.2),
            ],
            dropout=0.2,
        ),
        33,
        (),
    ),
    "vit": (
        lambda m: m.vision_transformer.VisionTransformer(32, 16, 2, 4, 24, 40, representation_size=20),
        32,
        (),
    ),
}


def build(package, name, **options):
    if name == "googlenet":
        options.setdefault("init_weights", False)
    return getattr(package, name)(**options)


def shapes(state):
    return {name: tuple(value.shape) for name, value in state.items()}


def in_our_library(value):
    return torch.from_numpy(value.detach().numpy().copy())


# ---- Names and shapes ----------------------------------------------------------------------------------


@pytest.fixture
def empty_weights(monkeypatch):
    """Let the first weights be whatever the memory holds: drawing hundreds of millions takes minutes."""
    for name in dir(torch.nn.init):
        if name.endswith("_") and not name.startswith("_"):
            monkeypatch.setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)


@pytest.mark.torch_parity
def test_there_is_nothing_that_torchvision_does_not_have(torchvision):
    assert set(models.list_models()) - set(torchvision.models.list_models()) == OURS_ALONE


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", [name for name in models.list_models() if name not in OURS_ALONE | HUGE])
def test_parameters_are_torchvisions(name, torchvision, empty_weights):
    pytorch = pytest.importorskip("torch")
    with pytorch.device("meta"):
        theirs = build(torchvision.models, name, num_classes=10)
    ours = build(models, name, num_classes=10)
    assert shapes(ours.state_dict()) == shapes(theirs.state_dict())
    assert [name for name, _ in ours.named_modules()] == [name for name, _ in theirs.named_modules()]


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "name", ["alexnet", "vgg11", "resnet18", "resnet50", "mobilenet_v2", "squeezenet1_0"]
)
def test_repr_is_torchvisions(name, torchvision, empty_weights):
    pytorch = pytest.importorskip("torch")
    with pytorch.device("meta"):
        theirs = build(torchvision.models, name, num_classes=10)
    assert repr(build(models, name, num_classes=10)) == repr(theirs)


# ---- Numbers -------------------------------------------------------------------------------------------


def outputs(model, image):
    """Return what a network gives, as a list of arrays."""
    result = model(image)
    return [part.detach().numpy() for part in (result if isinstance(result, tuple) else (result,))], result


def same_networks(torchvision, build_one):
    """Return the same network twice, with the same weights of float64, dropout switched off."""
    pytorch = pytest.importorskip("torch")
    pytorch.manual_seed(0)
    theirs, ours = build_one(torchvision.models).double(), build_one(models).double()
    with pytorch.no_grad():
        for key, value in theirs.state_dict().items():
            if key.startswith("heads.head"):  # zero at first
                value.normal_()
            elif value.is_floating_point():  # statistics that are not 0 and 1, too
                value.add_(pytorch.rand_like(value) - 0.5, alpha=0.02)
    ours.load_state_dict({key: in_our_library(value) for key, value in theirs.state_dict().items()})
    for model in (ours, theirs):
        for module in model.modules():
            if "Dropout" in type(module).__name__ or type(module).__name__ == "StochasticDepth":
                module.p = 0.0
    return ours, theirs


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("build_one", "size"),
    [pytest.param(*row[:2], marks=row[2], id=name) for name, row in COMPARED.items()],
)
def test_outputs_and_gradients_are_torchvisions(build_one, size, torchvision, empty_weights):
    pytorch = pytest.importorskip("torch")
    ours, theirs = same_networks(torchvision, build_one)
    image = np.random.default_rng(0).random((4, 3, size, size))
    for training in (False, True):
        ours.train(training), theirs.train(training)
        our_arrays, our_result = outputs(ours, torch.from_numpy(image))
        their_arrays, their_result = outputs(theirs, pytorch.from_numpy(image))
        for array, expected in zip(our_arrays, their_arrays, strict=True):
            assert array.shape == expected.shape
            np.testing.assert_allclose(array, expected, rtol=1e-7, atol=1e-8 * abs(expected).max())
    for result in (our_result, their_result):
        first = result[0] if isinstance(result, tuple) else result
        (first / first.detach().abs().max()).pow(3).sum().backward()
    wanted = {key: value.grad for key, value in theirs.named_parameters() if value.grad is not None}
    largest = max(float(grad.abs().max()) for grad in wanted.values())
    assert {key for key, value in ours.named_parameters() if value.grad is not None} == set(wanted)
    for key, grad in wanted.items():
        actual = ours.get_parameter(key).grad.numpy()
        np.testing.assert_allclose(actual, grad.numpy(), rtol=1e-5, atol=1e-7 * largest, err_msg=key)
    for key, buffer in ours.named_buffers():
        np.testing.assert_allclose(buffer.numpy(), theirs.get_buffer(key).numpy(), rtol=1e-7, atol=1e-9)


# ---- What torchvision does not show --------------------------------------------------------------------


def test_first_weights_are_drawn():
    """Of the fan, and zero where a head or a residual is to start with nothing."""
    model = models.resnet18(num_classes=10, zero_init_residual=True)
    std = model.layer2[0].conv2.weight.std().item()
    assert abs(std - (2 / (128 * 9)) ** 0.5) < 0.002
    assert model.layer2[0].bn2.weight.abs().max() == 0
    assert model.layer2[0].bn1.weight.min() == 1
    vit = models.VisionTransformer(32, 16, 1, 2, 8, 16, num_classes=3)
    assert vit.heads.head.weight.abs().max() == 0
    assert vit.conv_proj.weight.std() > 0
    assert vit(torch.randn(2, 3, 32, 32)).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("options", [{"weights": "DEFAULT"}, {"pretrained": True}])
def test_trained_weights_are_refused(options):
    with pytest.raises(ValueError, match=r"resnet18: expected weights=None.*load_state_dict"):
        models.resnet18(**options)
    assert isinstance(models.squeezenet1_1(pretrained=False), models.SqueezeNet)


def test_models_by_name():
    assert isinstance(models.get_model("LeNet", num_classes=3), models.LeNet)
    assert models.list_models("vgg1*", exclude="*_bn") == ["vgg11", "vgg13", "vgg16", "vgg19"]
    with pytest.raises(ValueError, match="Unknown model resnet19"):
        models.get_model("resnet19")


def test_stochastic_depth_keeps_the_mean():
    from tinygrad_edu.vision.ops import stochastic_depth

    ones = torch.ones(10000, 2)
    rows = stochastic_depth(ones, 0.25, "row")
    assert abs(rows.mean() - 1) < 0.05
    assert torch.equal(rows[:, 0], rows[:, 1])
    assert len(stochastic_depth(ones, 0.25, "batch").unique()) == 1
    assert stochastic_depth(ones, 0.25, "row", training=False) is ones
    with pytest.raises(ValueError, match="between 0 and 1"):
        stochastic_depth(ones, 1.5, "row")
    with pytest.raises(ValueError, match="'batch' or 'row'"):
        stochastic_depth(ones, 0.5, "column")
