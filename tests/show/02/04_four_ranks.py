"""allreduce of 8 B to 64 MiB, 4 ranks on the machine's cores, engine against the floor peer."""

import os

import _rows
from _rows import KIB, MIB, Job

LARGE = (64 * KIB, MIB, 16 * MIB, 64 * MIB)

print(f"{len(os.sched_getaffinity(0))} cores")
measured = _rows.measure([Job("allreduce", 4, (8, *LARGE))], ["hvd-engine", "floor"])
cases = [({"op": "allreduce", "bytes": 8}, 1.5)]
cases += [({"op": "allreduce", "bytes": size}, 1.1) for size in LARGE]
_rows.judge_against(measured, "hvd-engine", "floor", cases)
