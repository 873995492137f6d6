"""What a warm allreduce costs: heap allocations, contended locks, system calls; 2 ranks.

The engine is judged: its schedules are the data path. By name is said beside it, where negotiating
with rank 0 sends messages. Waiting never reaches its limit here: spins are set as high as they go.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import _rows

PROGRAM = pathlib.Path(
    os.environ.get("HVD_BENCH_STEADY", _rows.ROOT / "build/tests/bench/steady_state")
)
SIZES = "8,4096,65536,1048576"
CALLS = 2000 if _rows.QUICK else 10000
LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)")


def run(door, sizes, *prefix):
    options = ["--door", door, "--np", "2", "--bytes", sizes, "--calls", str(CALLS)]
    settings = {"HVD_BENCH_PIN": "1", "HVD_SPIN_MICROSECONDS": "1000000"}
    done = subprocess.run(
        [*prefix, str(PROGRAM), *options, "--spins", str(1 << 30)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, **settings},
    )
    if done.returncode != 0:
        _rows.verdict(f"steady_state: {done.stderr.strip()[-200:]}", "0, 0, 0", False)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def calls_in_between(text):
    """Names of the system calls while both ranks were counting."""
    counting, found = set(), collections.Counter()
    for line in text.splitlines():
        matched = LINE.match(line)
        if not matched:
            continue
        thread, call = matched.groups()
        if '"steady begin"' in line:
            counting.add(thread)
        elif '"steady end"' in line:
            counting.discard(thread)
        elif len(counting) == 2 and "resumed>" not in line:
            found[call] += 1
    return found


def system_calls(door):
    """Counter of system calls over CALLS allreduces of 8 B; None without strace."""
    if shutil.which("strace") is None:
        print("strace is not installed; it counts the system calls")
        return None
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace"
        run(door, "8", "strace", "-f", "-o", str(trace))
        found = calls_in_between(trace.read_text(errors="replace"))
    rates = ", ".join(f"{name} {count / CALLS:.3f}" for name, count in found.most_common())
    print(f"{door}: system calls per allreduce of 8 B, both ranks: {rates or 'none'}")
    return found


if not PROGRAM.exists():
    _rows.verdict(f"{PROGRAM} is not built", "0, 0, 0", False)
totals = {}
for door in ("engine", "api"):
    rows = run(door, SIZES)
    for row in rows:
        print(
            f"{door}, {row['bytes']} B: {row['allocations'] / row['calls']:.2f} allocations and "
            f"{row['contended_locks'] / row['calls']:.5f} contended locks per call and rank"
        )
    totals[door] = [
        max(row["allocations"] / row["calls"] for row in rows),
        max(row["contended_locks"] / row["calls"] for row in rows),
    ]
traced = {door: system_calls(door) for door in ("engine", "api")}
# A timer of the background thread or of the kernel is no cost of a collective.
calls = {d: None if c is None else sum(c.values()) / CALLS for d, c in traced.items()}
texts = []
for door in ("engine", "api"):
    traced_text = "?" if calls[door] is None else f"{calls[door]:.3f}"
    texts.append(f"{door} {totals[door][0]:.2f}, {totals[door][1]:.5f}, {traced_text}")
hit = totals["engine"] == [0, 0] and calls["engine"] is not None and calls["engine"] < 0.001
_rows.verdict(
    f"allocations, contended locks, system calls per collective: {'; '.join(texts)}",
    "engine 0, 0, 0",
    hit,
)
