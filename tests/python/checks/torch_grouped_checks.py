"""Groups of hvd.torch on several ranks, and on one: operations, gradients, DistributedOptimizer."""

from __future__ import annotations

import warnings

import torch
from expecting import raises
from optimizer_checks import assert_training_works, data, loss_of, make_model, my_share, wrap

import hvd
import hvd.torch as ht

DTYPES = [torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64]
SHAPES = [(), (1,), (0,), (3, 5), (17, 17, 17)]


def whole_values(rank: int, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Whole numbers below 4: every sum is exact in each dtype."""
    random = torch.Generator().manual_seed(1000 + rank)
    return torch.randint(0, 4, shape, generator=random).to(dtype)


def mixed(rank: int) -> list[torch.Tensor]:
    return [whole_values(rank, shape, dtype) for dtype in DTYPES for shape in SHAPES]


def assert_still_works() -> None:
    assert ht.allreduce(torch.ones(2), op=hvd.Sum).tolist() == [hvd.size()] * 2


def check_allreduce_of_mixed_tensors_in_all_four_forms() -> None:
    wanted = [sum(parts) for parts in zip(*(mixed(r) for r in range(hvd.size())))]
    mine, first, second = mixed(hvd.rank()), mixed(hvd.rank()), mixed(hvd.rank())
    handle = ht.grouped_allreduce_async_(first, name="g", op=hvd.Sum)
    assert isinstance(handle, int)
    in_place = [ht.synchronize(handle), ht.grouped_allreduce_(second, op=hvd.Sum)]
    assert all(a is b for a, b in zip(in_place[0], first))
    assert all(a is b for a, b in zip(in_place[1], second))
    assert ht.synchronize(handle) is None
    results = [
        *in_place,
        ht.grouped_allreduce(mine, op=hvd.Sum),
        ht.synchronize(ht.grouped_allreduce_async(tuple(mine), op=hvd.Sum)),
    ]
    for result in results:
        for got, want in zip(result, wanted):
            assert got.dtype is want.dtype and torch.equal(got, want), (want.dtype, want.shape)
    assert all(torch.equal(a, b) for a, b in zip(mine, mixed(hvd.rank())))


def check_the_default_is_average_and_average_is_deprecated() -> None:
    mine = [torch.full((3,), float(hvd.rank())), torch.ones(1)]
    mean = (hvd.size() - 1) / 2
    assert torch.allclose(ht.grouped_allreduce(mine)[0], torch.tensor(mean))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        total = ht.grouped_allreduce(mine, average=False)
    assert total[0].tolist() == [sum(range(hvd.size()))] * 3
    assert [w.category for w in caught] == [DeprecationWarning]


def check_compression_sends_half_precision() -> None:
    values = [torch.full((4,), 1.0001), torch.tensor([70000])]  # float16 has neither
    half, whole = ht.grouped_allreduce(values, compression=ht.Compression.fp16, op=hvd.Max)
    assert half.dtype is torch.float32 and half.tolist() == [1.0] * 4
    assert whole.item() == 70000
    [rows] = ht.grouped_reducescatter(
        [torch.full((hvd.size(),), 1.0001)], compression=ht.Compression.fp16, op=hvd.Max
    )
    assert rows.dtype is torch.float32 and rows.tolist() == [1.0]


def check_allgather_of_unequal_lengths() -> None:
    parts = [
        [whole_values(r, (2 * r + 1, 3), dtype) for dtype in DTYPES] for r in range(hvd.size())
    ]
    wanted = [torch.cat(column) for column in zip(*parts)]
    mine = parts[hvd.rank()]
    for result in (
        ht.grouped_allgather(mine, name="rows"),
        ht.synchronize(ht.grouped_allgather_async(mine)),
    ):
        for got, want in zip(result, wanted):
            assert got.dtype is want.dtype and torch.equal(got, want), want.dtype


def check_reducescatter_gives_the_remainder_to_the_first_ranks() -> None:
    rows = 2 * hvd.size() + 1
    mine = [torch.full((rows, 2), 1.0 + hvd.rank()), torch.ones(hvd.size(), dtype=torch.int64)]
    own = 3 if hvd.rank() == 0 else 2
    total = hvd.size() * (hvd.size() + 1) / 2
    for result in (
        ht.grouped_reducescatter(mine, op=hvd.Sum),
        ht.synchronize(ht.grouped_reducescatter_async(mine, name="g", op=hvd.Sum)),
    ):
        assert torch.equal(result[0], torch.full((own, 2), total))
        assert result[1].tolist() == [hvd.size()]


def leaves(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    return [torch.full(shape, 1.0 + hvd.rank(), requires_grad=True) for shape in shapes]


def check_gradients_of_an_allreduce_are_reduced_as_a_group() -> None:
    for op in (hvd.Sum, hvd.Average):
        x, y = leaves((5,), (2, 2))
        whole = torch.tensor([3])
        a, b, c = ht.grouped_allreduce([x, whole, y], op=op)
        assert not b.requires_grad
        (a * (hvd.rank() + 1)).sum().add(c.sum()).backward()
        n = hvd.size()
        factor = 1.0 if op == hvd.Sum else 1.0 / n
        assert torch.allclose(x.grad, torch.tensor(factor * n * (n + 1) / 2))
        assert torch.allclose(y.grad, torch.tensor(factor * n))


def check_a_result_that_is_not_used_takes_part_with_zeros() -> None:
    x, y = leaves((5,), (3,))
    a, b = ht.grouped_allreduce([x, y], op=hvd.Sum)
    (a if hvd.rank() == 0 else b).sum().backward()
    assert x.grad.tolist() == [1.0] * 5
    assert y.grad.tolist() == [hvd.size() - 1.0] * 3


def check_gradients_of_an_allgather_are_the_averaged_own_parts() -> None:
    rows = hvd.rank() + 1
    x, y = leaves((rows, 2), (2,))
    a, b = ht.grouped_allgather([x, y])
    scale = torch.arange(float(a.shape[0])).reshape(-1, 1) * (hvd.rank() + 1)
    ((a * scale).sum() + b.sum() * (hvd.rank() + 1)).backward()
    begin = sum(r + 1 for r in range(hvd.rank()))
    mean = (hvd.size() + 1) / 2
    wanted = torch.arange(float(begin), float(begin + rows)).reshape(-1, 1).expand(rows, 2) * mean
    assert torch.allclose(x.grad, wanted)
    assert torch.allclose(y.grad, torch.tensor(mean))


def check_gradients_of_a_reducescatter_are_gathered() -> None:
    n = hvd.size()
    for op, factor in ((hvd.Sum, 2.0 * n), (hvd.Average, 2.0)):
        x, y = leaves((2 * n + 1, 2), (n,))
        a, b = ht.grouped_reducescatter([x, y], op=op, prescale_factor=2.0)
        (a.sum() * (hvd.rank() + 1) + b.sum()).backward()
        counts = torch.tensor([3] + [2] * (n - 1))
        owners = torch.repeat_interleave(torch.arange(1.0, n + 1), counts)
        assert torch.allclose(x.grad, factor * owners[:, None].expand(2 * n + 1, 2))
        assert torch.allclose(y.grad, torch.tensor(factor))


def check_a_mismatch_names_the_tensor_on_every_rank_and_forgets_the_handle() -> None:
    if hvd.size() == 1:
        return
    odd = hvd.rank() == 0
    shapes = [torch.ones(3), torch.ones(4 if odd else 3)]
    for tensors, words in (
        (shapes, ["allreduce.odd", "tensor 2 of 2", "shape differs"]),
        ([torch.ones(2).to(torch.int32 if odd else None)], ["tensor 1 of 1", "dtype differs"]),
        (shapes[: 1 if odd else 2], ["number of tensors differs"]),
    ):
        handle = ht.grouped_allreduce_async_(tensors, name="odd")
        raises(hvd.HvdMismatchError, lambda h=handle: ht.synchronize(h), *words)
        assert ht.synchronize(handle) is None
        assert_still_works()
    assert shapes[0].tolist() == [1.0] * 3


def check_local_mistakes_are_told_at_the_call_and_name_the_tensor() -> None:
    good, turned = torch.ones(3), torch.ones(3, 4).t()
    elsewhere, sparse = torch.ones(3, device="meta"), torch.eye(3).to_sparse()
    for call in (
        ht.grouped_allreduce,
        ht.grouped_allreduce_,
        ht.grouped_allgather,
        ht.grouped_reducescatter,
    ):
        raises(ValueError, lambda c=call: c([]), "at least one tensor")
        raises(ValueError, lambda c=call: c(good), "a list or tuple of tensors")
        raises(ValueError, lambda c=call: c([good, turned]), "tensors[1]", "contiguous")
        raises(ValueError, lambda c=call: c(["text"]), "tensors[0]", "str")
        raises(ValueError, lambda c=call: c([good, elsewhere]), "tensors[1]", "meta")
        raises(NotImplementedError, lambda c=call: c([sparse]), "tensors[0]", "sparse")
    raises(ValueError, lambda: ht.grouped_allreduce_([good, good]), "share memory")
    raises(ValueError, lambda: ht.grouped_allgather([torch.tensor(1.0)], name="s"), "s_1of1")
    raises(ValueError, lambda: ht.grouped_reducescatter([torch.tensor(1.0)], name="s"), "s_1of1")
    assert_still_works()


# ---- DistributedOptimizer(groups=...) ------------------------------------------------------------


def check_training_in_groups_follows_one_process_with_the_whole_batch() -> None:
    for options in (
        {"groups": 1},
        {"groups": 3},
        {"groups": 100},  # more than there are parameters
        {"groups": 2, "compression": ht.Compression.none, "gradient_predivide_factor": 2.0},
    ):
        assert_follows(make_model(), **options)
    model = make_model()
    first, second, *_ = model.parameters()
    assert_follows(model, groups=[[second, first]])
    assert_follows(make_model(), named=False, groups=2)


def assert_follows(model: torch.nn.Module, named: bool = True, **options) -> None:
    alone = make_model()
    names = model.named_parameters() if named else None
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    optimizer = ht.DistributedOptimizer(sgd, names, **options)
    reference = torch.optim.SGD(alone.parameters(), lr=0.1, momentum=0.9)
    for step in range(4):
        x, y = data(step)
        optimizer.zero_grad()
        loss_of(model, my_share(x), my_share(y)).backward()
        optimizer.step()
        reference.zero_grad()
        loss_of(alone, x, y).backward()
        reference.step()
    for p, q in zip(model.parameters(), alone.parameters()):
        assert torch.allclose(p, q, atol=1e-5), options


def submitted_and_items(work) -> tuple[int, int]:
    ht.barrier()
    before = hvd.info()["counters"]
    work()
    after = hvd.info()["counters"]
    return tuple(after[key] - before[key] for key in ("operations_submitted", "work_items"))


def check_gradients_of_a_group_travel_as_one_piece_of_work() -> None:
    if hvd.size() == 1:
        return
    model = make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1), groups=2)

    def work() -> None:
        loss_of(model, *data(0)).backward()
        optimizer.step()

    # Groups go by themselves even where nothing else would be fused.
    assert submitted_and_items(work) == (4, 2)


def check_ranks_that_list_their_parameters_otherwise_form_the_same_groups() -> None:
    model = make_model()
    named = list(model.named_parameters())
    if hvd.rank() > 0:
        named.reverse()
    sgd = torch.optim.SGD([p for _, p in named], lr=0.1)
    optimizer = ht.DistributedOptimizer(sgd, named, groups=2)
    assert_training_works(model, optimizer)


def check_unused_parameters_of_a_group_take_part_as_zeros() -> None:
    left, right = make_model(1), make_model(2)
    both = torch.nn.ModuleList([left, right])
    optimizer = wrap(both, torch.optim.SGD(both.parameters(), lr=1.0), groups=1)
    x, y = data(0)
    for _ in range(2):  # the second time after a step with a part of the group missing
        both.zero_grad()
        loss_of(left if hvd.rank() == 0 else right, x, y).backward()
        optimizer.synchronize()
        if hvd.size() == 1:
            return
        for model, users in ((left, 1), (right, hvd.size() - 1)):
            gradients = [p.grad.clone() for p in model.parameters()]
            model.zero_grad()
            alone = torch.autograd.grad(loss_of(model, x, y), list(model.parameters()))
            for got, one in zip(gradients, alone):
                assert torch.allclose(got, one * users / hvd.size(), atol=1e-6)


def check_backward_passes_of_a_group_are_summed() -> None:
    model, alone = make_model(), make_model()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer = wrap(model, sgd, backward_passes_per_step=2, groups=2)
    reference = torch.optim.SGD(alone.parameters(), lr=0.1)
    for step in range(3):
        for half in range(2):
            x, y = data(10 * step + half)
            loss_of(model, my_share(x), my_share(y)).backward()
            loss_of(alone, x, y).backward()
        if hvd.size() > 1:
            raises(AssertionError, optimizer.zero_grad, "race condition")
        optimizer.step()
        optimizer.zero_grad()
        reference.step()
        reference.zero_grad()
    for p, q in zip(model.parameters(), alone.parameters()):
        assert torch.allclose(p, q, atol=1e-5)
    assert_training_works(model, optimizer)  # one pass of two


def check_too_many_backward_passes_of_a_group_are_refused() -> None:
    if hvd.size() == 1:
        return
    model = make_model()
    first, second = model[0], model[2]
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1), groups=1)
    second(torch.ones(1, 10)).sum().backward()  # half of the group: nothing travels
    raises(AssertionError, lambda: second(torch.ones(1, 10)).sum().backward(), "backward_passes")
    first(torch.ones(1, 6)).sum().backward()
    raises(AssertionError, lambda: first(torch.ones(1, 6)).sum().backward(), "backward_passes")
    optimizer.step()
    assert_training_works(model, optimizer)


def check_a_failed_group_is_raised_by_step_and_training_goes_on() -> None:
    if hvd.size() == 1:
        return
    layer = torch.nn.Linear(3 if hvd.rank() == 0 else 2, 1)
    optimizer = wrap(layer, torch.optim.SGD(layer.parameters(), lr=0.1), groups=1)
    layer(torch.ones(1, layer.in_features)).sum().backward()
    error = raises(hvd.HvdMismatchError, optimizer.step, "tensor 1 of 2", "shape differs")
    assert error.tensor == "allreduce.weight"
    model = make_model()
    assert_training_works(model, wrap(model, torch.optim.SGD(model.parameters(), lr=0.1), groups=2))


def check_groups_that_make_no_sense_are_refused() -> None:
    model = make_model()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    first, *_ = model.parameters()
    for groups, words in (
        (0, "positive integer"),
        (-1, "positive integer"),
        ("ab", "positive integer"),
        ([first], "list of list"),
        ([["a"]], "consist of torch.Tensor"),
        ([[first], [first]], "only appear once"),
    ):
        raises(ValueError, lambda g=groups: wrap(model, sgd, groups=g), words)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizer = wrap(model, sgd, num_groups=2)
    assert [w.category for w in caught] == [DeprecationWarning]
    assert_training_works(model, optimizer)


def check_frozen_parameters_stay_out_of_groups() -> None:
    for by_number in (True, False):
        model = make_model()
        model[0].weight.requires_grad_(False)
        groups = 2 if by_number else [list(layer.parameters()) for layer in (model[0], model[2])]
        optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1), groups=groups)
        assert_training_works(model, optimizer)
