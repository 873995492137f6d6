"""What every distributed optimizer refuses, in Horovod's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch

TOO_MANY_PASSES = (
    "Gradients were computed more than backward_passes_per_step times before call to step(). "
    "Increase backward_passes_per_step to accumulate gradients locally."
)


def checked_names(
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


class GuardedZeroGrad(torch.optim.Optimizer):
    """Stands before an optimizer's `zero_grad`, which would race with what is under way."""

    _ways_on = "optimizer.step()"

    def _under_way(self) -> bool:
        """Whether gradients travel, or wait for their last backward pass."""
        raise NotImplementedError

    def zero_grad(self, *args: Any, **kwargs: Any) -> None:
        """As the wrapped class.

        Raises:
            AssertionError: gradients are under way.
        """
        if self._under_way():
            raise AssertionError(
                "optimizer.zero_grad() was called after loss.backward() but before "
                f"{self._ways_on}. This is prohibited as it can cause a race condition."
            )
        super().zero_grad(*args, **kwargs)
