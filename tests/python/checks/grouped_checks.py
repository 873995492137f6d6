"""Groups of hvd.numpy on several ranks, and on one."""

from __future__ import annotations

import numpy as np
from expecting import raises
from sameness import MOVED, all_values, assert_same_bits_everywhere, values_of

import hvd
import hvd.numpy as hn

# Whole numbers below 4: every sum is exact in each of these.
REDUCED = ["int32", "int64", "float16", "float32", "float64"]


def whole_values(rank: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    random = np.random.default_rng([7, rank])
    return random.integers(0, 4, shape).astype(dtype)


def mixed(rank: int) -> list[np.ndarray]:
    """Dtypes, shapes and sizes that differ within the group."""
    shapes = [(), (1,), (0,), (3, 5), (70001,)]
    return [whole_values(rank, shape, dtype) for dtype in REDUCED for shape in shapes]


def assert_still_works() -> None:
    total = hn.allreduce(np.ones(2), op=hvd.Sum)
    assert total.tolist() == [hvd.size()] * 2


def check_allreduce_of_mixed_arrays_in_every_form() -> None:
    wanted = [sum(parts) for parts in zip(*(mixed(r) for r in range(hvd.size())))]
    mine = mixed(hvd.rank())
    in_place = mixed(hvd.rank())
    given = [np.empty_like(array) for array in mine]
    results = [
        hn.grouped_allreduce(mine, name="g", op=hvd.Sum),
        hn.grouped_allreduce(tuple(mine), op=hvd.Sum, out=given),
        hn.synchronize(hn.grouped_allreduce_async(in_place, op=hvd.Sum, out=in_place)),
    ]
    assert all(a is b for a, b in zip(results[1], given))
    assert all(a is b for a, b in zip(results[2], in_place))
    for result in results:
        for got, want, array in zip(result, wanted, mine):
            assert got.dtype == array.dtype and got.shape == array.shape
            assert (got == want).all(), (array.dtype, array.shape)
    for array, before in zip(mine, mixed(hvd.rank())):
        assert (array == before).all()


def check_scales_and_operations_hold_for_all() -> None:
    ones = [np.ones(3), np.full(2, 2.0)]
    result = hn.grouped_allreduce(ones, op=hvd.Sum, prescale_factor=0.5, postscale_factor=4.0)
    assert [r.tolist() for r in result] == [[2.0 * hvd.size()] * 3, [4.0 * hvd.size()] * 2]
    mine = [np.array([hvd.rank()]), np.array([-hvd.rank()])]
    assert [int(r[0]) for r in hn.grouped_allreduce(mine, op=hvd.Max)] == [hvd.size() - 1, 0]
    mean = hn.grouped_allreduce([np.full(2, float(hvd.rank()))])
    assert np.allclose(mean[0], (hvd.size() - 1) / 2)
    spread = np.arange(3.0) + hvd.rank()
    assert_same_bits_everywhere(hn.grouped_allreduce([spread], op=hvd.Adasum)[0], "adasum")


def check_allgather_of_unequal_lengths() -> None:
    def part(rank: int, dtype: str) -> np.ndarray:
        return values_of(rank, (2 * rank + 1, 3), dtype)

    mine = [part(hvd.rank(), dtype) for dtype in MOVED]
    wanted = [np.concatenate([part(r, dtype) for r in range(hvd.size())]) for dtype in MOVED]
    given = [np.empty_like(array) for array in wanted]
    results = [
        hn.grouped_allgather(mine, name="rows"),
        hn.grouped_allgather(mine, out=given),
        hn.synchronize(hn.grouped_allgather_async(mine)),
    ]
    assert all(a is b for a, b in zip(results[1], given))
    for result in results:
        for got, want in zip(result, wanted):
            assert got.dtype == want.dtype and got.tobytes() == want.tobytes(), want.dtype


def check_reducescatter_gives_the_remainder_to_the_first_ranks() -> None:
    rows = 2 * hvd.size() + 1
    shapes = [(rows, 2), (0, 3), (hvd.size(),)]
    mine = [whole_values(hvd.rank(), shape, "int64") for shape in shapes]
    begin = 2 * hvd.rank() + min(hvd.rank(), 1)
    end = begin + 2 + (hvd.rank() == 0)
    totals = [sum(whole_values(r, s, "int64") for r in range(hvd.size())) for s in shapes]
    wanted = [totals[0][begin:end], totals[1], totals[2][hvd.rank() : hvd.rank() + 1]]
    given = [np.empty_like(array) for array in wanted]
    for result in (
        hn.grouped_reducescatter(mine, op=hvd.Sum),
        hn.grouped_reducescatter(mine, op=hvd.Sum, out=given),
        hn.synchronize(hn.grouped_reducescatter_async(mine, name="g", op=hvd.Sum)),
    ):
        assert [r.tolist() for r in result] == [w.tolist() for w in wanted]


def check_groups_meet_by_name_in_any_order() -> None:
    random = np.random.default_rng(hvd.rank())
    handles = {}
    for i in random.permutation(12).tolist():
        arrays = [np.full(10 + j, float(i)) for j in range(4)]
        handles[i] = hn.grouped_allreduce_async(arrays, name=f"g{i}", op=hvd.Sum)
    for i in random.permutation(12).tolist():
        for array in hn.synchronize(handles[i]):
            assert (array == i * hvd.size()).all()


def check_a_thousand_arrays_are_one_piece_of_work() -> None:
    arrays = [np.full(5, float(i), np.float32) for i in range(1000)]
    hn.barrier()
    before = hvd.info()["counters"]
    results = hn.grouped_allreduce(arrays, op=hvd.Sum)
    after = hvd.info()["counters"]
    assert all((r == i * hvd.size()).all() for i, r in enumerate(results))
    assert after["work_items"] - before["work_items"] == 1
    assert after["operations_submitted"] - before["operations_submitted"] == 1000


def check_nothing_of_a_group_runs_before_all_ranks_have_it() -> None:
    early = None
    mine = [np.ones(3), np.ones(4)]
    if hvd.rank() == 0:
        early = hn.grouped_allreduce_async(mine, name="late", op=hvd.Sum, out=mine)
        if hvd.size() > 1:
            assert not hn.poll(early)
    hn.barrier()
    if hvd.rank() == 0 and hvd.size() > 1:
        assert mine[0].tolist() == [1.0] * 3
    hn.barrier()
    if early is None:
        early = hn.grouped_allreduce_async(mine, name="late", op=hvd.Sum, out=mine)
    assert [a.tolist() for a in hn.synchronize(early)] == [[hvd.size()] * 3, [hvd.size()] * 4]
    assert hn.poll(early) is True
    assert hn.synchronize(early) is hn.synchronize(early)


def check_ranks_that_disagree_all_learn_which_array_and_the_job_lives() -> None:
    if hvd.size() == 1:
        return
    odd = hvd.rank() == hvd.size() - 1
    mine = [np.ones(3), np.ones(4 if odd else 3), np.ones(2)]

    def mismatch(call, *words: str) -> None:
        error = raises(hvd.HvdMismatchError, call, *words)
        assert error.tensor.startswith(("allreduce.", "allgather.", "reducescatter.")), error.tensor
        assert_still_works()

    for kind in (hn.grouped_allreduce, hn.grouped_reducescatter):
        mismatch(lambda k=kind: k(mine, name="g"), ".g'", "tensor 2 of 3", "shape differs")
    assert [a.tolist() for a in mine] == [[1.0] * len(a) for a in mine]
    rows = [np.ones((1, 2)), np.ones((1, 3 if odd else 2))]
    mismatch(lambda: hn.grouped_allgather(rows, name="g"), "tensor 2 of 2", "shape differs")
    types = [np.ones(2, "int32" if odd else "float32"), np.ones(2)]
    mismatch(lambda: hn.grouped_allreduce(types, name="g"), "tensor 1 of 2", "int32", "float32")
    fewer = [np.ones(2)] * (1 if odd else 2)
    outs = [np.empty(2) for _ in fewer]
    mismatch(
        lambda: hn.grouped_allreduce(fewer, name="g", out=outs),
        "number of tensors differs",
        "a group of 2 tensors",
        "a group of 1 tensor",
    )
    ops = [np.ones(2)]
    mismatch(lambda: hn.grouped_allreduce(ops, name="g", op=hvd.Max if odd else hvd.Min))

    def alone_or_not() -> None:
        one = np.ones(2)
        return hn.allreduce(one, name="g") if odd else hn.grouped_allreduce([one], name="g")

    mismatch(alone_or_not, "one tensor", "a group of 1 tensor")


def check_a_group_that_some_rank_never_submits_gives_up() -> None:
    if hvd.size() == 1:
        return
    if hvd.rank() == 0:
        arrays = [np.ones(2), np.ones(3)]
        raises(
            hvd.HvdDeadlineError,
            lambda: hn.grouped_allreduce(arrays, name="lonely", deadline_seconds=0.3),
            "'allreduce.lonely' of 2 tensors",
            "rank 1",
        )
    hn.barrier()
    assert_still_works()


def check_a_name_submitted_twice_is_refused_and_the_first_stays_valid() -> None:
    handle = None
    if hvd.rank() == 0 and hvd.size() > 1:
        handle = hn.grouped_allreduce_async([np.ones(4)], name="twice", op=hvd.Sum)
        again = [np.ones(4), np.ones(4)]
        raises(ValueError, lambda: hn.grouped_allreduce_async(again, name="twice"), "pending")
        raises(ValueError, lambda: hn.allreduce_async(again[0], name="twice"), "pending")
    hn.barrier()
    if handle is None:
        handle = hn.grouped_allreduce_async([np.ones(4)], name="twice", op=hvd.Sum)
    assert hn.synchronize(handle)[0].tolist() == [hvd.size()] * 4


def check_mistakes_are_told_at_the_call_and_name_the_array() -> None:
    good = np.ones(4)
    turned = np.ones((4, 4)).T
    raises(ValueError, lambda: hn.grouped_allreduce([]), "at least one array")
    raises(ValueError, lambda: hn.grouped_allgather(()), "at least one array")
    raises(ValueError, lambda: hn.grouped_reducescatter([]), "at least one array")
    raises(ValueError, lambda: hn.grouped_allreduce(good), "a list or tuple of arrays")
    raises(ValueError, lambda: hn.grouped_allreduce([good, turned]), "arrays[1]", "contiguous")
    raises(ValueError, lambda: hn.grouped_allgather([turned, good]), "arrays[0]", "contiguous")
    strange = np.array(["a"])
    raises(ValueError, lambda: hn.grouped_allreduce([good, good.copy(), strange]), "arrays[2]")
    frozen = np.ones(4)
    frozen.flags.writeable = False
    raises(ValueError, lambda: hn.grouped_allreduce([good], out=[frozen]), "out[0]", "writable")
    raises(ValueError, lambda: hn.grouped_allreduce([good], out=[]), "out has 0 arrays")
    wrong = [np.empty(4), np.empty(5)]
    raises(ValueError, lambda: hn.grouped_allreduce([good, good], out=wrong), "out[1]", "shape")
    same = [good, good]
    raises(ValueError, lambda: hn.grouped_allreduce(same, out=same), "share memory")
    scalars = [np.ones(2), np.array(1.0)]
    raises(ValueError, lambda: hn.grouped_allgather(scalars, name="s"), "s_2of2", "0-dimensional")
    raises(ValueError, lambda: hn.grouped_reducescatter(scalars, name="s"), "s_2of2")
    whole = [np.ones(2, int), np.ones(2)]
    raises(ValueError, lambda: hn.grouped_allreduce(whole, name="b", op=hvd.BitAnd), "b_2of2")
    raises(ValueError, lambda: hn.grouped_allreduce([good], prescale_factor=0), "must not be 0")
    assert_still_works()


def check_an_output_that_does_not_fit_is_an_error_here_only() -> None:
    rows = [np.ones((1, 2)), np.full((hvd.rank() + 1, 2), 3.0)]
    total = sum(r + 1 for r in range(hvd.size()))
    out = [np.empty((hvd.size(), 2)), np.empty((total + (hvd.rank() == 0), 2))]

    def run() -> list[np.ndarray]:
        return hn.grouped_allgather(rows, name="fit", out=out)

    if hvd.rank() == 0:
        raises(hvd.HvdMismatchError, run, "fit_2of2", "what came is", "give an output")
    else:
        assert (run()[1] == 3.0).all()
    assert_still_works()


def check_arrays_stay_alive_while_only_the_handle_knows_them() -> None:
    handles = [
        hn.grouped_allreduce_async(
            [np.full(20_000, float(i)), np.full(7, 1.0)], name=f"alive{i}", op=hvd.Sum
        )
        for i in range(20)
    ]
    noise = [np.full(20_000, -1.0) for _ in range(40)]
    for i, handle in enumerate(handles):
        big, small = hn.synchronize(handle)
        assert (big == i * hvd.size()).all() and (small == hvd.size()).all()
    del noise


def check_results_equal_those_of_single_operations() -> None:
    stack = [all_values((1031,), "float64", seed) for seed in range(5)]
    mine = [s[hvd.rank()].copy() for s in stack]
    for got, want in zip(hn.grouped_allreduce(mine, op=hvd.Sum), stack):
        assert np.allclose(got, want.sum(axis=0), rtol=0, atol=1e-14)
        assert_same_bits_everywhere(got, "a group's result")
