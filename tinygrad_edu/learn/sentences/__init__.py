"""One sentence in plain words for every step on a tape, with the numbers of that step.

``forward.py`` says what an operation computed, ``backward.py`` what it did with the gradient. Operations with a story
of their own have it in ``forward_table.py`` and ``backward_table.py``: a function for each kind, in a dictionary by
the name of the class. Those that compute each element by itself have their formula, with the numbers put in
(``numbers.py``).
``words.py`` is how numbers, shapes and operands are spoken of.
"""

from __future__ import annotations

from tinygrad_edu.learn.sentences.backward import backward_sentence
from tinygrad_edu.learn.sentences.forward import forward_sentence
from tinygrad_edu.learn.tape import BackwardStep, ForwardStep
from tinygrad_edu.type_names import type_name

__all__ = ["sentence"]


def sentence(step: ForwardStep | BackwardStep) -> str:
    """Say in plain words what happened at a step of a tape.

    Parameters
    ----------
    step : ForwardStep or BackwardStep
        Of a tape that ``learn.record`` has written.

    Returns
    -------
    str
        A sentence, or two or three short ones; plain text without markup.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> w = torch.tensor(-5.0, requires_grad=True)
    >>> with learn.record() as tape:
    ...     (torch.relu(w) * 3.0).backward()
    >>> learn.sentence(tape.forward[0])
    'This ReLU is closed: its input is -5.0, so 0.0 comes out.'
    >>> learn.sentence(tape.backward[1])
    'This ReLU is closed: its input was -5.0, so nothing reaches w.'
    """
    if not isinstance(step, ForwardStep | BackwardStep):
        raise TypeError(f"sentence: expected a step of a tape, as in tape.forward[0], got {type_name(step)}")
    return forward_sentence(step) if isinstance(step, ForwardStep) else backward_sentence(step)
