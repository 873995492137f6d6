"""Life of a job and identity of this process; the same for every framework."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from hvd import _core
from hvd.process_sets import ProcessSet, require_no_process_sets

# Reduction operations, 0 to 5 with Horovod's numbers (plain ints, as its users compare and print
# them).
Average = 0
Sum = 1
Adasum = 2
Min = 3
Max = 4
Product = 5
BitAnd = 6
BitOr = 7
BitXor = 8
LogicalAnd = 9
LogicalOr = 10
LogicalXor = 11
PremultipliedSum = 12  # every rank's prescale_factor is its own

_on_shutdown: list[Callable[[], None]] = []
_atexit_registered = False


def init(
    comm: Sequence[int] | None = None,
    process_sets: Sequence[ProcessSet] | str | None = None,
) -> None:
    """Joins the job; blocks until all ranks have come. A second call does nothing.

    Identity comes from the environment that ``hvdrun`` sets; without it the job has one rank.
    ``shutdown`` runs by itself when the interpreter ends.

    Args:
        comm: only for Horovod's signature; must be None or empty.
        process_sets: only for Horovod's signature; must be None or empty.

    Raises:
        ValueError: an environment variable is wrong or contradicts another one.
        HvdError: the ranks did not all come within ``HVD_START_TIMEOUT_SECONDS``.
        NotImplementedError: ``comm`` or ``process_sets`` was given.

    >>> import hvd
    >>> hvd.init()
    >>> hvd.rank(), hvd.size()
    (0, 1)
    """
    global _atexit_registered
    if comm is not None and not (isinstance(comm, Sequence) and len(comm) == 0):
        raise NotImplementedError("hvd.init(comm=...): jobs of a subset of ranks are missing yet")
    require_no_process_sets(process_sets)
    _core.init()
    if not _atexit_registered:
        atexit.register(_shutdown_at_exit, os.getpid())
        _atexit_registered = True


def shutdown() -> None:
    """Fails what is pending here and leaves the job; does not wait for other ranks.

    Does nothing before `init`. `init` may follow.
    """
    _core.shutdown()
    for reset in _on_shutdown:
        reset()


def _shutdown_at_exit(pid: int) -> None:
    # A forked child that runs Python's exit handlers has no part in the job.
    if os.getpid() == pid:
        _core.shutdown()


def at_shutdown(reset: Callable[[], None]) -> None:
    """Lets a framework's module forget its handles whenever `shutdown` runs."""
    _on_shutdown.append(reset)


def is_initialized() -> bool:
    """Whether `init` succeeded and `shutdown` was not called since."""
    return _core.is_initialized()


def _known(value: int) -> int:
    if value < 0:
        raise ValueError("hvd has not been initialized; use hvd.init()")
    return value


def rank() -> int:
    """This process' number in the job, 0 … size() - 1. ValueError before `init`."""
    return _known(_core.rank())


def size() -> int:
    """How many processes the job has. ValueError before `init`."""
    return _known(_core.size())


def local_rank() -> int:
    """This process' number among those of its host. ValueError before `init`."""
    return _known(_core.local_rank())


def local_size() -> int:
    """How many processes of the job run on this host. ValueError before `init`."""
    return _known(_core.local_size())


def cross_rank() -> int:
    """This host's number among the hosts that have this local rank. ValueError before `init`."""
    return _known(_core.cross_rank())


def cross_size() -> int:
    """How many hosts have a process with this local rank. ValueError before `init`."""
    return _known(_core.cross_size())


def info() -> dict[str, Any]:
    """What runs here and why: version, identity, transports, settings, counters.

    >>> import hvd
    >>> hvd.init()
    >>> hvd.info()["version"] == hvd.__version__
    True
    """
    return json.loads(_core.info_json())


# Horovod's questions about how it was built. hvd has one build; the only data plane of today is the
# native one, which is what "is there a CPU data plane without MPI" asks for.


def mpi_threads_supported() -> bool:
    """Horovod's question; False: there is no MPI here."""
    return False


def mpi_enabled() -> bool:
    """Horovod's question; False: there is no MPI here."""
    return False


def mpi_built() -> bool:
    """Horovod's question; False: there is no MPI here."""
    return False


def gloo_enabled() -> bool:
    """Horovod's question for a CPU data plane without MPI; True: the native one."""
    return True


def gloo_built() -> bool:
    """Horovod's question for a CPU data plane without MPI; True: the native one."""
    return True


def nccl_built() -> int:
    """Horovod's question; 0: no GPU data plane yet."""
    return 0


def ddl_built() -> bool:
    """Horovod's question; False."""
    return False


def ccl_built() -> bool:
    """Horovod's question; False."""
    return False


def cuda_built() -> bool:
    """Horovod's question; False: no GPU data plane yet."""
    return False


def rocm_built() -> bool:
    """Horovod's question; False: no GPU data plane yet."""
    return False


def reduce_op(average: bool | None, op: int | None) -> int:
    """Horovod's rule for its old ``average`` and its new ``op`` argument.

    Raises:
        ValueError: both were given, or there is no such operation.

    >>> reduce_op(None, None) == Average
    True
    >>> reduce_op(None, Max)
    4
    """
    if op is not None:
        if average is not None:
            raise ValueError(
                "The op parameter supersedes average. Please provide only one of them."
            )
        if not (isinstance(op, int) and Average <= op <= PremultipliedSum):
            raise ValueError(f"hvd: no reduction has number {op!r}; use hvd.Average, hvd.Sum, ...")
        return op
    if average is None:
        return Average
    import warnings

    warnings.warn(
        "Parameter `average` has been replaced with `op` and will be removed in v1.0",
        DeprecationWarning,
        stacklevel=3,
    )
    return Average if average else Sum
