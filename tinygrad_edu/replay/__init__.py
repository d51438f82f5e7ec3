"""Replay: the array functions of a step, written down once and run again, without graph, modules and checks.

``torch.compile`` is the door. In reading order:

- ``compiled``: what is run in which call: the program, or a list of it.
- ``recorder`` (an observer writes the lines), ``names`` (what it calls things), ``functions`` (which the lines call)
  and ``known`` (which operations it may write).
- ``watching`` and ``bytecode`` (what the functions of the program do beside arrays), ``values`` (which Python values
  they read) and ``guards`` (whether these are as they were).
- ``recording`` (the lines as a function) and ``state`` (what a check brings back and compares).
- ``history`` and ``backward_list``: a backward that is called outside.
- ``kernels``, ``kernel_writer`` and ``live``: on the CPU, the same as calls of kernels on memory that is kept.
- ``graph_plan`` and ``cuda_graph``: on a GPU, the same as CUDA graphs. ``arrays`` tells arrays of the CPU from those
  of a GPU.
"""

from tinygrad_edu.replay.compiled import Compiled as Compiled, OptimizedModule as OptimizedModule
