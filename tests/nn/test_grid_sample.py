"""Sampling at the places of a grid, and affine grids: PyTorch's numbers, derivatives, and what is refused."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import tinygrad_edu
from tests.both import check
from tests.nn.parity import assert_same, backward, numbers
from tinygrad_edu.autograd.gradcheck import gradcheck, gradgradcheck
from tinygrad_edu.nn import functional as F

# On pixels, on the edges, far outside; what lies between, as well.
PLACES = [-1.0, 1.0, 0.0, -2.0, 3.0, 0.5, -0.5, 5.0, -5.0, 7.3, 50.0, -1.2, 2 / 3, -1 / 3]
PADDINGS = ("zeros", "border", "reflection")
CASES = [
    (dims, *rest)
    for dims, modes in ((2, ("bilinear", "nearest", "bicubic")), (3, ("bilinear", "nearest")))
    for rest in itertools.product(modes, PADDINGS, (True, False))
]


def made(dims):
    rng = np.random.default_rng(dims)
    image = rng.standard_normal((1, 2, *(3, 4, 1)[:dims])).astype(np.float32)
    places = np.array(list(itertools.product(PLACES, repeat=dims)), np.float32)[:1500]
    return image, places.reshape(1, *[1] * (dims - 1), -1, dims)


@pytest.mark.torch_parity
@pytest.mark.parametrize("case", CASES, ids=str)
def test_parity(reference, case):
    dims, *options = case
    found = []
    for library in (tinygrad_edu, reference):
        image, grid = [library.tensor(x).requires_grad_() for x in made(dims)]
        output = library.nn.functional.grid_sample(image, grid, *options)
        backward(library, output)
        found.append({"output": numbers(output), "image": numbers(image.grad), "grid": numbers(grid.grad)})
    assert_same(*found, rtol=1e-4, atol=2e-4)


@pytest.mark.gradcheck
@pytest.mark.parametrize("case", CASES[::2], ids=str)  # the corners only move and stretch the grid
def test_gradients(case):
    dims, *options = case
    rng = np.random.default_rng(dims)
    image = tinygrad_edu.tensor(rng.standard_normal((2, 1, *(3, 2, 2)[:dims]))).requires_grad_()
    places = rng.choice(np.linspace(-1.71, 1.77, 30), (2, *[1] * (dims - 1), 3, dims), replace=False)
    grid = tinygrad_edu.tensor(places).requires_grad_()

    def sample(image, grid):
        return F.grid_sample(image, grid, *options)

    assert gradcheck(sample, (image, grid))
    assert gradgradcheck(sample, (image, grid))


AFFINE = [((1, 2, 3), (1, 1, 3, 4)), ((2, 2, 3), (2, 1, 1, 4)), ((1, 3, 4), (1, 1, 2, 3, 4))]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("shape", "size"), AFFINE)
@pytest.mark.parametrize("align_corners", [True, False])
def test_affine_grid(reference, shape, size, align_corners):
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    found = []
    for library in (tinygrad_edu, reference):
        theta = library.tensor(values).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns of a size of 1
            grid = library.nn.functional.affine_grid(theta, size, align_corners)
        backward(library, grid)
        found.append({"grid": numbers(grid), "theta": numbers(theta.grad)})
    assert_same(*found)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("align_corners", [True, False])
def test_the_map_that_moves_nothing_gives_the_image_back(mode, align_corners):
    image = tinygrad_edu.randn(1, 2, 4, 5)
    theta = tinygrad_edu.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    grid = F.affine_grid(theta, image.shape, align_corners)
    same = F.grid_sample(image, grid, mode, "border", align_corners)
    np.testing.assert_allclose(same.numpy(force=True), image.numpy(force=True), atol=1e-5)


def test_places_that_are_no_numbers():
    """PyTorch gives NaN for infinity, or ends the process; here that is outside, like any other place."""
    grid = tinygrad_edu.tensor([[[[np.inf, 0.0], [-np.inf, 0.0], [1e30, 0.0], [np.nan, 0.0]]]])
    for mode, padding in itertools.product(("bilinear", "nearest"), PADDINGS):
        values = F.grid_sample(tinygrad_edu.ones(1, 1, 3, 3), grid, mode, padding, True).flatten().tolist()
        assert values[:3] == [0.0 if padding == "zeros" else 1.0] * 3
    for padding in PADDINGS:
        assert F.grid_sample(tinygrad_edu.ones(1, 1, 3, 3), grid, "bicubic", padding, True).shape[-1] == 4


def test_the_choice_of_corners_is_asked_for():
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0") as caught:
        F.grid_sample(tinygrad_edu.ones(1, 1, 2, 2), tinygrad_edu.zeros(1, 1, 1, 2))
    assert caught[0].filename == __file__


REFUSED = [
    "grid_sample(ones(1, 1, 2, 2), ones(1, 2, 2, 2), 'x')",
    "grid_sample(ones(1, 1, 2, 2), ones(1, 2, 2, 2), padding_mode='x')",
    "grid_sample(ones(1, 1, 2, 2), ones(1, 2, 2, 3), align_corners=True)",
    "grid_sample(ones(1, 1, 2, 2), ones(2, 2, 2, 2), align_corners=True)",
    "grid_sample(ones(1, 1, 2, 2, 2), ones(1, 2, 2, 2, 3), 'bicubic', align_corners=True)",
    "grid_sample(ones(1, 1, 2, 0), ones(1, 2, 2, 2), align_corners=True)",
    "grid_sample(ones(1, 1, 2, 2), ones(1, 2, 2, 2).double(), align_corners=True)",
    "grid_sample(ones(1, 1, 2, 2).long(), ones(1, 2, 2, 2).long(), align_corners=True)",
    "grid_sample(ones(1, 2, 2), ones(1, 2, 2), align_corners=True)",
    "grid_sample(ones(0, 1, 2, 2), ones(0, 2, 2, 2), align_corners=True)",
    "grid_sample(ones(1, 0, 2, 2), ones(1, 2, 2, 2), align_corners=True)",
    "grid_sample(ones(1, 1, 2, 2), ones(1, 0, 2, 2), align_corners=True)",
    "affine_grid(ones(1, 2, 2), (1, 1, 2, 2), True)",
    "affine_grid(ones(1, 2, 3), (1, 1, 2), True)",
    "affine_grid(ones(1, 2, 3), (2, 1, 2, 2), True)",
    "affine_grid(ones(1, 2, 3).long(), (1, 1, 2, 2), True)",
    "affine_grid(ones(1, 2, 3), (1, 1, 0, 2), True)",
]


@pytest.mark.torch_parity
@pytest.mark.host("expressions make tensors in host memory")
@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_refused_or_empty(expression, reference):
    check(f"torch.nn.functional.{expression}".replace("ones", "torch.ones"), reference)
