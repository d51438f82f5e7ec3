"""Threads: who works on a kernel. A room with one door: what kernels need of it are the names below.

    threads.run_over(len(x), 0.3 * x.size, _softmax_rows, x, y)  # _softmax_rows(x, y, first, last), for parts of len(x)

A kernel for several threads is an ordinary serial kernel that works on the part ``first..last`` of its arrays. When
``run_over`` returns, all parts are done. Without this room it would be one line, which also is the way of small work:

    kernel(*arguments, 0, count)

So every kernel can be understood without coming in here. It does not matter for a result which thread did what, or who
came first. Only what is added up may differ in its last digits between one thread and several: the number of sums goes
with the number of threads (``number_of_sums``), and products that are shared go by another way (``is_worthwhile``).

Whoever does come in, reads in this order: ``sharing.py`` decides who works. ``parallel.py`` is a pool of Python's own
threads, for all systems. ``team.py``, ``mailbox.py`` and ``native_call.py`` are threads that stay awake, for Linux;
they need the parts of Numba that ``numba_private.py`` lists. ``blas_threads.py`` keeps BLAS from having threads of its
own. ``noting.py`` lets somebody see which kernels are called.
"""

from __future__ import annotations

from tinygrad_edu_kernels.threads.blas_threads import small_product_limit, use_single_blas_thread
from tinygrad_edu_kernels.threads.noting import Launch, noted
from tinygrad_edu_kernels.threads.parallel import MOST_THREADS, get_num_threads, parts, run, set_num_threads
from tinygrad_edu_kernels.threads.sharing import call, is_small, is_worthwhile, number_of_sums, run_over

__all__ = [
    "run_over",
    "call",
    "noted",
    "Launch",
    "number_of_sums",
    "is_small",
    "is_worthwhile",
    "parts",
    "run",
    "MOST_THREADS",
    "get_num_threads",
    "set_num_threads",
    "small_product_limit",
    "use_single_blas_thread",
]
