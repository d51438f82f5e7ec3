"""``learn.draw``: what is in the picture, that drawing changes nothing, that large graphs fold, that text fits."""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.learn.pictures import IMAGES, PICTURES
from tinygrad_edu import learn, nn
from tinygrad_edu.learn.drawing.chart import Box, Chart, FrameName, Link
from tinygrad_edu.learn.drawing.fold import fold, longest_repetition
from tinygrad_edu.learn.drawing.svg import write_svg

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SVG = "{http://www.w3.org/2000/svg}"


def texts(picture, kind="name"):
    root = ET.fromstring(picture.svg)
    return [text.text for text in root.iter(f"{SVG}text") if text.get("class") == kind]


def mlp():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    x = torch.randn(5, 4)
    return F.cross_entropy(model(x), torch.tensor([0, 1, 2, 0, 1])), model, x


def scalars():
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(-3.0, requires_grad=True)
    return a, b, torch.relu(a * b + 10) * a


def test_small_graph():
    a, b, loss = scalars()
    picture = learn.draw(loss)
    assert sorted(texts(picture)) == ["Add", "Mul", "Mul", "Relu", "a", "b", "loss"]
    assert texts(picture, "line") == ["2", "-3", "8"]
    assert texts(picture, "shape") == []  # all are scalars
    assert len(re.findall('class="edge"', picture.svg)) == 7


def test_shapes_and_names():
    loss, model, x = mlp()
    picture = learn.draw(loss, model)
    assert texts(picture, "shape") == ["5×8", "5×8", "5×3", "scalar"]
    assert texts(picture, "title") == ["Sequential", "0 · Linear", "2 · Linear"]
    assert {"x", "weight", "bias", "Linear", "Relu", "SoftmaxCrossEntropy", "loss"} <= set(texts(picture))
    assert {"5×4", "8×4", "3×8", "8", "3"} <= set(texts(picture, "line"))


def test_drawing_changes_nothing():
    loss, model, _ = mlp()
    called = []
    model[0].weight.register_hook(called.append)
    model[2].bias.register_post_accumulate_grad_hook(called.append)
    learn.draw(loss, model, times=True, sizes=True)
    assert not called
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    assert len(called) == 2


def test_the_same_graph_gives_the_same_text():
    assert learn.draw(scalars()[2]).svg == learn.draw(scalars()[2]).svg
    (loss, model, _), (other, other_model, _) = mlp(), mlp()
    assert learn.draw(loss, model, sizes=True).svg == learn.draw(other, other_model, sizes=True).svg.replace(
        ">other<", ">loss<"
    )


def test_sizes_and_times():
    loss, model, x = mlp()
    lines = texts(learn.draw(loss, model, sizes=True), "line")
    assert f"keeps {x.nbytes} B" in lines  # the first Linear has no use for its weight
    lines = texts(learn.draw(loss, model, times=True), "line")
    assert sum(line.startswith("backward ") for line in lines) == 4


def test_after_backward_there_are_fewer_shapes():
    loss, model, _ = mlp()
    loss.backward()
    assert texts(learn.draw(loss, model), "shape") == []


def test_an_output_that_is_used_twice_and_several_outputs():
    x = torch.randn(4, 6, requires_grad=True)
    values, indices = x.max(1)
    picture = learn.draw([(values * values).sum(), values.mean()])
    assert texts(picture).count("result") == 2
    assert len(re.findall('class="edge"', picture.svg)) == 7


def test_a_tensor_and_what_was_detached_from_it():
    x = torch.randn(4, 6, requires_grad=True)
    plain = x.detach()
    picture = learn.draw((x[:, :2] * x[:, 2:4]).sum() + (plain * x).sum())
    assert len(re.findall('class="edge"', picture.svg)) == 11
    assert texts(picture).count("plain") == 1


def test_tape_has_frames_for_all_modules_and_values():
    with learn.record() as tape:
        loss, model, x = mlp()
        loss.backward()
    picture = learn.draw(tape)
    assert texts(picture, "title") == ["model · Sequential", "0 · Linear", "1 · ReLU", "2 · Linear"]
    assert {"x", "loss", "weight"} <= set(texts(picture))
    assert f"{loss.item():.4g}" in texts(picture, "line")


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return x + self.second(torch.relu(self.first(x)))


def test_modules_fold_and_the_first_of_a_class_stays_open():
    model = nn.Sequential(*[Block() for _ in range(12)])
    with learn.record() as tape:
        model(torch.randn(2, 4)).sum().backward()
    names = texts(learn.draw(tape, max_boxes=20))
    assert names.count("Linear") == 2
    assert [name for name in names if "Block" in name] == [f"{n} · Block" for n in range(1, 12)]
    assert "0 · Block" in texts(learn.draw(tape, max_boxes=20), "title")
    assert len(texts(learn.draw(tape, max_boxes=1000))) == 12 * 4 + 3  # parameters are lines there
    assert "weight 4×4" in texts(learn.draw(tape, max_boxes=1000), "line")


def chain(length):
    y = x = torch.ones(3, requires_grad=True)
    for _ in range(length):
        y = torch.tanh(y * 1.5)
    return y.sum(), x


def test_3000_nodes_fold_to_a_handful():
    loss, x = chain(1500)
    picture = learn.draw(loss)
    assert texts(picture) == ["x", "Mul", "Tanh", "1,498 × Mul → Tanh", "Mul", "Tanh", "Sum", "loss"]
    assert "2,996 operations" in texts(picture, "line")


def test_3000_nodes_without_a_pattern():
    torch.manual_seed(0)
    choices = torch.randint(0, 3, (3000,)).tolist()
    tensors = [torch.ones(2, requires_grad=True)]
    for n, choice in enumerate(choices):
        a, b = tensors[-1], tensors[max(0, n - 7 * choice)]
        tensors.append([torch.add, torch.mul, torch.maximum][choice](a, b))
    picture = learn.draw(tensors[-1].sum())
    assert 30 <= len(texts(picture)) <= 60
    operations = [int(line.split()[0]) for line in texts(picture, "line") if line.endswith("operations")]
    assert sum(operations) == 3001


def test_deep_graphs_need_no_recursion():
    picture = learn.draw(chain(10_000)[0], shapes=False)
    del picture
    gc.collect()


def test_the_longest_repetition_is_found():
    names = [*"ab", *"xyz" * 9, *"xy", *"q" * 12]
    assert longest_repetition(names) == (2, 3, 9)
    assert longest_repetition("abcdefgh") is None


def test_no_circle_arises_from_folding():
    boxes = [Box(f"op{n % 5}", "other", operations=(f"op{n % 5}",)) for n in range(200)]
    links = [Link(n, m) for n in range(200) for m in (n + 1, n + 17) if m < 200]
    for most in (5, 10, 50):
        folded = fold(Chart(boxes, links), most)
        assert len(folded.boxes) <= most
        assert all(link.source < link.target for link in folded.links)
        assert sum(len(box.operations) for box in folded.boxes) == 200


def test_text_is_escaped():
    name = "<script>alert('x')</script>&\x07"
    box = Box(name, "other", (name,), ("frame",), name, (name,))
    svg = write_svg(Chart([box, box], [Link(0, 1, 0, name)], {"frame": FrameName(name, name)}))
    assert "<script" not in svg
    ET.fromstring(svg)


def test_the_file_needs_nothing_else(tmp_path):
    loss, model, _ = mlp()
    picture = learn.draw(loss, model)
    picture.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == picture.svg == picture._repr_svg_()
    assert re.findall(r"https?://[^\"]*", picture.svg) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in picture.svg
    assert "<script" not in picture.svg
    assert "prefers-color-scheme:dark" in picture.svg


def test_what_cannot_be_drawn():
    with pytest.raises(RuntimeError, match=r"shape \[2\].*does not require a gradient"):
        learn.draw(torch.ones(2))
    with pytest.raises(TypeError, match="expected a Tensor, a sequence of Tensors or a Tape, got int"):
        learn.draw(3)
    with pytest.raises(ValueError, match="max_boxes"):
        learn.draw(torch.ones(2, requires_grad=True).sum(), max_boxes=1)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_text_fits_into_its_box(tmp_path: Path, scheme):
    from playwright.sync_api import sync_playwright

    loss, model, _ = mlp()
    learn.draw(loss, model, sizes=True).save(tmp_path / "graph.svg")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(color_scheme=scheme)
        page.goto((tmp_path / "graph.svg").as_uri())
        overhangs = page.evaluate(
            """() => [...document.querySelectorAll('g > .name, g > .line')].map(text => {
                const inner = text.getBBox(), outer = text.parentNode.querySelector('.box').getBBox();
                return Math.max(outer.x - inner.x, inner.x + inner.width - outer.x - outer.width);
            })"""
        )
        colours = page.evaluate(
            """() => ['.page', '.name'].map(name => getComputedStyle(document.querySelector(name)).fill)"""
        )
        browser.close()
    assert len(overhangs) > 15
    assert max(overhangs) < -4
    light, dark = [sum(map(int, re.findall(r"\d+", colour))) for colour in colours]
    assert (light - dark > 500) if scheme == "light" else (dark - light > 500)


def run_draw(*arguments):
    """Run the tool in a process of its own, for it makes torch mean this engine."""
    command = [sys.executable, "-m", "tinygrad_edu.learn", "draw", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_command_line(tmp_path):
    from tinygrad_edu.learn.__main__ import main

    script = tmp_path / "script.py"
    script.write_text(
        "import sys, torch\nw = torch.ones(int(sys.argv[1]), 2, requires_grad=True)\n"
        "loss = torch.relu(w).sum()\nloss.backward()\nraise SystemExit(3)\n"
    )
    picture = tmp_path / "picture.svg"
    done = run_draw(script, "-o", picture, "--", "7")
    assert done.returncode == 0
    names = [text.text for text in ET.parse(picture).iter(f"{SVG}text") if text.get("class") == "name"]
    assert names == ["w", "Relu", "Sum", "loss"]
    assert "7×2" in picture.read_text(encoding="utf-8")
    assert "graph of 2 operations" in done.stderr
    assert main(["draw", str(tmp_path / "none.py")]) == 2
    assert main(["draw", str(script), "-o", str(tmp_path / "no" / "picture.svg")]) == 2
    script.write_text("print('nothing')")
    assert run_draw(script, "-o", picture).returncode == 1


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_docs_are_what_is_drawn(name):
    """The text does not depend on the machine; ``python -m tests.learn.pictures`` writes it anew."""
    assert PICTURES[name]().svg == (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
