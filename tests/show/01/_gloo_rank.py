"""One rank: allreduces through hvd.numpy and torch.distributed's gloo in turns; rank 0 reports."""

import json
import statistics
import sys
import time

import numpy as np
import torch
import torch.distributed as dist

import hvd.numpy as hvd

SIZES = {8: 100, 64 << 10: 50, 1 << 20: 20, 16 << 20: 4}
ROUNDS = 21


def seconds_per_call(call, iteration_count: int) -> float:
    """The slowest rank's mean over back-to-back calls after a barrier."""
    hvd.barrier()
    start = time.perf_counter()
    for _ in range(iteration_count):
        call()
    mean = np.array([(time.perf_counter() - start) / iteration_count])
    return float(hvd.allreduce(mean, op=hvd.Max)[0])


def compare(byte_count: int, iteration_count: int) -> dict:
    data = np.zeros(max(1, byte_count // 4), dtype=np.float32)
    tensor = torch.zeros(max(1, byte_count // 4), dtype=torch.float32)
    calls = [
        lambda: hvd.allreduce(data, name="x", op=hvd.Sum, out=data),
        lambda: dist.all_reduce(tensor),
    ]
    for call in calls:
        seconds_per_call(call, 5)
    pairs = []
    for turn in range(ROUNDS):
        order = [0, 1] if turn % 2 == 0 else [1, 0]
        took = [0.0, 0.0]
        for which in order:
            took[which] = seconds_per_call(calls[which], iteration_count)
        pairs.append(took)
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    return {
        "bytes": byte_count,
        "hvd_us": statistics.median(p[0] for p in pairs) * 1e6,
        "gloo_us": statistics.median(p[1] for p in pairs) * 1e6,
        "ratio": statistics.median(ratios),
        # Order statistics that hold the median with 95 % for 21 rounds.
        "interval": [ratios[5], ratios[15]],
    }


torch.set_num_threads(1)
hvd.init()
dist.init_process_group(
    "gloo", init_method=f"file://{sys.argv[1]}", rank=hvd.rank(), world_size=hvd.size()
)
rows = [compare(size, count) for size, count in SIZES.items()]
if hvd.rank() == 0:
    print("REPORT " + json.dumps(rows))
dist.destroy_process_group()
