"""What Horovod's users rely on: names, order and defaults of arguments; types next to the code."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import hvd.torch as hvd  # noqa: E402
from hvd import _core  # noqa: E402

# Horovod 0.28.1, name by name; process_set is the last one of nearly all.
SIGNATURES = {
    "allreduce": "tensor average=None name=None compression op=None prescale_factor=1.0 "
    "postscale_factor=1.0 process_set",
    "allreduce_": "tensor average=None name=None op=None prescale_factor=1.0 "
    "postscale_factor=1.0 process_set",
    "allgather": "tensor name=None process_set",
    "broadcast": "tensor root_rank name=None process_set",
    "alltoall": "tensor splits=None name=None process_set",
    "reducescatter": "tensor name=None compression op=0 process_set prescale_factor=1.0 "
    "postscale_factor=1.0",
    "reducescatter_async": "tensor name=None op=0 process_set prescale_factor=1.0 "
    "postscale_factor=1.0",
    "grouped_allreduce": "tensors average=None name=None compression op=None prescale_factor=1.0 "
    "postscale_factor=1.0 process_set",
    "grouped_allreduce_": "tensors average=None name=None op=None prescale_factor=1.0 "
    "postscale_factor=1.0 process_set",
    "grouped_allgather": "tensors name=None process_set",
    "grouped_reducescatter": "tensors name=None compression op=0 process_set prescale_factor=1.0 "
    "postscale_factor=1.0",
    "grouped_reducescatter_async": "tensors name=None op=0 process_set prescale_factor=1.0 "
    "postscale_factor=1.0",
    "barrier": "process_set",
    "poll": "handle",
    "synchronize": "handle",
    "init": "comm=None process_sets=None",
    "broadcast_parameters": "params root_rank",
    "broadcast_optimizer_state": "optimizer root_rank model=None",
    "broadcast_object": "obj root_rank=0 name=None process_set",
    "allgather_object": "obj name=None",
    "DistributedOptimizer": "optimizer named_parameters=None compression "
    "backward_passes_per_step=1 op=0 gradient_predivide_factor=1.0 num_groups=0 groups=None "
    "sparse_as_dense=False process_set",
}
SIGNATURES["allreduce_async"] = SIGNATURES["allreduce_async_"] = SIGNATURES["allreduce_"]
for _name in ("grouped_allreduce_async", "grouped_allreduce_async_"):
    SIGNATURES[_name] = SIGNATURES["grouped_allreduce_"]
SIGNATURES["allgather_async"] = SIGNATURES["allgather"]
SIGNATURES["grouped_allgather_async"] = SIGNATURES["grouped_allgather"]
SIGNATURES["alltoall_async"] = SIGNATURES["alltoall"]
for _name in ("broadcast_", "broadcast_async", "broadcast_async_"):
    SIGNATURES[_name] = SIGNATURES["broadcast"]
OBJECTS = {"compression": hvd.Compression.none, "process_set": hvd.global_process_set}


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_arguments_are_horovods(name: str) -> None:
    words = []
    for parameter in inspect.signature(getattr(hvd, name)).parameters.values():
        if parameter.name in OBJECTS:
            assert parameter.default is OBJECTS[parameter.name]
            words.append(parameter.name)
        elif parameter.default is inspect.Parameter.empty:
            words.append(parameter.name)
        else:
            words.append(f"{parameter.name}={parameter.default!r}")
    assert " ".join(words) == SIGNATURES[name]


def test_operations_have_horovods_numbers() -> None:
    numbers = [hvd.Average, hvd.Sum, hvd.Adasum, hvd.Min, hvd.Max, hvd.Product]
    assert numbers == [0, 1, 2, 3, 4, 5]


def test_every_public_name_exists_and_is_documented() -> None:
    for name in hvd.__all__:
        assert getattr(hvd, name, None) is not None or name == "Average"
        if inspect.isfunction(getattr(hvd, name)):
            assert getattr(hvd, name).__doc__, name


def test_the_types_of_core_name_what_is_there() -> None:
    tree = ast.parse((Path(hvd.__file__).parents[1] / "_core.pyi").read_text())
    declared = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    there = {name for name in dir(_core) if not name.startswith("_")}
    assert set(declared) == there
    methods = {n.name for n in declared["Handle"].body if isinstance(n, ast.FunctionDef)}
    assert methods | {"output"} == {n for n in dir(_core.Handle) if not n.startswith("_")}
