"""allreduce of 8 B to 4 KiB, 2 ranks: the engine against the floor, and by name in microseconds."""

import _rows
from _rows import KIB, Job, size_name, time_name

SIZES = (8, 64, 512, 4 * KIB)
API_US_MAX, FLOORS_MAX = 10.0, 2.0

measured = _rows.measure([Job("allreduce", 2, SIZES)], ["hvd-engine", "hvd-api", "floor"])
figures, hit = [], not (measured.wrong("hvd-engine") or measured.wrong("hvd-api"))
for size in SIZES:
    where = {"op": "allreduce", "bytes": size}
    ratios = measured.ratios("hvd-engine", "floor", **where)
    by_name = measured.figures("hvd-api", **where)
    if not ratios or not by_name:
        missing = "hvd-engine" if not ratios else "hvd-api"
        print(f"{size_name(size)}: no figure: {measured.why_not(missing, 'allreduce')}")
        hit = False
        continue
    engine, api = measured.median("hvd-engine", **where), measured.median("hvd-api", **where)
    print(
        f"{size_name(size)}: engine {time_name(engine)}, {ratios} times the floor; "
        f"by name {time_name(api)}"
    )
    figures.append(f"{size_name(size)} {ratios.median:.1f}x, {time_name(api)}")
    hit = hit and ratios.median <= FLOORS_MAX and api <= API_US_MAX
_rows.verdict("; ".join(figures), "engine <= 2x floor; by name <= 10 us", hit)
