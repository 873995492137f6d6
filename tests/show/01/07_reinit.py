"""init, barrier, shutdown 200 times in one process, 2 ranks: leaks and milliseconds."""

import json
import pathlib

import _job

# 200 cycles: less than half a page each is the allocator's, not ours.
KIB_MAX = 400

done = _job.python_job(2, str(pathlib.Path(__file__).with_name("_reinit_rank.py")))
rows = [
    json.loads(line.split("REPORT ", 1)[1])
    for line in done.stdout.splitlines()
    if "REPORT " in line
]
leaks = {"resident_kib": 0, "descriptors": 0, "threads": 0}
for row in rows:
    print(row)
    for what in leaks:
        leaks[what] = max(leaks[what], row["after"][what] - row["before"][what])
slowest = max(row["ms"] for row in rows)
clean = leaks["descriptors"] <= 0 and leaks["threads"] <= 0 and leaks["resident_kib"] <= KIB_MAX
_job.verdict(
    f"{slowest:.1f} ms a cycle; grew by {leaks['resident_kib']} KiB, "
    f"{leaks['descriptors']} descriptors, {leaks['threads']} threads",
    f"< 50 ms; <= {KIB_MAX} KiB, 0, 0",
    len(rows) == 2 and clean and slowest < 50,
)
