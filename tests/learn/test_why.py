"""Why is there no gradient: each reason is planted, and the sentence is read."""

from __future__ import annotations

import sys
import warnings

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn
from tinygrad_edu.autograd.errors.explaining import short_path
from tinygrad_edu.autograd.grad_mode import this_thread

pytestmark = pytest.mark.host("lines and names do not depend on the device")

HERE = short_path(__file__)


def weight():
    return torch.ones(3, requires_grad=True)


def line(back=0):
    """Return the place of the line that calls, or of one some lines before it."""
    return f"{HERE}:{sys._getframe(1).f_lineno - back}"


# ---- what is known without looking on ----------------------------------------------------------------


def test_a_gradient_that_is_there():
    w = weight()
    w.sum().backward()
    assert learn.why_no_grad(w) == "w has a gradient: w.grad is there."


def test_a_leaf_for_which_nobody_asked():
    x = torch.ones(3)
    reason = learn.why_no_grad(x)
    assert reason.startswith("x does not require a gradient: nobody asked for one")
    assert "Hint: x.requires_grad_() for a leaf" in reason
    assert "learn.explain()" in reason


def test_integers():
    labels = torch.tensor([1, 2])
    assert learn.why_no_grad(labels).startswith("labels has numbers of torch.int64: only floating-point")


def test_a_computed_tensor():
    h = weight() * 2
    h.sum().backward()
    assert learn.why_no_grad(h) == (
        "h is no leaf: Mul computed it, and backward() fills .grad of leaves only. Call h.retain_grad() before "
        "backward()."
    )


@pytest.mark.parametrize(
    ("cut", "how"), [(lambda h: h.detach(), "detach()"), (lambda h: h.data, ".data")], ids=["detach", "data"]
)
def test_a_cut_is_known_though_nobody_looked_on(cut, how):
    h = cut(weight() * 2)
    assert learn.why_no_grad(h).startswith(f"h was computed from numbers that {how} cut off from the graph.")
    assert learn.why_no_grad(h).endswith("With learn.explain() round the forward, the line can be named.")
    twice = h.detach()
    assert f"{how} cut off" in learn.why_no_grad(twice)


def test_what_had_no_history_was_not_cut():
    x = torch.ones(3).detach()
    assert "detach()" not in learn.why_no_grad(x)


def test_inference_mode():
    with torch.inference_mode():
        h = weight() * 2
    assert learn.why_no_grad(h) == "h was made under inference_mode(), which records nothing."


def test_a_leaf_and_a_loss():
    w, other = weight(), weight()
    assert learn.why_no_grad(w).startswith("w is in no graph that is there now")
    loss = (w * 2).sum()
    assert learn.why_no_grad(w).startswith("w is in a graph, and no gradient has come back")
    assert learn.why_no_grad(w, loss) == "w is part of the graph of loss: call loss.backward() first."
    assert learn.why_no_grad(other, loss).startswith("other is not part of the graph of loss")
    loss.backward()
    w.grad = None
    assert learn.why_no_grad(w, loss).startswith(
        "w was reached by the backward() of loss, and its .grad was set to None"
    )


class AnswersNone(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return None


def test_a_backward_that_answers_none():
    w = weight()
    loss = AnswersNone.apply(w).sum()
    loss.backward()
    assert learn.why_no_grad(w, loss).endswith("or a backward on the way returned None.")


@pytest.mark.filterwarnings("ignore:To copy construct")
def test_a_copy_that_torch_tensor_makes():
    w = weight()
    assert "numbers that torch.tensor() cut off from the graph" in learn.why_no_grad(torch.tensor(w))
    with learn.explain():
        loss = (torch.tensor(w) * weight()).sum()
    assert "does not reach loss: on the way, torch.tensor() cut off from the graph, at" in learn.why_no_grad(
        w, loss
    )


def test_numbers_that_were_read_on_the_way_to_a_loss():
    w = weight()
    with learn.explain():
        loss = (torch.tensor([x.item() for x in w]) * weight()).sum()
        said = learn.why_no_grad(w, loss)
    assert said.count("item() at") == 1
    assert "the graph ended where they were read: item() at" in said


def test_a_loss_without_history():
    w = weight()
    loss = (w * 2).detach().sum()
    assert learn.why_no_grad(w, loss).startswith(
        "loss has no history, so nothing flows back from it: it does not"
    )


def test_a_retained_gradient_that_has_not_come():
    w = weight()
    h = w * 2
    h.retain_grad()
    loss = h.sum()
    assert learn.why_no_grad(h, loss) == "h is part of the graph of loss: call loss.backward() first."


def test_no_tensor():
    with pytest.raises(TypeError, match=r"^why_no_grad: expected a Tensor, got list"):
        learn.why_no_grad([1.0])


def test_a_prompt_shows_the_sentence_as_it_is():
    assert repr(learn.why_no_grad(torch.ones(1))).startswith("torch.ones(1) does not")


# ---- what is known to one who looks on ---------------------------------------------------------------


def test_the_line_of_a_detach():
    w, v = weight(), weight()
    with learn.explain():
        h = (w * 2).detach()
        at = line(back=1)
        loss = (h * v).sum()
        nothing = h.exp().sum()
    assert (
        learn.why_no_grad(w, loss)
        == f"w does not reach loss: on the way, detach() cut off from the graph, at {at}."
    )
    assert learn.why_no_grad(v, loss).startswith("v is part of the graph")
    assert learn.why_no_grad(nothing) == (
        f"nothing was computed from numbers that detach() cut off from the graph, at {at}."
    )


def test_who_records_looks_on():
    w, v = weight(), weight()
    with learn.record():
        loss = ((w * 2).detach() * v).sum()
        at = line(back=1)
        loss.backward()
    assert (
        learn.why_no_grad(w, loss)
        == f"w does not reach loss: on the way, detach() cut off from the graph, at {at}."
    )


def test_only_what_was_on_the_way_is_named():
    w, v, u = weight(), weight(), weight()
    with learn.explain():
        loss = ((w * 2).detach() * (u * 2).detach() * v).sum()
        other = (w.detach() * v).sum()
    assert "detach()" in learn.why_no_grad(w, loss)
    assert "not part of the graph" in learn.why_no_grad(u, other)


def no_grad(w):
    with torch.no_grad():
        return w.exp()


def inference(w):
    with torch.inference_mode():
        return w.exp()


CUTS = {
    "exp under no_grad()": no_grad,
    "exp under inference_mode()": inference,
    "argmax, which makes integers,": lambda w: w.argmax().float(),
    "gt, which makes booleans,": lambda w: (w > 0).float(),
    "long, which makes integers,": lambda w: w.long(),
    ".data": lambda w: w.data,
    "detach()": lambda w: torch.from_numpy(w.detach().numpy()),
}


@pytest.mark.parametrize(("how", "cut"), CUTS.items(), ids=CUTS)
def test_every_cut_has_its_line(how, cut):
    w = weight()
    with learn.explain():
        h = cut(w)
        reason = learn.why_no_grad(h)
    first = cut.__code__.co_firstlineno
    comma = "" if how.endswith(",") else ","
    expected = [
        f"h was computed from numbers that {how} cut off from the graph{comma} at {HERE}:{n}."
        for n in (first, first + 2)
    ]
    assert reason in expected


def test_numbers_that_python_has_seen():
    w = weight()
    with learn.explain():
        s = torch.tensor(w.sum().item())
        at = line(back=1)
        assert learn.why_no_grad(s).endswith(
            f"If it was made from numbers that had been read, the graph ended there: item() at {at}."
        )


def test_the_error_says_why():
    w = weight()
    with learn.explain():
        loss = (w * 2).detach().sum()
        at = line(back=1)
        with pytest.raises(RuntimeError, match="does not require grad") as caught:
            loss.backward()
    assert caught.value.__notes__[0].split("\n")[-1] == (
        f"loss was computed from numbers that detach() cut off from the graph, at {at}."
    )


def test_an_error_in_place_names_both_lines():
    w = weight()
    with learn.explain():
        y = w.exp()
        y += 1
        with pytest.raises(RuntimeError, match="modified by an inplace") as caught:
            y.sum().backward()
    here = sys._getframe().f_lineno
    assert f"ExpBackward0 called at {__file__}:{here - 4}" in str(caught.value)
    assert f"add_ at {__file__}:{here - 3}" in str(caught.value)
    assert "The one that was changed is called y" in caught.value.__notes__[0]


def test_a_rare_error_is_explained_too():
    x = torch.ones(3)
    with pytest.raises(RuntimeError) as caught, learn.explain():
        torch.linalg.cholesky(x)
    assert "x is float32 [3]" in caught.value.__notes__[0]


# ---- (N,) beside (N, 1) ------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b", "which"), [((4,), (4, 1), "second"), ((4, 1), (4,), "first")])
def test_a_vector_beside_a_column(a, b, which):
    x, y = torch.ones(a), torch.ones(b)
    with learn.explain(), pytest.warns(UserWarning, match="were stretched") as caught:
        x - y
    (warning,) = caught
    assert str(warning.message).startswith(
        f"sub: {list(a)} and {list(b)} were stretched to [4, 4]: every element"
    )
    assert str(warning.message).endswith(f"squeeze the {which}.")
    assert (warning.filename, warning.lineno) == (__file__, sys._getframe().f_lineno - 6)


@pytest.mark.parametrize(
    ("a", "b"),
    [((4,), (1,)), ((4, 4), (4, 1)), ((4,), (3, 1)), ((1,), (1, 1)), ((4, 1), (1, 4)), ((), (4, 1))],
)
def test_other_broadcasts_are_meant(a, b):
    with warnings.catch_warnings(), learn.explain():
        warnings.simplefilter("error")
        torch.ones(a) - torch.ones(b)


def test_nothing_is_noisy_by_default():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.ones(4) - torch.ones(4, 1)
        with learn.explain(broadcasts=False):
            torch.ones(4) - torch.ones(4, 1)


# ---- on and off --------------------------------------------------------------------------------------


def test_it_can_be_nested_and_decorates():
    explained = learn.explain()

    @explained
    def inner():
        assert len(this_thread.mode.observers) == 2
        return weight().exp()

    with explained:
        assert inner().grad_fn.made_at is not None
        assert len(this_thread.mode.observers) == 1
    assert this_thread.mode.observers == ()
    assert weight().exp().grad_fn.made_at is None
