"""What a list depends on beside arrays.

In reading order: ``watching`` and ``bytecode`` (what the functions of the program do), ``values`` (which Python values
they read) and ``guards`` (whether these are as they were).
"""
