"""DistributedOptimizer and broadcast_optimizer_state on several ranks."""

from __future__ import annotations

import copy
import warnings

import torch
from expecting import raises

import hvd.torch as hvd


def make_model(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(6, 10), torch.nn.Tanh(), torch.nn.Linear(10, 3))


def data(step: int, count: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(step)
    return torch.randn(count, 6, generator=random), torch.randn(count, 3, generator=random)


def my_share(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.chunk(hvd.size())[hvd.rank()]


def loss_of(model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.mse_loss(model(x), y)


def largest_difference(a: torch.nn.Module, b: torch.nn.Module) -> float:
    pairs = zip(a.parameters(), b.parameters())
    return max((p - q).abs().max().item() for p, q in pairs)


def wrap(model: torch.nn.Module, optimizer: torch.optim.Optimizer, **options):
    return hvd.DistributedOptimizer(optimizer, named_parameters=model.named_parameters(), **options)


MAKERS = [
    lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    lambda p: torch.optim.Adam(p, lr=0.01),
    lambda p: torch.optim.AdamW(p, lr=0.01),
]


def check_training_follows_one_process_with_the_whole_batch() -> None:
    for make in MAKERS:
        assert_follows(make, named=True)
    assert_follows(MAKERS[0], named=False)
    assert_follows(MAKERS[0], named=True, gradient_predivide_factor=2.0)
    assert_follows(MAKERS[0], named=True, op=hvd.Sum)


def assert_follows(make, named: bool, **options) -> None:
    model, alone = make_model(), make_model()
    reference = make(alone.parameters())
    names = model.named_parameters() if named else None
    optimizer = hvd.DistributedOptimizer(make(model.parameters()), names, **options)
    scale = hvd.size() if options.get("op") == hvd.Sum else 1
    for step in range(6):
        x, y = data(step)
        optimizer.zero_grad()
        loss_of(model, my_share(x), my_share(y)).backward()
        optimizer.step()
        reference.zero_grad()
        (loss_of(alone, x, y) * scale).backward()
        reference.step()
    off = largest_difference(model, alone)
    assert off <= 1e-5, f"{type(optimizer).__name__} {options} is off by {off}"


def check_it_is_an_instance_of_the_wrapped_class() -> None:
    model = make_model()
    plain = torch.optim.SGD(model.parameters(), lr=0.5)
    optimizer = wrap(model, plain)
    assert isinstance(optimizer, torch.optim.SGD)
    assert type(optimizer).__name__ == "SGD" and type(optimizer) is not torch.optim.SGD
    assert optimizer.param_groups[0] is plain.param_groups[0]
    scheduler = torch.optim.lr_scheduler.StepLR(plain, step_size=1, gamma=0.1)
    loss_of(model, *data(0)).backward()
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch saw no step of the plain optimizer
        scheduler.step()
    assert abs(optimizer.param_groups[0]["lr"] - 0.05) < 1e-12
    torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)


def check_step_hooks_run_once() -> None:
    model = make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1))
    calls = []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    loss_of(model, *data(0)).backward()
    optimizer.step()
    assert calls == ["before", "after"]


def check_unused_parameters_take_part_as_zeros() -> None:
    left, right = make_model(1), make_model(2)
    both = torch.nn.ModuleList([left, right])
    optimizer = wrap(both, torch.optim.SGD(both.parameters(), lr=1.0))
    x, y = data(0)
    used = left if hvd.rank() == 0 else right
    loss_of(used, x, y).backward()
    optimizer.synchronize()
    for model, users in ((left, 1), (right, hvd.size() - 1)):
        alone = copy.deepcopy(model)
        alone.zero_grad()
        loss_of(alone, x, y).backward()
        for p, q in zip(model.parameters(), alone.parameters()):
            assert torch.allclose(p.grad, q.grad * users / hvd.size(), atol=1e-6)
    with optimizer.skip_synchronize():
        optimizer.step()
    optimizer.zero_grad()
    if hvd.rank() == 0:
        loss_of(left, x, y).backward()
    optimizer.step()  # the others computed nothing at all


def check_backward_passes_are_summed_before_they_are_reduced() -> None:
    model, alone = make_model(), make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1), backward_passes_per_step=2)
    reference = torch.optim.SGD(alone.parameters(), lr=0.1)
    for step in range(3):
        for half in range(2):
            x, y = data(10 * step + half)
            loss_of(model, my_share(x), my_share(y)).backward()
            loss_of(alone, x, y).backward()
        optimizer.step()
        optimizer.zero_grad()
        reference.step()
        reference.zero_grad()
    assert largest_difference(model, alone) <= 1e-5
    optimizer.set_backward_passes_per_step(1)
    loss_of(model, *data(0)).backward()
    optimizer.step()


def check_too_many_backward_passes_are_refused() -> None:
    model = make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1))
    x, y = data(0)
    loss_of(model, x, y).backward()
    raises(AssertionError, lambda: loss_of(model, x, y).backward(), "backward_passes_per_step")
    optimizer.step()
    assert_training_works(model, optimizer)


def assert_training_works(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    loss_of(model, *data(hvd.rank())).backward()
    optimizer.step()
    first = hvd.broadcast(next(model.parameters()).detach(), root_rank=0)
    assert torch.equal(first, next(model.parameters()))


def check_a_step_with_fewer_backward_passes_still_reduces() -> None:
    model = make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1), backward_passes_per_step=3)
    assert_training_works(model, optimizer)


def check_zero_grad_between_backward_and_step_is_refused() -> None:
    model = make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1))
    loss_of(model, *data(0)).backward()
    raises(AssertionError, optimizer.zero_grad, "race condition")
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    assert all(not p.grad.any() for p in model.parameters())


def check_clipping_between_synchronize_and_step() -> None:
    model, alone = make_model(), make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=1.0))
    reference = torch.optim.SGD(alone.parameters(), lr=1.0)
    x, y = data(3)
    loss_of(model, my_share(x), my_share(y)).backward()
    optimizer.synchronize()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    with optimizer.skip_synchronize():
        optimizer.step()
    loss_of(alone, x, y).backward()
    torch.nn.utils.clip_grad_norm_(alone.parameters(), 0.01)
    reference.step()
    assert largest_difference(model, alone) <= 1e-6
    loss_of(model, my_share(x), my_share(y)).backward()
    optimizer.synchronize()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizer.step()
    assert any("skip_synchronize" in str(w.message) for w in caught)


def check_a_closure_is_reduced_too() -> None:
    model, alone = make_model(), make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1))
    reference = torch.optim.SGD(alone.parameters(), lr=0.1)
    for step in range(3):
        x, y = data(step)

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = loss_of(model, my_share(x), my_share(y))
            loss.backward()
            return loss

        optimizer.step(closure)
        reference.zero_grad()
        loss_of(alone, x, y).backward()
        reference.step()
    assert largest_difference(model, alone) <= 1e-5


def check_names_must_be_unique_complete_and_tuples() -> None:
    model = make_model()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    named = list(model.named_parameters())
    wrong = {
        "tuples": [p for _, p in named],
        "unique": [("same", p) for _, p in named],
        "not named": named[:-1],
    }
    for word, names in wrong.items():
        raises(ValueError, lambda n=names: hvd.DistributedOptimizer(sgd, n), word)
    raises(ValueError, lambda: wrap(model, sgd, backward_passes_per_step=0), "> 0")
    raises(
        ValueError, lambda: wrap(model, sgd, op=hvd.Sum, gradient_predivide_factor=2.0), "Average"
    )


def check_adasum_combines_the_steps_of_all_ranks() -> None:
    model, alone = make_model(), make_model()
    reference = MAKERS[0](alone.parameters())
    optimizer = wrap(model, MAKERS[0](model.parameters()), op=hvd.Adasum)
    assert type(optimizer).__name__ == "SGD" and isinstance(optimizer, torch.optim.SGD)
    raises(AssertionError, optimizer.skip_synchronize, "Adasum")
    for step in range(4):
        x, y = data(step)
        optimizer.zero_grad()
        loss_of(model, my_share(x), my_share(y)).backward()
        raises(AssertionError, optimizer.zero_grad, "race")
        optimizer.step()
        before = [p.detach().clone() for p in alone.parameters()]
        reference.zero_grad()
        loss_of(alone, my_share(x), my_share(y)).backward()
        reference.step()
        with torch.no_grad():
            for p, old in zip(alone.parameters(), before):
                p.copy_(old + hvd.allreduce(p - old, op=hvd.Adasum))
    assert largest_difference(model, alone) < 1e-6
    gathered = hvd.allgather(torch.cat([p.detach().flatten() for p in model.parameters()])[None])
    assert all(torch.equal(row, gathered[0]) for row in gathered)


def check_adasum_takes_a_rank_without_a_gradient_for_a_step_of_zero() -> None:
    p = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = hvd.DistributedOptimizer(torch.optim.SGD([p], lr=1.0), [("p", p)], op=hvd.Adasum)
    if hvd.rank() == 0:
        (p * torch.tensor([1.0, 3.0])).sum().backward()
    optimizer.step()
    assert p.tolist() == [0.0, -1.0], p


def check_what_is_missing_says_so() -> None:
    model = make_model()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    raises(NotImplementedError, lambda: wrap(model, sgd, sparse_as_dense=True), "sparse")
    embedding = torch.nn.Embedding(4, 2, sparse=True)
    optimizer = wrap(embedding, torch.optim.SGD(embedding.parameters(), lr=0.1))
    loss = embedding(torch.tensor([1])).sum()
    raises(NotImplementedError, loss.backward, "sparse")
    optimizer.load_state_dict(optimizer.state_dict())


def check_compressed_gradients_train_too() -> None:
    model, alone = make_model(), make_model()
    optimizer = wrap(
        model, torch.optim.SGD(model.parameters(), lr=0.1), compression=hvd.Compression.fp16
    )
    reference = torch.optim.SGD(alone.parameters(), lr=0.1)
    for step in range(4):
        x, y = data(step)
        optimizer.zero_grad()
        loss_of(model, my_share(x), my_share(y)).backward()
        optimizer.step()
        reference.zero_grad()
        loss_of(alone, x, y).backward()
        reference.step()
    assert 0 < largest_difference(model, alone) <= 1e-2


def check_channels_last_gradients() -> None:
    torch.manual_seed(0)
    model = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    alone = copy.deepcopy(model)
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1))
    images = torch.randn(2 * hvd.size(), 3, 8, 8).to(memory_format=torch.channels_last)
    images = hvd.broadcast_object(images)
    model(my_share(images)).square().mean().backward()
    optimizer.step()
    alone(images).square().mean().backward()
    torch.optim.SGD(alone.parameters(), lr=0.1).step()
    assert largest_difference(model, alone) <= 1e-6


def check_a_failed_reduction_is_raised_by_step_and_training_goes_on() -> None:
    odd = hvd.rank() == 0
    layer = torch.nn.Linear(3 if odd else 2, 1, bias=False)
    optimizer = wrap(layer, torch.optim.SGD(layer.parameters(), lr=0.1))
    layer(torch.ones(1, layer.in_features)).sum().backward()
    error = raises(hvd.HvdMismatchError, optimizer.step, "weight")
    assert error.tensor == "allreduce.weight"
    model = make_model()
    assert_training_works(model, wrap(model, torch.optim.SGD(model.parameters(), lr=0.1)))


def check_a_failure_is_raised_only_when_no_gradient_is_under_way() -> None:
    model = torch.nn.ModuleDict(
        {
            "a": torch.nn.Linear(3 if hvd.rank() == 0 else 2, 1, bias=False),
            "b": torch.nn.Linear(1500, 1500, bias=False),
        }
    )
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1))
    outputs = [layer(torch.ones(1, layer.in_features)).sum() for layer in model.values()]
    sum(outputs).backward()
    raises(hvd.HvdMismatchError, optimizer.step, "a.weight")
    again = hvd.allreduce(torch.ones(2), name="b.weight", op=hvd.Sum)  # the name is free again
    assert again.tolist() == [hvd.size()] * 2


def trained(make, rank_dependent: bool) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    model = make_model()
    optimizer = make(model.parameters())
    for step in range(2):
        optimizer.zero_grad()
        loss_of(model, *data(100 * rank_dependent * hvd.rank() + step)).backward()
        optimizer.step()
    return model, optimizer


def assert_same_everywhere(value, what: str) -> None:
    if isinstance(value, torch.Tensor):
        assert torch.equal(hvd.broadcast(value, root_rank=0), value), what
    else:
        assert hvd.broadcast_object(value) == value, what


def flat(state) -> list:
    if isinstance(state, dict):
        return [leaf for key in sorted(state, key=str) for leaf in flat(state[key])]
    if isinstance(state, (list, tuple)):
        return [leaf for item in state for leaf in flat(item)]
    return [state]


def check_optimizer_state_becomes_the_roots() -> None:
    for make in MAKERS:
        for root_is_trained, others_are in ((True, True), (True, False), (False, True)):
            model = make_model()
            optimizer = make(model.parameters())
            if root_is_trained if hvd.rank() == 0 else others_are:
                model, optimizer = trained(make, rank_dependent=True)
            optimizer.param_groups[0]["lr"] = 0.5 + hvd.rank()
            group = optimizer.param_groups[0]
            weights = [p.detach().clone() for p in model.parameters()]
            hvd.broadcast_optimizer_state(optimizer, root_rank=0)
            assert optimizer.param_groups[0] is group and group["lr"] == 0.5
            leaves = flat(optimizer.state_dict())
            assert len(set(hvd.allgather_object(len(leaves)))) == 1
            for leaf in leaves:
                assert_same_everywhere(leaf, f"{type(optimizer).__name__} {leaf}")
            for p, before in zip(model.parameters(), weights):
                assert torch.equal(p, before), "a broadcast must not take a step"


def check_training_goes_on_alike_after_a_broadcast_state() -> None:
    for make in MAKERS:
        model, optimizer = trained(make, rank_dependent=True)
        hvd.broadcast_parameters(model.state_dict(), root_rank=0)
        hvd.broadcast_optimizer_state(optimizer, root_rank=0)
        optimizer.zero_grad()
        loss_of(model, *data(5)).backward()
        optimizer.step()
        for p in model.parameters():
            assert torch.equal(hvd.broadcast(p.detach(), 0), p)


def check_optimizer_state_of_a_wrapped_optimizer() -> None:
    model = make_model()
    plain = torch.optim.Adam(model.parameters(), lr=0.1)
    optimizer = wrap(model, plain)
    assert_training_works(model, optimizer)
    optimizer.param_groups[0]["lr"] = 1.0 + hvd.rank()
    hvd.broadcast_optimizer_state(optimizer, root_rank=1)
    assert plain.param_groups[0]["lr"] == 2.0
    assert_training_works(model, optimizer)


def check_optimizers_that_do_not_fit_are_refused_without_a_hang() -> None:
    model = make_model()
    lbfgs = torch.optim.LBFGS(model.parameters())
    raises(ValueError, lambda: hvd.broadcast_optimizer_state(lbfgs, 0), "LBFGS")
    parameters = list(model.parameters())
    mine = torch.optim.SGD(parameters if hvd.rank() == 0 else parameters[:2], lr=0.1)
    if hvd.rank() == 0:
        hvd.broadcast_optimizer_state(mine, root_rank=0)
    else:
        raises(ValueError, lambda: hvd.broadcast_optimizer_state(mine, 0), "[4]", "[2]")


def check_loading_a_state_forgets_gradients_under_way() -> None:
    model = make_model()
    optimizer = wrap(model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))
    assert_training_works(model, optimizer)
    saved = copy.deepcopy(optimizer.state_dict())
    optimizer.load_state_dict(saved)
    assert_training_works(model, optimizer)
