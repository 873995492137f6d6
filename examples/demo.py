#!/usr/bin/env python3
"""Shows that training on two ranks follows training on one: runs 02_torch_digits.py twice.

One rank with batch 2 x B, then two ranks with batch B; then a table of loss per epoch side by side,
accuracy, speed, transport, and the largest difference between the trained weights. With --numpy it
runs 01_numpy_allreduce.py only, which needs no framework.

    python examples/demo.py            # what ./dev demo runs
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WEIGHT_DIFFERENCE_MAX = 1e-5
ACCURACY_MIN = 0.95


def find_hvdrun() -> str:
    """Returns the launcher: $HVDRUN, the one of the installed package, or the one on PATH."""
    if os.environ.get("HVDRUN"):
        return os.environ["HVDRUN"]
    import hvd

    packaged = Path(hvd.__file__).parent / "bin" / "hvdrun"
    found = str(packaged) if packaged.exists() else shutil.which("hvdrun")
    if found is None:
        sys.exit("demo: hvdrun was not found; set HVDRUN to its path or install hvd")
    return found


def run_ranks(rank_count: int, script: str, *options: str) -> None:
    """Runs an example under hvdrun; ends this program with its status if it fails."""
    command = [
        find_hvdrun(),
        "-np",
        str(rank_count),
        sys.executable,
        str(HERE / script),
        *options,
    ]
    print(
        f"$ hvdrun -np {rank_count} python examples/{script} {' '.join(options)}",
        flush=True,
    )
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        sys.exit(f"demo: {script} on {rank_count} ranks ended with status {status}")


def train(rank_count: int, batch: int, epochs: int, folder: Path) -> tuple[dict, dict]:
    """Trains the digits; returns the report and the weights."""
    import torch

    report, weights = folder / f"{rank_count}.json", folder / f"{rank_count}.pt"
    run_ranks(
        rank_count,
        "02_torch_digits.py",
        *("--batch", str(batch), "--epochs", str(epochs)),
        *("--report", str(report), "--save-weights", str(weights)),
    )
    return json.loads(report.read_text()), torch.load(weights)


def print_table(one: dict, two: dict, difference: float) -> None:
    """Prints the two runs side by side."""
    heads = [f"{r['size']} rank{'s' * (r['size'] > 1)} x batch {r['batch']}" for r in (one, two)]
    print(f"\n{'':14} {heads[0]:>22} {heads[1]:>22}")
    for epoch, losses in enumerate(zip(one["losses"], two["losses"]), 1):
        print(f"loss, epoch {epoch:2d} {losses[0]:22.6f} {losses[1]:22.6f}")
    print(f"{'test accuracy':14} {one['accuracy']:22.1%} {two['accuracy']:22.1%}")
    speeds = (one["samples_per_second"], two["samples_per_second"])
    print(f"{'samples/s':14} {speeds[0]:22,.0f} {speeds[1]:22,.0f}")
    print(f"{'':14} (compute threads per rank: {os.environ.get('OMP_NUM_THREADS', '1')})")
    print(f"transport on 2 ranks: {two['transport']}")
    follows = "they follow each other" if difference <= WEIGHT_DIFFERENCE_MAX else "THEY DIVERGE"
    limit = f"at most {WEIGHT_DIFFERENCE_MAX:.0e}"
    print(f"largest weight difference: {difference:.2e} ({limit}): {follows}")


def main() -> int:
    """Runs the demo; returns 0 if everything is as promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--numpy", action="store_true", help="without a framework")
    parser.add_argument("--batch", type=int, default=32, help="B: samples per rank on two ranks")
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    run_ranks(2, "01_numpy_allreduce.py")
    if args.numpy:
        return 0
    with tempfile.TemporaryDirectory(prefix="hvd-demo-") as folder:
        one, weights_one = train(1, 2 * args.batch, args.epochs, Path(folder))
        two, weights_two = train(2, args.batch, args.epochs, Path(folder))
    difference = max((weights_one[k] - weights_two[k]).abs().max().item() for k in weights_one)
    print_table(one, two, difference)
    good = difference <= WEIGHT_DIFFERENCE_MAX
    return 0 if good and min(one["accuracy"], two["accuracy"]) >= ACCURACY_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
