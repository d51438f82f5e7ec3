"""Replay: the array functions of a step, written down once and run again, without graph, modules and checks.

``torch.compile`` is the door. In reading order:

- ``compiled``: what is run in which call: the program, or a list of it.
- ``lines``: how the lines of a list are written, by an observer.
- ``guarding``: what the program does beside arrays, and which Python values it reads.
- ``recording``: the lines as a function; ``state``: what a check brings back and compares.
- ``backward``: a backward that is called outside.
- ``kernels``: on the CPU, the same as calls of kernels on memory that is kept.
- ``graphs``: on a GPU, the same as CUDA graphs. ``arrays`` tells arrays of the CPU from those of a GPU.

The rooms know of each other in this direction alone: ``arrays``, ``lines``, ``guarding``, then the last three, and
``recording`` brings all together.
"""

from tinygrad_edu.replay.compiled import Compiled as Compiled, OptimizedModule as OptimizedModule
