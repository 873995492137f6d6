"""DistributedOptimizer: a torch optimizer whose gradients are reduced over all ranks.

Each gradient is submitted under its parameter's name the moment autograd has accumulated it, so
communication overlaps with the rest of the backward pass; `step` waits for all of them.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from hvd import basics
from hvd.basics import Adasum, Average
from hvd.process_sets import ProcessSet, global_process_set, require_global
from hvd.torch.adasum_optimizer import DistributedAdasumOptimizer
from hvd.torch.compression import Compression, Compressor
from hvd.torch.ops import allreduce_async_, synchronize_all


class _InFlight(NamedTuple):
    """A gradient under way: the tensor that travels and how it becomes the gradient again."""

    handle: int | None  # None: counted, but its last backward pass is still to come
    ctx: Any = None


def _checked_names(
    named_parameters: Iterable[tuple[str, torch.Tensor]] | None,
    param_groups: list[dict],
) -> list[tuple[str, torch.Tensor]]:
    """Horovod's rules for named_parameters; made-up names where None were given."""
    if named_parameters is None:
        return [
            (f"allreduce.noname.{i}.{j}", p)
            for i, group in enumerate(param_groups)
            for j, p in enumerate(group["params"])
        ]
    pairs = list(named_parameters)
    if any(not isinstance(pair, tuple) for pair in pairs):
        raise ValueError(
            "named_parameters should be a sequence of tuples (name, parameter), usually produced "
            "by model.named_parameters()."
        )
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(
            "Parameter names in named_parameters must be unique. Found duplicates: "
            + ", ".join(twice)
        )
    named = {id(p) for _, p in pairs}
    unnamed = [id(p) for group in param_groups for p in group["params"] if id(p) not in named]
    if unnamed:
        raise ValueError(
            "named_parameters was specified, but one or more model parameters were not named. "
            "Python object ids: " + ", ".join(map(str, unnamed))
        )
    return pairs


class _DistributedOptimizer(torch.optim.Optimizer):
    """Stands in front of the wrapped class in a class made by `DistributedOptimizer`."""

    def __init__(
        self,
        params: list[dict],
        named_parameters: Iterable[tuple[str, torch.Tensor]] | None,
        compression: type[Compressor],
        backward_passes_per_step: int,
        op: int,
        gradient_predivide_factor: float,
        process_set: ProcessSet,
    ) -> None:
        super().__init__(params)
        pairs = _checked_names(named_parameters, self.param_groups)
        self._compression = compression
        self._parameter_names = {p: name for name, p in pairs}
        self.backward_passes_per_step = backward_passes_per_step
        self._allreduce_delay = {p: backward_passes_per_step for _, p in pairs}
        self.op = op
        self.gradient_predivide_factor = gradient_predivide_factor
        self.process_set = process_set
        self._handles: dict[torch.Tensor, _InFlight] = {}
        self._hook_handles: list[Any] = []
        self._requires_update: dict[torch.Tensor, None] = {}  # a set that keeps its order
        self._synchronized = False
        self._should_synchronize = True
        if basics.size() > 1:
            self._register_hooks()

    def load_state_dict(self, *args: Any, **kwargs: Any) -> None:
        """As the wrapped class; also forgets gradients that are under way."""
        self._handles = {}
        self._synchronized = False
        self._should_synchronize = True
        self.set_backward_passes_per_step(self.backward_passes_per_step)
        super().load_state_dict(*args, **kwargs)

    def set_backward_passes_per_step(self, passes: int) -> None:
        """Gradients are reduced in every ``passes``-th backward pass (and summed before)."""
        self.backward_passes_per_step = passes
        for p in self._allreduce_delay:
            self._allreduce_delay[p] = passes

    def _register_hooks(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.requires_grad:
                    self._requires_update[p] = None
                    hook = p.register_post_accumulate_grad_hook(self._after_accumulation)
                    self._hook_handles.append(hook)

    def _after_accumulation(self, p: torch.Tensor) -> None:
        in_flight = self._handles.get(p)
        if in_flight is not None and in_flight.handle is not None and self._allreduce_delay[p] <= 0:
            raise AssertionError(
                "Gradients were computed more than backward_passes_per_step times before call to "
                "step(). Increase backward_passes_per_step to accumulate gradients locally."
            )
        if p.grad.requires_grad:
            raise AssertionError(
                f"the gradient of '{self._parameter_names.get(p)}' requires a gradient itself "
                "(create_graph=True); DistributedOptimizer cannot reduce it in place"
            )
        self._allreduce_delay[p] -= 1
        if self._allreduce_delay[p] == 0:
            self._handles[p] = self._start(p)
        else:
            self._handles[p] = _InFlight(None)

    def _start(self, p: torch.Tensor) -> _InFlight:
        if p.grad is None:
            # Not computed here, but perhaps on another rank, so it takes part as zeros.
            p.grad = torch.zeros_like(p, requires_grad=False)
        if p.grad.is_sparse:
            raise NotImplementedError(
                f"the gradient of '{self._parameter_names.get(p)}' is sparse; sparse gradients "
                "are missing yet: build the layer with sparse=False"
            )
        compressed, ctx = self._compression.compress(p.grad)
        # channels_last and the like: autograd gives gradients the layout of their parameter.
        compressed = compressed.contiguous()
        predivide = self.gradient_predivide_factor if self.op == Average else 1.0
        handle = allreduce_async_(
            compressed,
            name=self._parameter_names.get(p),
            op=self.op,
            prescale_factor=1.0 / predivide,
            postscale_factor=predivide,
        )
        return _InFlight(handle, ctx)

    def synchronize(self) -> None:
        """Waits until every gradient is reduced; those not computed here take part as zeros.

        Raises:
            HvdError: a reduction failed; gradients are then undefined.
        """
        for p in self._requires_update:
            in_flight = self._handles.get(p)
            if in_flight is None or in_flight.handle is None:
                self._handles[p] = self._start(p)
        started = list(self._handles.items())
        try:
            # All of them, also if one fails: the others are still writing to their gradients.
            outputs = synchronize_all(in_flight.handle for _, in_flight in started)
        finally:
            self._handles.clear()
            for p, _ in started:
                self._allreduce_delay[p] = self.backward_passes_per_step
        with torch.no_grad():
            for (p, in_flight), output in zip(started, outputs):
                grad = self._compression.decompress(output, in_flight.ctx)
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
        if closure is not None and self._requires_update and self._should_synchronize:

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

    def zero_grad(self, *args: Any, **kwargs: Any) -> None:
        """As the wrapped class.

        Raises:
            AssertionError: gradients are under way.
        """
        if self._handles:
            raise AssertionError(
                "optimizer.zero_grad() was called after loss.backward() but before "
                "optimizer.step() or optimizer.synchronize(). This is prohibited as it can cause "
                "a race condition."
            )
        super().zero_grad(*args, **kwargs)


def _check_numbers(op: int, predivide_factor: float, passes: int) -> None:
    if predivide_factor != 1.0 and op != Average:
        raise ValueError("gradient_predivide_factor not supported with op != Average")
    if predivide_factor <= 0:
        raise ValueError("gradient_predivide_factor must be > 0")
    if passes <= 0:
        raise ValueError("backward_passes_per_step must be > 0")


def _refuse_what_is_missing(num_groups: int, groups: Any, sparse_as_dense: bool) -> None:
    if num_groups != 0:
        warnings.warn(
            "Parameter `num_groups` has been replaced by `groups` and will be removed in v1.0.",
            DeprecationWarning,
            stacklevel=3,
        )
    if num_groups or groups:
        raise NotImplementedError(
            "DistributedOptimizer(groups=..., num_groups=...): groups are missing yet; small "
            "gradients are fused without them"
        )
    if sparse_as_dense:
        raise NotImplementedError(
            "DistributedOptimizer(sparse_as_dense=True): sparse gradients are missing yet"
        )


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
        num_groups: deprecated; must be 0.
        groups: missing yet; must be None.
        sparse_as_dense: missing yet; must be False.
        process_set: must be `global_process_set` today.

    Raises:
        ValueError: names are not unique, not tuples or incomplete; a bad factor or count; before
            ``init``.
        NotImplementedError: groups, sparse gradients, process sets.

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
    _refuse_what_is_missing(num_groups, groups, sparse_as_dense)
    require_global(process_set)
    if op == Adasum and basics.size() > 1:
        cls = type(optimizer.__class__.__name__, (DistributedAdasumOptimizer, type(optimizer)), {})
        named = _checked_names(named_parameters, optimizer.param_groups)
        return cls(optimizer.param_groups, named, compression, backward_passes_per_step)
    cls = type(optimizer.__class__.__name__, (_DistributedOptimizer, optimizer.__class__), {})
    return cls(
        optimizer.param_groups,
        named_parameters,
        compression,
        backward_passes_per_step,
        op,
        gradient_predivide_factor,
        process_set,
    )
