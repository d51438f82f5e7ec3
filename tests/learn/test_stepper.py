"""What the stepper's page is given: numbers, words about broadcasting, texts of the engine, safe HTML."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn
from tinygrad_edu.learn.html import in_frame, json_in_html, page
from tinygrad_edu.learn.stepper import numbers
from tinygrad_edu.learn.stepper.data import page_data
from tinygrad_edu.learn.stepper.notes import stretched_axes
from tinygrad_edu.learn.stepper.sources import by_input, describe

pytestmark = pytest.mark.host("the tape's numbers are compared with NumPy's")


def unpacked(text):
    """Read the numbers as the page does: three bytes each, the first of a float32."""
    raw = base64.b64decode(text)
    return [struct.unpack(">f", raw[i : i + 3] + b"\0")[0] for i in range(0, len(raw), 3)]


def test_packed_numbers_keep_four_digits_and_what_is_not_finite():
    given = np.array([0, -0.0, 1, -1.5, 3.14159, 1e-30, -1e30, np.inf, -np.inf, 65504, 2**24 + 1], np.float64)
    np.testing.assert_allclose(unpacked(numbers.packed(given)), given, rtol=1 / 2**16)
    assert np.isnan(unpacked(numbers.packed(np.array([np.nan, -np.nan])))).all()


@pytest.mark.parametrize(
    ("shape", "most", "expected"),
    [
        ((), 64, ()),
        ((5,), 64, (5,)),
        ((500,), 64, (64,)),
        ((8, 8), 64, (8, 8)),
        ((1000, 4), 64, (16, 4)),
        ((4, 1000), 64, (4, 16)),
        ((1000, 1000), 64, (8, 8)),
        ((1000, 1000), 6272, (64, 64)),
        ((64, 1, 28, 28), 6272, (8, 1, 28, 28)),
        ((64, 32, 28, 28), 6272, (1, 8, 28, 28)),
        ((0, 3), 64, (0, 3)),
        ((3, 0), 64, (3, 0)),
    ],
)
def test_the_part_of_an_array_that_is_shown(shape, most, expected):
    assert numbers.shown_sizes(shape, most) == expected
    assert np.prod(expected) <= most


def test_a_file_shares_its_bytes_among_the_values():
    assert numbers.elements_per_value(10) == numbers.MOST
    assert numbers.elements_per_value(100_000) == numbers.FEWEST
    assert 1000 * numbers.elements_per_value(1000) * 4 <= numbers.BYTES_OF_ALL


def recorded(program):
    with learn.record() as tape:
        program()
    return page_data(tape, "title")


def test_values_are_written_once():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    data = recorded(lambda: (w * w).sum().backward())
    first, second = data["forward"][0]["inputs"]
    assert first["value"] == second["value"] == data["leaves"][0]["value"]
    assert data["values"][first["value"]] == {
        "shape": [2], "dtype": "float32", "low": 1, "high": 2, "numbers": [1, 2],
    }  # fmt: skip


def test_numbers_that_json_does_not_know():
    x = torch.tensor([0.0, -1.0, 1.0], requires_grad=True)
    data = recorded(lambda: torch.log(x).sum().backward())
    output = data["values"][data["forward"][0]["outputs"][0]]
    assert (output["numbers"], output["bad"]) == (["-inf", "nan", 0], 2)
    json.dumps(data, allow_nan=False)


def test_complex_numbers_are_texts():
    z = torch.tensor([1 + 2j, 3 - 0.5j], requires_grad=True)
    data = recorded(lambda: (z * 2).abs().sum().backward())
    assert data["values"][data["leaves"][0]["value"]]["numbers"] == ["1+2i", "3-0.5i"]


@pytest.mark.parametrize(
    ("shape", "to", "axes"),
    [((3,), (4, 3), [0]), ((4, 1), (4, 3), [1]), ((1,), (4, 3), [0, 1]), ((), (2,), [0])],
)
def test_axes_along_which_an_operand_is_stretched(shape, to, axes):
    assert stretched_axes(shape, to) == axes


def test_broadcasting_in_words_only_where_there_is_some():
    a, b = torch.ones(4, 3, requires_grad=True), torch.ones(1, 3, requires_grad=True)
    add, *_ = recorded(lambda: ((a + b) * 2).sum().backward())["backward"][2:]
    assert [sent.get("summed") for sent in add["sent"]] == [
        None, "summed over axis 0, because (1, 3) was stretched to (4, 3)",
    ]  # fmt: skip


def test_the_engines_text_and_formulas_of_an_operation():
    w = torch.ones(2, 3, requires_grad=True)
    with learn.record() as tape:
        torch.nn.functional.linear(torch.ones(4, 3), w, torch.ones(2)).sum().backward()
    about = describe(tape.forward[0])
    assert about["arguments"] == ["x", "weight", "bias"]
    assert about["forward"]["file"] == "tinygrad_edu/ops/linalg/matmul.py"
    assert about["forward"]["text"].startswith("def forward(self, x")
    assert about["backward"]["text"].startswith("def backward(self")
    assert sorted(about["gradient"]) == ["0", "1", "2"]
    assert "<math" in about["formula"]


def test_formulas_belong_to_the_inputs_that_they_name():
    assert by_input({"weight[i]": "A", "x[r, i]": "B", "unknown": "C"}, ["x", "weight"]) == {
        "1": "A",
        "0": "B",
    }


def test_a_function_of_the_user_shows_the_users_text():
    class Cube(torch.autograd.Function):
        """x^3; the derivative is 3 x^2. <b>"""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * 3 * ctx.saved_tensors[0] ** 2

    w = torch.tensor(2.0, requires_grad=True)
    (about,) = [x for x in recorded(lambda: Cube.apply(w).backward())["ops"].values() if x["name"] == "Cube"]
    assert about["doc"] == "x^3; the derivative is 3 x^2. <b>"
    assert (about["arguments"], about["backward"]["file"]) == (["x"], "test_stepper.py")


def test_no_text_ends_the_element_that_data_stand_in():
    text = "</script><!-- <script> & \u2028"
    written = json_in_html({"text": text})
    assert json.loads(written) == {"text": text}
    assert not set("<>&") & set(written)
    whole = page("<title>&", "<p>body</p>", ["p {}"], ["start();"], {"text": text})
    assert "<title>&lt;title&gt;&amp;</title>" in whole
    assert whole.count("</script>") == 2
    assert "default-src &#x27;none&#x27;" in whole


def test_a_frame_holds_a_whole_page():
    frame = in_frame("<p title='a'>\"</p>", "x", height=10)
    assert 'srcdoc="&lt;p title=&#x27;a&#x27;&gt;&quot;&lt;/p&gt;"' in frame


def test_a_tape_without_a_backward_and_one_without_anything_have_pages(tmp_path):
    with learn.record() as forward_only:
        torch.ones(2, requires_grad=True).exp()
    with learn.record() as nothing:
        pass
    for tape in (forward_only, nothing):
        tape.save(tmp_path / "page.html")
        assert "no backward was recorded" in (tmp_path / "page.html").read_text(encoding="utf-8")
