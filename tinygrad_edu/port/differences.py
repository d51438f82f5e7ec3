"""What is here, can be imported, and does less than PyTorch's: said where a script uses it.

``docs/differences_from_pytorch.md`` has more to say; what stands here changes what a program does, or ends it.
"""

from __future__ import annotations

NOTHING_COMPILED = "it gives back what it gets; nothing is compiled"

RUNS_ANOTHER_WAY = {
    "torch.compile": "it replays the same kernels without the graph, or runs as it is; nothing is fused",
    "torch.jit.script": NOTHING_COMPILED,
    "torch.jit.trace": NOTHING_COMPILED,
    "torch.nn.DataParallel": "it runs on one device",
    "torch.backends.cudnn.benchmark": "there is no cuDNN: the switch changes nothing",
    "torch.backends.cudnn.deterministic": "there is no cuDNN: the switch changes nothing",
}
NOT_WHEN_CALLED = {
    "torch.distributed.init_process_group": "it raises an error: there is one process",
    "torch.nn.parallel.DistributedDataParallel": "it raises an error: there is one process",
}
