"""hvd.torch operations on several ranks, with Horovod's names and rules."""

from __future__ import annotations

import warnings

import torch
from expecting import raises

import hvd.torch as hvd

REDUCED_FULLY = [
    torch.int32,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
]
REDUCED_PARTLY = [torch.uint8, torch.int8, torch.bool]
MOVED = [*REDUCED_FULLY, *REDUCED_PARTLY, torch.int16]
OPS = [hvd.Average, hvd.Sum, hvd.Min, hvd.Max, hvd.Product]
SHAPES = [(), (1,), (0,), (3, 5), (17, 17, 17)]
TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 2e-1, torch.float32: 2e-6, torch.float64: 1e-14}


def values_of(rank: int, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    random = torch.Generator().manual_seed(1000 + rank)
    if dtype.is_floating_point:
        return (torch.rand(shape, generator=random, dtype=torch.float64) * 2 - 1).to(dtype)
    return torch.randint(0, 2 if dtype is torch.bool else 4, shape, generator=random).to(dtype)


def all_values(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    return torch.stack([values_of(r, shape, dtype) for r in range(hvd.size())])


def expected(stack: torch.Tensor, op: int) -> torch.Tensor:
    wide = stack.double() if stack.dtype.is_floating_point else stack.long()
    if op == hvd.Sum:
        return wide.amax(0) if stack.dtype is torch.bool else wide.sum(0)
    if op == hvd.Average:
        mean = wide.double().sum(0) / len(stack)
        return mean if stack.dtype.is_floating_point else mean.trunc()
    return {hvd.Min: torch.amin, hvd.Max: torch.amax, hvd.Product: torch.prod}[op](wide, 0)


def assert_close(result: torch.Tensor, wanted: torch.Tensor, what: str) -> None:
    if result.numel():
        off = (result.double() - wanted.double()).abs().max().item()
        assert off <= TOLERANCE.get(result.dtype, 0), f"{what} is off by {off}"


def assert_still_works() -> None:
    assert hvd.allreduce(torch.ones(2), op=hvd.Sum).tolist() == [hvd.size()] * 2


def check_allreduce_in_all_four_forms_for_every_dtype_and_op() -> None:
    cases = [(d, op) for d in REDUCED_FULLY for op in OPS]
    cases += [(d, op) for d in REDUCED_PARTLY for op in (hvd.Sum, hvd.Max)]
    for dtype, op in cases:
        for shape in SHAPES:
            what = f"{dtype} op {op} shape {shape}"
            mine = values_of(hvd.rank(), shape, dtype)
            wanted = expected(all_values(shape, dtype), op)
            handles = [
                hvd.allreduce_async(mine, op=op),
                hvd.allreduce_async_(mine.clone(), name="form", op=op),
            ]
            results = [hvd.synchronize(h) for h in handles]
            results += [hvd.allreduce(mine, op=op), hvd.allreduce_(mine.clone(), op=op)]
            for result in results:
                assert result.dtype is dtype and tuple(result.shape) == shape, what
                assert_close(result, wanted, what)
            assert torch.equal(mine, values_of(hvd.rank(), shape, dtype)), what


def check_the_default_is_average_and_average_is_deprecated() -> None:
    mine = torch.full((3,), float(hvd.rank()))
    total = sum(range(hvd.size()))
    assert torch.allclose(hvd.allreduce(mine), torch.full((3,), total / hvd.size()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert hvd.allreduce(mine, average=False).tolist() == [total] * 3
        assert torch.allclose(hvd.allreduce(mine, average=True), hvd.allreduce(mine))
    assert [w.category for w in caught] == [DeprecationWarning] * 2
    raises(ValueError, lambda: hvd.allreduce(mine, average=True, op=hvd.Sum), "supersedes")


def check_in_place_forms_return_their_argument() -> None:
    mine = torch.ones(4)
    assert hvd.allreduce_(mine, op=hvd.Sum) is mine
    assert hvd.broadcast_(mine, root_rank=0) is mine
    parameter = torch.nn.Parameter(torch.full((2,), float(hvd.rank())))
    assert hvd.broadcast_(parameter, root_rank=1) is parameter
    assert parameter.tolist() == [1.0, 1.0]


def check_scales_apply_before_and_after() -> None:
    result = hvd.allreduce(torch.ones(3), op=hvd.Sum, prescale_factor=0.5, postscale_factor=4.0)
    assert result.tolist() == [2.0 * hvd.size()] * 3


def check_compression_sends_half_precision() -> None:
    values = torch.full((4,), 1.0001)  # float16 has no 1.0001
    assert hvd.allreduce(values, compression=hvd.Compression.none).tolist() == values.tolist()
    result = hvd.allreduce(values, compression=hvd.Compression.fp16)
    assert result.dtype is torch.float32 and result.tolist() == [1.0] * 4
    whole = torch.tensor([70000])  # integers stay as they are
    assert hvd.allreduce(whole, compression=hvd.Compression.fp16, op=hvd.Max).item() == 70000


def check_allgather_of_unequal_lengths() -> None:
    for dtype in MOVED:
        lengths = [2 * r for r in range(hvd.size())]
        parts = [values_of(r, (n, 3), dtype) for r, n in enumerate(lengths)]
        result = hvd.allgather(parts[hvd.rank()], name="rows")
        assert torch.equal(result, torch.cat(parts)), dtype
        assert torch.equal(hvd.synchronize(hvd.allgather_async(parts[hvd.rank()])), result)


def check_broadcast_from_every_root() -> None:
    for root in range(hvd.size()):
        for dtype in MOVED:
            for shape in SHAPES:
                mine = values_of(hvd.rank(), shape, dtype)
                wanted = values_of(root, shape, dtype)
                assert torch.equal(hvd.broadcast(mine, root), wanted)
                assert torch.equal(hvd.synchronize(hvd.broadcast_async(mine, root)), wanted)
                assert torch.equal(mine, values_of(hvd.rank(), shape, dtype))
                assert torch.equal(hvd.broadcast_(mine, root, name="b"), wanted)
                assert torch.equal(mine, wanted)


def check_handles_are_ints_that_synchronize_forgets() -> None:
    handle = hvd.allreduce_async(torch.ones(2), op=hvd.Sum)
    assert isinstance(handle, int)
    assert hvd.poll(handle) in (True, False)
    assert hvd.synchronize(handle).tolist() == [hvd.size()] * 2
    assert hvd.synchronize(handle) is None
    assert hvd.synchronize(123456789) is None
    raises(ValueError, lambda: hvd.poll(handle), str(handle))


def check_handles_restart_at_zero_after_shutdown() -> None:
    hvd.shutdown()
    hvd.init()
    assert hvd.allreduce_async(torch.ones(1), name="first") == 0
    hvd.synchronize(0)


def check_operations_meet_by_name_in_any_order() -> None:
    random = torch.Generator().manual_seed(hvd.rank())
    tensors = [torch.full((50 + i,), float(i)) for i in range(30)]
    handles = {}
    for i in torch.randperm(30, generator=random).tolist():
        handles[i] = hvd.allreduce_async(tensors[i], name=f"t{i}", op=hvd.Sum)
    for i in torch.randperm(30, generator=random).tolist():
        assert (hvd.synchronize(handles[i]) == i * hvd.size()).all()


def check_a_mismatch_is_an_error_everywhere_and_forgets_the_handle() -> None:
    odd = hvd.rank() == 0
    for tensor in (torch.ones(4 if odd else 3), torch.ones(3).to(torch.int32 if odd else None)):
        handle = hvd.allreduce_async(tensor, name="odd")
        raises(hvd.HorovodInternalError, lambda h=handle: hvd.synchronize(h), "allreduce.odd")
        assert hvd.synchronize(handle) is None
        assert_still_works()
    raises(hvd.HvdMismatchError, lambda: hvd.broadcast(torch.ones(2), 1 if odd else 0, name="r"))
    assert_still_works()


def check_a_name_submitted_twice_is_refused() -> None:
    if hvd.rank() == 0:
        handle = hvd.allreduce_async(torch.ones(2), name="twice", op=hvd.Sum)
        raises(ValueError, lambda: hvd.allreduce_async(torch.ones(2), name="twice"), "twice")
        hvd.barrier()
        assert hvd.synchronize(handle).tolist() == [hvd.size()] * 2
    else:
        hvd.barrier()
        hvd.allreduce(torch.ones(2), name="twice", op=hvd.Sum)


def check_local_mistakes_are_value_errors_at_the_call() -> None:
    complex_ones = torch.ones(2, dtype=torch.complex64)
    raises(ValueError, lambda: hvd.allreduce(complex_ones, op=hvd.Max), "max of complex64")
    raises(ValueError, lambda: hvd.allgather(torch.empty(2, dtype=torch.float8_e4m3fnuz)), "fnuz")
    for call in (
        hvd.allreduce,
        hvd.allreduce_,
        hvd.allgather,
        lambda t: hvd.broadcast(t, 0),
        lambda t: hvd.broadcast_(t, 0),
    ):
        raises(ValueError, lambda c=call: c(torch.ones(3, 4).t()), "required to be contiguous")
        raises(ValueError, lambda c=call: c(torch.ones(3, device="meta")), "meta")
    raises(ValueError, lambda: hvd.allreduce("text"), "str")
    raises(ValueError, lambda: hvd.broadcast(torch.ones(1), hvd.size()), "root")
    sparse = torch.eye(3).to_sparse()
    raises(NotImplementedError, lambda: hvd.allreduce(sparse), "sparse")
    assert_still_works()


def adasum(vectors: list[torch.Tensor]) -> torch.Tensor:
    """Of float64 vectors: beyond a power of two the first in pairs, then neighbours."""

    def pair(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        ab = a.dot(b)
        return (1 - ab / (2 * a.dot(a))) * a + (1 - ab / (2 * b.dot(b))) * b

    power = 1 << (len(vectors).bit_length() - 1)
    extra = 2 * (len(vectors) - power)
    pairs = [pair(vectors[i], vectors[i + 1]) for i in range(0, extra, 2)]
    vectors = pairs + vectors[extra:]
    while len(vectors) > 1:
        vectors = [pair(a, b) for a, b in zip(vectors[::2], vectors[1::2])]
    return vectors[0]


def check_adasum_of_tensors() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        mine = values_of(hvd.rank(), (70, 31), dtype)
        wanted = adasum([v.double().flatten() for v in all_values((70, 31), dtype)])
        result = hvd.allreduce(mine, op=hvd.Adasum)
        assert result.shape == mine.shape and result.dtype == dtype
        assert_close(result.flatten(), wanted, f"adasum of {dtype}")
        row = hvd.allgather(result.flatten().unsqueeze(0))
        assert all(torch.equal(r, row[0]) for r in row)
    apart = torch.zeros(hvd.size())
    apart[hvd.rank()] = 1 + hvd.rank()
    assert hvd.allreduce(apart, op=hvd.Adasum).tolist() == [1 + r for r in range(hvd.size())]
    same = torch.tensor([3.0, -4.0])
    assert hvd.allreduce(same, op=hvd.Adasum).tolist() == [3, -4]
    raises(ValueError, lambda: hvd.allreduce(torch.ones(3).int(), op=hvd.Adasum), "float16")
    assert_still_works()


def check_what_is_missing_says_so() -> None:
    raises(AttributeError, lambda: hvd.join, "missing yet")
    assert not hasattr(hvd, "join")
    raises(NotImplementedError, lambda: hvd.ProcessSet([0]), "process sets")
    raises(NotImplementedError, lambda: hvd.init(comm=[0]), "comm")
    raises(NotImplementedError, lambda: hvd.init(process_sets="dynamic"), "process sets")
    assert hvd.global_process_set.ranks == list(range(hvd.size()))
    assert hvd.global_process_set.included() and hvd.global_process_set.size() == hvd.size()


def check_gradient_of_allreduce_is_the_allreduce_of_the_gradient() -> None:
    for op in (hvd.Sum, hvd.Average):
        x = torch.full((5,), float(hvd.rank() + 1), requires_grad=True)
        weight = torch.arange(5.0) * (hvd.rank() + 1)
        (hvd.allreduce(x, op=op) * weight).sum().backward()
        total = torch.arange(5.0) * sum(r + 1 for r in range(hvd.size()))
        wanted = total if op == hvd.Sum else total / hvd.size()
        assert torch.allclose(x.grad, wanted), (op, x.grad)
    x = torch.ones(3, requires_grad=True)
    hvd.allreduce(x, op=hvd.Sum).sum().backward()  # an expanded, non-contiguous gradient
    assert x.grad.tolist() == [hvd.size()] * 3


def check_gradient_of_allgather_is_the_averaged_own_part() -> None:
    rows = hvd.rank() + 1
    x = torch.ones(rows, 2, requires_grad=True)
    gathered = hvd.allgather(x)
    scale = torch.arange(float(gathered.shape[0])).reshape(-1, 1) * (hvd.rank() + 1)
    (gathered * scale).sum().backward()
    start = sum(r + 1 for r in range(hvd.rank()))
    mean = sum(r + 1 for r in range(hvd.size())) / hvd.size()
    wanted = torch.arange(float(start), float(start + rows)).reshape(-1, 1).expand(rows, 2) * mean
    assert torch.allclose(x.grad, wanted), x.grad


def check_gradient_of_broadcast_is_averaged_at_the_root_and_zero_elsewhere() -> None:
    x = torch.ones(4, requires_grad=True)
    (hvd.broadcast(x, root_rank=1) * (hvd.rank() + 1)).sum().backward()
    mean = sum(r + 1 for r in range(hvd.size())) / hvd.size()
    assert torch.allclose(x.grad, torch.full((4,), mean if hvd.rank() == 1 else 0.0))


def check_broadcast_parameters_of_dicts_and_lists() -> None:
    torch.manual_seed(hvd.rank())
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    ).to(memory_format=torch.channels_last)
    hvd.broadcast_parameters(model.state_dict(), root_rank=0)
    torch.manual_seed(0)
    same = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    )
    for (name, mine), wanted in zip(model.state_dict().items(), same.state_dict().values()):
        assert torch.equal(mine, wanted), name
    with torch.no_grad():
        for p in model.parameters():
            p += hvd.rank() + 1
    hvd.broadcast_parameters(list(model.named_parameters()), root_rank=1)
    hvd.broadcast_parameters(list(model.parameters()), root_rank=1)
    for mine, wanted in zip(model.parameters(), same.parameters()):
        assert torch.equal(mine, wanted + 2)
    raises(ValueError, lambda: hvd.broadcast_parameters(model.parameters(), 0), "invalid params")


def check_broadcast_object_and_allgather_object() -> None:
    mine = {"rank": hvd.rank(), "data": [1.5, "two", None]}
    for root in range(hvd.size()):
        got = hvd.broadcast_object(mine, root_rank=root)
        assert got == {**mine, "rank": root}
        assert (got is mine) == (root == hvd.rank())
    # Others than the root need not know what comes; Horovod hangs here.
    assert hvd.broadcast_object("told" if hvd.rank() == 0 else None, root_rank=0) == "told"
    assert hvd.broadcast_object([] if hvd.rank() == 0 else 7, root_rank=0, name="empty") == []
    assert hvd.allgather_object(("x" * hvd.rank(), hvd.rank())) == [
        ("x" * r, r) for r in range(hvd.size())
    ]


def check_tensors_stay_alive_while_only_the_handle_knows_them() -> None:
    handles = [
        hvd.allreduce_async(torch.full((20_000,), float(i)), name=f"alive{i}", op=hvd.Sum)
        for i in range(20)
    ]
    noise = [torch.full((20_000,), -1.0) for _ in range(40)]
    for i, handle in enumerate(handles):
        assert (hvd.synchronize(handle) == i * hvd.size()).all()
    del noise


def check_dataloader_workers_by_fork_do_not_disturb() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(64.0).reshape(32, 2))
    loader = torch.utils.data.DataLoader(
        data, batch_size=4, num_workers=2, multiprocessing_context="fork"
    )
    for _ in range(2):
        total = torch.zeros(2)
        for (batch,) in loader:
            total += hvd.allreduce(batch.sum(0), op=hvd.Sum)
        assert torch.equal(total, torch.arange(64.0).reshape(32, 2).sum(0) * hvd.size())
    assert_still_works()


def check_reducescatter_and_its_gradient() -> None:
    n = hvd.size()
    rows = 2 * n + 1
    for op, factor in ((hvd.Average, 1.0 / n), (hvd.Sum, 1.0)):
        mine = torch.full((rows, 2), 1.0 + hvd.rank(), requires_grad=True)
        result = hvd.reducescatter(mine, op=op, prescale_factor=2.0)
        assert result.shape == (3 if hvd.rank() == 0 else 2, 2)
        assert torch.allclose(result, torch.tensor(factor * n * (n + 1)))
        (result * (hvd.rank() + 1)).sum().backward()
        counts = [3] + [2] * (n - 1)
        owners = torch.repeat_interleave(torch.arange(1.0, n + 1), torch.tensor(counts))
        scale = 2.0 * (n if op == hvd.Sum else 1)
        assert torch.allclose(mine.grad, scale * owners[:, None].expand(rows, 2))


def check_alltoall_and_its_gradient() -> None:
    n = hvd.size()
    splits = [(hvd.rank() + d) % 3 for d in range(n)]
    mine = torch.arange(sum(splits) + 1.0).mul(100).add(hvd.rank()).requires_grad_()
    result, received = hvd.alltoall(mine, splits=torch.tensor(splits, dtype=torch.int32))
    assert received.dtype == torch.int32
    assert received.tolist() == [(s + hvd.rank()) % 3 for s in range(n)]
    owners = [s for s in range(n) for _ in range(received[s])]
    assert (result.detach() % 100).tolist() == owners
    (result * (hvd.rank() + 1)).sum().backward()
    to = [d + 1.0 for d in range(n) for _ in range(splits[d])]
    assert mine.grad.tolist() == [*to, 0.0]  # the last row went nowhere
    assert hvd.alltoall(torch.full((n,), hvd.rank())).tolist() == list(range(n))
    assert isinstance(hvd.synchronize(hvd.alltoall_async(torch.ones(n))), tuple)
    raises(ValueError, lambda: hvd.alltoall(mine, splits=torch.ones(1, 1)), "1D splits")
    raises(ValueError, lambda: hvd.alltoall(mine, splits=torch.ones(n)), "32-bit integer")


def check_to_and_from_one_rank() -> None:
    last = hvd.size() - 1
    total = hvd.reduce(torch.ones(3), last, op=hvd.Sum)
    gathered = hvd.gather(torch.full((hvd.rank() + 1,), hvd.rank()), last)
    if hvd.rank() == last:
        assert total.tolist() == [hvd.size()] * 3
        assert gathered.tolist() == [r for r in range(hvd.size()) for _ in range(r + 1)]
    else:
        assert total is None
        assert gathered is None
    whole = torch.arange(hvd.size(), dtype=torch.int16) if hvd.rank() == last else None
    mine = hvd.scatter(whole, last)
    assert mine.dtype == torch.int16
    assert mine.tolist() == [hvd.rank()]


def check_messages() -> None:
    if hvd.rank() == 0:
        hvd.send(torch.arange(5.0), 1, tag=3)
    if hvd.rank() == 1:
        assert hvd.recv(torch.empty(5), 0, tag=3).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
