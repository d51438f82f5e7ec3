"""learn.watch finds what is wrong with a training: each fault is planted, and a sound training has none."""

from __future__ import annotations

import json
import math

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import learn, nn
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.learn.__main__ import main
from tinygrad_edu.learn.watching import findings, read

pytestmark = pytest.mark.host("statistics are counted on the host")

X = torch.randn(64, 20, generator=torch.Generator().manual_seed(1))
Y = (X[:, 0] > 0).long() + 2 * (X[:, 1] > 0).long()


def mlp():
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))


def train(model, lr=3e-3, steps=60, optimizer=torch.optim.Adam, spoil=None, x=X, **options):
    """Train, and return what has watched; ``spoil(step, model)`` plants a fault."""
    optimizer = optimizer(model.parameters(), lr=lr)
    with learn.watch(model, optimizer, **options) as watch:
        for step in range(1, steps + 1):
            if spoil is not None:
                spoil(step, model)
            optimizer.zero_grad()
            F.cross_entropy(model(x), Y).backward()
            optimizer.step()
    return watch


def kinds(watch):
    return [finding.kind for finding in watch.findings()]


def text(watch, kind):
    (found,) = [finding.text for finding in watch.findings() if finding.kind == kind]
    return found


def test_a_sound_training():
    watch = train(mlp(), steps=100)
    assert kinds(watch) == []
    first, last = watch.records[0]["loss"], watch.records[-1]["loss"]
    assert watch.report() == (
        f"Sequential, 100 steps, the loss went from {first:.4g} to {last:.4g}; "
        "nothing is wrong that is looked for here."
    )
    assert last < 0.1 * first


def test_the_numbers_are_right():
    """One step of plain descent, counted by hand."""
    model = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0, 4.0]]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with learn.watch(model, optimizer) as watch:
        loss = (model(torch.tensor([[1.0, 0.0]])) ** 2).sum()  # 3^2; its gradient is (6, 0)
        loss.backward()
        optimizer.step()
    (record,) = watch.records
    weight = record["parameters"]["weight"]
    assert record["loss"] == 9.0
    assert record["gradient_norm"] == weight["gradient_norm"] == 6.0
    assert weight["update_ratio"] == pytest.approx(0.6 / 5)
    assert weight["norm"] == pytest.approx(math.hypot(2.4, 4.0))
    assert sum(weight["histogram"]["counts"]) == 2
    assert record["activations"][""]["mean"] == 3.0


def test_relus_that_die():
    """A step that is far too large drives the biases of the second layer below anything."""

    def spoil(step, model):
        if step == 40:
            with torch.no_grad():
                model[2].bias[:29] = -100.0

    watch = train(mlp(), steps=70, spoil=spoil)
    assert text(watch, "dead") == "layer 3: 91 % of its ReLUs (29 of 32) never fire since step 40"


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc1, self.fc2 = nn.Conv2d(1, 4, 3), nn.Linear(16, 8), nn.Linear(8, 4)

    def forward(self, x):
        x = F.relu(self.conv(x.view(-1, 1, 4, 5)))
        x = F.relu(F.max_pool2d(x, (1, 1)).flatten(1)[:, :16])
        return self.fc2(torch.sigmoid(self.fc1(x)))


def test_functions_without_a_module_are_seen_too():
    model = Functional()
    with torch.no_grad():
        model.conv.bias[:3] = -100.0
    watch = train(model, steps=30)
    units = watch.records[-1]["units"]
    assert {name: entry["kind"] for name, entry in units.items()} == {
        "ReLU after conv": "ReLU",
        "ReLU after conv (2)": "ReLU",
        "sigmoid after fc1": "sigmoid",
    }
    assert (units["ReLU after conv"]["units"], units["ReLU after conv"]["dead"]) == (4, 3)
    assert "ReLU after conv: 75 % of its ReLUs (3 of 4) never fire since step 1" in watch.report()


def test_saturated_sigmoids():
    model = nn.Sequential(nn.Linear(20, 8), nn.Sigmoid(), nn.Linear(8, 4))
    with torch.no_grad():
        model[0].weight *= 1000.0
    watch = train(model, steps=10)
    assert text(watch, "saturated").startswith("layer 1: ")
    assert text(watch, "saturated").endswith(" % of its sigmoids are saturated, and let next to nothing back")


def test_a_loss_that_is_not_finite():
    def spoil(step, model):
        if step == 7:
            with torch.no_grad():
                model[4].bias[0] = float("nan")

    watch = train(mlp(), steps=9, spoil=spoil)
    before = watch.records[5]["loss"]
    assert text(watch, "loss not finite").startswith(
        f"the loss is nan at step 7; at the step before it was {before:.4g}. Run that step under learn.detect_anomaly()"
    )


def test_a_parameter_that_is_not_used():
    model = mlp()
    model.unused = nn.Linear(3, 3)
    model.forward = lambda x: nn.Sequential(*list(model)[:5])(x)
    watch = train(model, steps=10)
    assert text(watch, "no gradient") == (
        "unused.weight, unused.bias have never got a gradient in 10 steps: not used in the loss, or cut off from it by "
        "detach() or no_grad()"
    )


def test_a_parameter_that_gets_zeros():
    class Closed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.dead = nn.Linear(20, 4), nn.Linear(20, 4)

        def forward(self, x):
            return self.fc(x) + 0.0 * self.dead(x)

    watch = train(Closed(), steps=10)
    assert (
        "dead.weight, dead.bias get a gradient of exactly 0 at every step: nothing reaches it"
        in watch.report()
    )


def test_frozen_parameters_are_no_fault():
    model = mlp()
    model[0].requires_grad_(False)
    assert "no gradient" not in kinds(train(model, steps=10))


def test_exploding_gradients():
    """A parabola, and steps that leap over its bottom further and further."""
    model = nn.Linear(20, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with learn.watch(model, optimizer) as watch:
        for _ in range(15):
            optimizer.zero_grad()
            (model(X) ** 2).sum(1).mean().backward()
            optimizer.step()
    assert text(watch, "exploding").startswith("gradients explode: their norm was ")
    assert "clip_grad_norm_" in text(watch, "exploding")


def deep(activation, factor=1.0):
    layers = []
    for _ in range(8):
        layers += [nn.Linear(20, 20), activation()]
    model = nn.Sequential(*layers, nn.Linear(20, 4))
    with torch.no_grad():
        for layer in model[:16:2]:
            layer.weight *= factor
            layer.bias *= 0.0
    return model


def test_vanishing_gradients():
    watch = train(deep(nn.Sigmoid), steps=10, lr=1e-5)
    assert text(watch, "through depth").startswith(
        "gradients vanish on the way back: the elements of that of 0.weight are about "
    )
    assert not {"through depth", "signal"} & {*kinds(train(deep(nn.Tanh, 3.0), steps=10, lr=1e-5))}


def test_gradients_that_grow_on_the_way_back():
    """Behind a layer with tiny weights, a normalisation magnifies: forward the numbers, backward the gradients."""
    layers = nn.Linear(20, 20), nn.LayerNorm(20, eps=1e-12), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 4)
    model = nn.Sequential(*layers)
    with torch.no_grad():
        model[0].weight *= 1e-4
        model[0].bias *= 0.0
    watch = train(model, steps=10, lr=1e-9)
    assert text(watch, "through depth").startswith(
        "gradients grow on the way back: the elements of that of 0.weight are about "
    )


def test_numbers_that_fade_or_grow_on_the_way_forward():
    watch = train(deep(nn.Tanh, 0.3), steps=10, lr=1e-5)
    assert text(watch, "signal").startswith(
        "the numbers fade on the way forward: the standard deviation behind layer 0 is"
    )
    watch = train(deep(nn.Identity, 6.0), steps=10, lr=1e-5)
    assert text(watch, "signal").startswith("the numbers grow on the way forward: ")


@pytest.mark.parametrize(
    ("lr", "said"),
    [(0.5, "a step changes the weights too much"), (1e-7, "a step changes the weights next to nothing")],
)
def test_learning_rates(lr, said):
    watch = train(mlp(), steps=20, lr=lr)
    assert any(said in finding.text for finding in watch.findings() if finding.kind == "update ratio")
    assert "(usual are 0.01 to 1 %)" in watch.report()


def test_weights_that_the_optimizer_does_not_have():
    model = mlp()
    watch = train(model, steps=6, optimizer=lambda _, lr: torch.optim.SGD(mlp().parameters(), lr=lr))
    assert "get gradients, and have not changed in 6 steps: not among the optimizer's" in text(
        watch, "never changed"
    )
    watch = train(model, steps=6, lr=1e-3)
    assert not any(finding.kind == "never changed" for finding in watch.findings())


def test_a_loss_that_does_not_fall():
    watch = train(mlp(), steps=60, lr=0.0, optimizer=torch.optim.SGD)
    assert text(watch, "loss").startswith("the loss does not fall: ")


def test_nothing_is_left_behind():
    model = mlp()
    before = this_thread.mode.observers
    watch = train(model, steps=2)
    watch.close()  # twice does no harm
    assert this_thread.mode.observers == before
    for module in model.modules():
        assert not module._has_hooks()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    learn.watch(model, optimizer).close()
    assert not any(optimizer._hooks.values())


def test_what_cannot_be_watched():
    with pytest.raises(TypeError, match=r"watch\(\): argument 'file' must be a path, not int"):
        learn.watch(mlp(), file=1)
    with pytest.raises(TypeError, match=r"watch\(\): argument 'model' must be Module, not Tensor"):
        learn.watch(X)
    model = nn.LazyLinear(3)
    with pytest.raises(
        ValueError, match="but weight waits for its first input. Hint: run the model once before"
    ):
        learn.watch(model)
    model(X)
    learn.watch(model).close()


def test_an_exception_ends_the_watching():
    model = mlp()
    with pytest.raises(ZeroDivisionError), learn.watch(model):
        raise ZeroDivisionError
    assert not any(module._has_hooks() for module in model.modules())


def test_evaluation_is_not_counted():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with learn.watch(model, optimizer) as watch:
        for _ in range(2):
            F.cross_entropy(model(X), Y).backward()
            with torch.no_grad():
                model(X * 0 - 1e6)
            optimizer.step()
    assert len(watch.records) == 2
    assert watch.records[-1]["activations"]["0"]["mean"] > -10


def test_without_an_optimizer_any_step_counts():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with learn.watch(model) as watch:
        F.cross_entropy(model(X), Y).backward()
        optimizer.step()
    assert watch.records[0]["parameters"]["0.weight"]["update_ratio"] > 0


def test_steps_by_hand_and_several_backwards():
    model = nn.Linear(20, 4)
    with learn.watch(model) as watch:
        for scale in (1.0, 3.0):
            (model(X).mean() * 0 + scale).backward()
        with torch.no_grad():
            model.weight -= 0.1
        watch.step()
    assert watch.records[0]["loss"] == 2.0
    assert watch.records[0]["parameters"]["weight"]["update_ratio"] > 0


def test_a_closure():
    model = nn.Linear(20, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), Y)
        loss.backward()
        return loss

    with learn.watch(model, optimizer) as watch:
        optimizer.step(closure)
    assert watch.records[0]["gradient_norm"] > 0
    assert watch.records[0]["loss"] is not None


# ---- the exercises of docs/18_watching_training.md ---------------------------------------------------------


def test_exercise_1():
    watch = train(mlp(), steps=30, lr=1e-7)
    assert kinds(watch) == ["update ratio"]
    ratios = [
        entry["update_ratio"] for record in watch.records for name, entry in record["parameters"].items()
    ]
    assert max(ratio for ratio in ratios if ratio is not None) < 1e-4


def test_exercise_2():
    layers = [layer for _ in range(10) for layer in (nn.Linear(20, 20), nn.Sigmoid())]
    watch = train(nn.Sequential(*layers, nn.Linear(20, 4)), steps=50)
    entries = watch.records[-1]["parameters"]
    norms = {name: entry["gradient_norm"] for name, entry in entries.items() if name.endswith("weight")}
    assert min(norms, key=norms.get) in ("0.weight", "2.weight", "4.weight")
    assert norms["20.weight"] > 1e5 * norms["0.weight"]
    assert "through depth" in kinds(watch)


def test_exercise_3():
    torch.manual_seed(0)
    x = torch.randn(64, 20)
    y = (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()
    torch.manual_seed(1)
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with learn.watch(model, optimizer) as watch:
        for _ in range(100):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    norms = [record["gradient_norm"] for record in watch.records]
    assert watch.records[-1]["loss"] < 0.1 * watch.records[0]["loss"]
    assert 50 * norms[0] < norms[-1] < 200 * norms[0]


# ---- the file, the picture, the command line --------------------------------------------------------------


def test_the_file_holds_the_records(tmp_path):
    watch = train(mlp(), steps=12, lr=float("inf"), file=tmp_path / "run.jsonl")
    head, records = read(tmp_path / "run.jsonl")
    assert head == watch.head
    assert [r["step"] for r in records] == list(range(1, 13))
    assert findings(head, records) == watch.findings()
    assert "loss not finite" in kinds(watch)
    for text in (tmp_path / "run.jsonl").read_text().splitlines():
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_command_line(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    watch = train(mlp(), steps=12, lr=0.5, file=tmp_path / "run.jsonl")
    assert main(["watch", str(tmp_path / "run.jsonl"), "-o", str(tmp_path / "run.svg")]) == 1
    out = capsys.readouterr().out
    assert out.startswith(watch.report())
    assert "<svg" in (tmp_path / "run.svg").read_text(encoding="utf-8")
    train(mlp(), steps=3, file=tmp_path / "good.jsonl")
    assert main(["watch", str(tmp_path / "good.jsonl")]) == 0


def test_a_page(tmp_path):
    pytest.importorskip("matplotlib")
    train(mlp(), steps=12, lr=0.5).draw(tmp_path / "run.html")
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "a step changes the weights too much" in page


def test_event_files(tmp_path):
    tensorboard = pytest.importorskip("tests.utils.test_tensorboard")
    watch = train(mlp(), steps=11, file=tmp_path / "run.jsonl")
    main(["watch", str(tmp_path / "run.jsonl"), "--tensorboard", str(tmp_path / "runs")])
    seen = tensorboard.summaries(tmp_path / "runs")
    losses = {step: value.simple_value for step, value in seen if value.tag == "loss"}
    assert losses == pytest.approx({record["step"]: record["loss"] for record in watch.records})
    assert {value.tag for _, value in seen} >= {"update_ratio/0.weight", "silent/1", "gradient_norm", "std/2"}
    steps = [(step, value.histo) for step, value in seen if value.tag == "parameters/0.weight"]
    assert [step for step, _ in steps] == [1, 11]
    assert sum(steps[0][1].bucket) == steps[0][1].num == 64 * 20
    assert steps[0][1].sum_squares == pytest.approx(
        watch.records[0]["parameters"]["0.weight"]["norm"] ** 2, rel=0.05
    )


@pytest.mark.parametrize("content", ["", "[]", "hello", '{"a": 1}'])
def test_another_file_is_refused(tmp_path, content, capsys):
    (tmp_path / "other").write_text(content)
    assert main(["watch", str(tmp_path / "other")]) == 2
    assert "expected a file written by learn.watch" in capsys.readouterr().err


def test_no_file():
    assert main(["watch", "is_not_there.jsonl"]) == 2


def test_the_picture():
    pytest.importorskip("matplotlib")
    watch = train(Functional(), steps=25, lr=0.5)
    figure = watch.draw()
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 6
    assert figure._supxlabel.get_text().count("•") == len(watch.findings()) > 0
    loss = figure.axes[0].lines[0]
    assert list(loss.get_ydata()) == [record["loss"] for record in watch.records]
    assert "data:image/png;base64," in watch._repr_html_()


def test_a_picture_of_nothing():
    pytest.importorskip("matplotlib")
    with learn.watch(mlp()) as watch:
        pass
    assert len(watch.draw().axes) == 6
    assert watch.findings() == []
