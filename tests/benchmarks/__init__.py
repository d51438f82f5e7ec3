"""Benchmarks: the same program on this engine, on PyTorch and on its peers, in alternating processes.

``python -m tests.benchmarks`` from the root of the checkout; ``--help`` says what can be chosen.

====================  ==============================================================================
``programs.py``       the programs that are timed, and ``peer_programs.py`` the same ones for the peers
``floor.py``          what a step must compute and move, and how long that takes at least
``growth.py``         how time and memory grow with batch size, depth and graph size
``first_run.py``      the first run of all, with nothing compiled
``child.py``          one process: runs one program on one engine
``runner.py``         the parent: alternates processes and collects what they measured
``tables.py``         Markdown tables of it, and ``documents.py`` puts them into docs/performance.md
====================  ==============================================================================
"""
