#!/usr/bin/env python3
"""torch.distributed with the gloo backend as a peer: the Python twin of bench.h."""

import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.distributed as dist


class UnsupportedError(Exception):
    pass


RANK, SIZE = int(os.environ["HVD_BENCH_RANK"]), int(os.environ["HVD_BENCH_SIZE"])


def max_over_ranks(values):
    tensor = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
    return tensor.tolist()


def pattern(rank, count, first=0):
    index = np.arange(first, first + count, dtype=np.uint32)
    values = (index * np.uint32(7) + np.uint32(rank * 131)) % np.uint32(61)
    return torch.from_numpy(values.astype(np.float32))


def summed(count, first=0):
    return sum(pattern(r, count, first) for r in range(SIZE))


def now_us():
    return time.perf_counter() * 1e6


def measure(options, body):
    """Sorted samples, and calls per sample; the method is bench.h's."""
    per_call = 0.0
    for calls in (1, 4, 64):
        dist.barrier()
        start = now_us()
        for i in range(calls):
            body(i)
        per_call = max(0.05, max_over_ranks([(now_us() - start) / calls])[0])
        if per_call * calls > 2000:
            break
    inner = int(min(max(100 / per_call, 1), 1000))
    least = 3 if per_call > 5e5 else 5
    most = max(least, int(options.get("iters", 1000)))
    reps = int(
        min(max(float(options.get("budget-ms", 200)) * 1e3 / (per_call * inner), least), most)
    )
    samples, call = [], 0
    for _ in range(reps):
        dist.barrier()
        start = now_us()
        for _ in range(inner):
            body(call)
            call += 1
        samples.append((now_us() - start) / inner)
    return sorted(max_over_ranks(samples)), inner


def quantile(samples, q):
    return samples[max(0, math.ceil(q * len(samples)) - 1)]


def report(op, size, checked, samples, inner, **more):
    everywhere = max_over_ranks([0.0 if checked else 1.0])[0] == 0
    if RANK == 0:
        line = {
            "op": op,
            "bytes": size,
            "dtype": "f32",
            "np": SIZE,
            "iters": len(samples),
            "inner": inner,
            "min_us": samples[0],
            "p50_us": quantile(samples, 0.5),
            "p99_us": quantile(samples, 0.99),
            "mean_us": sum(samples) / len(samples),
            "checked": everywhere,
            **more,
        }
        print(json.dumps(line), flush=True)


def run_collective(op, size, options):
    total = max(1, size // 4)
    block = max(1, total // SIZE)
    counts = {
        "allreduce": (total, 0),
        "broadcast": (total, 0),
        "allgather": (block, block * SIZE),
        "alltoall": (block * SIZE, block * SIZE),
    }
    if op not in counts:
        raise UnsupportedError(op)
    source, target = (torch.zeros(n) for n in counts[op])
    parts = list(target.split(block)) if op == "allgather" else []

    def call(i):
        if op == "allreduce":
            dist.all_reduce(source)
        elif op == "broadcast":
            dist.broadcast(source, i % SIZE)
        elif op == "allgather":
            dist.all_gather(parts, source)
        else:
            dist.all_to_all_single(target, source)

    def correct():
        source.copy_(pattern(RANK, len(source)))
        target.zero_()
        call(SIZE - 1)
        if op == "allreduce":
            return torch.equal(source, summed(total))
        if op == "broadcast":
            return torch.equal(source, pattern(SIZE - 1, total))
        first = 0 if op == "allgather" else RANK * block
        return all(
            torch.equal(part, pattern(r, block, first))
            for r, part in enumerate(target.split(block))
        )

    checked = correct()
    source.zero_()
    timing = measure(options, call)
    report(op, size, correct() and checked, *timing)


def run_overlap(size, options):
    second = dist.new_group()
    big_bytes = int(options.get("big-bytes", 64 << 20))
    small, big = torch.zeros(max(1, size // 4)), torch.zeros(big_bytes // 4)
    alone, _ = measure(options, lambda _: dist.all_reduce(small))
    big_alone, _ = measure(options, lambda _: dist.all_reduce(big, group=second))
    during, big_during, checked = [], [], True
    big.copy_(pattern(RANK, len(big)))
    for round_number in range(len(big_alone)):
        dist.barrier()
        start = now_us()
        work = dist.all_reduce(big, group=second, async_op=True)
        vote, calls = 0, 0
        while vote < SIZE:
            small.zero_()
            small[0] = float(work.is_completed() or calls >= 5000)
            calls += 1
            begin = now_us()
            dist.all_reduce(small)
            during.append(now_us() - begin)
            vote = small[0].item()
        work.wait()
        big_during.append(now_us() - start)
        if round_number == 0:
            checked = torch.equal(big, summed(len(big)))
        big.zero_()
    big_during = sorted(max_over_ranks(big_during))
    report(
        "overlap",
        size,
        checked,
        sorted(max_over_ranks(during)),
        1,
        big_bytes=big_bytes,
        alone_p50_us=quantile(alone, 0.5),
        big_p50_us=quantile(big_during, 0.5),
        big_alone_p50_us=quantile(big_alone, 0.5),
    )


def run_step(op, options):
    with open(options["tensors"], encoding="ascii") as file:
        counts = [int(line) for line in file]
    tensors = [torch.zeros(n) for n in counts]
    capacity = int(options.get("bucket-bytes", 64 << 20)) // 4
    staging = torch.zeros(capacity)
    plan, used = [], capacity + 1  # per bucket: (view of staging, tensor) pairs
    for tensor in tensors:
        if used + len(tensor) > capacity:
            plan.append([])
            used = 0
        plan[-1].append((staging[used : used + len(tensor)], tensor))
        used += len(tensor)

    def fused():
        for bucket in plan:
            if len(bucket) == 1:
                dist.all_reduce(bucket[0][1])
                continue
            for view, tensor in bucket:
                view.copy_(tensor)
            dist.all_reduce(staging[: sum(len(view) for view, _ in bucket)])
            for view, tensor in bucket:
                tensor.copy_(view)

    def each():
        for tensor in tensors:
            dist.all_reduce(tensor)

    def listed():
        for work in [dist.all_reduce(tensor, async_op=True) for tensor in tensors]:
            work.wait()

    step = {"step-each": each, "step-fused": fused, "step-list": listed}[op]

    def correct():
        for i, tensor in enumerate(tensors):
            tensor.copy_(pattern(RANK, len(tensor), i))
        step()
        return all(torch.equal(t, summed(len(t), i)) for i, t in enumerate(tensors))

    checked = correct()
    for tensor in tensors:
        tensor.zero_()
    timing = measure(options, lambda _: step())
    report(op, 4 * sum(counts), correct() and checked, *timing)


def main():
    words = sys.argv[1:]
    options = {name[2:]: value for name, value in zip(words[::2], words[1::2])}
    op = options.get("op", "allreduce")
    os.environ["GLOO_SOCKET_IFNAME"] = os.environ.get("HVD_BENCH_INTERFACE", "lo")
    torch.set_num_threads(1)
    store = dist.FileStore(os.path.join(os.environ["HVD_BENCH_STORE"], "torch"), SIZE)
    dist.init_process_group("gloo", store=store, rank=RANK, world_size=SIZE)
    try:
        if options.get("dtype", "f32") != "f32":
            raise UnsupportedError("dtype")
        if op.startswith("step-"):
            run_step(op, options)
        else:
            for size in options["bytes"].split(","):
                if op == "overlap":
                    run_overlap(int(size), options)
                else:
                    run_collective(op, int(size), options)
    except UnsupportedError as missing:
        if RANK == 0:
            print(json.dumps({"op": op, "skip": str(missing)}), flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
