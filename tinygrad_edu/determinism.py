"""Whether the same program computes the same numbers again: PyTorch's switches, which choose nothing here.

Each operation has one way of computing, and on the CPU it gives the same numbers with the same number of threads. (On a
GPU, atomic additions come in an order left to chance.) Programs set the switches, and find them set.

References
----------
https://docs.pytorch.org/docs/stable/notes/randomness.html
"""

from __future__ import annotations

from tinygrad_edu.arguments import require_bools

MODES = ("default", "warn", "error")


class _Setting:
    """Which of ``MODES`` has been set, by its number."""

    mode = 0


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for algorithms that give the same numbers in every run; nothing changes, for each operation has only one.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
    """
    require_bools("use_deterministic_algorithms", mode=mode, warn_only=warn_only)
    _Setting.mode = 0 if not mode else 1 if warn_only else 2


def are_deterministic_algorithms_enabled() -> bool:
    """Tell whether deterministic algorithms have been asked for."""
    return _Setting.mode > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Tell whether an operation without such an algorithm was to warn, and not to raise."""
    return _Setting.mode == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Set what ``use_deterministic_algorithms`` sets, by a number or a word: 0 "default", 1 "warn", 2 "error"."""
    if debug_mode not in (*MODES, *range(len(MODES))):
        raise RuntimeError(
            "invalid value of debug_mode, expected 0, 1, 2 or `default`, `warn`, `error`, "
            f"but got {debug_mode}"
        )
    _Setting.mode = MODES.index(debug_mode) if isinstance(debug_mode, str) else debug_mode


def get_deterministic_debug_mode() -> int:
    """Return what is set: 0, 1 or 2."""
    return _Setting.mode


def set_flush_denormal(mode: bool) -> bool:
    """Return whether the processor takes denormal numbers for 0 from now on: False, for here it never does."""
    require_bools("set_flush_denormal", mode=mode)
    return False
