"""One rank: init, barrier, shutdown 200 times in one process; rank 0 reports what it left."""

import json
import os
import time

import hvd.numpy as hvd

CYCLES, WARM_UP = 200, 20


def resident_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def state() -> dict:
    return {
        "resident_kib": resident_kib(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
    }


def cycle() -> int:
    hvd.init()
    rank = hvd.rank()
    hvd.barrier()
    hvd.shutdown()
    return rank


for _ in range(WARM_UP):
    cycle()
before = state()
start = time.perf_counter()
for _ in range(CYCLES):
    rank = cycle()
took_ms = (time.perf_counter() - start) / CYCLES * 1e3
after = state()
print("REPORT " + json.dumps({"rank": rank, "before": before, "after": after, "ms": took_ms}))
