"""Groups: many tensors as one operation, which is all or nothing; the rules are those of `ops`.

* A group has one name and one handle, for which `synchronize` returns a list. It starts when every
  rank has submitted all of it; where one tensor cannot be reduced or gathered, none is, and the
  error says which: ``x_2of3`` is the second of group ``x``, as is "tensor 2 of 3".
* All ranks give equally many tensors in one order. Tensors of a group may differ in shape and
  dtype. Memory that is written for one is no other's.
* An allreduce fuses the tensors of one dtype, however large they are together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from hvd import _core, basics
from hvd.basics import Average, Sum, reduce_op
from hvd.process_sets import ProcessSet, global_process_set, require_global
from hvd.torch.compression import Compression, Compressor
from hvd.torch.exchange import own_rows
from hvd.torch.ops import allgather, dtype_code, remember, synchronize

# What `_core.submit_group` knows of a tensor.
Described = tuple[int, int, Sequence[int]]


def _describe(tensor: torch.Tensor) -> Described:
    return tensor.data_ptr(), dtype_code(tensor), tensor.shape


def _each(function: Callable[[torch.Tensor], Any], tensors: Sequence[torch.Tensor]) -> list[Any]:
    """The function of each tensor; an error says which it is."""
    results = []
    for i, tensor in enumerate(tensors):
        try:
            results.append(function(tensor))
        except (ValueError, NotImplementedError) as error:
            raise type(error)(f"tensors[{i}]: {error}") from None
    return results


def _checked(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if isinstance(tensors, torch.Tensor) or not isinstance(tensors, Sequence):
        raise ValueError(f"a group is a list or tuple of tensors, not {type(tensors).__name__}")
    if not tensors:
        raise ValueError("a group has at least one tensor; this one has none")
    _each(dtype_code, tensors)
    return list(tensors)


def _start(
    kind: str,
    tensors: list[torch.Tensor],
    outputs: list[torch.Tensor] | None,
    name: str | None,
    process_set: ProcessSet,
    **options: Any,
) -> int:
    """Submits a group; the runtime makes the results if there are no ``outputs``."""
    require_global(process_set)
    operation = _core.submit_group(
        kind,
        None if name is None else f"{kind}.{name}",
        _each(_describe, tensors),
        None if outputs is None else _each(_describe, outputs),
        (tensors, outputs),
        **options,
    )

    def take(operation: _core.Handle) -> list[torch.Tensor]:
        shapes = operation.result_shapes()
        made = [torch.empty(s, dtype=tensor.dtype) for s, tensor in zip(shapes, tensors)]
        operation.take_results([(t.data_ptr(), t.numel() * t.element_size()) for t in made])
        return made

    return remember(operation, take if outputs is None else outputs)


# ---- allreduce ----------------------------------------------------------------------------------


def _start_allreduce(
    tensors: Sequence[torch.Tensor],
    in_place: bool,
    name: str | None,
    op: int,
    prescale_factor: float,
    postscale_factor: float,
    process_set: ProcessSet,
    wait_at_once: bool = False,
) -> int:
    inputs = _checked(tensors)
    outputs = inputs
    if not in_place:
        outputs = [torch.empty_like(tensor, requires_grad=False) for tensor in inputs]
    return _start(
        "allreduce",
        inputs,
        outputs,
        name,
        process_set,
        op=op,
        prescale=prescale_factor,
        postscale=postscale_factor,
        wait_at_once=wait_at_once,
    )


def grouped_allreduce_async(
    tensors: Sequence[torch.Tensor],
    average: bool | None = None,
    name: str | None = None,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts an allreduce of a group into new tensors; `synchronize` returns a list of them.

    Args:
        tensors: one or more; each of the same shape and dtype on every rank.
        average: deprecated; use ``op``.
        name: of the group; see the rules of `hvd.torch.ops`.
        op: Average (if None), Sum, Min, Max or Product, of all tensors.
        prescale_factor: multiplies before the reduction; equal on all ranks, not 0.
        postscale_factor: multiplies after it; equal on all ranks, not 0.
        process_set: see the rules of `hvd.torch.ops`.

    Returns:
        One handle for `poll` and `synchronize`.

    Raises:
        ValueError: no tensor at all, or what is wrong with one, which the text names: "tensors[1]".
    """
    op = reduce_op(average, op)
    return _start_allreduce(
        tensors, False, name, op, prescale_factor, postscale_factor, process_set
    )


def grouped_allreduce_async_(
    tensors: Sequence[torch.Tensor],
    average: bool | None = None,
    name: str | None = None,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts an allreduce of a group in place; arguments as `grouped_allreduce_async`."""
    op = reduce_op(average, op)
    return _start_allreduce(tensors, True, name, op, prescale_factor, postscale_factor, process_set)


def grouped_allreduce_(
    tensors: Sequence[torch.Tensor],
    average: bool | None = None,
    name: str | None = None,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> list[torch.Tensor]:
    """Allreduce of a group in place; arguments as `grouped_allreduce_async`. Returns the tensors.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.grouped_allreduce_([torch.ones(2), torch.zeros(1)], name="both")
    [tensor([1., 1.]), tensor([0.])]
    """
    op = reduce_op(average, op)
    return synchronize(
        _start_allreduce(
            tensors, True, name, op, prescale_factor, postscale_factor, process_set, True
        )
    )


class HorovodGroupedAllreduce(torch.autograd.Function):
    """Grouped allreduce whose gradients are reduced as one group, with the same op and factors."""

    @staticmethod
    def forward(
        ctx: Any,
        name: str | None,
        op: int,
        prescale_factor: float,
        postscale_factor: float,
        process_set: ProcessSet,
        *tensors: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Runs the allreduce."""
        ctx.options = (op, prescale_factor, postscale_factor, process_set)
        handle = _start_allreduce(
            tensors, False, name, op, prescale_factor, postscale_factor, process_set, True
        )
        outputs = tuple(synchronize(handle))
        ctx.mark_non_differentiable(*(t for t in outputs if not _has_gradient(t)))
        return outputs

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple:
        """Runs the allreduce of the gradients, unnamed."""
        op, prescale_factor, postscale_factor, process_set = ctx.options
        which = [i for i, grad in enumerate(grad_outputs) if _has_gradient(grad)]
        reduced = HorovodGroupedAllreduce.apply(
            None,
            op,
            prescale_factor,
            postscale_factor,
            process_set,
            *(grad_outputs[i].contiguous() for i in which),
        )
        return *(None,) * 5, *_at_their_places(reduced, which, len(grad_outputs))


def _has_gradient(tensor: torch.Tensor) -> bool:
    return tensor.dtype.is_floating_point or tensor.dtype.is_complex


def _at_their_places(values: Sequence[Any], which: Sequence[int], count: int) -> tuple:
    places: list[Any] = [None] * count
    for i, value in zip(which, values):
        places[i] = value
    return tuple(places)


def grouped_allreduce(
    tensors: Sequence[torch.Tensor],
    average: bool | None = None,
    name: str | None = None,
    compression: type[Compressor] = Compression.none,
    op: int | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    process_set: ProcessSet = global_process_set,
) -> list[torch.Tensor]:
    """`allreduce` of many tensors as one operation. Differentiable.

    Arguments as `grouped_allreduce_async`; ``compression`` is ``hvd.Compression.none`` or
    ``.fp16``. The gradients are reduced as one group too.

    Returns:
        New tensors in the order of ``tensors``.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.grouped_allreduce([torch.tensor([1.0]), torch.tensor([2, 3])], op=hvd.Max)
    [tensor([1.]), tensor([2, 3])]
    """
    op = reduce_op(average, op)
    pairs = [compression.compress(tensor) for tensor in _checked(tensors)]
    reduced = HorovodGroupedAllreduce.apply(
        name, op, prescale_factor, postscale_factor, process_set, *(tensor for tensor, _ in pairs)
    )
    return [compression.decompress(tensor, ctx) for tensor, (_, ctx) in zip(reduced, pairs)]


# ---- allgather ----------------------------------------------------------------------------------


def grouped_allgather_async(
    tensors: Sequence[torch.Tensor],
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> int:
    """Starts `grouped_allgather`; `synchronize` returns its result."""
    return _start("allgather", _checked(tensors), None, name, process_set)


class HorovodGroupedAllgather(torch.autograd.Function):
    """Grouped allgather whose gradients are this rank's parts of the averaged ones."""

    @staticmethod
    def forward(
        ctx: Any, name: str | None, process_set: ProcessSet, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Runs the allgather."""
        ctx.row_counts = [tensor.shape[0] if tensor.dim() > 0 else 1 for tensor in tensors]
        ctx.process_set = process_set
        outputs = tuple(synchronize(grouped_allgather_async(tensors, name, process_set)))
        ctx.mark_non_differentiable(*(t for t in outputs if not _has_gradient(t)))
        return outputs

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple:
        """Averages the gradients and cuts out the rows that this rank gave."""
        which = [i for i, grad in enumerate(grad_outputs) if _has_gradient(grad)]
        reduced = grouped_allreduce(
            [grad_outputs[i].contiguous() for i in which],
            op=Average,
            process_set=ctx.process_set,
        )
        all_counts = allgather(torch.tensor([ctx.row_counts]), process_set=ctx.process_set)
        offsets = all_counts[: basics.rank()].sum(0).tolist()
        own = [grad.narrow(0, offsets[i], ctx.row_counts[i]) for i, grad in zip(which, reduced)]
        return None, None, *_at_their_places(own, which, len(grad_outputs))


def grouped_allgather(
    tensors: Sequence[torch.Tensor],
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> list[torch.Tensor]:
    """`allgather` of many tensors as one operation. Differentiable.

    Args:
        tensors: one or more, each of one dimension or more; the first may differ between ranks.
        name: of the group; see the rules of `hvd.torch.ops`.
        process_set: see the rules of `hvd.torch.ops`.

    Returns:
        New tensors in the order of ``tensors``.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> a, b = hvd.grouped_allgather([torch.zeros(2, 3), torch.zeros(1).int()])
    >>> a.shape == (2 * hvd.size(), 3), b.shape == (hvd.size(),)
    (True, True)
    """
    return list(HorovodGroupedAllgather.apply(name, process_set, *_checked(tensors)))


# ---- reduce-scatter -----------------------------------------------------------------------------


def grouped_reducescatter_async(
    tensors: Sequence[torch.Tensor],
    name: str | None = None,
    op: int = Average,
    process_set: ProcessSet = global_process_set,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
) -> int:
    """Starts `grouped_reducescatter`; `synchronize` returns its result."""
    inputs = _checked(tensors)
    return _start(
        "reducescatter",
        inputs,
        [own_rows(tensor) for tensor in inputs],
        name,
        process_set,
        op=op,
        prescale=prescale_factor,
        postscale=postscale_factor,
    )


class HorovodGroupedReducescatter(torch.autograd.Function):
    """Grouped reduce-scatter whose gradients are gathered and scaled as in Horovod."""

    @staticmethod
    def forward(
        ctx: Any,
        name: str | None,
        op: int,
        process_set: ProcessSet,
        prescale_factor: float,
        postscale_factor: float,
        *tensors: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Runs the reduce-scatter."""
        ctx.options = (op, process_set, prescale_factor, postscale_factor)
        handle = grouped_reducescatter_async(
            tensors, name, op, process_set, prescale_factor, postscale_factor
        )
        outputs = tuple(synchronize(handle))
        ctx.mark_non_differentiable(*(t for t in outputs if not _has_gradient(t)))
        return outputs

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple:
        """Gathers the gradients of all rows."""
        op, process_set, prescale_factor, postscale_factor = ctx.options
        factor = prescale_factor * postscale_factor * (basics.size() if op == Sum else 1)
        which = [i for i, grad in enumerate(grad_outputs) if _has_gradient(grad)]
        scaled = [grad_outputs[i].contiguous() * factor for i in which]
        gathered = grouped_allgather(scaled, process_set=process_set)
        return *(None,) * 5, *_at_their_places(gathered, which, len(grad_outputs))


def grouped_reducescatter(
    tensors: Sequence[torch.Tensor],
    name: str | None = None,
    compression: type[Compressor] = Compression.none,
    op: int = Average,
    process_set: ProcessSet = global_process_set,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
) -> list[torch.Tensor]:
    """`reducescatter` of many tensors as one operation. Differentiable.

    Args:
        tensors: one or more, each of one dimension or more; the same shape and dtype on every rank.
        name: of the group; see the rules of `hvd.torch.ops`.
        compression: ``hvd.Compression.none`` or ``.fp16``.
        op: Average, Sum, or another reduction that all the dtypes have.
        process_set: see the rules of `hvd.torch.ops`.
        prescale_factor: multiplies before the reduction; equal on all ranks, not 0.
        postscale_factor: multiplies after it; equal on all ranks, not 0.

    Returns:
        New tensors: this rank's rows of each.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.grouped_reducescatter([torch.tensor([1.0, 2.0]), torch.tensor([[3]])], op=hvd.Sum)
    [tensor([1., 2.]), tensor([[3]])]
    """
    pairs = [compression.compress(tensor) for tensor in _checked(tensors)]
    reduced = HorovodGroupedReducescatter.apply(
        name, op, process_set, prescale_factor, postscale_factor, *(tensor for tensor, _ in pairs)
    )
    return [compression.decompress(tensor, ctx) for tensor, (_, ctx) in zip(reduced, pairs)]
