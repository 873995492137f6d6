"""Blocking allreduces of 1 KiB by name while one of 64 MiB is in flight, 2 ranks."""

import _rows
from _rows import KIB, MIB, Job, Ratios, time_name

OURS, SMALL_US_MAX, SLOWED_MAX = "hvd-api", 50.0, 1.1

job = Job("overlap", 2, (KIB,), big=64 * MIB)
measured = _rows.measure([job], [OURS, "hvd-engine", *_rows.OTHERS])
for peer in (OURS, "hvd-engine", *_rows.OTHERS):
    if measured.figures(peer, op="overlap"):
        keys = ("alone_p50_us", "p50_us", "p99_us", "big_alone_p50_us", "big_p50_us")
        times = [time_name(measured.median(peer, key, op="overlap")) for key in keys]
        print(
            "{}: small alone {}, beside p50 {}, p99 {}; big alone {}, beside {}".format(
                peer, *times
            )
        )
small = measured.figures(OURS, op="overlap")
if not small:
    _rows.verdict(f"no figure: {measured.why_not(OURS, 'overlap')}", "<= 50 us; <= 1.1x", False)
slowed = Ratios(
    measured.figures(OURS, "big_p50_us", op="overlap"),
    measured.figures(OURS, "big_alone_p50_us", op="overlap"),
)
p50 = measured.median(OURS, op="overlap")
hit = p50 <= SMALL_US_MAX and slowed.median <= SLOWED_MAX and not measured.wrong(OURS)
_rows.verdict(f"p50 {time_name(p50)}; the big one takes {slowed} times", "<= 50 us; <= 1.1x", hit)
