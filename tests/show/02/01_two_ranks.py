"""allreduce of 64 KiB to 64 MiB, 2 ranks, straight into the engine, against the floor peer."""

import _rows
from _rows import KIB, MIB, Job

SIZES = (64 * KIB, MIB, 16 * MIB, 64 * MIB)

measured = _rows.measure([Job("allreduce", 2, SIZES)], ["hvd-engine", "floor", *_rows.OTHERS])
cases = [({"op": "allreduce", "bytes": size}, 1.1) for size in SIZES]
_rows.say_peers(measured, "hvd-engine", cases)
_rows.judge_against(measured, "hvd-engine", "floor", cases)
