"""Bitwise equal results on all ranks: every op x dtype x p <= 8 x transport, random bits.

Then the same run again with HVD_DETERMINISTIC=1: the results of the two runs are the same bits.
"""

import json
import os
import pathlib
import subprocess
import sys

import _rows

RANKS = (2, 3, 5) if _rows.QUICK else (1, 2, 3, 4, 5, 6, 7, 8)
SIZES = "16,4096,100000" if _rows.QUICK else "16,4096,100000,1100000"
TRANSPORTS = ("shm", "tcp", "mixed")
RANK_PROGRAM = str(pathlib.Path(__file__).with_name("_equal_rank.py"))
TARGET = "equal everywhere, and from run to run"


def job(rank_count, transport, **settings):
    """(report, text of the failure)"""
    launcher = os.environ.get("HVDRUN", "hvdrun")
    command = [launcher, "-np", str(rank_count), "--log-level", "error", sys.executable]
    done = subprocess.run(
        [*command, RANK_PROGRAM, transport, SIZES],
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


def has_deterministic_setting():
    text = (_rows.ROOT / "core" / "config" / "settings_table.cc").read_text()
    return '"HVD_DETERMINISTIC"' in text


runs, failures, cases, refused = 0, [], 0, {}
repeated, differing = 0, []
deterministic = has_deterministic_setting()
for transport in TRANSPORTS:
    for rank_count in RANKS:
        where = f"p {rank_count} over {transport}"
        report, failure = job(rank_count, transport)
        runs += 1
        if report is None:
            failures.append(where)
            print(f"{where}: {failure}", flush=True)
            continue
        cases += report["cases"]
        refused.update(report["refused"])
        print(f"{where}: {report['cases']} results equal on all ranks", flush=True)
        if deterministic:
            both = [job(rank_count, transport, HVD_DETERMINISTIC="1")[0] for _ in range(2)]
            repeated += 1
            if None in both or both[0]["digest"] != both[1]["digest"]:
                differing.append(where)
                print(f"{where}: two runs with HVD_DETERMINISTIC=1 differ", flush=True)
for op, dtypes in refused.items():
    print(f"refused at the call: {op} of {' '.join(dtypes)}")
if not deterministic:
    print("there is no setting HVD_DETERMINISTIC, so run to run was not compared")
repeats = (
    f"{repeated - len(differing)} of {repeated} repeated alike" if deterministic else "no repeats"
)
_rows.verdict(
    f"{runs - len(failures)} of {runs} jobs equal, {cases} results; {repeats}",
    TARGET,
    not failures and deterministic and not differing,
)
