"""A list of operations as one of kernels, on the CPU.

In reading order: ``kernel_list`` (it runs the operations, and notes the kernels), ``writer`` (how their calls are
written) and ``live`` (numbers that differ from call to call).
"""
