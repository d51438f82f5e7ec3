"""What demos 05 to 07 are made of: when a digit is known, how dates are written, what is seen of the attention."""

from __future__ import annotations

import datetime
import random

import numpy as np
import pytest

import tinygrad_edu as torch


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(actual.numpy(force=True), expected.numpy(force=True), atol=1e-12)


# ---- an LSTM reads rows ------------------------------------------------------------------------------------


def test_from_which_row_on_a_digit_is_known(load):
    guesses = torch.full((4, 28), 7)
    guesses[1, :9] = 1  # wrong up to row 9
    guesses[2, 3] = 1  # right, then wrong in row 4, then right again
    guesses[3, 27] = 1  # wrong in the end
    assert load("05_lstm_rows.py").rows_needed(guesses, torch.full((4,), 7)) == [1, 10, 5, 29]


def test_a_batch_is_moved_as_a_whole(load):
    demo = load("05_lstm_rows.py")
    images = torch.zeros(3, 28, 28)
    images[:, 10, 20] = 1
    places = set()
    for _ in range(200):
        moved = demo.shifted(images)
        assert moved.shape == (3, 28, 28)
        where = moved.nonzero()
        assert len(set(map(tuple, where[:, 1:].tolist()))) == 1
        places.add(tuple(where[0, 1:].tolist()))
    assert places == {(row, column) for row in range(8, 13) for column in range(18, 23)}


# ---- dates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "ending"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (23, "23rd")],
)
def test_a_date_is_written_in_many_ways(load, day, ending):
    demo, rng = load("06_translate_dates.py"), random.Random(0)
    texts = {demo.write_down(datetime.date(1998, 3, day), rng) for _ in range(3000)}
    weekday = datetime.date(1998, 3, day).strftime("%A")
    expected = {
        f"the {ending} of March 1998",
        f"{day}.3.98",
        f"{weekday} 03/{day:02d}/98",
        f"MAR {day}, 1998",
    }
    assert expected <= texts
    assert len(texts) > 150
    assert all(set(text) <= set(demo.LETTERS) for text in texts)


def test_no_day_is_both_learnt_and_tested(load):
    train, test = load("06_translate_dates.py").make_pairs(5000, 2000, seed=0)
    assert (len(train), len(test)) == (5000, 2000)
    assert len({iso for _, iso in test}) == 2000
    assert {iso for _, iso in train}.isdisjoint(iso for _, iso in test)


def test_translating_is_what_was_trained(load):
    """Letter by letter, in a batch with padding, or all at once, or alone: the same letters and the same attention."""
    demo = load("06_translate_dates.py")
    torch.manual_seed(1)
    model = demo.Translator(hidden_size=8).double()
    for parameter in model.parameters():
        parameter.data *= 4  # so that the letters differ
    letters, lengths = demo.encode(list(demo.EXAMPLES))
    written, weights = model.translate(letters, lengths)
    assert len(set(written.flatten().tolist())) > 2
    assert torch.equal(model(letters, lengths, written).argmax(dim=2), written)
    assert_close(weights.sum(dim=2), torch.ones(7, 10).double())
    for i, text in enumerate(demo.EXAMPLES):
        alone, seen = model.translate(*demo.encode([text]))
        assert torch.equal(alone[0], written[i])
        assert_close(seen[0], weights[i, :, : len(text)])
        assert (weights[i, :, len(text) :] == 0).all()


# ---- sorting -----------------------------------------------------------------------------------------------


def test_the_attention_that_is_shown_is_that_of_the_network(load):
    demo = load("07_sort.py")
    torch.manual_seed(0)
    model = demo.Sorter(features=8).double()
    digits = torch.randint(0, 10, (3, 10))
    first, second = model.attention(digits)
    assert first.shape == second.shape == (3, 2, 10, 10)
    layer, x = model.encoder.layers[0], model.embed(digits)
    values = (x @ layer.self_attn.in_proj_weight[16:].T + layer.self_attn.in_proj_bias[16:]).view(3, 10, 2, 4)
    mixed = layer.self_attn.out_proj((first @ values.transpose(1, 2)).transpose(1, 2).reshape(3, 10, 8))
    x = layer.norm1(x + mixed)
    x = layer.norm2(x + layer.linear2(torch.relu(layer.linear1(x))))
    assert_close(layer(model.embed(digits)), x)
    assert_close(model.encoder.layers[1].self_attn(x, x, x, average_attn_weights=False)[1], second)
