"""A rank that waits 100 ms in each of 50 steps: the share of a core that its waiting costs."""

import json
import pathlib
import tempfile

import _job

with tempfile.TemporaryDirectory() as folder:
    report = pathlib.Path(folder) / "report.json"
    example = str(_job.ROOT / "examples" / "01_numpy_allreduce.py")
    options = ["--late-rank-ms", "100", "--steps", "50", "--bytes", "8", "--iterations", "5"]
    _job.python_job(2, example, *options, "--report", str(report))
    share = json.loads(report.read_text())["waiting_core_share"]
_job.verdict(f"{share:.2%} of a core", "<= 2 %", share <= 0.02)
