"""hvd.numpy on several ranks: reductions to one or to each, exchanges, and messages."""

from __future__ import annotations

import numpy as np
from expecting import raises
from sameness import MOVED, all_values, values_of

import hvd
import hvd.numpy as hn


def rows_of(rank: int, rows: int) -> np.ndarray:
    """Rows that say whose they are."""
    return np.arange(rows * 3, dtype=np.int64).reshape(rows, 3) + 1000 * rank


def check_reduce_to_every_root() -> None:
    stack = all_values((1031,), "float64")
    for root in range(hvd.size()):
        for op, expected in [(hvd.Sum, stack.sum(axis=0)), (hvd.Max, stack.max(axis=0))]:
            mine = stack[hvd.rank()].copy()
            result = hn.reduce(mine, root, op=op)
            assert (mine == stack[hvd.rank()]).all()
            if hvd.rank() == root:
                assert np.allclose(result, expected)
            else:
                assert result is None
    big = np.full(300_000, 1.0 + hvd.rank(), np.float32)
    result = hn.reduce(big, hvd.size() - 1, op=hvd.Average, out=big)
    if hvd.rank() == hvd.size() - 1:
        assert result is big
        assert np.allclose(big, (hvd.size() + 1) / 2)
    else:
        assert (big == 1.0 + hvd.rank()).all()


def check_reducescatter_gives_the_remainder_to_the_first_ranks() -> None:
    for rows in (0, 1, 5, 12, 70_001):
        arrays = [rows_of(r, rows) for r in range(hvd.size())]
        total = sum(arrays)
        counts = [rows // hvd.size() + (r < rows % hvd.size()) for r in range(hvd.size())]
        begin = sum(counts[: hvd.rank()])
        result = hn.reducescatter(arrays[hvd.rank()], op=hvd.Sum)
        assert result.tolist() == total[begin : begin + counts[hvd.rank()]].tolist(), rows


def check_reducescatter_with_counts_and_scales() -> None:
    counts = [2 * r for r in range(hvd.size())]
    ones = np.ones((sum(counts), 5), np.float32)
    result = hn.reducescatter(
        ones, op=hvd.Sum, splits=counts, prescale_factor=0.5, postscale_factor=3.0
    )
    assert result.shape == (counts[hvd.rank()], 5)
    assert np.allclose(result, 1.5 * hvd.size())
    out = np.empty_like(result)
    assert hn.reducescatter(ones, splits=counts, out=out) is out
    assert np.allclose(out, 1.0)


def check_alltoall_without_splits_is_even() -> None:
    rows = 2 * hvd.size()
    result = hn.alltoall(rows_of(hvd.rank(), rows))
    mine = slice(2 * hvd.rank(), 2 * hvd.rank() + 2)
    expected = np.concatenate([rows_of(r, rows)[mine] for r in range(hvd.size())])
    assert result.tolist() == expected.tolist()


def splits_of(source: int) -> list[int]:
    """Some zeros, and another number for each pair."""
    return [(source * 2 + destination) % 4 for destination in range(hvd.size())]


def check_alltoall_with_splits_also_says_what_came() -> None:
    for dtype in MOVED:
        parts = []
        for source in range(hvd.size()):
            splits = splits_of(source)
            begin = sum(splits[: hvd.rank()])
            values = values_of(source, (sum(splits) + 1, 3), dtype)  # the last row stays
            parts.append(values[begin : begin + splits[hvd.rank()]])
        splits = splits_of(hvd.rank())
        result, received = hn.alltoall(
            values_of(hvd.rank(), (sum(splits) + 1, 3), dtype), splits=splits
        )
        assert received.tolist() == [splits_of(r)[hvd.rank()] for r in range(hvd.size())]
        assert received.dtype == np.int32
        assert result.dtype == dtype
        assert result.tobytes() == np.concatenate(parts).tobytes()


def check_alltoall_of_large_arrays() -> None:
    rows = 100_000 * hvd.size()
    result, _ = hn.synchronize(hn.alltoall_async(np.full((rows, 2), hvd.rank(), np.float32)))
    assert (result == np.repeat(np.arange(hvd.size()), 100_000)[:, None]).all()


def check_some_give_splits_and_some_do_not() -> None:
    splits = [1] * hvd.size() if hvd.rank() == 0 else None
    result, received = hn.synchronize(
        hn.alltoall_async(rows_of(hvd.rank(), hvd.size()), splits=splits)
    )
    assert received.tolist() == [1] * hvd.size()
    assert result[:, 0].tolist() == [1000 * r + 3 * hvd.rank() for r in range(hvd.size())]


def check_gather_to_every_root() -> None:
    for root in range(hvd.size()):
        result = hn.gather(rows_of(hvd.rank(), hvd.rank() + 1), root)
        if hvd.rank() == root:
            parts = [rows_of(r, r + 1) for r in range(hvd.size())]
            assert result.tolist() == np.concatenate(parts).tolist()
        else:
            assert result is None


def check_scatter_from_every_root() -> None:
    for root in range(hvd.size()):
        whole = rows_of(root, 3 * hvd.size() + 1)
        array = whole if hvd.rank() == root else None
        counts = [3 + (r == 0) for r in range(hvd.size())]
        begin = sum(counts[: hvd.rank()])
        result = hn.scatter(array, root)
        assert result.tolist() == whole[begin : begin + counts[hvd.rank()]].tolist()
        counts = [0] * (hvd.size() - 1) + [len(whole)]
        result = hn.scatter(array, root, splits=counts)
        assert result.shape == (counts[hvd.rank()], 3)
        assert result.dtype == np.int64


def check_messages_match_by_tag_in_order() -> None:
    after = (hvd.rank() + 1) % hvd.size()
    before = (hvd.rank() - 1) % hvd.size()
    sent = [hn.send_async(np.full(4, 100 * hvd.rank() + i), after, tag=i % 2) for i in range(6)]
    odd = [hn.recv(np.empty(4, np.int64), before, tag=1)[0] for _ in range(3)]
    even = [hn.recv(np.empty(4, np.int64), before, tag=0)[0] for _ in range(3)]
    for handle in sent:
        assert hn.synchronize(handle) is None
    assert odd == [100 * before + i for i in (1, 3, 5)]
    assert even == [100 * before + i for i in (0, 2, 4)]


def check_a_large_message_beside_collectives() -> None:
    count = 1_000_003
    handles = []
    if hvd.rank() == 0:
        handles.append(hn.send_async(np.arange(count, dtype=np.float64), 1))
    out = np.empty(count)
    if hvd.rank() == 1:
        handles.append(hn.recv_async(out, 0))
    total = hn.allreduce(np.ones(100), op=hvd.Sum)
    assert (total == hvd.size()).all()
    for handle in handles:
        hn.synchronize(handle)
    if hvd.rank() == 1:
        assert (out == np.arange(count)).all()


def check_a_message_of_another_shape_is_a_mismatch_on_both_ranks() -> None:
    if hvd.rank() == 0:
        raises(hvd.HvdMismatchError, lambda: hn.send(np.ones(3), 1), "shape differs")
    if hvd.rank() == 1:
        raises(hvd.HvdMismatchError, lambda: hn.recv(np.empty(4), 0), "shape differs")
    hn.barrier()


def check_a_message_that_nobody_sends_gives_up() -> None:
    if hvd.rank() == 1:
        raises(
            hvd.HvdDeadlineError,
            lambda: hn.recv(np.empty(4), 0, tag=9, deadline_seconds=0.2),
            "rank 0",
        )
    hn.barrier()
    if hvd.rank() == 0:  # too late; the next one with this tag is in order again
        raises(hvd.HvdDeadlineError, lambda: hn.send(np.ones(4), 1, tag=9), "too late")
        hn.send(np.ones(4), 1, tag=9)
    if hvd.rank() == 1:
        assert hn.recv(np.empty(4), 0, tag=9).tolist() == [1.0] * 4


def check_ranks_that_disagree_all_learn_how() -> None:
    odd = hvd.rank() == 1
    mine = np.ones((2 * hvd.size(), 4 if odd else 3))
    for run in (
        lambda: hn.reducescatter(mine, name="rs"),
        lambda: hn.alltoall(mine, name="a2a"),
        lambda: hn.gather(mine, 0, name="g"),
        lambda: hn.reduce(mine, 0, name="r"),
    ):
        raises(hvd.HvdMismatchError, run, "shape differs")
    whole = np.ones((hvd.size(), 2))
    raises(hvd.HvdMismatchError, lambda: hn.gather(whole, int(odd), name="roots"), "root rank")
    raises(hvd.HvdMismatchError, lambda: hn.scatter(whole, int(odd), name="roots"), "root rank")


def check_mistakes_are_told_at_the_call() -> None:
    n = hvd.size()
    ones = np.ones((n + 1, 2))
    raises(ValueError, lambda: hn.alltoall(ones), "cannot share evenly")
    raises(ValueError, lambda: hn.alltoall(ones, splits=[1] * (n + 1)), "splits has")
    raises(ValueError, lambda: hn.alltoall(ones, splits=[2] * n), "sum of splits")
    raises(ValueError, lambda: hn.alltoall(ones, splits=[-1] + [1] * (n - 1)), "-1 rows")
    raises(ValueError, lambda: hn.alltoall(np.array(1.0)), "0-dimensional")
    raises(ValueError, lambda: hn.reducescatter(ones, out=np.empty((9, 9))), "output must have")
    raises(ValueError, lambda: hn.reduce(ones, n), "root rank")
    raises(ValueError, lambda: hn.gather(ones, -1), "root rank")
    raises(ValueError, lambda: hn.send(ones, n), "destination rank")
    raises(ValueError, lambda: hn.send(ones, hvd.rank()), "with itself")
    raises(ValueError, lambda: hn.recv(np.empty(3), n), "source rank")
    raises(ValueError, lambda: hn.allreduce(ones, name="x", op=13), "op")
    raises(ValueError, lambda: hn.allreduce(ones, op=hvd.BitAnd), "bitwise and of float64")
    assert hn.allreduce(np.ones(2), op=hvd.Sum).tolist() == [n, n]


def check_every_dtype_moves() -> None:
    names = ["uint32", "uint64", "complex64", "complex128"]
    for name in names:
        parts = [np.arange(7).astype(name) + r for r in range(hvd.size())]
        result = hn.allgather(parts[hvd.rank()])
        assert result.dtype == name
        assert result.tobytes() == np.concatenate(parts).tobytes()


def check_every_rank_has_its_own_factor_in_a_premultiplied_sum() -> None:
    for count in (7, 70_001):
        ones = np.ones(count, np.float32)
        factor = float(hvd.rank() + 1)  # rank 0 multiplies by 1
        total = hvd.size() * (hvd.size() + 1) / 2
        result = hn.allreduce(ones, op=hvd.PremultipliedSum, prescale_factor=factor)
        assert (result == total).all()
        result = hn.allreduce(
            ones, op=hvd.PremultipliedSum, prescale_factor=factor, postscale_factor=0.5
        )
        assert (result == total / 2).all()


def check_bits_and_truths() -> None:
    n = hvd.size()
    for dtype in ("uint8", "int16", "uint32", "uint64"):
        parts = [np.arange(99).astype(dtype) + r for r in range(n)]
        for op, function in (
            (hvd.BitAnd, np.bitwise_and),
            (hvd.BitOr, np.bitwise_or),
            (hvd.BitXor, np.bitwise_xor),
            (hvd.LogicalAnd, np.logical_and),
            (hvd.LogicalOr, np.logical_or),
            (hvd.LogicalXor, np.logical_xor),
        ):
            result = hn.allreduce(parts[hvd.rank()], op=op)
            assert result.dtype == dtype
            assert result.tolist() == function.reduce(parts).astype(dtype).tolist(), (dtype, op)
    truths = np.array([hvd.rank() == 0, True, False])
    assert hn.allreduce(truths, op=hvd.LogicalAnd).tolist() == [n == 1, True, False]


def check_complex_numbers_are_summed() -> None:
    for dtype in ("complex64", "complex128"):
        parts = [np.arange(33).astype(dtype) * (1 + 2j * r) for r in range(hvd.size())]
        assert np.allclose(hn.allreduce(parts[hvd.rank()], op=hvd.Sum), sum(parts))
