"""DistributedOptimizer: a torch optimizer whose gradients are reduced over all ranks.

Each gradient is submitted under its parameter's name the moment autograd has accumulated it, so
communication overlaps with the rest of the backward pass; `step` waits for all of them. Those of a
group are submitted together, when the last of them is there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from hvd import basics
from hvd.basics import Adasum, Average
from hvd.process_sets import ProcessSet, global_process_set, require_global
from hvd.torch.adasum_optimizer import DistributedAdasumOptimizer
from hvd.torch.compression import Compression, Compressor
from hvd.torch.gradient_groups import Group, checked_groups, form_groups
from hvd.torch.grouped import grouped_allreduce_async_
from hvd.torch.ops import allreduce_async_, synchronize_all
from hvd.torch.optimizer_rules import TOO_MANY_PASSES, GuardedZeroGrad, checked_names


class _InFlight(NamedTuple):
    """Gradients under way: the tensors that travel and how they become gradients again."""

    handle: int
    ctxs: list[Any]


class _DistributedOptimizer(GuardedZeroGrad):
    """Stands in front of the wrapped class in a class made by `DistributedOptimizer`."""

    _ways_on = "optimizer.step() or optimizer.synchronize()"

    def __init__(
        self,
        params: list[dict],
        named_parameters: Iterable[tuple[str, torch.Tensor]] | None,
        compression: type[Compressor],
        backward_passes_per_step: int,
        op: int,
        gradient_predivide_factor: float,
        groups: Any,
        process_set: ProcessSet,
    ) -> None:
        super().__init__(params)
        pairs = checked_names(named_parameters, self.param_groups)
        self._compression = compression
        self._parameter_names = {p: name for name, p in pairs}
        self.backward_passes_per_step = backward_passes_per_step
        self._allreduce_delay = {p: backward_passes_per_step for _, p in pairs}
        self.op = op
        self.gradient_predivide_factor = gradient_predivide_factor
        self.process_set = process_set
        self._groups: list[Group] = []
        self._group_of: dict[torch.Tensor, int] = {}
        self._missing: list[int] = []  # of each group: gradients that are not there yet
        # Whose gradient was computed since the last reduction; which groups are being reduced.
        self._computed: set[torch.Tensor] = set()
        self._in_flight: dict[int, _InFlight] = {}
        self._hook_handles: list[Any] = []
        self._synchronized = False
        self._should_synchronize = True
        if basics.size() > 1:
            self._register_hooks(groups)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> None:
        """As the wrapped class; also forgets gradients that are under way."""
        self._in_flight = {}
        self._computed = set()
        self._synchronized = False
        self._should_synchronize = True
        self.set_backward_passes_per_step(self.backward_passes_per_step)
        super().load_state_dict(*args, **kwargs)

    def set_backward_passes_per_step(self, passes: int) -> None:
        """Gradients are reduced in every ``passes``-th backward pass (and summed before)."""
        self.backward_passes_per_step = passes
        self._expect_passes()

    def _expect_passes(self) -> None:
        for p in self._allreduce_delay:
            self._allreduce_delay[p] = self.backward_passes_per_step
        self._missing = [len(group) for group in self._groups]

    def _register_hooks(self, groups: Any) -> None:
        parameters = [p for g in self.param_groups for p in g["params"] if p.requires_grad]
        self._groups = form_groups(parameters, self._parameter_names, groups)
        self._group_of = {p: i for i, group in enumerate(self._groups) for p in group}
        self._expect_passes()
        for p in parameters:
            hook = p.register_post_accumulate_grad_hook(self._after_accumulation)
            self._hook_handles.append(hook)

    def _under_way(self) -> bool:
        return bool(self._computed or self._in_flight)

    def _after_accumulation(self, p: torch.Tensor) -> None:
        group = self._group_of[p]
        if self._allreduce_delay[p] <= 0 and (group in self._in_flight or p in self._computed):
            raise AssertionError(TOO_MANY_PASSES)
        if p.grad.requires_grad:
            raise AssertionError(
                f"the gradient of '{self._parameter_names.get(p)}' requires a gradient itself "
                "(create_graph=True); DistributedOptimizer cannot reduce it in place"
            )
        self._allreduce_delay[p] -= 1
        if self._allreduce_delay[p] == 0:
            self._missing[group] -= 1
            if self._missing[group] == 0:
                self._in_flight[group] = self._start(self._groups[group])
        self._computed.add(p)

    def _start(self, group: Group) -> _InFlight:
        tensors, ctxs = [], []
        for p in group:
            tensor, ctx = self._compression.compress(self._gradient_of(p))
            # channels_last and the like: autograd gives gradients the layout of their parameter.
            tensors.append(tensor.contiguous())
            ctxs.append(ctx)
        predivide = self.gradient_predivide_factor if self.op == Average else 1.0
        name = self._parameter_names.get(group[0])
        factors = {"prescale_factor": 1.0 / predivide, "postscale_factor": predivide}
        if len(group) == 1:
            handle = allreduce_async_(tensors[0], name=name, op=self.op, **factors)
        else:
            handle = grouped_allreduce_async_(tensors, name=name, op=self.op, **factors)
        return _InFlight(handle, ctxs)

    def _gradient_of(self, p: torch.Tensor) -> torch.Tensor:
        if p.grad is None:
            # Not computed here, but perhaps on another rank, so it takes part as zeros.
            p.grad = torch.zeros_like(p, requires_grad=False)
        if p.grad.is_sparse:
            raise NotImplementedError(
                f"the gradient of '{self._parameter_names.get(p)}' is sparse; sparse gradients "
                "are missing yet: build the layer with sparse=False"
            )
        return p.grad

    def synchronize(self) -> None:
        """Waits until every gradient is reduced; those not computed here take part as zeros.

        Raises:
            HvdError: a reduction failed; gradients are then undefined.
        """
        for i, group in enumerate(self._groups):
            if i not in self._in_flight:
                self._in_flight[i] = self._start(group)
        started = list(self._in_flight.items())
        try:
            # All of them, also if one fails: the others are still writing to their gradients.
            outputs = synchronize_all(in_flight.handle for _, in_flight in started)
        finally:
            self._in_flight.clear()
            self._computed.clear()
            self._expect_passes()
        with torch.no_grad():
            for (i, in_flight), output in zip(started, outputs):
                reduced = [output] if len(self._groups[i]) == 1 else output
                for p, tensor, ctx in zip(self._groups[i], reduced, in_flight.ctxs):
                    grad = self._compression.decompress(tensor, ctx)
                    if grad.data_ptr() != p.grad.data_ptr():
                        p.grad.copy_(grad)
        self._synchronized = True

    @contextmanager
    def skip_synchronize(self) -> Iterator[None]:
        """Inside, `step` does not synchronize, because `synchronize` was called before.

        ::

            optimizer.synchronize()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            with optimizer.skip_synchronize():
                optimizer.step()
        """
        self._should_synchronize = False
        try:
            yield
        finally:
            self._should_synchronize = True

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Synchronizes (unless inside `skip_synchronize`), then steps the wrapped class.

        With a closure, the gradients that the closure computes are synchronized after it.
        """
        if closure is not None and self._groups and self._should_synchronize:

            def synchronized_closure() -> Any:
                loss = closure()
                self.synchronize()
                return loss

            result = super().step(synchronized_closure)
            self._synchronized = False
            return result
        if self._should_synchronize:
            if self._synchronized:
                warnings.warn(
                    "optimizer.step() called without optimizer.skip_synchronize() context after "
                    "optimizer.synchronize(). This can cause training slowdown. You may want to "
                    "consider using optimizer.skip_synchronize() context if you use "
                    "optimizer.synchronize() in your code.",
                    stacklevel=2,
                )
            self.synchronize()
        self._synchronized = False
        return super().step(closure)

    # torch.optim runs step hooks and profiling in the wrapped class' step, once is enough.
    step.hooked = True  # type: ignore[attr-defined]


def _check_numbers(op: int, predivide_factor: float, passes: int) -> None:
    if predivide_factor != 1.0 and op != Average:
        raise ValueError("gradient_predivide_factor not supported with op != Average")
    if predivide_factor <= 0:
        raise ValueError("gradient_predivide_factor must be > 0")
    if passes <= 0:
        raise ValueError("backward_passes_per_step must be > 0")


def DistributedOptimizer(
    optimizer: torch.optim.Optimizer,
    named_parameters: Iterable[tuple[str, torch.Tensor]] | None = None,
    compression: type[Compressor] = Compression.none,
    backward_passes_per_step: int = 1,
    op: int = Average,
    gradient_predivide_factor: float = 1.0,
    num_groups: int = 0,
    groups: Any = None,
    sparse_as_dense: bool = False,
    process_set: ProcessSet = global_process_set,
) -> torch.optim.Optimizer:
    """Wraps an optimizer so that `step` uses gradients reduced over all ranks.

    The result is an instance of a new subclass with the name of the optimizer's class; it shares
    its parameter groups, but not its state. Parameters that get no gradient on this rank take part
    as zeros, so ranks may use different parts of a model.

    Args:
        optimizer: any torch.optim.Optimizer.
        named_parameters: ``model.named_parameters()``; names must agree between ranks. None: made
            up from the order of the parameters.
        compression: ``Compression.none`` or ``.fp16``.
        backward_passes_per_step: reduce on every k-th backward pass; gradients of the passes
            before are summed (not averaged).
        op: Average, Sum, Min, Max or Product; Adasum: each rank steps by its own gradient, and
            Adasum of all steps is added to the parameters.
        gradient_predivide_factor: Average only: divide by it before the sum and multiply after.
        num_groups: deprecated; use ``groups``.
        groups: gradients that are reduced together, as one operation once the last of them is
            there: a number, into how many groups of neighbours to part the parameters (rank 0's
            order counts, which every rank asks for in this call); or lists of parameters, those in
            none alone. Small gradients are fused without it too. Adasum takes each alone.
        sparse_as_dense: missing yet; must be False.
        process_set: must be `global_process_set` today.

    Raises:
        ValueError: names are not unique, not tuples or incomplete; a bad factor or count; groups
            that are neither a number nor lists of tensors, or name one twice; before ``init``.
        NotImplementedError: sparse gradients, process sets.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> optimizer = hvd.DistributedOptimizer(optimizer, model.named_parameters())
    >>> model(torch.ones(3, 2)).sum().backward()
    >>> optimizer.step()
    >>> type(optimizer).__name__, isinstance(optimizer, torch.optim.SGD)
    ('SGD', True)
    """
    _check_numbers(op, gradient_predivide_factor, backward_passes_per_step)
    groups = checked_groups(num_groups, groups)
    if sparse_as_dense:
        raise NotImplementedError(
            "DistributedOptimizer(sparse_as_dense=True): sparse gradients are missing yet"
        )
    require_global(process_set)
    if op == Adasum and basics.size() > 1:
        cls = type(optimizer.__class__.__name__, (DistributedAdasumOptimizer, type(optimizer)), {})
        named = checked_names(named_parameters, optimizer.param_groups)
        return cls(optimizer.param_groups, named, compression, backward_passes_per_step)
    cls = type(optimizer.__class__.__name__, (_DistributedOptimizer, optimizer.__class__), {})
    return cls(
        optimizer.param_groups,
        named_parameters,
        compression,
        backward_passes_per_step,
        op,
        gradient_predivide_factor,
        groups,
        process_set,
    )
