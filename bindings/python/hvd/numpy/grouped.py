"""Groups: many arrays as one operation, which is all or nothing; the rules are those of `ops`.

* A group has one name and one handle. It starts when every rank has submitted all of it; where one
  array cannot be reduced or gathered, none is, and the error says which: ``x_2of3`` is the
  second of group ``x``, as is "tensor 2 of 3".
* All ranks give equally many arrays in one order. Arrays of a group may differ in shape and dtype.
  Memory that is written for one is no other's.
* An allreduce fuses the arrays of one dtype, however large they are together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hvd import _core
from hvd._core import Handle
from hvd.basics import Average
from hvd.numpy.arrays import (
    address_of,
    code_of,
    even_share,
    require_result,
    wire_name,
    writable,
)
from hvd.numpy.ops import synchronize

# What `_core.submit_group` knows of an array.
Described = tuple[int, int, tuple[int, ...]]


def _describe(array: np.ndarray) -> Described:
    return address_of(array), code_of(array), array.shape


def _each(argument: str, function: Callable[..., Any], *lists: Sequence[Any]) -> list[Any]:
    """The function of each member; a ValueError says which it is."""
    results = []
    for i, members in enumerate(zip(*lists)):
        try:
            results.append(function(*members))
        except ValueError as error:
            raise ValueError(f"{argument}[{i}]: {error}") from None
    return results


def _arrays_of(arrays: Sequence[Any]) -> list[np.ndarray]:
    if isinstance(arrays, np.ndarray) or not isinstance(arrays, Sequence):
        raise ValueError(f"a group is a list or tuple of arrays, not {type(arrays).__name__}")
    if not arrays:
        raise ValueError("a group has at least one array; this one has none")
    return [np.asarray(array) for array in arrays]


def _outputs_of(
    out: Sequence[np.ndarray] | None,
    arrays: list[np.ndarray],
    shape_of: Callable[[np.ndarray], tuple[int, ...]],
) -> list[np.ndarray]:
    """``out``, checked, or new arrays of the input's dtype and the shape that is asked for."""
    if out is None:
        return [np.empty(shape_of(array), array.dtype) for array in arrays]

    def check(given: Any, array: np.ndarray) -> None:
        require_result(given, shape_of(array), array.dtype)

    _require_equally_many(out, arrays)
    _each("out", check, out, arrays)
    return list(out)


def _require_equally_many(out: Sequence[np.ndarray], arrays: list[np.ndarray]) -> None:
    if len(out) != len(arrays):
        raise ValueError(f"out has {len(out)} arrays for a group of {len(arrays)}")


def _submit(
    kind: str,
    arrays: list[np.ndarray],
    outputs: list[np.ndarray] | None,
    name: str | None,
    **options: Any,
) -> Handle:
    return _core.submit_group(
        kind,
        wire_name(kind, name),
        _each("arrays", _describe, arrays),
        None if outputs is None else _each("out", _describe, outputs),
        (arrays, outputs),
        **options,
    )


def _reduction(
    kind: str,
    arrays: Sequence[Any],
    name: str | None,
    op: int,
    prescale_factor: float,
    postscale_factor: float,
    out: Sequence[np.ndarray] | None,
    deadline_seconds: float,
    wait_at_once: bool,
) -> Handle:
    inputs = _arrays_of(arrays)
    outputs = _outputs_of(out, inputs, _own_rows if kind == "reducescatter" else np.shape)
    handle = _submit(
        kind,
        inputs,
        outputs,
        name,
        op=op,
        prescale=prescale_factor,
        postscale=postscale_factor,
        deadline_seconds=deadline_seconds,
        wait_at_once=wait_at_once,
    )
    handle.output = outputs
    return handle


def _own_rows(array: np.ndarray) -> tuple[int, ...]:
    """The shape of this rank's rows; a scalar's is refused by libhvd."""
    if array.ndim == 0:
        return ()
    return (even_share(array.shape[0]), *array.shape[1:])


def grouped_allreduce_async(
    arrays: Sequence[Any],
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: Sequence[np.ndarray] | None = None,
    deadline_seconds: float = 0.0,
) -> Handle:
    """Starts `grouped_allreduce`; `synchronize` gives its result."""
    return _reduction(
        "allreduce",
        arrays,
        name,
        op,
        prescale_factor,
        postscale_factor,
        out,
        deadline_seconds,
        False,
    )


def grouped_allreduce(
    arrays: Sequence[Any],
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: Sequence[np.ndarray] | None = None,
    deadline_seconds: float = 0.0,
) -> list[np.ndarray]:
    """`allreduce` of many arrays as one operation.

    Args:
        arrays: one or more; each of the same shape and dtype on every rank.
        name: of the group; see the rules of `hvd.numpy.ops`.
        op: as for `allreduce`, of all arrays; each must have a dtype that the operation has.
        prescale_factor: as for `allreduce`, of all arrays.
        postscale_factor: as for `allreduce`, of all arrays.
        out: an array for each result, may be ``arrays`` themselves; new arrays if None.
        deadline_seconds: see the rules of `hvd.numpy.ops`.

    Returns:
        A list of the results, in the order of ``arrays``.

    Raises:
        ValueError: no array at all, or what is wrong with one, which the text names: "arrays[1]".

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> hvd.grouped_allreduce([np.ones(2), np.array(3)], name="both", op=hvd.Max)
    [array([1., 1.]), array(3)]
    """
    return synchronize(
        _reduction(
            "allreduce",
            arrays,
            name,
            op,
            prescale_factor,
            postscale_factor,
            out,
            deadline_seconds,
            True,
        )
    )


def grouped_allgather_async(
    arrays: Sequence[Any],
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: Sequence[np.ndarray] | None = None,
) -> Handle:
    """Starts `grouped_allgather`; `synchronize` gives its result."""
    inputs = _arrays_of(arrays)
    outputs = None
    if out is not None:
        _require_equally_many(out, inputs)
        outputs = _each("out", writable, out)
    handle = _submit("allgather", inputs, outputs, name, deadline_seconds=deadline_seconds)

    def results(handle: Handle) -> list[np.ndarray]:
        if outputs is not None:
            handle.take_results([(0, 0)] * len(outputs))
            return outputs
        shapes = handle.result_shapes()
        made = [np.empty(shape, array.dtype) for shape, array in zip(shapes, inputs)]
        handle.take_results([(address_of(array), array.nbytes) for array in made])
        return made

    handle.output = results
    return handle


def grouped_allgather(
    arrays: Sequence[Any],
    name: str | None = None,
    deadline_seconds: float = 0.0,
    out: Sequence[np.ndarray] | None = None,
) -> list[np.ndarray]:
    """`allgather` of many arrays as one operation.

    Args:
        arrays: one or more, each of one dimension or more; the first may differ between ranks.
        name: of the group; see the rules of `hvd.numpy.ops`.
        deadline_seconds: see the rules of `hvd.numpy.ops`.
        out: an array for each result, or new ones; if one is of another shape than what comes,
            `HvdMismatchError` on this rank.

    Returns:
        A list of the results, in the order of ``arrays``.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> a, b = hvd.grouped_allgather([np.ones((2, 3)), np.zeros(1, np.int8)])
    >>> a.shape == (2 * hvd.size(), 3), b.shape == (hvd.size(),)
    (True, True)
    """
    return synchronize(grouped_allgather_async(arrays, name, deadline_seconds, out))


def grouped_reducescatter_async(
    arrays: Sequence[Any],
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: Sequence[np.ndarray] | None = None,
    deadline_seconds: float = 0.0,
) -> Handle:
    """Starts `grouped_reducescatter`; `synchronize` gives its result."""
    return _reduction(
        "reducescatter",
        arrays,
        name,
        op,
        prescale_factor,
        postscale_factor,
        out,
        deadline_seconds,
        False,
    )


def grouped_reducescatter(
    arrays: Sequence[Any],
    name: str | None = None,
    op: int = Average,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    out: Sequence[np.ndarray] | None = None,
    deadline_seconds: float = 0.0,
) -> list[np.ndarray]:
    """`reducescatter` of many arrays as one operation; rows are dealt out evenly.

    Args:
        arrays: one or more, each of one dimension or more; the same shape and dtype on every rank.
        name: of the group; see the rules of `hvd.numpy.ops`.
        op: as for `grouped_allreduce`.
        prescale_factor: as for `grouped_allreduce`.
        postscale_factor: as for `grouped_allreduce`.
        out: an array for each result, none of which is one of ``arrays``; new arrays if None.
        deadline_seconds: see the rules of `hvd.numpy.ops`.

    Returns:
        A list of this rank's rows of each; the first ranks have one more where the division leaves
        some.

    >>> import numpy as np
    >>> import hvd.numpy as hvd
    >>> hvd.init()
    >>> [rows] = hvd.grouped_reducescatter([np.ones((4, 2))], op=hvd.Sum)
    >>> rows.shape == (4 // hvd.size(), 2)
    True
    """
    return synchronize(
        _reduction(
            "reducescatter",
            arrays,
            name,
            op,
            prescale_factor,
            postscale_factor,
            out,
            deadline_seconds,
            True,
        )
    )
