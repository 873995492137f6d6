"""Horovod's process sets: the one of all ranks exists, others are missing yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MISSING = "hvd: process sets other than global_process_set are missing yet"


class ProcessSet:
    """A set of ranks. Only `global_process_set`, all ranks of the job, is usable today."""

    process_set_id: int | None = None
    mpi_comm = None

    def __init__(self, ranks_or_comm: Sequence[int]) -> None:
        raise NotImplementedError(_MISSING)


class _GlobalProcessSet(ProcessSet):
    process_set_id = 0

    def __init__(self) -> None:
        pass

    @property
    def ranks(self) -> list[int] | None:
        """All ranks, or None before `hvd.init`."""
        from hvd import basics

        return list(range(basics.size())) if basics.is_initialized() else None

    def size(self) -> int | None:
        """Number of ranks, or None before `hvd.init`."""
        from hvd import basics

        return basics.size() if basics.is_initialized() else None

    def rank(self) -> int | None:
        """This rank, or None before `hvd.init`."""
        from hvd import basics

        return basics.rank() if basics.is_initialized() else None

    def included(self) -> bool | None:
        """True; None before `hvd.init`."""
        from hvd import basics

        return True if basics.is_initialized() else None

    def __repr__(self) -> str:
        return f"ProcessSet(process_set_id=0, ranks={self.ranks})"


global_process_set = _GlobalProcessSet()


def require_global(process_set: Any) -> None:
    """Raises NotImplementedError for any process set but the global one."""
    if process_set is not global_process_set:
        raise NotImplementedError(_MISSING)


def require_no_process_sets(process_sets: Sequence[ProcessSet] | str | None) -> None:
    """Raises NotImplementedError if `init` is asked for process sets."""
    if process_sets is None or (not isinstance(process_sets, str) and len(process_sets) == 0):
        return
    raise NotImplementedError(_MISSING)


def add_process_set(process_set: Any) -> ProcessSet:
    """Missing yet."""
    raise NotImplementedError(_MISSING)


def remove_process_set(process_set: Any) -> bool:
    """Missing yet."""
    raise NotImplementedError(_MISSING)
