"""NumPy arrays as libhvd sees them: dtype numbers, addresses, results. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hvd import _core
from hvd._core import Handle
from hvd.basics import rank, size

# hvd_dtype_t by the names of NumPy and ml_dtypes.
_CODES = {
    "uint8": 0,
    "int8": 1,
    "uint16": 2,
    "int16": 3,
    "int32": 4,
    "int64": 5,
    "float16": 6,
    "float32": 7,
    "float64": 8,
    "bool": 9,
    "bfloat16": 10,
    "uint32": 11,
    "uint64": 12,
    "float8_e4m3fn": 13,
    "float8_e5m2": 14,
    "complex64": 15,
    "complex128": 16,
}
# Of the dtypes that came by: a dtype's name is slow to ask for.
_known_codes: dict[np.dtype, int] = {}


def code_of(array: np.ndarray) -> int:
    """The hvd_dtype_t of an array."""
    code = _known_codes.get(array.dtype)
    if code is None:
        code = _CODES.get(array.dtype.name, -1) if array.dtype.isnative else -1
        if code < 0:
            raise ValueError(f"Tensor type {array.dtype} is not supported")
        _known_codes[array.dtype] = code
    return code


def dtype_of(code: int) -> np.dtype:
    """The dtype that a hvd_dtype_t stands for."""
    name = next(name for name, number in _CODES.items() if number == code)
    if name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def wire_name(op: str, name: str | None) -> str | None:
    """The name by which ranks meet."""
    return None if name is None else f"{op}.{name}"


def is_foreign(array: np.ndarray) -> bool:
    """Whether the dtype is of ml_dtypes."""
    # Such arrays refuse the buffer protocol, so they travel by address.
    return array.dtype.kind == "V"


def address_of(array: np.ndarray) -> int:
    """Where a contiguous array lies."""
    if not array.flags.c_contiguous:
        raise ValueError("Tensor is required to be contiguous")
    return array.__array_interface__["data"][0]


def require_like(out: np.ndarray, array: np.ndarray) -> None:
    """ValueError unless ``out`` can take a result like ``array``."""
    if out.shape != array.shape or out.dtype != array.dtype:
        raise ValueError("output must have the shape and dtype of the input")
    if not out.flags.writeable:
        raise ValueError("Tensor is required to be contiguous and writable")


def require_result(out: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """ValueError unless ``out`` can take a result of this shape and dtype."""
    if writable(out).shape != shape or out.dtype != dtype:
        raise ValueError(f"output must have shape {shape} and dtype {dtype}")


def even_share(rows: int) -> int:
    """This rank's of the rows that are dealt out evenly: the first ranks have one more."""
    return rows // size() + (rank() < rows % size())


def submit(kind: str, array: np.ndarray, name: str | None, **options: Any) -> Handle:
    """By address: input, dtype and shape of the array, which the handle keeps alive."""
    return _core.submit(
        kind,
        wire_name(kind, name),
        address_of(array),
        dtype=code_of(array),
        shape=array.shape,
        owner=options.pop("owner", array),
        **options,
    )


def take(handle: Handle) -> np.ndarray:
    """The result that the runtime made; the handle has it no longer."""
    result = np.empty(handle.result_shape(), dtype_of(handle.result_dtype()))
    handle.take_result(result.__array_interface__["data"][0], result.nbytes)
    return result


def submit_into(
    out: Any, read: Callable[[Handle], Any], kind: str, array: np.ndarray, name: Any, **options: Any
) -> Handle:
    """`submit` of an operation whose result goes to ``out``.

    If that is None, the runtime makes the result and ``read`` takes it.
    """
    if out is not None:
        options["output"] = address_of(writable(out))
        options["output_shape"] = out.shape
        options["output_dtype"] = code_of(out)
        options["owner"] = (array, out)
    handle = submit(kind, array, name, **options)

    def given(handle: Handle) -> Any:
        result = (out, splits_of(handle)) if read is take_with_splits else out
        handle.take_result(0, 0)
        return result

    handle.output = read if out is None else given
    return handle


def take_at(root_rank: int) -> Callable[[Handle], Any]:
    """`take` for an operation whose result only the root has."""

    def take_there(handle: Handle) -> np.ndarray | None:
        result = take(handle)
        return result if rank() == root_rank else None

    return take_there


def take_with_splits(handle: Handle) -> tuple[np.ndarray, np.ndarray]:
    """An alltoall's result and the rows that came from each rank."""
    splits = splits_of(handle)
    return take(handle), splits


def splits_of(handle: Handle) -> np.ndarray:
    """The rows that came from each rank in an alltoall."""
    return np.array(handle.received_splits(), np.int32)


def writable(out: Any) -> np.ndarray:
    """ValueError unless libhvd can write to ``out`` as it lies."""
    if not isinstance(out, np.ndarray) or not out.flags.writeable or not out.flags.c_contiguous:
        raise ValueError("Tensor is required to be contiguous and writable")
    return out
