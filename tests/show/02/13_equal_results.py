"""Bitwise equal results on all ranks: every op x dtype x p <= 8 x transport, random bits.

Each job submits in an order of each rank's own. Then twice more with HVD_DETERMINISTIC=1, in other
orders and with other pauses: the results of the two are the same bits. Without it they need not be:
how many were is said too, for a repeat that could not differ would prove nothing.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import _rows

RANKS = (2, 3, 5) if _rows.QUICK else (1, 2, 3, 4, 5, 6, 7, 8)
SIZES = "16,4096,100000" if _rows.QUICK else "16,4096,100000,1100000"
REPEATED_SIZES = "16,4096,100000"  # fused, they are of all lengths up to some MiB
TRANSPORTS = ("shm", "arena", "tcp", "mixed")
RANK_PROGRAM = str(pathlib.Path(__file__).with_name("_equal_rank.py"))
TARGET = "equal everywhere, and from run to run"


def job(rank_count, transport, sizes, seed, **settings):
    """(report, text of the failure)"""
    launcher = os.environ.get("HVDRUN", "hvdrun")
    command = [launcher, "-np", str(rank_count), "--log-level", "error", sys.executable]
    done = subprocess.run(
        [*command, RANK_PROGRAM, transport, sizes, str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **settings},
    )
    for line in done.stdout.splitlines():
        if "REPORT " in line and done.returncode == 0:
            return json.loads(line.split("REPORT ", 1)[1]), ""
    return None, (done.stdout + done.stderr).strip()[-600:]


def repeat(rank_count, transport, **settings):
    """Whether two runs are alike, and why not."""
    digests = set()
    for seed in (1, 2):
        report, failure = job(rank_count, transport, REPEATED_SIZES, seed, **settings)
        if report is None:
            return False, failure
        digests.add(report["digest"])
    return len(digests) == 1, "the results differ"


runs, failures, cases, refused = 0, [], 0, {}
repeated, differing = 0, []
start = time.monotonic()
for transport in TRANSPORTS:
    for rank_count in RANKS:
        where = f"p {rank_count} over {transport}"
        report, failure = job(rank_count, transport, SIZES, 0)
        runs += 1
        if report is None:
            failures.append(where)
            print(f"{where}: {failure}", flush=True)
            continue
        cases += report["cases"]
        refused.update(report["refused"])
        alike, why = repeat(rank_count, transport, HVD_DETERMINISTIC="1")
        repeated += 1
        if not alike:
            differing.append(where)
        again = "the same again" if alike else why
        print(
            f"{where}: {report['cases']} results equal on all ranks; "
            f"with HVD_DETERMINISTIC=1 {again}",
            flush=True,
        )
for op, dtypes in refused.items():
    print(f"refused at the call: {op} of {' '.join(dtypes)}")
free = sum(repeat(5, transport)[0] for transport in TRANSPORTS)
print(f"without HVD_DETERMINISTIC, {free} of {len(TRANSPORTS)} transports gave the same bits again")
print(f"{time.monotonic() - start:.0f} s")
_rows.verdict(
    f"{runs - len(failures)} of {runs} jobs equal, {cases} results; "
    f"{repeated - len(differing)} of {repeated} repeated alike",
    TARGET,
    not failures and not differing,
)
