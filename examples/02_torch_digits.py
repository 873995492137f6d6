#!/usr/bin/env python3
"""Trains a small network on real handwritten digits, on any number of ranks.

The data are the 1,797 digits that scikit-learn ships: nothing is downloaded. Every rank takes its
share of each global batch; hvd averages the gradients, so that N ranks with batch B learn what one
rank learns with batch N * B.

    hvdrun -np 2 python examples/02_torch_digits.py
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

import hvd.torch as hvd


def load_data(seed: int) -> tuple[TensorDataset, TensorDataset]:
    """Returns 1,437 digits to learn and 360 to test with: 64 grey values in 0 … 1 and the digit."""
    images, digits = load_digits(return_X_y=True)
    parts = train_test_split(
        torch.tensor(images / 16.0, dtype=torch.float32),
        torch.tensor(digits),
        test_size=360,
        random_state=seed,
        stratify=digits,
    )
    return TensorDataset(parts[0], parts[2]), TensorDataset(parts[1], parts[3])


def make_model() -> torch.nn.Module:
    """Returns a multi-layer perceptron for 8 x 8 pixels."""
    return torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))


def train_epoch(model: torch.nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader):
    """Takes one step per batch; returns the mean loss over all ranks and the samples seen here."""
    model.train()
    loss_sum, batch_count, sample_count = 0.0, 0, 0
    for pixels, digits in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(pixels), digits)
        loss.backward()  # each gradient starts to travel as soon as it is computed
        optimizer.step()  # waits for them
        loss_sum += loss.item()
        batch_count += 1
        sample_count += len(digits)
    mean = hvd.allreduce(torch.tensor(loss_sum / batch_count, dtype=torch.float64), name="loss")
    return mean.item(), sample_count


def accuracy(model: torch.nn.Module, data: TensorDataset) -> float:
    """Every rank tests its share; returns the part of all digits that was recognised."""
    model.eval()
    pixels, digits = (part[hvd.rank() :: hvd.size()] for part in data.tensors)
    with torch.no_grad():
        right = (model(pixels).argmax(dim=1) == digits).sum()
    return hvd.allreduce(right, name="right", op=hvd.Sum).item() / len(data)


def main() -> None:
    """Trains, reports from rank 0, saves what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32, help="samples per rank and step")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-weights", type=Path, help="rank 0 writes the trained weights here")
    parser.add_argument("--report", type=Path, help="rank 0 writes figures here, as JSON")
    args = parser.parse_args()

    hvd.init()
    torch.manual_seed(args.seed)
    train, test = load_data(args.seed)
    # Shuffles alike on all ranks and deals the samples out; all ranks take equally many steps.
    sampler = DistributedSampler(
        train, num_replicas=hvd.size(), rank=hvd.rank(), seed=args.seed, drop_last=True
    )
    loader = DataLoader(train, batch_size=args.batch, sampler=sampler, drop_last=True)

    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.learning_rate, momentum=0.9)
    hvd.broadcast_parameters(model.state_dict(), root_rank=0)
    hvd.broadcast_optimizer_state(optimizer, root_rank=0)
    optimizer = hvd.DistributedOptimizer(optimizer, named_parameters=model.named_parameters())

    losses, sample_count, train_seconds = [], 0, 0.0
    for epoch in range(args.epochs):
        sampler.set_epoch(epoch)
        start = time.perf_counter()
        loss, samples = train_epoch(model, optimizer, loader)
        if epoch > 0:  # in the first one torch still loads parts of itself
            train_seconds += time.perf_counter() - start
            sample_count += samples * hvd.size()
        losses.append(loss)
        right = accuracy(model, test)
        if hvd.rank() == 0:
            print(
                f"epoch {epoch + 1:2d}: loss {loss:.4f}, test accuracy {right:.1%}",
                flush=True,
            )

    if hvd.rank() == 0:
        speed = sample_count / train_seconds if train_seconds else 0.0
        transport = hvd.info()["data_plane"]  # what carries the tensors, and why
        ranks = "1 rank" if hvd.size() == 1 else f"{hvd.size()} ranks"
        print(
            f"{ranks} x batch {args.batch}: test accuracy {right:.1%}, "
            f"{speed:,.0f} samples/s, transport: {transport}"
        )
        if args.save_weights:
            torch.save(model.state_dict(), args.save_weights)
        if args.report:
            report = {
                "size": hvd.size(),
                "batch": args.batch,
                "losses": losses,
                "accuracy": right,
                "samples_per_second": speed,
                "transport": transport,
            }
            args.report.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
