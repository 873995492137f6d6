"""Reductions to one rank or to each, exchanges, and messages; the rules are those of `ops`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from hvd import _core, basics
from hvd.basics import Average, Sum
from hvd.process_sets import ProcessSet, global_process_set, require_global
from hvd.torch.compression import Compression, Compressor
from hvd.torch.ops import allgather, dtype_code, start, synchronize, take_result

# The dtypes that a scatter's receivers cannot know, by hvd_dtype_t.
_DTYPES_BY_CODE: dict[int, torch.dtype] = {}


def _dtype_of(operation: _core.Handle) -> torch.dtype:
    if not _DTYPES_BY_CODE:
        from hvd.torch.ops import _DTYPE_CODES

        _DTYPES_BY_CODE.update({code: dtype for dtype, code in _DTYPE_CODES.items()})
    return _DTYPES_BY_CODE[operation.result_dtype()]


def _list_of(splits: Any) -> list[int] | None:
    """Horovod's rule: a 1-D int32 tensor, or a sequence of ints."""
    if splits is None:
        return None
    if isinstance(splits, torch.Tensor):
        if splits.dim() != 1:
            raise ValueError("alltoall expects a 1D splits tensor")
        if splits.dtype not in (torch.int32, torch.int64):
            raise ValueError("alltoall expects a 32-bit integer splits tensor.")
        return splits.tolist()
    return [int(count) for count in splits]


# ---- reduce-scatter -----------------------------------------------------------------------------


def own_rows(tensor: torch.Tensor) -> torch.Tensor:
    """A new tensor for this rank's rows; of a scalar, which libhvd refuses, none."""
    if tensor.dim() == 0:
        return torch.empty(0, dtype=tensor.dtype)
    rows = tensor.shape[0]
    mine = rows // basics.size() + (basics.rank() < rows % basics.size())
    return torch.empty((mine, *tensor.shape[1:]), dtype=tensor.dtype)


def reducescatter_async(
    tensor: torch.Tensor,
    name: str | None = None,
    op: int = Average,
    process_set: ProcessSet = global_process_set,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
) -> int:
    """Starts `reducescatter`; `synchronize` returns its result."""
    require_global(process_set)
    dtype_code(tensor)
    output = own_rows(tensor)
    return start(
        "reducescatter",
        tensor,
        name,
        process_set,
        output=output,
        op=op,
        prescale=prescale_factor,
        postscale=postscale_factor,
        output_rows=output.shape[0] if output.dim() > 0 else 0,
    )


class HorovodReducescatter(torch.autograd.Function):
    """Reduce-scatter whose gradient is gathered and scaled as in Horovod."""

    @staticmethod
    def forward(
        ctx: Any,
        tensor: torch.Tensor,
        name: str | None,
        op: int,
        process_set: ProcessSet,
        prescale_factor: float,
        postscale_factor: float,
    ) -> torch.Tensor:
        """Runs the reduce-scatter."""
        ctx.options = (op, process_set, prescale_factor, postscale_factor)
        return synchronize(
            reducescatter_async(tensor, name, op, process_set, prescale_factor, postscale_factor)
        )

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple:
        """Gathers the gradients of all rows."""
        op, process_set, prescale_factor, postscale_factor = ctx.options
        factor = prescale_factor * postscale_factor * (basics.size() if op == Sum else 1)
        scaled = grad_output.contiguous() * factor if factor != 1 else grad_output.contiguous()
        return allgather(scaled, process_set=process_set), None, None, None, None, None


def reducescatter(
    tensor: torch.Tensor,
    name: str | None = None,
    compression: type[Compressor] = Compression.none,
    op: int = Average,
    process_set: ProcessSet = global_process_set,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
) -> torch.Tensor:
    """Reduces tensors of equal shape over all ranks; each rank keeps its rows of the result.

    The first ranks have one row more where the first dimension does not divide. Differentiable.

    Args:
        tensor: one dimension or more; the same shape and dtype on every rank.
        name: see the rules of `hvd.torch.ops`.
        compression: ``hvd.Compression.none`` or ``.fp16``.
        op: Average, Sum, or another reduction that the dtype has.
        process_set: see the rules of `hvd.torch.ops`.
        prescale_factor: multiplies before the reduction; equal on all ranks, not 0.
        postscale_factor: multiplies after it; equal on all ranks, not 0.

    Returns:
        A new tensor: this rank's rows.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.reducescatter(torch.tensor([1.0, 2.0]), op=hvd.Sum)
    tensor([1., 2.])
    """
    compressed, ctx = compression.compress(tensor)
    reduced = HorovodReducescatter.apply(
        compressed, name, op, process_set, prescale_factor, postscale_factor
    )
    return compression.decompress(reduced, ctx)


# ---- alltoall -----------------------------------------------------------------------------------


def alltoall_async(
    tensor: torch.Tensor,
    splits: torch.Tensor | Sequence[int] | None = None,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `alltoall`; `synchronize` returns the tensor and the received splits, always both."""

    def take(operation: _core.Handle) -> tuple[torch.Tensor, torch.Tensor]:
        received = torch.tensor(operation.received_splits(), dtype=torch.int32)
        return take_result(operation, tensor.dtype), received

    return start("alltoall", tensor, name, process_set, output=take, splits=_list_of(splits))


class HorovodAlltoall(torch.autograd.Function):
    """Alltoall whose gradient goes back the same way."""

    @staticmethod
    def forward(
        ctx: Any,
        tensor: torch.Tensor,
        splits: torch.Tensor | Sequence[int] | None,
        name: str | None,
        process_set: ProcessSet,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Runs the alltoall."""
        output, received = synchronize(alltoall_async(tensor, splits, name, process_set))
        ctx.process_set = process_set
        ctx.row_count = tensor.shape[0]
        ctx.received = received
        ctx.mark_non_differentiable(received)
        return output, received

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor, _: torch.Tensor) -> tuple:
        """Sends each rank's gradient back to it; rows that were not sent have none."""
        back, _ = synchronize(
            alltoall_async(grad_output.contiguous(), ctx.received, process_set=ctx.process_set)
        )
        left = ctx.row_count - back.shape[0]
        if left > 0:
            back = torch.cat([back, back.new_zeros((left, *back.shape[1:]))])
        return back, None, None, None


def alltoall(
    tensor: torch.Tensor,
    splits: torch.Tensor | Sequence[int] | None = None,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """Sends rows to each rank and receives rows from each. Differentiable.

    Args:
        tensor: one dimension or more; the first may differ between ranks, the others not.
        splits: how many rows go to each rank, in rank order; together at most all of them. None:
            even parts, into which the first dimension must divide.
        name: see the rules of `hvd.torch.ops`.
        process_set: see the rules of `hvd.torch.ops`.

    Returns:
        What came, in rank order; with ``splits`` also how many rows came from each rank.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.alltoall(torch.tensor([1, 2]), splits=[2])
    (tensor([1, 2]), tensor([2], dtype=torch.int32))
    """
    output, received = HorovodAlltoall.apply(tensor, splits, name, process_set)
    return output if splits is None else (output, received)


# ---- to and from one rank -----------------------------------------------------------------------


def reduce_async(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `reduce`; `synchronize` returns its result."""
    here = basics.rank() == root_rank and isinstance(tensor, torch.Tensor)
    return start(
        "reduce",
        tensor,
        name,
        process_set,
        output=torch.empty_like(tensor, requires_grad=False) if here else None,
        op=op,
        root_rank=root_rank,
        prescale=prescale_factor,
        postscale=postscale_factor,
    )


def reduce(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor | None:
    """`allreduce` whose result only ``root_rank`` gets; None on the others."""
    return synchronize(
        reduce_async(tensor, root_rank, name, op, prescale_factor, postscale_factor, process_set)
    )


def gather_async(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `gather`; `synchronize` returns its result."""

    def take(operation: _core.Handle) -> torch.Tensor | None:
        result = take_result(operation, tensor.dtype)
        return result if basics.rank() == root_rank else None

    return start("gather", tensor, name, process_set, output=take, root_rank=root_rank)


def gather(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor | None:
    """`allgather` whose result only ``root_rank`` gets; None on the others."""
    return synchronize(gather_async(tensor, root_rank, name, process_set))


def scatter_async(
    tensor: torch.Tensor | None,
    root_rank: int,
    splits: torch.Tensor | Sequence[int] | None = None,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `scatter`; `synchronize` returns its result."""
    here = basics.rank() == root_rank
    return start(
        "scatter",
        tensor if here else torch.empty(0),
        name,
        process_set,
        output=lambda operation: take_result(operation, _dtype_of(operation)),
        root_rank=root_rank,
        splits=_list_of(splits) if here else None,
    )


def scatter(
    tensor: torch.Tensor | None,
    root_rank: int,
    splits: torch.Tensor | Sequence[int] | None = None,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor:
    """Deals the rows of ``root_rank``'s tensor out to all ranks.

    Args:
        tensor: of ``root_rank``; the others may give None.
        root_rank: whose tensor it is, the same on every rank.
        splits: of ``root_rank``: rows for each rank, all rows together. None: even parts, of which
            the first ranks have one row more where the division leaves some.
        name: see the rules of `hvd.torch.ops`.
        process_set: see the rules of `hvd.torch.ops`.

    Returns:
        A new tensor: this rank's rows.
    """
    return synchronize(scatter_async(tensor, root_rank, splits, name, process_set))


# ---- messages -----------------------------------------------------------------------------------


def send_async(tensor: torch.Tensor, destination_rank: int, tag: int = 0) -> int:
    """Starts `send`; `synchronize` returns once the tensor may be written again."""
    return start(
        "send", tensor, None, global_process_set, output=None, peer=destination_rank, tag=tag
    )


def send(tensor: torch.Tensor, destination_rank: int, tag: int = 0) -> None:
    """Sends a tensor to one rank, which receives it with `recv`.

    Messages from one rank to another match by ``tag`` in the order of the calls. Each is agreed on
    through rank 0, which costs a way there and back.
    """
    synchronize(send_async(tensor, destination_rank, tag))


def recv_async(tensor: torch.Tensor, source_rank: int, tag: int = 0) -> int:
    """Starts `recv`; `synchronize` returns ``tensor``."""
    return start("recv", tensor, None, global_process_set, output=tensor, peer=source_rank, tag=tag)


def recv(tensor: torch.Tensor, source_rank: int, tag: int = 0) -> torch.Tensor:
    """Receives into ``tensor`` what one rank sends; dtype and shape must be the sender's.

    Returns:
        ``tensor``.
    """
    return synchronize(recv_async(tensor, source_rank, tag))
