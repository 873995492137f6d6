"""The same with the tensors in hvd's arena, against the floor peer's arena."""

import _rows
from _rows import KIB, MIB, Job

SIZES = (64 * KIB, MIB, 16 * MIB, 64 * MIB)

measured = _rows.measure([Job("allreduce", 2, SIZES)], ["hvd-arena", "floor-arena"])
cases = [({"op": "allreduce", "bytes": size}, 1.1) for size in SIZES]
_rows.judge_against(measured, "hvd-arena", "floor-arena", cases)
