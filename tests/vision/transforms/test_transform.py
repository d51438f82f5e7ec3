"""Chains of transforms, and which of them may work on whole batches."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.vision import transforms


def test_compose_applies_first_to_last():
    chain = transforms.Compose([transforms.Lambda(lambda x: x + 1), transforms.Lambda(lambda x: x * 10)])
    assert chain(1) == 20
    assert transforms.Compose([])(5) == 5


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]),
            "Compose(\n    ToTensor()\n    Normalize(mean=(0.1307,), std=(0.3081,))\n)",
        ),
        (transforms.Compose([]), "Compose(\n)"),
        (transforms.ToTensor(), "ToTensor()"),
        (transforms.Normalize([0.5], [0.5], inplace=True), "Normalize(mean=[0.5], std=[0.5])"),
        (transforms.ConvertImageDtype(torch.float32), "ConvertImageDtype()"),
        (transforms.Lambda(abs), "Lambda()"),
        (transforms.Pad(4), "Pad(padding=4, fill=0, padding_mode=constant)"),
        (transforms.Pad([1, 2], 3, "reflect"), "Pad(padding=[1, 2], fill=3, padding_mode=reflect)"),
        (transforms.CenterCrop(24), "CenterCrop(size=(24, 24))"),
        (transforms.RandomCrop(28, padding=4), "RandomCrop(size=(28, 28), padding=4)"),
        (transforms.RandomCrop([28]), "RandomCrop(size=(28, 28), padding=None)"),
        (transforms.RandomHorizontalFlip(), "RandomHorizontalFlip(p=0.5)"),
        (transforms.RandomVerticalFlip(0.3), "RandomVerticalFlip(p=0.3)"),
    ],
)
def test_repr_is_torchvisions(transform, expected):
    assert repr(transform) == expected


def test_lambda_needs_a_callable():
    with pytest.raises(TypeError, match="Argument lambd should be callable, got 'int'"):
        transforms.Lambda(3)


def test_which_transforms_support_batches():
    supports_batches = transforms.supports_batches
    assert supports_batches(None)
    assert supports_batches(transforms.ToTensor())
    assert supports_batches(transforms.Compose([transforms.ToTensor(), transforms.Compose([])]))
    assert not supports_batches(np.asarray)
    assert not supports_batches(transforms.Lambda(np.asarray))
    assert not supports_batches(transforms.Compose([transforms.Compose([transforms.Lambda(abs)])]))
    assert not supports_batches(transforms.Compose([transforms.ToTensor(), torch.abs]))
    assert not supports_batches(transforms.Transform)  # the class itself is a callable, but no transform


def test_subclasses_that_know_single_images_only():
    class Inverse(transforms.ToTensor):
        def __call__(self, pic):
            return 1 - super().__call__(pic)

    class InverseOnBatch(Inverse):
        def on_batch(self, images):
            return 1 - super().on_batch(images)

    class TopLeft(transforms.RandomCrop):
        @staticmethod
        def get_params(img, output_size):
            return 0, 0, *output_size

    class FirstOnly(transforms.Compose):
        def __call__(self, image):
            return self.transforms[0](image)

    class Named(transforms.ToTensor):
        name = "mine"

    assert not transforms.supports_batches(Inverse())
    assert transforms.supports_batches(InverseOnBatch())
    assert not transforms.supports_batches(TopLeft(3))
    assert not transforms.supports_batches(FirstOnly([transforms.ToTensor()]))
    assert transforms.supports_batches(Named())


def test_compose_on_batch_of_a_callable_explains_itself():
    with pytest.raises(
        TypeError, match=r"Compose\.on_batch: expected transforms with on_batch, got Lambda\(\)"
    ):
        transforms.Compose([transforms.Lambda(abs)]).on_batch(np.zeros((2, 3, 3)))


def test_a_transform_without_methods_explains_itself():
    class Nothing(transforms.Transform):
        pass

    with pytest.raises(NotImplementedError, match="Nothing: expected a __call__ method, got none"):
        Nothing()(1)
    with pytest.raises(NotImplementedError, match="Nothing: expected an on_batch method, got none"):
        Nothing().on_batch(1)
