"""hvd for NumPy arrays, and for whatever else offers the buffer protocol.

>>> import numpy as np
>>> import hvd.numpy as hvd
>>> hvd.init()
>>> hvd.allreduce(np.arange(3.0), name="x", op=hvd.Sum)
array([0., 1., 2.])
"""

from __future__ import annotations

from hvd.basics import (
    Average,
    Max,
    Min,
    Product,
    Sum,
    cross_rank,
    cross_size,
    info,
    init,
    is_initialized,
    local_rank,
    local_size,
    rank,
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
from hvd.numpy.ops import (
    allgather,
    allgather_async,
    allreduce,
    allreduce_async,
    barrier,
    barrier_async,
    broadcast,
    broadcast_async,
    poll,
    synchronize,
)

__all__ = [
    "Average",
    "HorovodInternalError",
    "HvdAbortedError",
    "HvdDeadlineError",
    "HvdError",
    "HvdMismatchError",
    "HvdPeerEndedError",
    "HvdShutdownError",
    "Max",
    "Min",
    "Product",
    "Sum",
    "allgather",
    "allgather_async",
    "allreduce",
    "allreduce_async",
    "barrier",
    "barrier_async",
    "broadcast",
    "broadcast_async",
    "cross_rank",
    "cross_size",
    "info",
    "init",
    "is_initialized",
    "local_rank",
    "local_size",
    "poll",
    "rank",
    "shutdown",
    "size",
    "synchronize",
]
