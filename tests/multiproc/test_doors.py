"""The doors that hvd is measured through: what they run ends and is right on all ranks."""

import json
import subprocess

import job
import pytest

PROGRAM = job.build_folder() / "tests" / "bench" / "hvd_perf"


@pytest.mark.parametrize("op", ["broadcast", "allgather", "reduce_scatter", "alltoall"])
def test_the_ranks_of_the_engine_door_agree_while_the_root_learns(op):
    """From 64 KiB on the root tries schedules in turns, which all ranks have to follow."""
    options = ["--np", "2", "--op", op, "--bytes", "65536,1048576", "--budget-ms", "30"]
    done = subprocess.run(
        [str(PROGRAM), "--door", "engine", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [row["bytes"] for row in rows] == [65536, 1048576]
    assert all(row["checked"] and row["iters"] > 1 for row in rows), rows
