"""What a graph keeps for its backward: ``learn.memory(loss)``."""

from tinygrad_edu.learn.memory_report.report import MemoryReport as MemoryReport, memory as memory

__all__ = ["memory", "MemoryReport"]
