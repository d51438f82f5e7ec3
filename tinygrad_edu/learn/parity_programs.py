"""What the parity report runs besides single operations: layers, losses, optimizer steps, one training step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn, optim
from tinygrad_edu.backend import device as Device
from tinygrad_edu.learn.parity_recipe import Case, Maker, Values, ints, real, unit


class ModuleCase(Case):
    """A layer or a loss, with its inputs; its parameters are leaves, too."""

    def __init__(self, module: nn.Module, inputs: list[Any], leaves: list[Tensor]) -> None:
        super().__init__([*leaves, *module.parameters()])
        self.module, self.inputs = module, inputs

    def run(self) -> Any:
        """Call the module."""
        return self.module(*self.inputs)


@dataclass(frozen=True)
class ModuleRecipe:
    """A layer or a loss and its inputs.

    Parameters
    ----------
    name : str
        What it is called in the report.
    make : dict
        ``"small"`` and ``"typical"``: the class and its arguments.
    inputs : dict
        ``"small"`` and ``"typical"``: what it is called with.
    """

    name: str
    make: dict[str, tuple[Callable[..., nn.Module], tuple[Any, ...]]]
    inputs: dict[str, tuple[Values, ...]]
    kind: str = "layer"
    rounding: float = 1.0

    def prepare(self, size: str, device: Device, dtype: torch.dtype) -> Case:
        """Make the layer, with the same parameters on every device, and its inputs."""
        module = seeded(*self.make[size]).to(device=device, dtype=dtype)
        maker = Maker(f"{self.name} {size}", device, dtype)
        inputs = [maker.make(value) for value in self.inputs[size]]
        return ModuleCase(module, inputs, maker.leaves)


def seeded(module_class: Callable[..., nn.Module], arguments: tuple[Any, ...]) -> nn.Module:
    """Make a module on the CPU, whose first parameters are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return module_class(*arguments)


def layer(
    module_class: Callable[..., nn.Module],
    small: tuple[Any, ...],
    small_inputs: tuple[Values, ...],
    typical: tuple[Any, ...],
    typical_inputs: tuple[Values, ...],
    kind: str = "layer",
) -> ModuleRecipe:
    """Write a row of the table of layers."""
    name = f"nn.{getattr(module_class, '__name__', 'Module')}"
    make = {"small": (module_class, small), "typical": (module_class, typical)}
    return ModuleRecipe(name, make, {"small": small_inputs, "typical": typical_inputs}, kind)


def loss(module_class: Callable[..., nn.Module], first: Any, second: Any) -> ModuleRecipe:
    """Write a row for a loss of two tensors of one shape."""
    small, typical = (first(3, 5), second(3, 5)), (first(1024, 512), second(1024, 512))
    return layer(module_class, (), small, (), typical, kind="loss")


LAYERS = [
    layer(nn.Linear, (5, 4), (real(3, 5),), (3136, 128), (real(64, 3136),)),
    layer(nn.Conv2d, (2, 3, 3, 1, 1), (real(2, 2, 5, 5),), (1, 32, 3, 1, 1), (real(64, 1, 28, 28),)),
    layer(nn.BatchNorm1d, (5,), (real(4, 5),), (512,), (real(1024, 512),)),
    layer(nn.BatchNorm2d, (3,), (real(2, 3, 4, 4),), (32,), (real(64, 32, 14, 14),)),
    layer(nn.LayerNorm, (5,), (real(3, 5),), (512,), (real(1024, 512),)),
    layer(nn.Embedding, (7, 3), (ints(4, high=7),), (1000, 128), (ints(64, 32, high=1000),)),
    layer(nn.Dropout, (0.5,), (real(3, 5),), (0.5,), (real(1024, 1024),)),
    layer(nn.MaxPool2d, (2,), (real(2, 2, 6, 6),), (2,), (real(64, 32, 28, 28),)),
    layer(nn.AvgPool2d, (2,), (real(2, 2, 6, 6),), (2,), (real(64, 32, 28, 28),)),
    layer(nn.ReLU, (), (real(3, 5),), (), (real(1024, 1024),)),
    layer(nn.GELU, (), (real(3, 5),), (), (real(1024, 1024),)),
]

LOSSES = [
    layer(
        nn.CrossEntropyLoss, (), (real(4, 10), ints(4)), (), (real(1024, 1000), ints(1024, high=1000)), "loss"
    ),
    loss(nn.MSELoss, real, real),
    loss(nn.L1Loss, real, real),
    loss(nn.BCELoss, unit, unit),
    loss(nn.BCEWithLogitsLoss, real, unit),
]


class OptimizerCase(Case):
    """Parameters with gradients that stay as they are, and an optimizer."""

    steps = 3

    def __init__(self, parameters: list[Tensor], optimizer: optim.Optimizer) -> None:
        super().__init__([])
        self.parameters, self.optimizer = parameters, optimizer

    def run(self) -> Any:
        """Take some steps, so that the state of one is used by the next; return the parameters."""
        for _ in range(self.steps):
            self.optimizer.step(self.loss)
        return [parameter.detach() for parameter in self.parameters]

    def loss(self) -> Tensor:
        """Return a loss that has the given gradients, for optimizers that ask for one."""
        terms = [(p.detach() * p.grad).sum() for p in self.parameters if p.grad is not None]
        return torch.stack(terms).sum()


@dataclass(frozen=True)
class OptimizerRecipe:
    """Three steps of an optimizer with given gradients."""

    name: str
    make: Callable[..., optim.Optimizer]
    options: dict[str, Any]
    kind: str = "optimizer"
    rounding: float = 1.0

    def prepare(self, size: str, device: Device, dtype: torch.dtype) -> Case:
        """Make parameters, gradients and the optimizer."""
        shapes = {"small": [(3, 5), (5,)], "typical": [(64, 32, 3, 3), (128, 3136), (128,)]}[size]
        maker = Maker(f"{self.name} {size}", device, dtype)
        parameters = [nn.Parameter(maker.make(real(*shape, grad=False))) for shape in shapes]
        for parameter in parameters:
            parameter.grad = maker.make(real(*parameter.shape, grad=False))
        return OptimizerCase([*parameters], self.make(parameters, **self.options))


OPTIMIZERS = [
    OptimizerRecipe("optim.SGD", optim.SGD, {"lr": 0.1}),
    OptimizerRecipe("optim.SGD, Nesterov", optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    OptimizerRecipe("optim.Adam", optim.Adam, {"lr": 1e-3}),
    OptimizerRecipe("optim.Adam, amsgrad", optim.Adam, {"lr": 1e-3, "amsgrad": True, "weight_decay": 0.01}),
    OptimizerRecipe("optim.AdamW", optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01}),
    OptimizerRecipe("optim.Adagrad", optim.Adagrad, {"lr": 0.01}),
    OptimizerRecipe("optim.RMSprop", optim.RMSprop, {"lr": 0.01, "momentum": 0.9}),
    OptimizerRecipe("optim.Adadelta", optim.Adadelta, {"lr": 0.5}),
    OptimizerRecipe("optim.Adamax", optim.Adamax, {"lr": 1e-3}),
    OptimizerRecipe("optim.NAdam", optim.NAdam, {"lr": 1e-3}),
    OptimizerRecipe("optim.RAdam", optim.RAdam, {"lr": 1e-3}),
    OptimizerRecipe("optim.Rprop", optim.Rprop, {"lr": 0.01}),
    OptimizerRecipe("optim.ASGD", optim.ASGD, {"lr": 0.01}),
    OptimizerRecipe("optim.Adafactor", optim.Adafactor, {"lr": 0.01}),
    OptimizerRecipe("optim.LBFGS", optim.LBFGS, {"lr": 0.01, "max_iter": 3}),
]

OPTIMIZERS_LEFT_OUT = {
    optim.Muon: "computes in bfloat16 on the CPU, which arrays of a GPU do not have",
    optim.SparseAdam: "takes sparse gradients, of which the recipes make none",
}
"""The optimizers without a recipe, and why."""


class SmallCNN(nn.Module):
    """Two convolutions with pooling and two linear layers: the CNN of ``demos/train_mnist.py``.

    Parameters
    ----------
    channels : (int, int)
        Filters of the two convolutions.
    size : int
        Height and width of the images, in pixels, a multiple of 4.
    """

    def __init__(self, channels: tuple[int, int], size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels[0], 3, padding=1)
        self.conv2 = nn.Conv2d(channels[0], channels[1], 3, padding=1)
        self.fc1 = nn.Linear(channels[1] * (size // 4) ** 2, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (n, 10) of images (n, 1, size, size)."""
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv2(x)), 2)
        x = nn.functional.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc2(x)


class TrainingCase(Case):
    """A network, a batch and an optimizer."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        super().__init__([])
        self.model, self.images, self.labels = model, images, labels
        self.optimizer = optim.Adam(model.parameters(), lr=1e-3)

    def run(self) -> Any:
        """Take a step; return the loss and all gradients.

        The parameters afterwards are not compared: Adam divides a gradient by its own size, so that rounding
        errors of gradients close to 0 come out as large as the step. The optimizers' own rows compare them.
        """
        self.optimizer.zero_grad()
        loss_value = nn.functional.cross_entropy(self.model(self.images), self.labels)
        loss_value.backward()
        self.optimizer.step()
        return [loss_value.detach(), *[parameter.grad for parameter in self.model.parameters()]]


@dataclass(frozen=True)
class TrainingRecipe:
    """One training step of a CNN with cross-entropy and Adam."""

    name: str = "CNN, training step"
    kind: str = "training"
    rounding: float = 10.0

    def prepare(self, size: str, device: Device, dtype: torch.dtype) -> Case:
        """Make network and batch: 2 images of 8 x 8, or the demo's 64 of 28 x 28."""
        batch, channels, pixels = {"small": (2, (4, 8), 8), "typical": (64, (32, 64), 28)}[size]
        model = seeded(SmallCNN, (channels, pixels)).to(device=device, dtype=dtype)
        maker = Maker(f"{self.name} {size}", device, dtype)
        images = maker.make(real(batch, 1, pixels, pixels, grad=False))
        return TrainingCase(model, images, maker.make(ints(batch)))


PROGRAMS: Sequence[Any] = [*LAYERS, *LOSSES, *OPTIMIZERS, TrainingRecipe()]
"""Recipes with the same attributes (name, kind, rounding) and the same ``prepare`` as those of operations."""
