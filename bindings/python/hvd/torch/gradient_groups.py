"""Which gradients of a `DistributedOptimizer` are reduced as one operation: its ``groups``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch

from hvd import basics
from hvd.torch.functions import broadcast_object

Group = tuple[torch.Tensor, ...]


def checked_groups(num_groups: int, groups: Any) -> Any:
    """Horovod's rules for ``num_groups``, which is deprecated, and ``groups``.

    Returns:
        None, the number of groups, or lists of parameters.
    """
    if num_groups != 0:
        warnings.warn(
            "Parameter `num_groups` has been replaced by `groups` and will be removed in v1.0.",
            DeprecationWarning,
            stacklevel=3,
        )
        if groups is None:
            groups = num_groups
    if groups is None:
        return None
    if not isinstance(groups, list):
        if not isinstance(groups, int) or isinstance(groups, bool) or groups <= 0:
            raise ValueError(
                "groups should be a positive integer or a list of list of torch.Tensor."
            )
        return groups
    seen: set[int] = set()
    for group in groups:
        if not isinstance(group, (list, tuple)):
            raise ValueError("groups should be a list of list of torch.Tensor.")
        for p in group:
            if not isinstance(p, torch.Tensor):
                raise ValueError("groups must consist of torch.Tensor.")
            if id(p) in seen:
                raise ValueError("A parameter can only appear once in groups.")
            seen.add(id(p))
    return groups


def form_groups(
    parameters: Sequence[torch.Tensor], names: dict[torch.Tensor, str], groups: Any
) -> list[Group]:
    """Every parameter in one group; alone where ``groups`` does not put it with others.

    Where ``groups`` is a number, rank 0's order of the parameters decides, so that ranks which list
    them otherwise form the same groups.
    """
    if groups is None:
        return [(p,) for p in parameters]
    if isinstance(groups, int):
        return _chunks(_in_order_of_rank_0(parameters, names), groups)
    known = {id(p) for p in parameters}
    formed = [tuple(p for p in group if id(p) in known) for group in groups]
    grouped = {id(p) for group in formed for p in group}
    return [group for group in formed if group] + [(p,) for p in parameters if id(p) not in grouped]


def _chunks(parameters: Sequence[torch.Tensor], count: int) -> list[Group]:
    """Neighbours together, in groups of nearly equal length; the first ones have one more."""
    each, more = divmod(len(parameters), count)
    ends = [(i + 1) * each + min(i + 1, more) for i in range(count)]
    formed = [tuple(parameters[begin:end]) for begin, end in zip([0, *ends], ends)]
    return [group for group in formed if group]


def _in_order_of_rank_0(
    parameters: Sequence[torch.Tensor], names: dict[torch.Tensor, str]
) -> list[torch.Tensor]:
    if basics.size() == 1:
        return list(parameters)
    mine = {names[p]: p for p in parameters}
    order = broadcast_object(list(mine), root_rank=0, name="DistributedOptimizer.groups")
    if set(order) != set(mine):
        differing = sorted(set(order).symmetric_difference(mine))
        raise ValueError(
            f"groups: rank {basics.rank()} and rank 0 have other parameters: "
            + ", ".join(differing[:8])
        )
    return [mine[name] for name in order]
