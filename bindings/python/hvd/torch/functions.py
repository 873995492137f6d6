"""Giving every rank the same start: parameters, optimizer state, any object."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from hvd import basics
from hvd.process_sets import ProcessSet, global_process_set
from hvd.torch.ops import allgather, broadcast_, broadcast_async_, synchronize_all

try:  # it also serializes lambdas and classes of __main__
    import cloudpickle as _pickler
except ImportError:
    _pickler = pickle


def broadcast_parameters(
    params: Mapping[str, Any] | list[torch.Tensor] | list[tuple[str, torch.Tensor]],
    root_rank: int,
) -> None:
    """Overwrites tensors with those of ``root_rank``, in place.

    Args:
        params: ``model.state_dict()``, or a list of tensors or of (name, tensor) pairs, with the
            same names, shapes and dtypes on every rank. Other values of a dict than tensors are
            left alone.
        root_rank: the rank whose tensors are sent.

    Raises:
        ValueError: ``params`` is of another type (wrap ``named_parameters()`` in ``list``).

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.broadcast_parameters(torch.nn.Linear(2, 2).state_dict(), root_rank=0)
    """
    if isinstance(params, dict):
        pairs = [(k, p) for k, p in sorted(params.items()) if isinstance(p, torch.Tensor)]
    elif isinstance(params, list):
        pairs = [p if isinstance(p, tuple) else (None, p) for p in params]
    else:
        raise ValueError(f"invalid params of type: {type(params)}")
    _broadcast_in_place(pairs, root_rank)


def _broadcast_in_place(pairs: list[tuple[str | None, torch.Tensor]], root_rank: int) -> None:
    """Starts all broadcasts, then waits for all; strided tensors go through a dense copy."""
    started = []
    for name, tensor in pairs:
        dense = tensor.detach().contiguous()
        started.append((broadcast_async_(dense, root_rank, name), tensor, dense))
    synchronize_all(handle for handle, _, _ in started)
    for _, tensor, dense in started:
        if dense.data_ptr() != tensor.data_ptr():
            with torch.no_grad():
                tensor.copy_(dense)


class _TensorSpec(NamedTuple):
    """Stands for a tensor in the pickled structure of an optimizer's state."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def _split_tensors(tree: Any, tensors: list[torch.Tensor]) -> Any:
    """Copies nested dicts, lists and tuples, tensors replaced by their spec and put into a list."""
    if isinstance(tree, torch.Tensor):
        tensors.append(tree)
        return _TensorSpec(tuple(tree.shape), tree.dtype)
    if isinstance(tree, dict):
        return {key: _split_tensors(value, tensors) for key, value in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(_split_tensors(value, tensors) for value in tree)
    return tree


def _join_tensors(tree: Any, old: Any, tensors: list[torch.Tensor]) -> Any:
    """The way back: a tensor for every spec, the one in ``old`` where it fits."""
    if isinstance(tree, _TensorSpec):
        fits = isinstance(old, torch.Tensor) and tuple(old.shape) == tree.shape
        if not fits or old.dtype != tree.dtype or old.device.type != "cpu":
            old = torch.empty(tree.shape, dtype=tree.dtype)
        tensors.append(old)
        return old
    if isinstance(tree, dict):
        before = old if isinstance(old, dict) else {}
        return {key: _join_tensors(value, before.get(key), tensors) for key, value in tree.items()}
    if type(tree) in (list, tuple):
        same = type(old) is type(tree) and len(old) == len(tree)
        before = old if same else [None] * len(tree)
        return type(tree)(_join_tensors(new, was, tensors) for new, was in zip(tree, before))
    return tree


def broadcast_optimizer_state(
    optimizer: torch.optim.Optimizer,
    root_rank: int,
    model: torch.nn.Module | None = None,
) -> None:
    """Gives every rank the optimizer state and options (learning rate, ...) of ``root_rank``.

    No step is taken: a rank whose optimizer is fresh gets the root's state, and loses its own if
    the root's is fresh. Parameter groups keep their identity, so schedulers stay attached.

    Args:
        optimizer: the same class with the same parameter groups on every rank; may be a
            `DistributedOptimizer`.
        root_rank: the rank whose state is sent.
        model: only for Horovod's signature.

    Raises:
        ValueError: LBFGS, or other parameter groups here than on the root.

    >>> import torch
    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> parameters = torch.nn.Linear(2, 2).parameters()
    >>> hvd.broadcast_optimizer_state(torch.optim.Adam(parameters), root_rank=0)
    """
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError("cannot broadcast torch.optim.LBFGS state")
    is_root = basics.rank() == root_rank
    params = [p for group in optimizer.param_groups for p in group["params"]]
    mine = {
        "groups": [
            {key: value for key, value in group.items() if key != "params"}
            for group in optimizer.param_groups
        ],
        "state": {i: optimizer.state[p] for i, p in enumerate(params) if p in optimizer.state},
        "counts": [len(group["params"]) for group in optimizer.param_groups],
    }
    tensors: list[torch.Tensor] = []
    structure = _split_tensors(mine, tensors) if is_root else None
    structure = broadcast_object(structure, root_rank, name="optimizer_state.structure")
    merged = mine
    if not is_root:
        merged = _join_tensors(structure, mine, tensors)
    _broadcast_in_place(
        [(f"optimizer_state.{i}", tensor) for i, tensor in enumerate(tensors)],
        root_rank,
    )
    if is_root:
        return
    if merged["counts"] != mine["counts"]:
        raise ValueError(
            f"the optimizer of rank {root_rank} has parameter groups of {merged['counts']} "
            f"parameters, the one of rank {basics.rank()} of {mine['counts']}"
        )
    for group, options in zip(optimizer.param_groups, merged["groups"]):
        group.update(options)
    for i, p in enumerate(params):
        if i in merged["state"]:
            optimizer.state[p] = merged["state"][i]
        else:
            optimizer.state.pop(p, None)


def _to_bytes(obj: Any) -> torch.Tensor:
    return torch.frombuffer(bytearray(_pickler.dumps(obj)), dtype=torch.uint8)


def _from_bytes(data: torch.Tensor) -> Any:
    return pickle.loads(data.numpy().tobytes() if data.numel() else b"")


def broadcast_object(
    obj: Any,
    root_rank: int = 0,
    name: str | None = None,
    process_set: ProcessSet = global_process_set,
) -> Any:
    """Gives every rank a copy of the root's object.

    Args:
        obj: anything that pickles (cloudpickles, if that package is there); ignored off the root.
        root_rank: the rank whose object is sent.
        name: operations ``<name>.sz`` and ``<name>.t``; "object" if None.
        process_set: must be `global_process_set` today.

    Returns:
        ``obj`` itself on the root, a copy of the root's object elsewhere.

    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.broadcast_object({"epoch": 3}, root_rank=0)
    {'epoch': 3}
    """
    # Horovod takes type(obj).__name__, and hangs where others than the root pass None.
    name = "object" if name is None else name
    is_root = basics.rank() == root_rank
    data = _to_bytes(obj) if is_root else torch.empty(0, dtype=torch.uint8)
    byte_count = torch.tensor([data.numel()], dtype=torch.int64)
    broadcast_(byte_count, root_rank, name + ".sz", process_set)
    if not is_root:
        data = torch.empty(int(byte_count[0]), dtype=torch.uint8)
    broadcast_(data, root_rank, name + ".t", process_set)
    return obj if is_root else _from_bytes(data)


def allgather_object(obj: Any, name: str | None = None) -> list[Any]:
    """Gives every rank the list of all ranks' objects, in rank order.

    Args:
        obj: anything that pickles (cloudpickles, if that package is there).
        name: operations ``<name>.sz`` and ``<name>.t``; "object" if None.

    >>> import hvd.torch as hvd
    >>> hvd.init()
    >>> hvd.allgather_object({"rank": hvd.rank()})
    [{'rank': 0}]
    """
    name = "object" if name is None else name
    data = _to_bytes(obj)
    byte_counts = allgather(torch.tensor([data.numel()]), name + ".sz")
    gathered = allgather(data, name + ".t")
    return [_from_bytes(part) for part in gathered.split(byte_counts.tolist())]
