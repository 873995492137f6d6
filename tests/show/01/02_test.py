"""A fresh clone, `./dev test`: suites, counts, minutes."""

import os
import pathlib
import re
import subprocess
import tempfile
import time

import _job

MINUTES = 15

with tempfile.TemporaryDirectory() as folder:
    clone = _job.fresh_clone(pathlib.Path(folder))
    start = time.monotonic()
    done = subprocess.run(
        ["./dev", "test"],
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "CI": "true"},
    )
    minutes = (time.monotonic() - start) / 60
print(done.stdout)
last = done.stdout.strip().splitlines()[-1]
counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
hit = bool(counts) and done.returncode == 0 and minutes <= MINUTES
_job.verdict(f"{last} in {minutes:.1f} min", f"none failed, {MINUTES} min", hit)
