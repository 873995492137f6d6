"""10 idle seconds of 4 ranks: CPU seconds of all of them together."""

import json
import pathlib
import tempfile

import _job

with tempfile.TemporaryDirectory() as folder:
    report = pathlib.Path(folder) / "report.json"
    example = str(_job.ROOT / "examples" / "01_numpy_allreduce.py")
    options = ["--idle-seconds", "10", "--bytes", "8", "--iterations", "5"]
    _job.python_job(4, example, *options, "--report", str(report))
    spent = json.loads(report.read_text())["idle_cpu_seconds"]
_job.verdict(f"{spent:.4f} CPU s in 10 s of 4 ranks", "< 0.05", spent < 0.05)
