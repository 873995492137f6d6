"""DistributedOptimizer(op=Adasum): what ranks combine is each one's own step, not its gradients.

Adasum's weights mean something for steps as the optimizer takes them (with its momentum, its
scaling), so each rank first steps by its own gradient. The difference travels, under the
parameter's name and as soon as autograd has accumulated the gradient; `step` adds what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch

from hvd.basics import Adasum
from hvd.torch.compression import Compressor
from hvd.torch.ops import allreduce_async_, synchronize_all
from hvd.torch.optimizer_rules import TOO_MANY_PASSES, GuardedZeroGrad


class _InFlight(NamedTuple):
    """A parameter's difference under way."""

    handle: int
    ctx: Any


class DistributedAdasumOptimizer(GuardedZeroGrad):
    """Stands in front of the wrapped class in a class made by `DistributedOptimizer`."""

    def __init__(
        self,
        params: list[dict],
        named: Iterable[tuple[str, torch.Tensor]],
        compression: type[Compressor],
        backward_passes_per_step: int,
    ) -> None:
        super().__init__(params)
        self._compression = compression
        self._parameter_names = {p: name for name, p in named}
        self.op = Adasum
        self.backward_passes_per_step = backward_passes_per_step
        self._handles: dict[torch.Tensor, _InFlight] = {}
        self._passes_left: dict[torch.Tensor, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                if p.requires_grad:
                    self._passes_left[p] = backward_passes_per_step
                    p.register_post_accumulate_grad_hook(self._after_accumulation)

    def set_backward_passes_per_step(self, passes: int) -> None:
        """Ranks step in every ``passes``-th backward pass (gradients are summed before)."""
        self.backward_passes_per_step = passes
        for p in self._passes_left:
            self._passes_left[p] = passes

    def _after_accumulation(self, p: torch.Tensor) -> None:
        if p in self._handles:
            raise AssertionError(TOO_MANY_PASSES)
        self._passes_left[p] -= 1
        if self._passes_left[p] == 0:
            self._handles[p] = self._start(p)

    def _under_way(self) -> bool:
        return bool(self._handles)

    def _start(self, p: torch.Tensor) -> _InFlight:
        if p.grad is not None and p.grad.is_sparse:
            raise NotImplementedError(
                f"the gradient of '{self._parameter_names.get(p)}' is sparse; Adasum is of dense "
                "tensors: build the layer with sparse=False"
            )
        compressed, ctx = self._compression.compress(self._own_step(p))
        handle = allreduce_async_(
            compressed.contiguous(), name=self._parameter_names.get(p), op=Adasum
        )
        return _InFlight(handle, ctx)

    def _own_step(self, p: torch.Tensor) -> torch.Tensor:
        """What the wrapped class' step would add to this parameter, which stays as it is."""
        before = p.detach().clone()
        others = [group["params"] for group in self.param_groups]
        try:
            for group, params in zip(self.param_groups, others):
                group["params"] = [p] if any(q is p for q in params) else []
            super().step()
        finally:
            for group, params in zip(self.param_groups, others):
                group["params"] = params
        with torch.no_grad():
            difference = p.detach() - before
            p.copy_(before)
        return difference

    def synchronize(self) -> None:
        """Horovod has it; `step` does all of it."""

    def skip_synchronize(self) -> None:
        """Horovod's rule.

        Raises:
            AssertionError: always.
        """
        raise AssertionError(
            "Skipping synchronization is not supported when using Adasum optimizer."
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Adds to each parameter what Adasum made of all ranks' steps.

        A parameter without a gradient on this rank takes part with a step of zero.

        Raises:
            HvdError: a reduction failed; parameters are then as they were.
        """
        loss = None if closure is None else closure()
        for p in self._passes_left:
            if p not in self._handles:
                self._handles[p] = self._start(p)
        started = list(self._handles.items())
        try:
            outputs = synchronize_all(in_flight.handle for _, in_flight in started)
        finally:
            self._handles.clear()
            self.set_backward_passes_per_step(self.backward_passes_per_step)
        with torch.no_grad():
            for (p, in_flight), output in zip(started, outputs):
                p.add_(self._compression.decompress(output, in_flight.ctx))
        return loss

    # torch.optim runs step hooks and profiling in the wrapped class' step, once is enough.
    step.hooked = True  # type: ignore[attr-defined]
