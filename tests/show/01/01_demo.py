"""A fresh clone, `./dev demo`: the table of item 8, cold (nothing built) and warm."""

import os
import pathlib
import re
import subprocess
import tempfile
import time

import _job


def demo(clone: pathlib.Path) -> tuple[float, str, int]:
    start = time.monotonic()
    done = subprocess.run(
        ["./dev", "demo"],
        cwd=clone,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "CI": "true"},
    )
    return (time.monotonic() - start) / 60, done.stdout + done.stderr, done.returncode


with tempfile.TemporaryDirectory() as folder:
    clone = _job.fresh_clone(pathlib.Path(folder))
    cold, text, cold_status = demo(clone)
    warm, warm_text, warm_status = demo(clone)
print(text)
print("--- warm\n" + warm_text)
difference = re.search(r"largest weight difference\D*([\d.e+-]+)", warm_text)
largest = float(difference.group(1)) if difference else float("inf")
hit = cold_status == 0 and warm_status == 0 and largest <= 1e-5
_job.verdict(
    f"cold {cold:.1f} min, warm {warm:.1f} min, largest weight difference {largest:.1e}",
    "the table; minutes; difference <= 1e-5",
    hit,
)
