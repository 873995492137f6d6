#!/usr/bin/env python3
"""Sums arrays over all ranks with NumPy alone, checks the result, and measures a few things.

hvdrun -np 2 python examples/01_numpy_allreduce.py
hvdrun -np 4 python examples/01_numpy_allreduce.py --bytes 8 --iterations 1000
hvdrun -np 4 python examples/01_numpy_allreduce.py --idle-seconds 10
hvdrun -np 4 python examples/01_numpy_allreduce.py --late-rank-ms 100 --steps 50
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

import hvd.numpy as hvd


def check_sum(byte_count: int) -> bool:
    """Sums arrays that everybody can foresee; returns whether every rank got the right bits."""
    count = max(1, byte_count // 4)
    index = np.arange(count, dtype=np.float32) % 1000
    mine = index + hvd.rank()
    total = hvd.allreduce(mine, name="check", op=hvd.Sum)
    expected = index * hvd.size() + sum(range(hvd.size()))  # whole numbers: exact in float32
    wrong = np.array([np.count_nonzero(total != expected)])
    return hvd.allreduce(wrong, name="wrong", op=hvd.Sum)[0] == 0


def measure_latency(byte_count: int, iteration_count: int) -> dict[str, float]:
    """Times blocking allreduces in place; returns this rank's median and p99 in microseconds."""
    data = np.ones(max(1, byte_count // 4), dtype=np.float32)
    for _ in range(max(5, iteration_count // 10)):
        hvd.allreduce(data, name="latency", op=hvd.Max, out=data)
    hvd.barrier()
    times_us = np.empty(iteration_count)
    for i in range(iteration_count):
        start = time.perf_counter()
        hvd.allreduce(data, name="latency", op=hvd.Max, out=data)
        times_us[i] = (time.perf_counter() - start) * 1e6
    return {
        "median_us": float(np.median(times_us)),
        "p99_us": float(np.percentile(times_us, 99)),
    }


def measure_idle(seconds: float) -> float:
    """Does nothing; returns the CPU seconds that all ranks together spent on it."""
    hvd.barrier()
    start = time.process_time()
    time.sleep(seconds)
    spent = np.array([time.process_time() - start])
    return float(hvd.allreduce(spent, name="idle", op=hvd.Sum)[0])


def measure_late_rank(late_ms: float, step_count: int) -> float:
    """The last rank comes late to every step; returns the share of a core that a waiting one uses.

    It is the largest of the waiting ranks.
    """
    late = hvd.rank() == hvd.size() - 1
    data = np.ones(2, dtype=np.float32)
    hvd.barrier()
    start_cpu, start = time.process_time(), time.perf_counter()
    for _ in range(step_count):
        if late:
            time.sleep(late_ms / 1000)
        hvd.allreduce(data, name="late", op=hvd.Sum)
    share = (time.process_time() - start_cpu) / (time.perf_counter() - start)
    shares = hvd.allgather(np.array([share]), name="shares")
    return float(shares[:-1].max()) if hvd.size() > 1 else share


def main() -> int:
    """Runs the check and what was asked for; rank 0 reports. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=int, nargs="+", default=[8, 65536, 1 << 20])
    parser.add_argument("--iterations", type=int, default=100, help="0: no measurement")
    parser.add_argument("--idle-seconds", type=float, default=0)
    parser.add_argument("--late-rank-ms", type=float, default=0)
    parser.add_argument("--steps", type=int, default=50, help="of --late-rank-ms")
    parser.add_argument("--report", type=Path, help="rank 0 writes figures here, as JSON")
    args = parser.parse_args()

    hvd.init()
    report: dict = {"size": hvd.size(), "right": True, "latency": {}}
    say = print if hvd.rank() == 0 else lambda *_: None
    for byte_count in args.bytes:
        right = check_sum(byte_count)
        report["right"] = report["right"] and bool(right)
        line = f"{hvd.size()} ranks, {byte_count} bytes: {'right' if right else 'WRONG'} result"
        if args.iterations > 0:
            figures = measure_latency(byte_count, args.iterations)
            report["latency"][str(byte_count)] = figures
            line += f", median {figures['median_us']:.1f} us, p99 {figures['p99_us']:.1f} us"
        say(line)
    if args.idle_seconds > 0:
        report["idle_cpu_seconds"] = measure_idle(args.idle_seconds)
        say(f"{args.idle_seconds:g} s idle: {report['idle_cpu_seconds']:.4f} CPU s in all ranks")
    if args.late_rank_ms > 0:
        report["waiting_core_share"] = measure_late_rank(args.late_rank_ms, args.steps)
        say(
            f"waiting {args.late_rank_ms:g} ms in each of {args.steps} steps: at most "
            f"{report['waiting_core_share']:.2%} of a core"
        )
    if args.report and hvd.rank() == 0:
        args.report.write_text(json.dumps(report))
    return 0 if report["right"] else 1


if __name__ == "__main__":
    sys.exit(main())
