"""2 emulated hosts with 2 ranks each, 1 Gbit/s: hierarchical against flat, and the prediction."""

import os
import re
import shutil
import subprocess

import _rows
from _rows import HVD_PERF, MIB, Job, Peer, time_name

SIZE = 16 * MIB
# How far the measured factor may be below the predicted one.
SLACK = 0.9
EXPLAIN = os.environ.get("HVD_EXPLAIN", str(_rows.ROOT / "build/bindings/tools/hvd-explain"))


def predicted_us(algorithm):
    """What hvd-explain says the schedule takes; None if it says nothing."""
    program = shutil.which(EXPLAIN) or shutil.which("hvd-explain")
    if program is None:
        return None
    # The launcher of the peers deals ranks out to the hosts in turn.
    words = ["allreduce", "--host-of-rank", "0,1,0,1", "--bytes", str(SIZE)]
    done = subprocess.run(
        [program, *words, "--algorithm", algorithm, "--mbit", "1000"],
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout + done.stderr)
    found = re.search(r"predicted time ([\d.]+) us", done.stdout)
    return float(found.group(1)) if done.returncode == 0 and found else None


if os.geteuid() != 0:
    _rows.verdict("emulated hosts need root", "the predicted factor", False)
flat = Peer("hvd-flat", HVD_PERF + " {args} --door api --algorithm ring", "one ring over all")
measured = _rows.measure([Job("allreduce", 4, (SIZE,), mbit=1000)], ["hvd-api", "stream"], [flat])
where = {"op": "allreduce", "bytes": SIZE}
factor = measured.ratios("hvd-flat", "hvd-api", **where)
if not factor:
    peer = "hvd-flat" if measured.figures("hvd-api", **where) else "hvd-api"
    _rows.verdict(
        f"no figure: {measured.why_not(peer, 'allreduce')}", "the predicted factor", False
    )
print(
    f"hierarchical {time_name(measured.median('hvd-api', **where))}, "
    f"flat {time_name(measured.median('hvd-flat', **where))}"
)
share = measured.ratios("stream", "hvd-api", **where)
if share:
    print(f"{share} of a one-way stream")
flat_us, hierarchical_us = predicted_us("ring"), predicted_us("hierarchical")
if flat_us is None or hierarchical_us is None:
    _rows.verdict(f"flat takes {factor} times; no prediction", "the predicted factor", False)
predicted = flat_us / hierarchical_us
_rows.verdict(
    f"flat takes {factor} times, predicted {predicted:.2f}",
    f">= {SLACK} of the predicted factor",
    factor.median >= SLACK * predicted and not measured.wrong("hvd-api"),
)
