"""Data that every rank can foresee, and what all ranks must agree on."""

from __future__ import annotations

import hashlib

import numpy as np

import hvd
import hvd.numpy as hn

REDUCED_FULLY = ["int32", "int64", "float16", "float32", "float64"]
REDUCED_PARTLY = ["uint8", "int8", "bool"]  # sum and max
MOVED = [*REDUCED_FULLY, *REDUCED_PARTLY, "uint16", "int16"]


def values_of(rank: int, shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    """The array that `rank` gives: random mantissas, or small numbers whose product still fits."""
    random = np.random.default_rng([seed, rank])
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.asarray(random.integers(0, 2, shape), bool)
    if kind == "f":
        return np.asarray(random.uniform(-1, 1, shape), dtype)
    return np.asarray(random.integers(0 if kind == "u" else -3, 4, shape), dtype)


def all_values(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    """The arrays of all ranks, stacked."""
    return np.stack([values_of(r, shape, dtype, seed) for r in range(hvd.size())])


def expected_reduction(stack: np.ndarray, op: int) -> np.ndarray:
    """What a reduction of the stacked arrays is, in at least double precision."""
    wide = stack.astype(np.float64 if stack.dtype.kind == "f" else np.int64)
    if op == hvd.Sum:
        return wide.sum(axis=0) if stack.dtype.kind != "b" else wide.max(axis=0)
    if op == hvd.Average:
        mean = wide.sum(axis=0) / len(stack)
        return mean if stack.dtype.kind == "f" else np.trunc(mean)
    return {hvd.Min: wide.min, hvd.Max: wide.max, hvd.Product: wide.prod}[op](axis=0)


def tolerance(dtype: str) -> float:
    """Largest difference after a few roundings of numbers below 8."""
    return {"float16": 2e-2, "bfloat16": 2e-1, "float32": 2e-6, "float64": 1e-14}.get(dtype, 0)


def assert_same_bits_everywhere(array: np.ndarray, what: str) -> None:
    """Fails unless every rank has the same bytes."""
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()
    digests = hn.allgather(np.frombuffer(digest, np.uint8).reshape(1, -1))
    assert (digests == digests[0]).all(), f"{what} differs between ranks"
