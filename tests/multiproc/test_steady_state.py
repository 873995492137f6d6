"""What a warm operation by name may cost: heap allocations, whatever its name and its size."""

import json
import subprocess

import job
import pytest

PROGRAM = job.build_folder() / "tests" / "bench" / "steady_state"
CALLS = 500
# The operation itself, and its name where that does not fit into a std::string. What is on the way
# from there to the wires and back is used again.
ALLOCATIONS_MAX = 2
LONG_NAME = "DistributedOptimizer.gradient/encoder.layer.11.output.dense.weight."


@pytest.mark.skipif(not PROGRAM.exists(), reason="not built: a sanitizer has a malloc of its own")
@pytest.mark.parametrize("names", ["x.", LONG_NAME], ids=["short", "long"])
def test_a_warm_allreduce_by_name_allocates_no_more_than_itself_and_its_name(names):
    options = ["--np", "2", "--bytes", "8,65536", "--calls", str(CALLS), "--names", names]
    done = subprocess.run(
        [str(PROGRAM), "--door", "api", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [row["bytes"] for row in rows] == [8, 65536]
    for row in rows:
        assert row["calls"] == CALLS
        # The background thread's first looks are no part of an operation.
        assert row["allocations"] <= ALLOCATIONS_MAX * CALLS + 8, row
        assert row["allocations"] >= CALLS, "the counter does not count"
