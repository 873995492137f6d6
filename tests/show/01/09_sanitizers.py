"""ASan+UBSan and TSan runs of the unit and loopback suites, no suppression file."""

import os
import subprocess

import _job

done = subprocess.run(
    ["./dev", "test", "full", "san"],
    cwd=_job.ROOT,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    stdin=subprocess.DEVNULL,
    env={**os.environ, "CI": "true"},
)
print(done.stdout)
suppressions = subprocess.run(
    ["git", "ls-files", "*supp*"], cwd=_job.ROOT, capture_output=True, text=True, check=True
).stdout.split()
last = done.stdout.strip().splitlines()[-1]
_job.verdict(
    f"{last}; {len(suppressions)} suppression files",
    "clean, no suppression file",
    done.returncode == 0 and not suppressions,
)
