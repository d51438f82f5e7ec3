"""Replay: the array functions of a step, written down once and run again, without graph, modules and checks.

``torch.compile`` is the door. In reading order: ``recorder`` (an observer writes lines), ``names`` (what it calls
things), ``functions`` (which the lines call), ``known`` (which operations it may write), ``watching``, ``bytecode`` and
``guards`` (what else the result depends on), ``recording`` (the lines as a function), ``history`` and ``backward_list``
(a backward that is called outside), ``kernels``, ``kernel_writer`` and ``live`` (the same as calls of kernels on memory
that is kept), ``state`` (what a check brings back and compares) and
``compiled`` (when what is run). ``arrays`` tells arrays of the CPU from those of a GPU; of a list of the latter,
``graph_plan`` and ``cuda_graph`` make CUDA graphs.
"""

from tinygrad_edu.replay.compiled import Compiled as Compiled, OptimizedModule as OptimizedModule
