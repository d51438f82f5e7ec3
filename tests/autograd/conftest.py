"""What gradients are tested with, beside one thread."""

from tests.sharing import shared, team_of_three, three_threads

__all__ = ["shared", "team_of_three", "three_threads"]
