"""What all families of kernels are tested with."""

from tests.sharing import shared, team_of_three, three_threads, way

__all__ = ["shared", "team_of_three", "three_threads", "way"]
