"""``learn.kernels``: the text of each rung, calls that are timed (no time is asserted), and the page in a browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import learn
from tinygrad_edu.kernel_table import FAMILIES
from tinygrad_edu.learn.__main__ import main
from tinygrad_edu.learn.ladder import timing
from tinygrad_edu.learn.ladder.example import FILTERS, IMAGE, example
from tinygrad_edu.learn.ladder.recipes import RECIPES
from tinygrad_edu.learn.ladder.sources import highlighted, public_functions, source_of

pytestmark = pytest.mark.host("the page is about the kernels of the host")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_every_family_has_a_recipe():
    assert sorted(RECIPES) == sorted(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_timed_is_the_family(family):
    calls = timing.calls_of(family)
    assert {call.name for call in calls} <= set(public_functions(family))
    assert len(calls) >= len(public_functions(family)) / 2


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kernel_has_its_text_on_every_rung(family):
    for name in public_functions(family):
        for rung in ("reference", "cpu"):
            assert f"def {name}(" in source_of(family, rung, name)
    assert any("@cuda.jit" in source_of(family, "cuda", name) for name in public_functions(family)) or (
        family == "matrix_product"  # CuPy's own
    )


def test_text_comes_with_what_it_needs():
    text = learn.kernels("convolution").source("conv2d_forward", "cpu")
    assert text.startswith("def conv2d_forward(")
    assert "def _forward_images(" in text
    assert "# direct.py\ndef conv2d_forward(" in text
    assert "def conv2d_grad" not in text


def test_the_gpu_is_not_needed_to_read():
    program = (
        "import sys\nfrom tinygrad_edu import learn\n"
        "print(len(learn.kernels('pooling').source('max_pool2d_forward', 'cuda')), 'numba.cuda' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(out[0]) > 500
    assert out[1] == "False"


@pytest.mark.parametrize("rung", ["reference", "cpu", "cuda"])
def test_colours_change_no_letter(rung):
    for family in FAMILIES:
        for name in public_functions(family):
            text = source_of(family, rung, name)
            if text:
                assert html.unescape(re.sub("<[^>]*>", "", highlighted(text))) == text


def test_the_example_is_a_convolution():
    data = example()
    image, filters = torch.tensor(IMAGE, dtype=torch.float32), torch.tensor(FILTERS, dtype=torch.float32)
    expected = F.conv2d(image[None, None], filters[:, None])[0]
    assert data["out"] == expected.reshape(2, -1).int().tolist()
    assert (np.array(data["filters"]) @ np.array(data["columns"])).tolist() == data["out"]
    tile = data["tile"]
    assert (np.array(tile["a"]) @ np.array(tile["b"])).tolist() == tile["c"]


def test_names():
    assert learn.kernels("max_pool2d").family == learn.kernels("pooling").family == "pooling"
    assert learn.kernels("conv2d_forward").family == "convolution"
    with pytest.raises(ValueError, match=r"expected one of convolution, .*, got 'conv9d'"):
        learn.kernels("conv9d")
    with pytest.raises(ValueError, match="expected rung to be one of reference, cpu, cuda"):
        learn.kernels().source("im2col", "gpu")
    with pytest.raises(ValueError, match="got 'sgd_step'"):
        learn.kernels().source("sgd_step")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(timing, "BUDGET", 0.0)


@pytest.mark.usefixtures("quick")
def test_text_and_page_of_a_family(tmp_path, capsys):
    assert main(["kernels", "dropout", "-o", str(tmp_path / "page.html")]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"dropout +300×100 +[\d.]+ m?s +[\d.]+ .?s \([\d,]+×\)", printed)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'id="im2col"' not in page
    assert "cuda.jit" in page
    assert main(["kernels", "dropout", "-o", str(tmp_path / "no" / "page.html")]) == 2
    assert main(["kernels", "nothing"]) == 2


def test_measuring_leaves_everything_as_it_was(quick):
    torch.manual_seed(3)
    number = torch.rand(1).item()
    torch.manual_seed(3)
    timing.measure("optimizer_step")
    assert torch.rand(1).item() == number
    x = torch.ones(2, 2)
    assert F.softmax(x, 1).tolist() == [[0.5, 0.5]] * 2


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    before, timing.BUDGET = timing.BUDGET, 0.0
    path = tmp_path_factory.mktemp("page") / "kernels.html"
    learn.kernels("convolution").save(path)
    timing.BUDGET = before
    return path


def flat(rows):
    return [number for row in rows for number in row]


def numbers(page, player, matrix):
    cells = page.locator(f"#{player} .matrix").nth(matrix).locator(".cell").all_inner_texts()
    return [int(text.replace("−", "-")) if text.strip() else None for text in cells]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_page_in_a_browser(page_file, scheme, width):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 844})
        messages, requests = [], []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_file.as_uri())
        check_im2col(page)
        check_tile(page)
        page.select_option("#kernel", "col2im")
        assert page.locator(".rungs:visible").get_attribute("data-kernel") == "col2im"
        assert page.locator(".rungs:visible article").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out
        background, ink = [
            sum(map(int, re.findall(r"\d+", page.evaluate(f"getComputedStyle(document.body).{what}"))))
            for what in ("backgroundColor", "color")
        ]
        assert (background > ink + 400) if scheme == "light" else (ink > background + 400)
        browser.close()
    assert not messages
    assert requests == [page_file.as_uri()]


def check_im2col(page):
    data = example()
    press = page.locator("#im2col").press
    assert numbers(page, "im2col", 1) == [
        n if i % 9 == 0 else None for i, n in enumerate(flat(data["columns"]))
    ]
    page.click("#im2col [aria-label='a step on']")
    press("ArrowRight")
    assert "step 3 of 19" in page.inner_text("#im2col .count")
    press("ArrowLeft")
    page.click("#im2col [aria-label='a step back']")
    assert page.is_disabled("#im2col [aria-label='a step back']")
    assert page.locator("#im2col .matrix").first.locator(".cell.a").count() == 9  # the window
    page.locator("#im2col input").fill("12")
    assert page.inner_text("#im2col .say").endswith("= −22.")
    press("End")
    assert numbers(page, "im2col", 3) == flat(data["out"])
    assert page.is_disabled("#im2col [aria-label='a step on']")
    press("Home")
    press(" ")
    assert page.inner_text("#im2col .main") == "Pause"
    page.locator("#im2col .count", has_text="step 4 of 19").wait_for()
    page.click("#im2col .main")
    assert page.inner_text("#im2col .main") == "Play"


def check_tile(page):
    tile = example()["tile"]
    assert numbers(page, "tile", 1) == flat(tile["a"])
    page.locator("#tile input").fill("3")  # the last of the sum
    top_left = [tile["c"][i][j] for i in range(2) for j in range(4)]
    assert numbers(page, "tile", 3) == top_left
    assert not any(numbers(page, "tile", 2))  # nothing is in memory yet
    page.locator("#tile").press("ArrowRight")
    assert [n for n in numbers(page, "tile", 2) if n is not None] == top_left
    page.locator("#tile").press("End")
    assert numbers(page, "tile", 2) == flat(tile["c"])
    assert "64" in page.inner_text("#tile .facts")
