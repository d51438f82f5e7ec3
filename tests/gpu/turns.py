"""The threads of a simulated block take turns: one goes on to its next barrier or its end, then the next one does.

Numba's simulator lets them all run and asks each, without a pause, whether it is done. The asking costs several
times what the kernels cost, and the order of the threads differs from run to run.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numba.cuda.simulator.kernel import BlockManager, BlockThread


class TurnThread(BlockThread):
    """A thread that runs while it has the turn; a lock that is free says whose turn it is."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.own_turn, self.turn_of_others = threading.Lock(), threading.Lock()
        self.own_turn.acquire()
        self.turn_of_others.acquire()

    def run(self) -> None:
        super().run()  # what is raised is kept in self.exception
        self.turn_of_others.release()

    def syncthreads(self) -> None:
        self.syncthreads_blocked = True
        self.turn_of_others.release()
        self.own_turn.acquire()
        self.syncthreads_blocked = False
        if self.abort:
            raise RuntimeError("another thread of the block has failed")

    def take_turn(self) -> None:
        """Go on until the next barrier, or to the end."""
        if self.ident is None:
            self.start()
        else:
            self.own_turn.release()
        self.turn_of_others.acquire()


def run_in_turns(manager: Any, grid_point: tuple[int, ...], *arguments: Any) -> None:
    """Run the threads of a block."""

    def kernel() -> None:
        manager._f(*arguments)

    places = np.ndindex(*manager._block_dim)
    threads = [TurnThread(kernel, manager, grid_point, place, manager._debug) for place in places]
    waiting = threads
    while waiting:
        for thread in waiting:
            thread.take_turn()
            if thread.exception is not None:
                end(threads)
                error, traceback = thread.exception
                raise error.with_traceback(traceback)
        waiting = [thread for thread in waiting if thread.syncthreads_blocked]


def end(threads: list[TurnThread]) -> None:
    """End those that wait at a barrier, with an error that nobody reads."""
    for thread in threads:
        thread.abort = True
        if thread.syncthreads_blocked:
            thread.take_turn()


def take_turns() -> None:
    """Let every kernel that is simulated in this process run in turns."""
    BlockManager.run = run_in_turns
