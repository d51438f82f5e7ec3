"""Networks for images: what ``torchvision.models`` is to PyTorch, without trained weights.

Each file is a family of networks, built from blocks that read like the figures of its paper. The names of functions,
classes and parameters are torchvision's, so that ``load_state_dict`` takes weights that were trained there;
:class:`LeNet` alone torchvision does not have.

Examples
--------
>>> import tinygrad_edu as torch
>>> from tinygrad_edu.vision import models
>>> model = models.resnet18(num_classes=10).eval()
>>> model(torch.zeros(1, 3, 32, 32)).shape
torch.Size([1, 10])
"""

from __future__ import annotations

from tinygrad_edu.vision.models.alexnet import (
    AlexNet as AlexNet,
    alexnet as alexnet,
)
from tinygrad_edu.vision.models.building import (
    get_model as get_model,
    get_model_builder as get_model_builder,
    list_models as list_models,
)
from tinygrad_edu.vision.models.densenet import (
    DenseNet as DenseNet,
    densenet121 as densenet121,
    densenet161 as densenet161,
    densenet169 as densenet169,
    densenet201 as densenet201,
)
from tinygrad_edu.vision.models.efficientnet import (
    EfficientNet as EfficientNet,
    efficientnet_b0 as efficientnet_b0,
    efficientnet_b1 as efficientnet_b1,
    efficientnet_b2 as efficientnet_b2,
    efficientnet_b3 as efficientnet_b3,
    efficientnet_b4 as efficientnet_b4,
    efficientnet_b5 as efficientnet_b5,
    efficientnet_b6 as efficientnet_b6,
    efficientnet_b7 as efficientnet_b7,
    efficientnet_v2_s as efficientnet_v2_s,
)
from tinygrad_edu.vision.models.googlenet import (
    GoogLeNet as GoogLeNet,
    GoogLeNetOutputs as GoogLeNetOutputs,
    googlenet as googlenet,
)
from tinygrad_edu.vision.models.lenet import (
    LeNet as LeNet,
    lenet as lenet,
)
from tinygrad_edu.vision.models.mobilenetv2 import (
    MobileNetV2 as MobileNetV2,
    mobilenet_v2 as mobilenet_v2,
)
from tinygrad_edu.vision.models.resnet import (
    ResNet as ResNet,
    resnet18 as resnet18,
    resnet34 as resnet34,
    resnet50 as resnet50,
    resnet101 as resnet101,
    resnet152 as resnet152,
    resnext50_32x4d as resnext50_32x4d,
    resnext101_32x8d as resnext101_32x8d,
    resnext101_64x4d as resnext101_64x4d,
    wide_resnet50_2 as wide_resnet50_2,
    wide_resnet101_2 as wide_resnet101_2,
)
from tinygrad_edu.vision.models.shufflenetv2 import (
    ShuffleNetV2 as ShuffleNetV2,
    shufflenet_v2_x0_5 as shufflenet_v2_x0_5,
    shufflenet_v2_x1_0 as shufflenet_v2_x1_0,
    shufflenet_v2_x1_5 as shufflenet_v2_x1_5,
    shufflenet_v2_x2_0 as shufflenet_v2_x2_0,
)
from tinygrad_edu.vision.models.squeezenet import (
    SqueezeNet as SqueezeNet,
    squeezenet1_0 as squeezenet1_0,
    squeezenet1_1 as squeezenet1_1,
)
from tinygrad_edu.vision.models.vgg import (
    VGG as VGG,
    vgg11 as vgg11,
    vgg11_bn as vgg11_bn,
    vgg13 as vgg13,
    vgg13_bn as vgg13_bn,
    vgg16 as vgg16,
    vgg16_bn as vgg16_bn,
    vgg19 as vgg19,
    vgg19_bn as vgg19_bn,
)
from tinygrad_edu.vision.models.vision_transformer import (
    VisionTransformer as VisionTransformer,
    vit_b_16 as vit_b_16,
    vit_b_32 as vit_b_32,
    vit_h_14 as vit_h_14,
    vit_l_16 as vit_l_16,
    vit_l_32 as vit_l_32,
)
