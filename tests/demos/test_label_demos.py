"""What demos 14 to 19 are made of: pieces of words, measures of digits, scenes, beasts, and their losses."""

from __future__ import annotations

import importlib.util
import math
import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import tinygrad_edu as torch

DEMOS = Path(__file__).resolve().parents[2] / "demos"


@pytest.fixture
def load(monkeypatch):
    """Return a function that imports a file of the demos by its name."""
    monkeypatch.syspath_prepend(str(DEMOS))

    def load_file(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location("demo", DEMOS / name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load_file


# ---- languages ---------------------------------------------------------------------------------------------


def test_pieces_of_words(load):
    demo = load("14_text_classification.py")
    assert demo.words_of("L’homme, 12x İnsan\n") == ["l", "homme", "x", "insan"]
    assert demo.letters("ab") == ["a", "b", "_a", "ab", "b_", "_ab", "ab_", "_ab_"]
    pieces = demo.Pieces(demo.whole, [(["b", "a", "b"], 0)])
    numbers, starts = pieces.batch([["a", "c"], ["c"], ["b", "a"]])
    assert (numbers.tolist(), starts.tolist()) == ([0, 1, 0], [0, 1, 1])


def test_no_article_is_both_learnt_and_tested(load):
    demo = load("14_text_classification.py")
    train, test = demo.load_paragraphs()
    text = " ".join(
        ["", *(" ".join(words) for words, language in test if demo.LANGUAGES[language] == "English"), ""]
    )
    learnt = " ".join(
        ["", *(" ".join(words) for words, language in train if demo.LANGUAGES[language] == "English"), ""]
    )
    for words in ("no one shall be subjected to torture", "everyone has the right to leave any country"):
        assert (words in text) != (words in learnt)
    for part in (train, test):
        assert {language for _, language in part} == set(range(16))
        assert all(words for words, _ in part)


def test_pieces_of_text_have_the_wanted_length(load):
    demo = load("14_text_classification.py")
    paragraphs = [([f"{language}.{i}" for i in range(9)], language) for language in range(16)]
    texts = demo.cut(paragraphs, 320, 3, random.Random(0))
    assert [language for _, language in texts] == list(range(16)) * 20
    for words, language in texts:
        first = int(words[0].split(".")[1])
        assert words == [f"{language}.{first + i}" for i in range(3)]
    assert {words[0].split(".")[1] for words, _ in texts} == {str(i) for i in range(7)}


def test_what_the_words_add_is_the_score(load):
    demo = load("14_text_classification.py")
    pieces = demo.Pieces(demo.letters, [(["no", "one", "nor"], 0)])
    model = demo.Classifier(len(pieces.names), 5, size=4).double()
    words = ["one", "north", "xyz"]
    scores = demo.answers(model, pieces, [words], torch.device("cpu"))[0]
    bias = model.out.bias
    for language in range(5):
        expected = scores[language] - scores.mean() - (bias[language] - bias.mean())
        parts = demo.shares(model, pieces, words, language)
        np.testing.assert_allclose(sum(parts), expected.item(), atol=1e-12)
        assert parts[2] == 0


# ---- digits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_how_thick_a_stroke_is(load, width):
    images = np.zeros((2, 28, 28))
    images[0, 4:24, 10 : 10 + width] = 1
    images[1, 10 : 10 + width, 4:24] = 0.7  # shades of grey do not matter
    np.testing.assert_allclose(
        load("15_multi_task.py").thickness_of(images), width / (1 + width / 20), rtol=0.05
    )


@pytest.mark.parametrize("degrees", [-30, 0, 20, 45])
def test_how_a_stroke_leans(load, degrees):
    images = np.zeros((2, 28, 28))
    for row in range(7, 21):
        x = 14 + (13.5 - row) * math.tan(math.radians(degrees))
        left = int(x)
        images[:, row, left : left + 2] = 1 - (x - left), x - left
    images[1] = np.roll(images[1], (3, -2), axis=(0, 1))  # where it stands does not matter
    np.testing.assert_allclose(load("15_multi_task.py").slant_of(images), degrees, atol=1e-6)


def test_the_answers_of_the_tasks(load):
    demo = load("15_multi_task.py")
    images, answers = demo.load(train=False, count=50).tensors
    assert images.shape == (50, 1, 28, 28)
    assert answers[:6, :2].tolist() == [[7, 1], [2, 0], [1, 1], [0, 0], [4, 0], [1, 1]]
    model = demo.Net(list(demo.TASKS))
    found = demo.answer(model, images, torch.device("cpu"))
    right = {task: answers[:, i] for i, task in enumerate(found)}
    assert list(demo.mistakes(right, answers).values()) == [0, 0, 0, 0]
    assert demo.mistakes({"parity": 1 - answers[:, 1], "slant": answers[:, 3] + 2}, answers) == {
        "parity": 100,
        "slant": pytest.approx(2, abs=1e-5),
    }


def test_images_that_are_moved(load, monkeypatch):
    digits = load("digits.py")
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 3:8, 20] = 1
    still = {"turn": 0.0, "grow": 0.0, "lean": 0.0, "step": 0.0}
    assert torch.allclose(digits.moved(torch, image, **still), image, atol=1e-5)
    places = torch.cat([digits.moved(torch, image, **{**still, "step": 2.0}) for _ in range(50)])
    ink = places.sum(dim=(1, 2, 3))
    rows = (places.sum(dim=(1, 3)) * torch.arange(28)).sum(dim=1) / ink
    assert 3 < rows.min() < 4
    assert 6 < rows.max() < 7
    monkeypatch.setattr(torch, "rand", lambda *size: torch.ones(*size))  # as far as it goes
    turned = digits.moved(torch, image, **{**still, "turn": 90.0})
    assert torch.allclose(turned, torch.rot90(image, 1, (2, 3)), atol=1e-4)
    block = torch.zeros(1, 1, 28, 28)
    block[0, 0, 12:16, 12:16] = 1
    assert 60 < digits.moved(torch, block, **{**still, "grow": 1.0}).sum() < 68  # four times the area
    leant = digits.moved(torch, block, **{**still, "lean": 1.0})[0, 0]
    assert torch.allclose(leant.sum(dim=1), block[0, 0].sum(dim=1), atol=1e-4)
    assert leant[12].argmax() > leant[15].argmax()  # the top goes to the right


def test_as_many_labels_of_each_kind(load):
    labels = torch.randint(0, 10, (400,))
    places = load("digits.py").choose_labeled(torch, labels, 3)
    assert labels[places].tolist() == [kind for kind in range(10) for _ in range(3)]
    assert len(set(places.tolist())) == 30


# ---- scenes ------------------------------------------------------------------------------------------------


def test_no_pair_of_things_is_both_learnt_and_tested(load):
    seen, unseen = load("16_multi_modal.py").make_scenes(0)
    pairs = [{frozenset((first, second)) for first, _, second in scenes} for scenes in (seen, unseen)]
    assert (len(seen), len(unseen), len(set(seen + unseen))) == (960, 240, 1200)
    assert (len(pairs[0]), len(pairs[1]), pairs[0] & pairs[1]) == (240, 60, set())


def test_a_picture_shows_what_its_captions_say(load):
    demo, rng = load("16_multi_modal.py"), random.Random(0)
    y, x = np.mgrid[:24, :24]
    for how in demo.ARRANGEMENTS:
        scene = ("red cross", how, "blue ring")
        picture = demo.draw(scene, rng)
        red, blue = picture[0] - picture[2] > 0.3, picture[2] - picture[0] > 0.3
        axis = y if how == "above" else x
        assert axis[red].mean() + 8 < axis[blue].mean()
        captions = {demo.describe(scene, rng) for _ in range(30)}
        assert captions == {
            f"a red cross {how} a blue ring",
            f"a blue ring {demo.ARRANGEMENTS[how]} a red cross",
        }
    numbers = demo.numbered(["a red cross above a blue ring", "a red cross left of a blue ring"])
    assert numbers.shape == (2, 8)
    assert numbers[0, 0] == 0
    assert [demo.WORDS[i] for i in numbers[1].tolist()] == [
        "a",
        "red",
        "cross",
        "left",
        "of",
        "a",
        "blue",
        "ring",
    ]


def test_shares_of_captions_and_pictures_that_are_found(load):
    scores = torch.tensor(
        [[3.0, 4.0], [1.0, 2.0]]
    )  # both captions find the first picture, both pictures the second
    assert load("16_multi_modal.py").accuracies(scores) == (50, 50)
    assert load("16_multi_modal.py").accuracies(torch.tensor([[2.0, 1.0], [1.0, 1.5]])) == (100, 100)
    assert load("16_multi_modal.py").accuracies(torch.tensor([[2.0, 1.9], [2.5, 2.4]])) == (50, 50)


# ---- beasts ------------------------------------------------------------------------------------------------


def test_the_zoo(load):
    zoo = load("zoo.py")
    texts = {**zoo.SEEN, **zoo.UNSEEN}
    assert len(set(texts.values())) == len(texts) == len(zoo.KINDS)
    assert {name for text in texts.values() for name in text.split(", ")} == set(zoo.ATTRIBUTES)
    plain = {"four legs"}
    for name, level in {"horns": 0.8, "wings": 0.8, "stripes": -0.1, "spots": -0.1}.items():
        for has, there in ((plain, False), ({*plain, name}, True)):
            picture = zoo.draw(has, random.Random(0))
            found = picture > level if level > 0 else picture < -level
            assert (found.sum() > 7) == there, name
    columns = [(zoo.draw({name}, random.Random(2))[24] > 0.38).sum() for name in ("two legs", "four legs")]
    assert columns[0] < columns[1]


def test_how_likely_a_kind_is(load):
    demo = load("17_zero_shot.py")
    model = demo.ByDescription(channels=2).double()
    pictures = torch.rand(3, 1, 32, 32).double()
    p = model(pictures).sigmoid()
    texts = [*demo.SEEN.values(), *demo.UNSEEN.values()]
    for kind, text in enumerate(texts):
        expected = torch.ones(3).double()
        for i, name in enumerate(demo.ATTRIBUTES):
            expected = expected * (p[:, i] if name in text.split(", ") else 1 - p[:, i])
        scores = model.scores_of_kinds(pictures)[:, kind]
        np.testing.assert_allclose(scores.exp().detach().numpy(), expected.detach().numpy(), rtol=1e-9)


# ---- few labels, and none ----------------------------------------------------------------------------------


def test_only_answers_that_are_sure_are_labels(load):
    demo = load("18_semi_supervised.py")
    model = demo.CNN(channels=2, hidden_size=8).double()
    images, labels = torch.rand(4, 1, 28, 28).double(), torch.tensor([3, 1, 4, 1])
    little, lot = torch.rand(5, 1, 28, 28).double(), torch.rand(5, 1, 28, 28).double()
    alone = demo.loss_of(model, images, labels)
    assert torch.equal(demo.loss_of(model, images, labels, little, lot), alone)  # it is sure of nothing yet
    demo.SURE = sorted(demo.guesses(model, little)[1].tolist())[2]  # then of the two above it
    loss = demo.loss_of(model, images, labels, little, lot)
    digits, probabilities = demo.guesses(model, little)
    expected = [-model(lot)[i].log_softmax(0)[digits[i]] for i in range(5) if probabilities[i] > demo.SURE]
    assert len(expected) == 2
    np.testing.assert_allclose((loss - alone).item(), sum(expected).item() / 5, rtol=1e-9)


def test_the_loss_of_two_views(load):
    demo = load("19_self_supervised.py")
    model = demo.SimCLR(channels=2, features=8).double()
    first, second = torch.rand(3, 1, 28, 28).double(), torch.rand(3, 1, 28, 28).double()
    views, total = model(torch.cat([first, second])).detach().numpy(), 0.0
    for i in range(6):
        others = [math.exp(views[i] @ views[k] / demo.TEMPERATURE) for k in range(6) if k != i]
        total -= math.log(math.exp(views[i] @ views[(i + 3) % 6] / demo.TEMPERATURE) / sum(others))
    np.testing.assert_allclose(demo.loss_of(model, first, second).item(), total / 6, rtol=1e-9)


def test_a_probe_reads_what_is_in_the_features(load):
    demo = load("19_self_supervised.py")
    labels = torch.arange(10).repeat(4)
    features = torch.nn.functional.one_hot(labels, 10).float() + 0.1 * torch.randn(40, 10)
    assert demo.probe(features, labels, features.flip(0), labels.flip(0)) == 100
    assert demo.probe(features, labels, features, labels.flip(0)) == 0


def test_what_is_near(load):
    demo = load("19_self_supervised.py")
    images, labels = torch.rand(20, 1, 28, 28), torch.arange(20) % 2
    test = images[:8] + 0.01, labels[:8].clone()
    test[1][[2, 5]] = 7  # then the nearest in pixels is of another kind
    features = torch.rand(20, 3), torch.rand(8, 3)
    rows = demo.similar(
        {"pixels": (images.flatten(1), test[0].flatten(1)), "features": features}, images, labels, test
    )
    assert len(rows) == 2
    for (image, pixels, alike), i in zip(rows, (2, 5), strict=True):
        assert torch.equal(image[0], test[0][i])
        assert torch.equal(pixels[0], images[i])
        nearest = torch.cdist(features[1][i : i + 1], features[0])[0].argsort()[: demo.NEIGHBOURS]
        assert torch.equal(alike, images[nearest])
