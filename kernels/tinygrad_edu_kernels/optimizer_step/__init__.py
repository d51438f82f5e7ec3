"""One parameter update of SGD, Adam, Adagrad and RMSprop, each in a single pass over memory.

Start with ``reference.py``: plain loops that read like the papers. ``cpu.py`` holds the same functions
compiled. All of them change the parameter and the optimizer's state in place.
"""
