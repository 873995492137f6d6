"""hvd: exchange tensors between processes by name.

Import `hvd.torch` or `hvd.numpy` as ``hvd``, call ``hvd.init()``, and start the script with
``hvdrun -np 2 python script.py``. This package alone needs no framework and not even NumPy.
"""

from __future__ import annotations

from hvd import _core
from hvd.basics import (
    Adasum,
    Average,
    BitAnd,
    BitOr,
    BitXor,
    LogicalAnd,
    LogicalOr,
    LogicalXor,
    Max,
    Min,
    PremultipliedSum,
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
    HvdPermissionError,
    HvdResourceError,
    HvdShutdownError,
    HvdUnsupportedError,
)

__version__: str = _core.version()

__all__ = [
    "Adasum",
    "Average",
    "BitAnd",
    "BitOr",
    "BitXor",
    "HorovodInternalError",
    "HvdAbortedError",
    "HvdDeadlineError",
    "HvdError",
    "HvdMismatchError",
    "HvdPeerEndedError",
    "HvdPermissionError",
    "HvdResourceError",
    "HvdShutdownError",
    "HvdUnsupportedError",
    "LogicalAnd",
    "LogicalOr",
    "LogicalXor",
    "Max",
    "Min",
    "PremultipliedSum",
    "Product",
    "Sum",
    "cross_rank",
    "cross_size",
    "info",
    "init",
    "is_initialized",
    "local_rank",
    "local_size",
    "rank",
    "shutdown",
    "size",
]
