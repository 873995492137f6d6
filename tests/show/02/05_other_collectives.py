"""broadcast, allgather, reduce-scatter and alltoall by name, 2 ranks, against the best peer."""

import _rows
from _rows import KIB, MIB, Job, Ratios, size_name, time_name

OPS = ("broadcast", "allgather", "reduce_scatter", "alltoall")
JUDGED = (MIB, 4 * MIB, 16 * MIB)
OURS = "hvd-api"

jobs = [Job(op, 2, (64 * KIB, *JUDGED)) for op in OPS]
measured = _rows.measure(jobs, [OURS, "hvd-engine", *_rows.OTHERS])
figures, hit = [], not measured.wrong(OURS)
for op in OPS:
    worst = None
    for size in (64 * KIB, *JUDGED):
        where = {"op": op, "bytes": size}
        ahead = Ratios(measured.best(_rows.OTHERS, **where), measured.figures(OURS, **where))
        if not ahead:
            print(f"{op} {size_name(size)}: no figure: {measured.why_not(OURS, op)}")
            hit = False
            continue
        engine = measured.figures("hvd-engine", **where)
        beside = f", engine {time_name(measured.median('hvd-engine', **where))}" if engine else ""
        print(
            f"{op} {size_name(size)}: by name {time_name(measured.median(OURS, **where))}{beside}; "
            f"the best peer takes {ahead} times"
        )
        if size in JUDGED:
            worst = ahead.median if worst is None else min(worst, ahead.median)
            hit = hit and ahead.median > 1
    figures.append(f"{op} {worst:.2f}x" if worst is not None else f"{op} none")
_rows.verdict("best peer / hvd, worst size: " + ", ".join(figures), "> 1x from 1 to 16 MiB", hit)
