"""The stepper's page in a real browser: buttons, slider, keys, folding, pinning, and not one request or complaint."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.learn import chromium, stepper_programs
from tests.learn.chromium import Opened
from tests.learn.test_stepper import unpacked
from tinygrad_edu.learn.__main__ import main

pytestmark = [
    pytest.mark.skipif(
        chromium.executable() is None, reason="no Chromium is installed (apt-get install chromium)"
    ),
    pytest.mark.host("pages are made from what ran on the CPU"),
]


@pytest.fixture(scope="module")
def browser():
    with chromium.started() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Make the page of each program once."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def make(name, *options):
        key = (name, *options)
        if key not in made:
            script = folder / f"{name.lower()}.py"
            script.write_text(getattr(stepper_programs, name), encoding="utf-8")
            output = folder / f"{len(made)}.html"
            command = [
                sys.executable,
                "-m",
                "tinygrad_edu.learn",
                "step",
                str(script),
                "-o",
                str(output),
                *options,
            ]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            made[key] = output
        return made[key]

    return make


@pytest.fixture
def opened(browser):
    """Open pages; at the end none of them may have asked for or complained of anything."""
    all_opened = []

    def open_page(file, **options):
        all_opened.append(Opened(browser, file, **options))
        return all_opened[-1]

    yield open_page
    for one in all_opened:
        assert (one.complaints, one.requests) == ([], [])
        one.page.close()


@pytest.mark.parametrize("name", ["TINY", "BROADCAST", "MLP", "TRANSFORMER"])
def test_every_step_is_shown_without_a_complaint(pages, opened, name):
    one = opened(pages(name))
    steps = one.page.evaluate("lastPosition") + 1
    for position in range(min(steps, 60)):
        assert one.position() == position
        assert one.text("#panel h2") != ""
        assert one.page.locator(".node.now").count() == 1
        one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("End")
    assert one.position() == steps - 1


def test_buttons_and_slider(pages, opened):
    one = opened(pages("TINY"))
    assert one.page.locator("#back").is_disabled()
    for button, position in [("on", 1), ("on", 2), ("back", 1), ("turn", 6), ("end", 13), ("first", 0)]:
        one.page.click(f"#{button}")
        assert one.position() == position
    one.page.locator("#slider").fill("8")
    assert one.position() == 8
    assert one.text("#where") == "backward 3 of 8"
    assert one.page.get_attribute("#slider", "aria-valuetext") == "backward step 3 of 8: Mul"


def test_keys(pages, opened):
    one = opened(pages("TINY"))
    for key, position in [
        ("ArrowRight", 1),
        ("l", 6),
        ("b", 5),
        ("b", 6),
        ("End", 13),
        ("ArrowLeft", 12),
        ("Home", 0),
    ]:
        one.page.keyboard.press(key)
        assert one.position() == position, key
    one.page.keyboard.press("Space")
    assert one.page.get_attribute("#play", "aria-pressed") == "true"
    one.page.wait_for_timeout(1300)  # it plays a step in 1.1 s
    assert one.position() >= 1
    one.page.keyboard.press("ArrowLeft")
    assert one.page.get_attribute("#play", "aria-pressed") == "false"


def test_the_expression_that_made_the_node_is_lit(pages, opened):
    one = opened(pages("TINY"))
    lit = []
    for _ in range(6):
        lit.append(one.text("#source mark"))
        one.page.keyboard.press("ArrowRight")
    assert lit == ["w * x", "w * x + b", "torch.relu(w * x + b)", "w * h", "y - 1.0", "(y - 1.0) ** 2"]


def test_a_step_shows_formula_engine_and_sentence(pages, opened):
    one = opened(pages("TINY"))
    one.page.evaluate("go(2)")
    assert one.page.locator("#panel math").count() == 2
    assert "def forward" in one.text(".engine .code.on")
    assert "ops/nn/activation.py" in one.text(".engine .code.on figcaption")
    assert "ReLU is open" in one.text(".says")
    one.page.keyboard.press("b")
    assert "def backward" in one.text(".engine .code.on")


def test_gradients_products_and_accumulation_are_written_out(pages, opened):
    one = opened(pages("TINY"))
    one.page.evaluate("go(7)")  # Sub: -1.5 comes in and goes on
    assert one.text(".sent .sum") == "−1.5 · 1 = −1.5"
    one.page.evaluate("go(13)")
    assert one.text("#panel h2") == "w.grad"
    assert one.text(".sums") == "−0.75 + (−2.25) = −3"
    one = opened(pages("BROADCAST"))
    position = one.page.evaluate("forwards.length + backwards.findIndex((x) => x.leaf === 2)")
    one.page.evaluate(f"go({position})")
    assert one.text("#panel h2") == "b.grad"
    before, added, after = one.page.evaluate("at(state.position).back.sum.map((x) => valueAt(x).numbers[0])")
    assert (before, after) == (1, pytest.approx(1 + added))
    assert one.text(".sums li").replace(" ", "") == f"[0]1+{added:.4g}={after:.4g}"


def test_broadcasting_is_said_in_words(pages, opened):
    one = opened(pages("BROADCAST"))
    one.page.evaluate("go(1)")
    assert "b: (3,) is stretched to (4, 3), along axis 0" in one.text("#panel")
    one.page.keyboard.press("b")
    assert "summed over axis 0, because (3,) was stretched to (4, 3)" in one.text("#panel")


def test_saved_arrays_say_when_they_are_freed(pages, opened):
    one = opened(pages("TINY"))
    one.page.evaluate("go(2)")
    assert one.text(".kept") == "its output 0 (), 4 B, freed at backward 4"
    one.page.click(".kept button")
    assert one.position() == 9
    assert "Now given up: output 0 (4 B)." in one.text("#panel")


def test_an_element_is_pinned_and_followed(pages, opened):
    one = opened(pages("BROADCAST"))
    one.page.click(".tensor:has-text('W') td >> nth=1")
    assert one.text(".pinned h3") == "W[0, 1]"
    assert one.page.locator("#panel td.pin").count() == 1
    assert "value\n−0.4" in one.text(".pinned dl")
    one.page.keyboard.press("End")
    assert one.text(".pinned h3") == "W[0, 1]"
    grad = one.page.evaluate("elementAt(valueAt(at(state.position).back.sum[2]), [0, 1])")
    assert f"{grad:.4g}".replace("-", "−") in one.text(".pinned dl")
    one.page.click(".trail button >> nth=0")
    assert one.position() == 0
    one.page.keyboard.press("Escape")
    assert one.page.locator(".pinned").count() == 0


def test_paths_of_a_weight_to_the_loss(pages, opened):
    """w reaches the loss twice: through relu(w x + b), and directly; d loss / d w = -2.25 - 0.75."""
    one = opened(pages("TINY"))
    one.page.click(".tensor:has-text('w') td")
    text = one.text(".paths")
    assert "along 2 paths" in text
    assert "3 · 1 · 1 · 0.5 · 1 · (−1.5) = −2.25" in text
    assert "0.5 · 1 · (−1.5) = −0.75" in text
    assert "Their sum is its gradient: −3" in text
    assert one.page.locator(".edge.pinned").count() == 7


def test_an_element_of_a_heat_map_is_found_by_mouse_and_by_keyboard(pages, opened):
    one = opened(pages("MLP"))
    one.page.evaluate("go(1)")
    tiles = one.page.locator(".tiles").first
    tiles.locator("canvas").hover(position={"x": 1, "y": 1})
    first = one.page.evaluate("valueAt(forwards[1].inputs[0].value).numbers")
    assert one.text(".pointer.shown").endswith(f"= {first[0]:.6g}".replace("-", "−"))
    tiles.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        one.page.keyboard.press(key)
    assert "[1, 1] = " in one.text(".pointer.shown")
    assert one.position() == 1
    one.page.keyboard.press("p")
    assert one.text(".pinned h3").endswith("[1, 1]")


def test_the_page_reads_the_numbers_that_were_written(pages, opened):
    one = opened(pages("MLP"))
    packed = [i for i, value in enumerate(one.page.evaluate("tape.values")) if "bytes" in value]
    assert len(packed) > 3
    for number in packed:
        expected = unpacked(one.page.evaluate(f"tape.values[{number}].bytes"))
        assert one.page.evaluate(f"valueAt({number}).numbers") == pytest.approx(expected, rel=1e-4)


def test_values_are_zoomed(pages, opened):
    one = opened(pages("MLP"))
    one.page.evaluate("go(1)")
    before = one.page.locator("canvas.tile").first.bounding_box()["width"]
    one.page.click("#larger")
    assert one.page.locator("canvas.tile").first.bounding_box()["width"] == 2 * before


def test_modules_fold_by_mouse_and_by_keyboard(pages, opened):
    one = opened(pages("MLP"))
    nodes = one.page.locator(".node").count()
    one.page.click("[aria-label='Fold hidden: Linear']")
    assert one.page.locator(".node").count() == nodes - 2
    assert one.page.locator(".node.folded .second").text_content() == "1 step, 2 parameters"
    assert one.page.locator(".node.folded.now").count() == 1  # the step that runs is in it
    one.page.keyboard.press("Enter")  # the focus has stayed on it
    assert one.page.locator(".node").count() == nodes
    one.page.click("#fold-all")
    assert one.page.locator("[data-node^=M]").count() == 1
    one.page.click("#open-all")
    assert one.page.locator(".node").count() == nodes


def test_a_transformer_is_folded_and_opens_what_runs(pages, opened):
    file = pages("TRANSFORMER")
    assert file.stat().st_size < 5_000_000
    one = opened(file)
    assert one.page.locator(".node").count() < 70
    one.page.evaluate("go(100)")
    assert one.page.locator(".node.now").get_attribute("data-node") == "F100"
    opened_for = one.page.evaluate("openedFor.length")
    assert opened_for > 0
    one.page.evaluate("go(10)")
    assert one.page.evaluate("seenNode('F100')").startswith(
        "M"
    )  # what was opened for step 100 is folded again
    one.page.keyboard.press("o")
    one.page.evaluate("go(200)")
    assert one.page.locator(".node.now").get_attribute("data-node").startswith("M")


def test_a_node_that_is_clicked_is_gone_to(pages, opened):
    one = opened(pages("TINY"))
    one.page.click("[data-node=F3]")
    assert one.position() == 3
    one.page.click("[data-node=L0]")
    assert one.text("#panel h2") == "w.grad"
    one.page.click("[data-node=F3]")
    assert one.text("#where") == "backward 3 of 8"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 800, 1280])
def test_it_fits_narrow_and_wide_screens_in_light_and_dark(pages, opened, width, scheme):
    one = opened(pages("MLP"), width=width, height=844, scheme=scheme)
    one.page.evaluate("go(5)")
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    assert one.page.evaluate(CONTRAST) > 4.5
    assert one.page.locator("#on").is_visible()
    assert one.page.locator("#graph svg").is_visible()


CONTRAST = """
(() => {
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map((c) => linear(Number(c) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const inks = ["body", "#where", ".shape", ".about"].map((x) => getComputedStyle(document.querySelector(x)).color);
  return Math.min(...inks.map(luminance).map((ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)));
})()
"""


def test_what_the_program_says_cannot_break_the_page(pages, opened):
    one = opened(pages("HOSTILE"))
    assert one.page.evaluate("window.broken") is None
    assert "</script><script>window.broken = 1</script>" in one.text("#source")
    assert one.page.evaluate("(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(source)") == 0
    one.page.keyboard.press("End")
    assert one.text("#panel h2") == "w.grad"


def test_the_step_is_in_the_address(pages, opened):
    one = opened(pages("TINY"))
    one.page.keyboard.press("ArrowRight")
    assert one.page.evaluate("location.hash") == "#2"
    one.page.reload()
    assert one.position() == 1
    one.requests.clear()  # the file itself, again


def test_it_works_in_the_frame_of_a_notebook(tmp_path, opened):
    program = stepper_programs.TINY.replace(
        "loss.backward()", "with learn.record() as tape:\n    (w * x).backward()"
    )
    script = f"from tinygrad_edu import learn\n{program}\nprint('FRAME' + tape._repr_html_())"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120
    )
    file = tmp_path / "notebook.html"
    file.write_text("<!doctype html><p>cell</p>" + done.stdout.partition("FRAME")[2], encoding="utf-8")
    one = opened(file)
    frame = one.page.frame_locator("iframe")
    frame.locator("#on").click()
    assert frame.locator("#where").inner_text() == "backward 1 of 2"
    one.requests[:] = [url for url in one.requests if url != "about:srcdoc"]


def test_the_command_line(tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text(stepper_programs.TINY + "import sys; print(sys.argv[1:])", encoding="utf-8")
    output = tmp_path / "page.html"
    command = [sys.executable, "-m", "tinygrad_edu.learn", "step", str(script), "-o", str(output)]
    done = subprocess.run(
        [*command, "--", "--quick"], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == ""
    assert "backward number 1 is in" in done.stderr
    done = subprocess.run(
        [*command, "--whole-script", "--", "--quick"], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "after the backward\n['--quick']\n"
    assert main(["step", str(tmp_path / "none.py")]) == 2
    assert "there is none at" in capfd.readouterr().err


def test_what_is_missing_is_said(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(stepper_programs.TINY + "raise SystemExit(3)", encoding="utf-8")
    command = [sys.executable, "-m", "tinygrad_edu.learn", "step", str(script), "--backward", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    assert done.returncode == 3
    assert "step: the script ran only one backward, and none is number 2; " in done.stderr
    data = (
        (tmp_path / "script.html")
        .read_text(encoding="utf-8")
        .partition('id="data">')[2]
        .partition("</script>")[0]
    )
    assert json.loads(data)["finished"] is False
