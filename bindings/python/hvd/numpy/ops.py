"""Collective operations on NumPy arrays.

Rules that hold for all of them:

* Ranks meet by **name**, in any order. Without a name, the n-th unnamed operation of each kind
  meets the n-th one of the other ranks. A name may be used again once its operation is done.
* dtypes: int8 … int64, uint8 … uint64, float16 float32 float64, complex64 complex128, bool, and
  bfloat16, float8_e4m3fn and float8_e5m2 of the package ml_dtypes. Not every dtype has every
  reduction. Arrays must be contiguous (C order); at most 8 dimensions.
* The ``_async`` forms return a handle at once; until `synchronize` has returned, the arrays must
  not be written (nor ``out`` be read). The handle keeps them alive.
* ``deadline_seconds``: an `HvdDeadlineError` on all ranks if some rank did not submit by then;
  0 means ``HVD_DEADLINE_SECONDS``, which is "never" by default.

Raises, all of them: ``ValueError`` at the call for what is visible here (dtype unsupported,
not contiguous, name still pending, no such root, before ``init``); `HvdMismatchError` on every rank
if ranks disagree, after which the next operation works; another `HvdError` if a rank is gone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hvd import _core
from hvd._core import Handle
from hvd.basics import Average
from hvd.numpy.arrays import (
    address_of,
    is_foreign,
    require_like,
    submit,
    submit_into,
    take,
    wire_name,
)


def _allreduce(
    array: Any,
    name: str | None,
    op: int,
    prescale_factor: float,
    postscale_factor: float,
    out: np.ndarray | None,
    deadline_seconds: float,
    wait_at_once: bool,
) -> Handle:
    array = np.asarray(array)
    if out is None:
        out = np.empty(array.shape, array.dtype)
    if is_foreign(array):
        require_like(out, array)
        handle = submit(
            "allreduce",
            array,
            name,
            output=address_of(out),
            owner=(array, out),
            op=op,
            prescale=prescale_factor,
            postscale=postscale_factor,
            deadline_seconds=deadline_seconds,
            wait_at_once=wait_at_once,
        )
    else:
        handle = _core.allreduce_buffer(
            wire_name("allreduce", name),
            array,
            out,
            op,
            prescale_factor,
            postscale_factor,
            deadline_seconds,
            wait_at_once,
        )
    handle.output = out
    return handle


def allreduce_async(
    array: Any,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
) -> Handle:
    """Starts `allreduce`; `synchronize` gives its result."""
    return _allreduce(
        array, name, op, prescale_factor, postscale_factor, out, deadline_seconds, False
    )


def allreduce(
    array: Any,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
) -> np.ndarray:
    """Reduces arrays of equal shape over all ranks; every rank gets the same bits.

    Args:
        array: any shape; the same shape and dtype on every rank.
        name: see the rules of this module.
        op: hvd.Average, Sum, Min, Max, Product, or what `hvd.numpy` has more. Average of integers
            truncates.
        prescale_factor: multiplies before the reduction; not 0, and equal on all ranks but for
            PremultipliedSum.
        postscale_factor: multiplies after it; equal on all ranks, not 0.
        out: result goes here, may be ``array`` itself; a new array if None.
        deadline_seconds: see the rules of this module.

    Returns:
        ``out``: shape and dtype of ``array``.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.allreduce(np.array([1.0, 2.0]), name="gradient", op=hvd.Sum, postscale_factor=0.5)
    array([0.5, 1. ])
    """
    return synchronize(
        _allreduce(array, name, op, prescale_factor, postscale_factor, out, deadline_seconds, True)
    )


def allgather_async(
    array: Any,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> Handle:
    """Starts `allgather`; `synchronize` gives its result."""
    array = np.asarray(array)
    return submit_into(out, take, "allgather", array, name, deadline_seconds=deadline_seconds)


def allgather(
    array: Any,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Concatenates the arrays of all ranks along the first dimension, in rank order.

    Args:
        array: one dimension or more; the first may differ between ranks (0 too), the others not.
        name: see the rules of this module.
        deadline_seconds: see the rules of this module.
        out: result goes here, or a new array; of another shape, `HvdMismatchError` on this rank.

    Returns:
        ``out``: the sum of the first dimensions, then the other dimensions of ``array``.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.allgather(np.ones((2, 3), np.int32)).shape == (2 * hvd.size(), 3)
    True
    """
    return synchronize(allgather_async(array, name, deadline_seconds, out))


def broadcast_async(
    array: Any,
    root_rank: int,
    name: str | None = None,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
) -> Handle:
    """Starts `broadcast`; `synchronize` gives its result."""
    array = np.asarray(array)
    if not array.flags.c_contiguous:
        raise ValueError("Tensor is required to be contiguous")
    if out is None:
        out = array.copy()
    else:
        require_like(out, array)
        if out is not array:
            out[...] = array
    handle = submit("broadcast", out, name, root_rank=root_rank, deadline_seconds=deadline_seconds)
    handle.output = out
    return handle


def broadcast(
    array: Any,
    root_rank: int,
    name: str | None = None,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
) -> np.ndarray:
    """Gives every rank the array of ``root_rank``.

    Args:
        array: any shape; the same shape and dtype on every rank.
        root_rank: the rank whose array is sent, the same on every rank.
        name: see the rules of this module.
        out: result goes here, may be ``array`` itself; a new array if None.
        deadline_seconds: see the rules of this module.

    Returns:
        ``out``: shape and dtype of ``array``.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.broadcast(np.array(7), root_rank=0)
    array(7)
    """
    return synchronize(broadcast_async(array, root_rank, name, out, deadline_seconds))


def barrier(name: str | None = None, deadline_seconds: float = 0.0) -> None:
    """Returns once every rank has called it.

    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.barrier()
    """
    _core.submit(
        "barrier",
        wire_name("barrier", name),
        deadline_seconds=deadline_seconds,
        wait_at_once=True,
    ).wait()


def barrier_async(name: str | None = None, deadline_seconds: float = 0.0) -> Handle:
    """Starts `barrier`; `synchronize` returns None once every rank has come.

    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.synchronize(hvd.barrier_async())
    """
    return _core.submit("barrier", wire_name("barrier", name), deadline_seconds=deadline_seconds)


def poll(handle: Handle) -> bool:
    """Whether `synchronize` would return at once.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> handle = hvd.allreduce_async(np.ones(4))
    >>> _ = hvd.synchronize(handle)
    >>> hvd.poll(handle)
    True
    """
    return handle.poll()


def synchronize(handle: Handle) -> Any:
    """Waits for an operation and returns its result; again the same object if called again.

    Other Python threads run meanwhile, and Ctrl-C interrupts it (the operation goes on).

    Raises:
        HvdError: the operation failed; which class tells what happened, see `hvd.exceptions`.
    """
    handle.wait()
    if handle.has_result:
        handle.output = handle.output(handle)
    return handle.output
