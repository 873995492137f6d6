"""hvd for PyTorch: Horovod's ``horovod.torch``, name by name.

>>> import torch
>>> import hvd.torch as hvd
>>> hvd.init()
>>> hvd.allreduce(torch.ones(2), op=hvd.Sum).tolist() == [hvd.size()] * 2
True
"""

from __future__ import annotations

from typing import NoReturn

from hvd.basics import (
    Adasum,
    Average,
    Max,
    Min,
    Product,
    Sum,
    ccl_built,
    cross_rank,
    cross_size,
    cuda_built,
    ddl_built,
    gloo_built,
    gloo_enabled,
    info,
    init,
    is_initialized,
    local_rank,
    local_size,
    mpi_built,
    mpi_enabled,
    mpi_threads_supported,
    nccl_built,
    rank,
    rocm_built,
    shutdown,
    size,
)
from hvd.exceptions import (
    HorovodInternalError,
    HvdAbortedError,
    HvdDeadlineError,
    HvdError,
    HvdMismatchError,
    HvdPeerEndedError,
    HvdShutdownError,
)
from hvd.process_sets import (
    ProcessSet,
    add_process_set,
    global_process_set,
    remove_process_set,
)
from hvd.torch.compression import Compression
from hvd.torch.functions import (
    allgather_object,
    broadcast_object,
    broadcast_optimizer_state,
    broadcast_parameters,
)
from hvd.torch.ops import (
    allgather,
    allgather_async,
    allreduce,
    allreduce_,
    allreduce_async,
    allreduce_async_,
    barrier,
    broadcast,
    broadcast_,
    broadcast_async,
    broadcast_async_,
    poll,
    synchronize,
)
from hvd.torch.optimizer import DistributedOptimizer

_MISSING = {
    "SyncBatchNorm",
    "alltoall",
    "alltoall_async",
    "elastic",
    "grouped_allgather",
    "grouped_allgather_async",
    "grouped_allreduce",
    "grouped_allreduce_",
    "grouped_allreduce_async",
    "grouped_allreduce_async_",
    "grouped_reducescatter",
    "grouped_reducescatter_async",
    "join",
    "reducescatter",
    "reducescatter_async",
    "sparse_allreduce_async",
    "start_timeline",
    "stop_timeline",
}


def __getattr__(name: str) -> NoReturn:
    if name in _MISSING:
        raise AttributeError(f"hvd.torch.{name} is missing yet; horovod.torch has it, hvd will")
    raise AttributeError(f"module 'hvd.torch' has no attribute '{name}'")


__all__ = [
    "Adasum",
    "Average",
    "Compression",
    "DistributedOptimizer",
    "HorovodInternalError",
    "HvdAbortedError",
    "HvdDeadlineError",
    "HvdError",
    "HvdMismatchError",
    "HvdPeerEndedError",
    "HvdShutdownError",
    "Max",
    "Min",
    "ProcessSet",
    "Product",
    "Sum",
    "add_process_set",
    "allgather",
    "allgather_async",
    "allgather_object",
    "allreduce",
    "allreduce_",
    "allreduce_async",
    "allreduce_async_",
    "barrier",
    "broadcast",
    "broadcast_",
    "broadcast_async",
    "broadcast_async_",
    "broadcast_object",
    "broadcast_optimizer_state",
    "broadcast_parameters",
    "ccl_built",
    "cross_rank",
    "cross_size",
    "cuda_built",
    "ddl_built",
    "global_process_set",
    "gloo_built",
    "gloo_enabled",
    "info",
    "init",
    "is_initialized",
    "local_rank",
    "local_size",
    "mpi_built",
    "mpi_enabled",
    "mpi_threads_supported",
    "nccl_built",
    "poll",
    "rank",
    "remove_process_set",
    "rocm_built",
    "shutdown",
    "size",
    "synchronize",
]
