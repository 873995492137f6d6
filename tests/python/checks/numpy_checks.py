"""hvd.numpy on several ranks."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
from expecting import raises
from sameness import (
    MOVED,
    REDUCED_FULLY,
    REDUCED_PARTLY,
    all_values,
    assert_same_bits_everywhere,
    expected_reduction,
    tolerance,
    values_of,
)

import hvd
import hvd.numpy as hn
from hvd import _core

ALL_OPS = [hvd.Average, hvd.Sum, hvd.Min, hvd.Max, hvd.Product]
SHAPES = [(), (1,), (0,), (3, 5), (2, 0, 3), (1031,), (70001,)]


def assert_still_works() -> None:
    total = hn.allreduce(np.array([1.0, 2.0]), op=hvd.Sum)
    assert total.tolist() == [hvd.size(), 2.0 * hvd.size()]


def check_allreduce_of_every_dtype_and_op() -> None:
    cases = [(d, op) for d in REDUCED_FULLY for op in ALL_OPS]
    cases += [(d, op) for d in REDUCED_PARTLY for op in (hvd.Sum, hvd.Max)]
    for dtype, op in cases:
        for shape in SHAPES:
            result = hn.allreduce(values_of(hvd.rank(), shape, dtype), op=op)
            expected = expected_reduction(all_values(shape, dtype), op)
            what = f"{dtype} op {op} shape {shape}"
            assert result.shape == shape and result.dtype == dtype, what
            if result.size:
                off = np.abs(result.astype(np.float64) - expected).max()
                assert off <= tolerance(dtype), f"{what} is off by {off}"
            assert_same_bits_everywhere(result, what)


def check_adasum() -> None:
    apart = np.zeros(hvd.size(), dtype=np.float64)
    apart[hvd.rank()] = 1 + hvd.rank()
    total = hn.allreduce(apart, op=hvd.Adasum)
    assert total.tolist() == [1 + r for r in range(hvd.size())]
    same = hn.allreduce(np.array([3, -4], dtype=np.float16), op=hvd.Adasum, postscale_factor=0.5)
    assert same.tolist() == [1.5, -2]


def check_allreduce_of_bfloat16() -> None:
    import ml_dtypes

    stack = all_values((999,), "float32").astype(ml_dtypes.bfloat16)
    result = hn.allreduce(stack[hvd.rank()], op=hvd.Sum)
    assert result.dtype == ml_dtypes.bfloat16
    expected = stack.astype(np.float64).sum(axis=0)
    assert np.abs(result.astype(np.float64) - expected).max() <= tolerance("bfloat16")
    gathered = hn.allgather(stack[hvd.rank()])
    assert gathered.tobytes() == stack.tobytes()
    sent = hn.broadcast(stack[hvd.rank()], root_rank=hvd.size() - 1)
    assert sent.tobytes() == stack[-1].tobytes()


def check_average_of_integers_truncates_toward_zero() -> None:
    values = np.array([-7, 7, 1, -1], np.int64) * (hvd.rank() == 0)
    truncated = [int(v / hvd.size()) for v in (-7, 7, 1, -1)]
    assert hn.allreduce(values, op=hvd.Average).tolist() == truncated


def check_scales_apply_before_and_after() -> None:
    ones = np.ones(5, np.float32)
    result = hn.allreduce(ones, op=hvd.Sum, prescale_factor=0.5, postscale_factor=4.0)
    assert result.tolist() == [2.0 * hvd.size()] * 5
    average = hn.allreduce(ones, op=hvd.Average, postscale_factor=3.0)
    assert np.allclose(average, 3.0, rtol=1e-6)
    raises(ValueError, lambda: hn.allreduce(ones, prescale_factor=0.0), "must not be 0")


def check_the_input_is_left_alone_and_out_may_be_the_input() -> None:
    values = values_of(hvd.rank(), (100,), "float64")
    before = values.copy()
    total = hn.allreduce(values, op=hvd.Sum)
    assert (values == before).all()
    returned = hn.allreduce(values, op=hvd.Sum, out=values)
    assert returned is values and (values == total).all()


def check_objects_with_the_buffer_protocol_need_no_array() -> None:
    result = hn.allreduce([1.0, 2.0], op=hvd.Sum)
    assert result.tolist() == [hvd.size(), 2.0 * hvd.size()]
    data = bytearray(b"\1\2\3")
    _core.allreduce_buffer("raw", data, data, hvd.Sum, 1.0, 1.0, 0.0).wait()
    assert list(data) == [hvd.size(), 2 * hvd.size(), 3 * hvd.size()]


def check_a_large_allreduce() -> None:
    count = 5_000_003
    index = np.arange(count, dtype=np.float32) % 4096
    total = hn.allreduce(index + hvd.rank(), op=hvd.Sum)
    assert (total == index * hvd.size() + sum(range(hvd.size()))).all()


def check_allgather_of_unequal_lengths() -> None:
    for dtype in MOVED:
        for lengths in ([r + 1 for r in range(hvd.size())], [0, *[2] * (hvd.size() - 1)]):
            parts = [values_of(r, (n, 3), dtype) for r, n in enumerate(lengths)]
            result = hn.allgather(parts[hvd.rank()])
            assert result.dtype == dtype
            assert result.tobytes() == np.concatenate(parts).tobytes(), (dtype, lengths)
            assert result.shape == (sum(lengths), 3)
    nothing = hn.allgather(np.empty((0, 2)))
    assert nothing.shape == (0, 2)


def check_allgather_of_large_arrays() -> None:
    parts = [np.full((300_000 + r, 2), r, np.float32) for r in range(hvd.size())]
    assert (hn.allgather(parts[hvd.rank()]) == np.concatenate(parts)).all()


def check_results_go_into_out() -> None:
    n, me = hvd.size(), hvd.rank()
    rows = np.full((2, 3), me, np.float32)
    expected = np.repeat(np.arange(n, dtype=np.float32), 2)[:, None] * np.ones(3, np.float32)
    out = np.empty((2 * n, 3), np.float32)
    assert hn.allgather(rows, out=out) is out
    assert (out == expected).all()
    mine = out[2 * me : 2 * me + 2]
    out[...] = -1
    mine[...] = me
    hn.allgather(mine, out=out)  # in place
    assert (out == expected).all()
    received = np.empty((n, 3), np.float32)
    sent = np.full((n, 3), me, np.float32)
    assert hn.alltoall(sent, out=received) is received
    assert received[:, 0].tolist() == list(range(n))
    both = hn.alltoall(sent, splits=[1] * n, out=received)
    assert both[0] is received and both[1].tolist() == [1] * n
    gathered = hn.gather(rows, root_rank=n - 1, out=out if me == n - 1 else None)
    assert (gathered is out) == (me == n - 1)
    dealt = hn.scatter(out if me == 0 else None, root_rank=0, out=np.empty_like(rows))
    assert dealt.shape == (2, 3)


def check_an_out_of_the_wrong_rows_fails_its_rank_alone() -> None:
    n = hvd.size()
    values = np.ones(2, np.float32)
    wrong = np.zeros(2 * n + (hvd.rank() == n - 1), np.float32)
    if hvd.rank() == n - 1:
        raises(hvd.HvdMismatchError, lambda: hn.allgather(values, name="r", out=wrong), "what came")
        assert not wrong.any()
    else:
        assert hn.allgather(values, name="r", out=wrong).all()
    assert_still_works()
    raises(ValueError, lambda: hn.allgather(values, out=np.zeros(2 * n)), "output is float64")


def check_broadcast_from_every_root() -> None:
    for root in range(hvd.size()):
        for dtype in MOVED:
            for shape in SHAPES:
                mine = values_of(hvd.rank(), shape, dtype)
                before = mine.copy()
                result = hn.broadcast(mine, root)
                assert result.tobytes() == values_of(root, shape, dtype).tobytes()
                assert result.shape == shape and mine.tobytes() == before.tobytes()
    place = np.full(7, float(hvd.rank()))
    assert hn.broadcast(place, 1, out=place) is place
    assert (place == 1).all()


def check_barrier_holds_until_the_last_has_come() -> None:
    slowest = hvd.size() - 1
    if hvd.rank() == slowest:
        time.sleep(0.3)
    came = time.monotonic()
    hn.barrier("gate")
    left = time.monotonic()
    arrivals = hn.allgather(np.array([came]))  # one clock for all processes of a host
    assert left >= arrivals.max()


def check_operations_meet_by_name_in_any_order() -> None:
    names = [f"layer{i}" for i in range(40)]
    order = np.random.default_rng([hvd.rank(), 7]).permutation(len(names))
    handles = {}
    for i in order:
        values = np.full(100 + i, float(i * (hvd.rank() + 1)), np.float32)
        handles[i] = hn.allreduce_async(values, name=names[i], op=hvd.Sum)
    factor = sum(r + 1 for r in range(hvd.size()))
    for i in np.random.default_rng([hvd.rank(), 8]).permutation(len(names)):
        assert (hn.synchronize(handles[i]) == i * factor).all(), names[i]


def check_one_name_may_wait_while_others_complete() -> None:
    early = None
    if hvd.rank() == 0:
        early = hn.allreduce_async(np.ones(3), name="late", op=hvd.Sum)
    hn.barrier()
    assert_still_works()
    if early is None:
        early = hn.allreduce_async(np.ones(3), name="late", op=hvd.Sum)
    else:
        hn.poll(early)
    assert hn.synchronize(early).tolist() == [hvd.size()] * 3
    assert hn.poll(early) is True
    assert hn.synchronize(early) is hn.synchronize(early)


def check_kinds_of_operations_with_one_name_do_not_meet() -> None:
    handles = [
        hn.allreduce_async(np.ones(2), name="same", op=hvd.Sum),
        hn.allgather_async(np.ones(2), name="same"),
        hn.broadcast_async(np.ones(2), 0, name="same"),
    ]
    sizes = [hn.synchronize(h).size for h in handles]
    assert sizes == [2, 2 * hvd.size(), 2]


def check_a_name_submitted_twice_is_refused_and_the_first_stays_valid() -> None:
    handle = None
    if hvd.rank() == 0:
        handle = hn.allreduce_async(np.ones(4), name="twice", op=hvd.Sum)
        raises(ValueError, lambda: hn.allreduce_async(np.ones(4), name="twice"), "twice")
    hn.barrier()
    if hvd.rank() != 0:
        handle = hn.allreduce_async(np.ones(4), name="twice", op=hvd.Sum)
    assert hn.synchronize(handle).tolist() == [hvd.size()] * 4


def mismatch(call, *words: str) -> None:
    """Every rank gets the same kind of error; the next operation works."""
    error = raises(hvd.HvdMismatchError, call, *words)
    assert isinstance(error, hvd.HorovodInternalError) and error.code == 3
    assert error.cause == "ranks disagree"
    assert_still_works()


def check_mismatches_are_errors_on_every_rank_and_harm_nothing_else() -> None:
    odd = hvd.rank() == hvd.size() - 1
    mismatch(
        lambda: hn.allreduce(np.ones(3, "int32" if odd else "float32"), name="types"),
        "allreduce.types",
        "int32",
        "float32",
    )
    mismatch(lambda: hn.allreduce(np.ones(4 if odd else 3), name="shapes"), "allreduce.shapes")
    mismatch(lambda: hn.allreduce(np.ones((3, 1) if odd else (1, 3)), name="turned"))
    mismatch(lambda: hn.allreduce(np.ones(3), op=hvd.Max if odd else hvd.Min, name="ops"))
    mismatch(lambda: hn.allreduce(np.ones(3), prescale_factor=2.0 if odd else 1.0, name="scale"))
    mismatch(lambda: hn.broadcast(np.ones(3), 1 if odd else 0, name="roots"), "root")
    mismatch(lambda: hn.broadcast(np.ones(4 if odd else 3), 0, name="sizes"))
    mismatch(lambda: hn.allgather(np.ones((2, 4 if odd else 3)), name="rows"))
    mismatch(lambda: hn.allgather(np.ones((2, 2) if odd else 2), name="dims"))


def check_different_operations_under_one_name_are_a_mismatch() -> None:
    data = np.ones(3)
    if hvd.rank() == 0:
        handle = _core.allreduce_buffer("raw name", data, data, hvd.Sum, 1.0, 1.0, 0.0)
    else:
        handle = _core.submit(
            "broadcast", "raw name", data.ctypes.data, dtype=8, shape=data.shape, owner=data
        )
    mismatch(handle.wait, "raw name")


def check_an_error_names_the_tensor() -> None:
    odd = hvd.rank() == 0
    error = raises(hvd.HvdError, lambda: hn.allreduce(np.ones(2 if odd else 3), name="grad/conv1"))
    assert error.tensor == "allreduce.grad/conv1", error.tensor


def check_local_mistakes_are_value_errors_at_the_call() -> None:
    raises(ValueError, lambda: hn.allreduce(np.ones(2, np.longdouble)), "float128")
    raises(ValueError, lambda: hn.allreduce(np.array(["a"])), "<U1")
    raises(ValueError, lambda: hn.allreduce(np.ones((4, 4)).T), "contiguous")
    raises(ValueError, lambda: hn.allgather(np.ones(8)[::2]), "contiguous")
    raises(ValueError, lambda: hn.broadcast(np.ones((4, 4)).T, 0), "contiguous")
    raises(ValueError, lambda: hn.broadcast(np.ones(2), hvd.size()), "root")
    raises(ValueError, lambda: hn.broadcast(np.ones(2), -1), "root")
    raises(ValueError, lambda: hn.allreduce(np.ones((1,) * 9)), "dimensions")
    raises(ValueError, lambda: hn.allreduce(np.ones(2), op=99), "99")
    raises(ValueError, lambda: hn.allreduce(np.ones(2, complex), op=hvd.Max), "max of complex128")
    raises(ValueError, lambda: hn.allreduce(np.ones(2), out=np.ones(3)), "shape")
    frozen = np.ones(2)
    frozen.flags.writeable = False
    raises(ValueError, lambda: hn.allreduce(np.ones(2), out=frozen), "writable")
    assert hn.allreduce(frozen, op=hvd.Sum)[0] == hvd.size()
    assert_still_works()


def check_allgather_of_a_scalar_is_refused() -> None:
    raises((ValueError, hvd.HvdError), lambda: hn.allgather(np.array(1.0), name="scalar"))
    assert_still_works()


def check_a_deadline_of_one_call_names_who_is_missing() -> None:
    if hvd.rank() == 0:
        error = raises(
            hvd.HvdDeadlineError,
            lambda: hn.allreduce(np.ones(2), name="lonely", deadline_seconds=0.5),
            "allreduce.lonely",
            "rank 1",
        )
        assert error.rank >= 1
    hn.barrier("after the deadline")
    assert_still_works()


def check_wait_with_a_timeout_lets_the_operation_go_on() -> None:
    handle = None
    if hvd.rank() == 0:
        handle = hn.allreduce_async(np.ones(2), name="patient", op=hvd.Sum)
        start = time.monotonic()
        assert handle.wait(0.2) is False
        assert time.monotonic() - start >= 0.2
    hn.barrier()
    if handle is None:
        handle = hn.allreduce_async(np.ones(2), name="patient", op=hvd.Sum)
    assert handle.wait(60) is True
    assert handle.output.tolist() == [hvd.size()] * 2


def check_memory_lives_while_a_dropped_operation_is_pending() -> None:
    count = 100_000
    if hvd.rank() == 0:
        hn.allreduce_async(np.full(count, 5.0), name="dropped", op=hvd.Sum)
        assert _core.parked_count() == 1
        gc.collect()
        noise = [np.full(count, -1.0) for _ in range(20)]  # takes freed memory, if any was freed
        hn.barrier("dropped")
        del noise
        limit = time.monotonic() + 60
        while _core.parked_count() and time.monotonic() < limit:
            time.sleep(0.01)
        assert _core.parked_count() == 0
    else:
        hn.barrier("dropped")
        total = hn.allreduce(np.ones(count), name="dropped", op=hvd.Sum)
        assert (total == 5.0 + hvd.size() - 1).all()


def check_memory_cannot_be_resized_under_way() -> None:
    data = bytearray(8)

    def start() -> _core.Handle:
        return _core.allreduce_buffer("fixed", data, data, hvd.Sum, 1.0, 1.0, 0.0)

    handle = None
    if hvd.rank() == 0:
        handle = start()
        raises(BufferError, lambda: data.extend(b"more"))
    hn.barrier()
    (handle or start()).wait()
    data.extend(b"more")  # once it is done, the memory is the owner's again


def check_threads_submit_and_wait_at_once() -> None:
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for step in range(50):
                values = np.full(64 + thread, float(step + thread))
                total = hn.allreduce(values, name=f"thread{thread}", op=hvd.Sum)
                assert (total == (step + thread) * hvd.size()).all()
                parts = hn.allgather(np.array([hvd.rank()]), name=f"thread{thread}")
                assert parts.tolist() == list(range(hvd.size()))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def check_other_threads_run_while_one_waits() -> None:
    ticks = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    ticker = threading.Thread(target=tick)
    ticker.start()
    if hvd.rank() == 0:
        start = len(ticks)
        hn.barrier("slow")
        assert len(ticks) - start >= 3, "waiting held the interpreter lock"
    else:
        time.sleep(0.5)
        hn.barrier("slow")
    stop.set()
    ticker.join()


def check_several_threads_wait_for_one_handle() -> None:
    handle = hn.allreduce_async(np.ones(3), name="shared", op=hvd.Sum) if hvd.rank() == 0 else None
    results: list[list[float]] = []

    def wait() -> None:
        results.append(hn.synchronize(handle).tolist())

    threads = [threading.Thread(target=wait) for _ in range(3)] if handle else []
    for thread in threads:
        thread.start()
    hn.barrier()
    if handle is None:
        hn.allreduce(np.ones(3), name="shared", op=hvd.Sum)
    for thread in threads:
        thread.join()
    assert results == [[hvd.size()] * 3] * len(threads)


def check_info_tells_who_and_how() -> None:
    info = hvd.info()
    assert (info["rank"], info["size"]) == (hvd.rank(), hvd.size())
    assert (info["local_rank"], info["local_size"]) == (hvd.local_rank(), hvd.local_size())
    assert "shared memory" in info["data_plane"], info["data_plane"]
    assert info["version"] == hvd.__version__


def check_ranks_of_one_host_know_their_places() -> None:
    assert (hvd.local_rank(), hvd.local_size()) == (hvd.rank(), hvd.size())
    assert (hvd.cross_rank(), hvd.cross_size()) == (0, 1)
