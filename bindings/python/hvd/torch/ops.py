"""Collective operations on PyTorch tensors in host memory, with Horovod's names and rules.

Rules that hold for all of them:

* Ranks meet by **name**, in any order. Without a name, the n-th unnamed operation of each kind
  meets the n-th one of the other ranks. A name may be used again once its operation is done.
* dtypes: int8 … int64, uint8 … uint64, float16 bfloat16 float32 float64, float8_e4m3fn float8_e5m2,
  complex64 complex128, bool. Not every dtype has every reduction. Tensors must be dense,
  contiguous, on the CPU and of at most 8 dimensions.
* The ``_async`` forms return an int handle at once. Until `synchronize` has returned, tensors must
  not be written (nor read, for those in place). The handle keeps them alive.
* Functions whose name ends in ``_`` work in place and return their argument; they are not
  differentiable. ``allreduce``, ``allgather`` and ``broadcast`` are.
* ``process_set`` must be `global_process_set` today.

Raises, all of them: ``ValueError`` at the call for what is visible here (dtype unsupported,
not contiguous, name still pending, no such root, before ``init``); `HvdMismatchError` on every rank
if ranks disagree, after which the next operation works; another `HvdError` (all of them are
``HorovodInternalError``) if a rank is gone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import torch

from hvd import _core, basics
from hvd.basics import Average, reduce_op
from hvd.process_sets import ProcessSet, global_process_set, require_global
from hvd.torch.compression import Compression, Compressor

# hvd_dtype_t
_DTYPE_CODES: dict[torch.dtype, int] = {
    torch.uint8: 0,
    torch.int8: 1,
    torch.int16: 3,
    torch.int32: 4,
    torch.int64: 5,
    torch.float16: 6,
    torch.float32: 7,
    torch.float64: 8,
    torch.bool: 9,
    torch.bfloat16: 10,
    torch.complex64: 15,
    torch.complex128: 16,
}
_LATER_DTYPES = {
    "uint16": 2,
    "uint32": 11,
    "uint64": 12,
    "float8_e4m3fn": 13,
    "float8_e5m2": 14,
}
_DTYPE_CODES.update(
    {getattr(torch, name): code for name, code in _LATER_DTYPES.items() if hasattr(torch, name)}
)

# Handle -> (operation, output tensor or how to make it of the operation).
_handle_map: dict[int, tuple[_core.Handle, Any]] = {}
_handle_numbers = itertools.count()


def _forget_handles() -> None:
    global _handle_numbers
    _handle_map.clear()
    _handle_numbers = itertools.count()


basics.at_shutdown(_forget_handles)


def dtype_code(tensor: torch.Tensor) -> int:
    """Checks that libhvd can read the tensor's memory as it lies; returns its hvd_dtype_t."""
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"hvd: expected a torch.Tensor, not {type(tensor).__name__}")
    if tensor.layout is not torch.strided:
        raise NotImplementedError(
            f"hvd: tensors of layout {tensor.layout} are missing yet; use tensor.to_dense()"
        )
    code = _DTYPE_CODES.get(tensor.dtype)
    if code is None:
        raise ValueError(f"Tensor type {tensor.dtype} is not supported.")
    if tensor.device.type != "cpu":
        raise ValueError(
            f"Tensor type {tensor.dtype} on device {tensor.device} is not supported: hvd has no "
            "data plane for it yet; use tensor.cpu()"
        )
    if not tensor.is_contiguous():
        raise ValueError("Tensor is required to be contiguous.")
    return code


def remember(operation: _core.Handle, output: Any) -> int:
    """A handle for `synchronize`, which returns ``output``, or what that makes of the operation."""
    handle = next(_handle_numbers)
    _handle_map[handle] = (operation, output)
    return handle


def start(
    kind: str,
    tensor: torch.Tensor,
    name: str | None,
    process_set: ProcessSet,
    *,
    output: Any = None,
    **options: Any,
) -> int:
    """Submits an operation that reads ``tensor``.

    ``output`` is what `synchronize` returns: the tensor that is written, or how to make it of the
    operation, where the runtime has the result.
    """
    require_global(process_set)
    code = dtype_code(tensor)
    into = output if isinstance(output, torch.Tensor) else tensor
    operation = _core.submit(
        kind,
        None if name is None else f"{kind}.{name}",
        tensor.data_ptr(),
        into.data_ptr(),
        code,
        tensor.shape,
        (tensor, output),
        **options,
    )
    return remember(operation, output)


def take_result(operation: _core.Handle, dtype: torch.dtype) -> torch.Tensor:
    """The result that the runtime made; the operation has it no longer."""
    output = torch.empty(operation.result_shape(), dtype=dtype)
    operation.take_result(output.data_ptr(), output.numel() * output.element_size())
    return output


def _start_allreduce(
    tensor: torch.Tensor,
    output: torch.Tensor,
    name: str | None,
    op: int,
    prescale_factor: float,
    postscale_factor: float,
    process_set: ProcessSet,
    wait_at_once: bool = False,
) -> int:
    return start(
        "allreduce",
        tensor,
        name,
        process_set,
        output=output,
        op=op,
        prescale=prescale_factor,
        postscale=postscale_factor,
        wait_at_once=wait_at_once,
    )


def allreduce_async(
    tensor: torch.Tensor,
    average: bool | None = None,
    name: str | None = None,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts an allreduce into a new tensor; `synchronize` returns it.

    Args:
        tensor: any shape; the same shape and dtype on every rank.
        average: deprecated; use ``op``.
        name: see the rules of this module.
        op: Average (if None), Sum, Min, Max or Product. Average of integers truncates.
        prescale_factor: multiplies before the reduction; equal on all ranks, not 0.
        postscale_factor: multiplies after it; equal on all ranks, not 0.
        process_set: see the rules of this module.

    Returns:
        A handle for `poll` and `synchronize`.
    """
    op = reduce_op(average, op)
    dtype_code(tensor)
    output = torch.empty_like(tensor, requires_grad=False)
    return _start_allreduce(
        tensor, output, name, op, prescale_factor, postscale_factor, process_set
    )


def allreduce_async_(
    tensor: torch.Tensor,
    average: bool | None = None,
    name: str | None = None,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts an allreduce in place; arguments as `allreduce_async`."""
    op = reduce_op(average, op)
    return _start_allreduce(
        tensor, tensor, name, op, prescale_factor, postscale_factor, process_set
    )


def allreduce_(
    tensor: torch.Tensor,
    average: bool | None = None,
    name: str | None = None,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor:
    """Allreduce in place; arguments as `allreduce_async`. Returns ``tensor``.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.allreduce_(torch.tensor([2.0, 4.0]), op=hvd.Sum, prescale_factor=0.5)
    tensor([1., 2.])
    """
    op = reduce_op(average, op)
    return synchronize(
        _start_allreduce(
            tensor, tensor, name, op, prescale_factor, postscale_factor, process_set, True
        )
    )


class HorovodAllreduce(torch.autograd.Function):
    """Allreduce whose gradient is the allreduce of the gradient, with the same op and factors."""

    @staticmethod
    def forward(
        ctx: Any,
        tensor: torch.Tensor,
        name: str | None,
        op: int,
        prescale_factor: float,
        postscale_factor: float,
        process_set: ProcessSet,
    ) -> torch.Tensor:
        """Runs the allreduce."""
        ctx.options = (op, prescale_factor, postscale_factor, process_set)
        dtype_code(tensor)
        output = torch.empty_like(tensor, requires_grad=False)
        return synchronize(
            _start_allreduce(
                tensor, output, name, op, prescale_factor, postscale_factor, process_set, True
            )
        )

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple:
        """Runs the allreduce of the gradient, unnamed."""
        op, prescale_factor, postscale_factor, process_set = ctx.options
        # y.sum().backward() hands us an expanded scalar, which is not contiguous.
        reduced = HorovodAllreduce.apply(
            grad_output.contiguous(),
            None,
            op,
            prescale_factor,
            postscale_factor,
            process_set,
        )
        return reduced, None, None, None, None, None


def allreduce(
    tensor: torch.Tensor,
    average: bool | None = None,
    name: str | None = None,
    compression: type[Compressor] = Compression.none,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor:
    """Reduces tensors of equal shape over all ranks; every rank gets the same bits.

    Differentiable: the gradient is reduced in the same way.

    Args:
        tensor: any shape; the same shape and dtype on every rank.
        average: deprecated; use ``op``.
        name: see the rules of this module.
        compression: ``hvd.Compression.none`` or ``.fp16``.
        op: Average (if None), Sum, Min, Max or Product. Average of integers truncates.
        prescale_factor: multiplies before the reduction; equal on all ranks, not 0.
        postscale_factor: multiplies after it; equal on all ranks, not 0.
        process_set: see the rules of this module.

    Returns:
        A new tensor of the shape and dtype of ``tensor``.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.allreduce(torch.tensor([1.0, 2.0]), name="loss")
    tensor([1., 2.])
    """
    op = reduce_op(average, op)
    compressed, ctx = compression.compress(tensor)
    reduced = HorovodAllreduce.apply(
        compressed, name, op, prescale_factor, postscale_factor, process_set
    )
    return compression.decompress(reduced, ctx)


def allgather_async(
    tensor: torch.Tensor,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `allgather`; `synchronize` returns its result."""
    return start(
        "allgather",
        tensor,
        name,
        process_set,
        output=lambda operation: take_result(operation, tensor.dtype),
    )


class HorovodAllgather(torch.autograd.Function):
    """Allgather whose gradient is this rank's part of the averaged gradient, as in Horovod."""

    @staticmethod
    def forward(
        ctx: Any, tensor: torch.Tensor, name: str | None, process_set: ProcessSet
    ) -> torch.Tensor:
        """Runs the allgather."""
        ctx.row_count = tensor.shape[0] if tensor.dim() > 0 else 1
        ctx.process_set = process_set
        return synchronize(allgather_async(tensor, name, process_set))

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple:
        """Averages the gradient and cuts out the rows that this rank gave."""
        reduced = allreduce(grad_output.contiguous(), op=Average, process_set=ctx.process_set)
        row_counts = allgather(torch.tensor([ctx.row_count]), process_set=ctx.process_set)
        offset = int(row_counts[: basics.rank()].sum())
        return reduced.narrow(0, offset, ctx.row_count), None, None


def allgather(
    tensor: torch.Tensor,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor:
    """Concatenates the tensors of all ranks along the first dimension, in rank order.

    Differentiable: backward averages the gradient and returns this rank's rows of it.

    Args:
        tensor: one dimension or more; the first may differ between ranks (0 too), the others not.
        name: see the rules of this module.
        process_set: see the rules of this module.

    Returns:
        A new tensor: the sum of the first dimensions, then the other dimensions of ``tensor``.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.allgather(torch.zeros(2, 3)).shape == (2 * hvd.size(), 3)
    True
    """
    return HorovodAllgather.apply(tensor, name, process_set)


def _start_broadcast(
    output: torch.Tensor, root_rank: int, name: str | None, process_set: ProcessSet
) -> int:
    return start("broadcast", output, name, process_set, output=output, root_rank=root_rank)


def broadcast_async(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `broadcast` into a new tensor; `synchronize` returns it."""
    dtype_code(tensor)
    return _start_broadcast(tensor.detach().clone(), root_rank, name, process_set)


class HorovodBroadcast(torch.autograd.Function):
    """Broadcast whose gradient is the averaged gradient at the root, zero elsewhere."""

    @staticmethod
    def forward(
        ctx: Any,
        tensor: torch.Tensor,
        root_rank: int,
        name: str | None,
        process_set: ProcessSet,
    ) -> torch.Tensor:
        """Runs the broadcast."""
        ctx.root_rank = root_rank
        ctx.process_set = process_set
        return synchronize(broadcast_async(tensor, root_rank, name, process_set))

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple:
        """Averages the gradient; only the root's input had an influence."""
        reduced = allreduce(grad_output.contiguous(), op=Average, process_set=ctx.process_set)
        if basics.rank() != ctx.root_rank:
            reduced = torch.zeros_like(reduced)
        return reduced, None, None, None


def broadcast(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor:
    """Gives every rank the tensor of ``root_rank``.

    Differentiable: backward averages the gradient for the root and returns zeros elsewhere.

    Args:
        tensor: any shape; the same shape and dtype on every rank.
        root_rank: the rank whose tensor is sent, the same on every rank.
        name: see the rules of this module.
        process_set: see the rules of this module.

    Returns:
        A new tensor of the shape and dtype of ``tensor``.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.broadcast(torch.tensor([1, 2]), root_rank=0)
    tensor([1, 2])
    """
    return HorovodBroadcast.apply(tensor, root_rank, name, process_set)


def broadcast_async_(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `broadcast_`; `synchronize` returns ``tensor``."""
    return _start_broadcast(tensor, root_rank, name, process_set)


def broadcast_(
    tensor: torch.Tensor,
    root_rank: int,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> torch.Tensor:
    """Broadcast in place: the root's tensor is read, others are written. Returns ``tensor``."""
    return synchronize(broadcast_async_(tensor, root_rank, name, process_set))


def barrier(process_set: ProcessSet = global_process_set) -> None:
    """Returns once every rank has called it.

    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.barrier()
    """
    require_global(process_set)
    _core.submit("barrier", None, wait_at_once=True).wait()


def poll(handle: int) -> bool:
    """Whether `synchronize` would return at once.

    Raises:
        ValueError: there is no such handle, or it was synchronized already.
    """
    entry = _handle_map.get(handle)
    if entry is None:
        raise ValueError(f"Handle {handle} was not created or has been cleared.")
    return entry[0].poll()


def synchronize(handle: int) -> torch.Tensor | None:
    """Waits for an asynchronous operation, returns its output and forgets the handle.

    Other Python threads run meanwhile, and Ctrl-C interrupts it (the operation goes on).

    Args:
        handle: from an ``_async`` function.

    Returns:
        The output tensor; None if there is no such handle or it was synchronized already.

    Raises:
        HvdError: the operation failed; which class tells what happened, see `hvd.exceptions`.
    """
    entry = _handle_map.get(handle)
    if entry is None:
        return None
    operation, output = entry
    try:
        operation.wait()
        if operation.has_result:
            output = output(operation)
    except Exception:  # but not KeyboardInterrupt: the operation is still pending then
        _handle_map.pop(handle, None)
        raise
    _handle_map.pop(handle, None)
    return output


def synchronize_all(handles: Iterable[int]) -> list[torch.Tensor | None]:
    """Waits for all the handles, also if some fail, and then raises the first failure.

    So that nothing is still writing to a tensor when the caller goes on. Returns the outputs.
    """
    outputs, first_failure = [], None
    for handle in handles:
        try:
            outputs.append(synchronize(handle))
        except Exception as failure:  # but not KeyboardInterrupt
            first_failure = first_failure or failure
    if first_failure is not None:
        raise first_failure
    return outputs
