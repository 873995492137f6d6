"""01_numpy_allreduce of 8 B: 4 ranks on the machine's cores against 2 ranks, in turns."""

import json
import pathlib
import statistics
import tempfile

import _job

ROUNDS = 5
EXAMPLE = str(_job.ROOT / "examples" / "01_numpy_allreduce.py")


def median_us(rank_count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        options = ["--bytes", "8", "--iterations", "500", "--report", str(report)]
        _job.python_job(rank_count, EXAMPLE, *options)
        figures = json.loads(report.read_text())
    assert figures["right"] is True
    return figures["latency"]["8"]["median_us"]


ratios = []
for _ in range(ROUNDS):
    two, four = median_us(2), median_us(4)
    print(f"p = 2: {two:.1f} us, p = 4: {four:.1f} us, ratio {four / two:.2f}")
    ratios.append(four / two)
ratio = statistics.median(ratios)
_job.verdict(f"right result; p = 4 takes {ratio:.1f}x p = 2 for 8 B", "<= 10x", ratio <= 10)
