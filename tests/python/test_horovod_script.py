"""A training script as Horovod's users write them runs after one replacement."""

from __future__ import annotations

import pytest

from ranks import run_script

pytest.importorskip("torch")

SCRIPT = """
    import argparse
    import torch
    import torch.nn.functional as F
    from torch.utils.data import DataLoader, TensorDataset
    from torch.utils.data.distributed import DistributedSampler
    import horovod.torch as hvd

    parser = argparse.ArgumentParser()
    parser.add_argument("--fp16-allreduce", action="store_true")
    parser.add_argument("--use-adasum", action="store_true")
    parser.add_argument("--gradient-predivide-factor", type=float, default=1.0)
    args = parser.parse_args()

    hvd.init()
    torch.manual_seed(42 + hvd.rank())
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    points = torch.randn(512, 2, generator=random)
    data = TensorDataset(points, (points.prod(dim=1) > 0).long())
    sampler = DistributedSampler(data, num_replicas=hvd.size(), rank=hvd.rank())
    loader = DataLoader(data, batch_size=32, sampler=sampler, num_workers=1,
                        persistent_workers=True)

    model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    lr_scaler = hvd.size() if not args.use_adasum else 1
    if args.use_adasum and hvd.nccl_built():
        lr_scaler = hvd.local_size()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1 * lr_scaler, momentum=0.5)
    hvd.broadcast_parameters(model.state_dict(), root_rank=0)
    hvd.broadcast_optimizer_state(optimizer, root_rank=0)
    optimizer = hvd.DistributedOptimizer(
        optimizer,
        named_parameters=model.named_parameters(),
        compression=hvd.Compression.fp16 if args.fp16_allreduce else hvd.Compression.none,
        op=hvd.Adasum if args.use_adasum else hvd.Average,
        gradient_predivide_factor=args.gradient_predivide_factor,
    )

    def metric_average(value, name):
        return hvd.allreduce(torch.tensor(value), name=name).item()

    for epoch in range(15):
        model.train()
        sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = (model(points).argmax(1) == data.tensors[1]).float().mean().item()
        right = metric_average(right, "avg_accuracy")
    assert right > 0.9, right
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    gathered = hvd.allgather(weights.unsqueeze(0))
    assert all(torch.equal(row, gathered[0]) for row in gathered)
    best = hvd.broadcast_object({"epoch": epoch} if hvd.rank() == 0 else None, root_rank=0)
    assert best == {"epoch": 14}
"""


@pytest.mark.parametrize(
    "options",
    [[], ["--fp16-allreduce"], ["--use-adasum"], ["--gradient-predivide-factor", "2.0"]],
)
def test_it_trains_on_two_ranks(options: list[str]) -> None:
    finished = run_script(2, SCRIPT.replace("horovod", "hvd"), *options)
    assert finished == (0, ""), finished.output
