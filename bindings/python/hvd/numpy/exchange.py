"""Reductions to one rank or to each, exchanges, and messages; the rules are those of `ops`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hvd._core import Handle
from hvd.basics import Average, rank
from hvd.numpy.arrays import (
    address_of,
    even_share,
    require_like,
    require_result,
    submit,
    submit_into,
    take,
    take_at,
    take_with_splits,
    writable,
)
from hvd.numpy.ops import synchronize


def reduce_async(
    array: Any,
    root_rank: int,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
) -> Handle:
    """Starts `reduce`; `synchronize` gives its result."""
    array = np.asarray(array)
    if rank() != root_rank:
        out = None
    elif out is None:
        out = np.empty(array.shape, array.dtype)
    else:
        require_like(out, array)
    handle = submit(
        "reduce",
        array,
        name,
        output=0 if out is None else address_of(out),
        owner=(array, out),
        op=op,
        root_rank=root_rank,
        prescale=prescale_factor,
        postscale=postscale_factor,
        deadline_seconds=deadline_seconds,
    )
    handle.output = out
    return handle


def reduce(
    array: Any,
    root_rank: int,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
) -> np.ndarray | None:
    """`allreduce` whose result only ``root_rank`` gets; None on the others.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.reduce(np.array([1.0, 2.0]), root_rank=0, op=hvd.Sum)
    array([1., 2.])
    """
    return synchronize(
        reduce_async(
            array, root_rank, name, op, prescale_factor, postscale_factor, out, deadline_seconds
        )
    )


def reducescatter_async(
    array: Any,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
    splits: Sequence[int] | None = None,
) -> Handle:
    """Starts `reducescatter`; `synchronize` gives its result."""
    array = np.asarray(array)
    rows = array.shape[0] if array.ndim else 0
    if splits is None:
        mine = even_share(rows)
    else:
        splits = [int(count) for count in splits]
        mine = splits[rank()] if rank() < len(splits) else 0
    shape = (max(mine, 0), *array.shape[1:])
    if out is None:
        out = np.empty(shape, array.dtype)
    else:
        require_result(out, shape, array.dtype)
    handle = submit(
        "reducescatter",
        array,
        name,
        output=address_of(out),
        owner=(array, out),
        op=op,
        prescale=prescale_factor,
        postscale=postscale_factor,
        deadline_seconds=deadline_seconds,
        splits=splits,
        output_rows=shape[0],
    )
    handle.output = out
    return handle


def reducescatter(
    array: Any,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: np.ndarray | None = None,
    deadline_seconds: float = 0.0,
    splits: Sequence[int] | None = None,
) -> np.ndarray:
    """Reduces arrays of equal shape over all ranks; each rank keeps its rows of the result.

    Args:
        array: one dimension or more; the same shape and dtype on every rank.
        name: see the rules of `hvd.numpy.ops`.
        op: as for `allreduce`.
        prescale_factor: as for `allreduce`.
        postscale_factor: as for `allreduce`.
        out: result goes here; not the memory of ``array``; a new array if None.
        deadline_seconds: see the rules of `hvd.numpy.ops`.
        splits: rows of each rank, equal on all ranks, all rows together; even parts if None, of
            which the first ranks have one row more where the division leaves some.

    Returns:
        ``out``: this rank's rows.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.reducescatter(np.ones((4, 2)), op=hvd.Sum).shape == (4 // hvd.size(), 2)
    True
    """
    return synchronize(
        reducescatter_async(
            array, name, op, prescale_factor, postscale_factor, out, deadline_seconds, splits
        )
    )


def alltoall_async(
    array: Any,
    splits: Sequence[int] | None = None,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> Handle:
    """Starts `alltoall`; `synchronize` gives the array and the received splits, always both."""
    if splits is not None:
        splits = [int(count) for count in splits]
    return submit_into(
        out,
        take_with_splits,
        "alltoall",
        np.asarray(array),
        name,
        splits=splits,
        deadline_seconds=deadline_seconds,
    )


def alltoall(
    array: Any,
    splits: Sequence[int] | None = None,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Sends rows to each rank and receives rows from each.

    Args:
        array: one dimension or more; the first may differ between ranks, the others not.
        splits: how many rows go to each rank, in rank order; together at most all of them. None:
            even parts, into which the first dimension must divide.
        name: see the rules of `hvd.numpy.ops`.
        deadline_seconds: see the rules of `hvd.numpy.ops`.
        out: as in `allgather`, but not the memory of ``array``.

    Returns:
        ``out``: what came, in rank order; with ``splits`` also how many rows came from each rank.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.alltoall(np.arange(3.0), splits=[2] + [0] * (hvd.size() - 1))
    (array([0., 1.]), array([2], dtype=int32))
    """
    result, received = synchronize(alltoall_async(array, splits, name, deadline_seconds, out))
    return result if splits is None else (result, received)


def gather_async(
    array: Any,
    root_rank: int,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> Handle:
    """Starts `gather`; `synchronize` gives its result."""
    return submit_into(
        out if rank() == root_rank else None,
        take_at(root_rank),
        "gather",
        np.asarray(array),
        name,
        root_rank=root_rank,
        deadline_seconds=deadline_seconds,
    )


def gather(
    array: Any,
    root_rank: int,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> np.ndarray | None:
    """`allgather` whose result only ``root_rank`` gets; None on the others, whatever their ``out``.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.gather(np.ones(2), root_rank=0).shape == (2 * hvd.size(),)
    True
    """
    return synchronize(gather_async(array, root_rank, name, deadline_seconds, out))


def scatter_async(
    array: Any,
    root_rank: int,
    splits: Sequence[int] | None = None,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> Handle:
    """Starts `scatter`; `synchronize` gives its result."""
    here = rank() == root_rank
    if splits is not None:
        splits = [int(count) for count in splits]
    return submit_into(
        out,
        take,
        "scatter",
        np.asarray(array) if here else np.empty(0),
        name,
        root_rank=root_rank,
        splits=splits if here else None,
        deadline_seconds=deadline_seconds,
    )


def scatter(
    array: Any,
    root_rank: int,
    splits: Sequence[int] | None = None,
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Deals the rows of ``root_rank``'s array out to all ranks.

    Args:
        array: of ``root_rank``; the others may give None.
        root_rank: whose array it is, the same on every rank.
        splits: of ``root_rank``: rows for each rank, all rows together. None: even parts, of which
            the first ranks have one row more where the division leaves some.
        name: see the rules of `hvd.numpy.ops`.
        deadline_seconds: see the rules of `hvd.numpy.ops`.
        out: as in `allgather`, but not the memory of ``array``.

    Returns:
        ``out``: this rank's rows.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.scatter(np.arange(4), root_rank=0).shape == (4 // hvd.size(),)
    True
    """
    return synchronize(scatter_async(array, root_rank, splits, name, deadline_seconds, out))


def send_async(
    array: Any, destination_rank: int, tag: int = 0, deadline_seconds: float = 0.0
) -> Handle:
    """Starts `send`; `synchronize` returns None once the array may be written again."""
    return submit(
        "send",
        np.asarray(array),
        None,
        peer=destination_rank,
        tag=tag,
        deadline_seconds=deadline_seconds,
    )


def send(array: Any, destination_rank: int, tag: int = 0, deadline_seconds: float = 0.0) -> None:
    """Sends an array to one rank, which receives it with `recv`.

    Messages from one rank to another match by ``tag`` in the order of the calls. Each is agreed on
    through rank 0, which costs a way there and back.
    """
    synchronize(send_async(array, destination_rank, tag, deadline_seconds))


def recv_async(
    out: np.ndarray, source_rank: int, tag: int = 0, deadline_seconds: float = 0.0
) -> Handle:
    """Starts `recv`; `synchronize` gives ``out``."""
    handle = submit(
        "recv", writable(out), None, peer=source_rank, tag=tag, deadline_seconds=deadline_seconds
    )
    handle.output = out
    return handle


def recv(
    out: np.ndarray, source_rank: int, tag: int = 0, deadline_seconds: float = 0.0
) -> np.ndarray:
    """Receives into ``out`` what one rank sends; dtype and shape must be those of the sender.

    Returns:
        ``out``.
    """
    return synchronize(recv_async(out, source_rank, tag, deadline_seconds))
