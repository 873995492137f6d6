"""What many ranks compute together: the same bits everywhere, in any order of submission."""

import re
import sys
from pathlib import Path

import pytest
from job import Job, launch, worker

WITHOUT_READS = str(Path(__file__).resolve().parent / "workers" / "without_reads.py")


@pytest.mark.parametrize("size", [2, 3, 4, pytest.param(5, marks=pytest.mark.full), 8])
def test_every_dtype_and_reduction_gives_equal_and_right_bits_on_all_ranks(size):
    done = launch(size, worker("equal_results"))
    assert done.status == 0, done.err
    count = int(done.out.split("equal ")[1].split()[0])
    assert count > 200, done.out


# Ranks with different keys never share memory; hvdrun says that all are on one host.
ON_HOSTS = """
for name in LOCAL_RANK LOCAL_SIZE CROSS_RANK CROSS_SIZE; do unset HVD_$name HOROVOD_$name; done
HVD_HOST_KEY=$((HVD_RANK * $1 / HVD_SIZE)) exec "$2" "$3"
"""


def bits_of(size: int, seed: int, hosts: int, **settings: str) -> str:
    command = ("sh", "-c", ON_HOSTS, "sh", str(hosts), worker("equal_results"), str(seed))
    done = launch(size, *command, **settings)
    assert done.status == 0, done.err
    return done.out.split(" bits ")[1].split()[0]


@pytest.mark.parametrize(
    ("size", "hosts"), [(4, 1), (5, 2), (3, 3), pytest.param(8, 3, marks=pytest.mark.full)]
)
def test_with_hvd_deterministic_other_orders_and_timings_give_the_same_bits(size, hosts):
    found = {bits_of(size, seed, hosts, HVD_DETERMINISTIC="1") for seed in (0, 1)}
    assert len(found) == 1, found


@pytest.mark.parametrize(
    ("size", "hosts"), [(1, 1), (2, 1), (3, 1), (4, 1), (2, 2), (3, 3), (4, 2)]
)
def test_groups_of_mixed_tensors_give_right_results_over_memory_and_tcp(size, hosts):
    done = launch(size, "sh", "-c", ON_HOSTS, "sh", str(hosts), worker("grouped_results"))
    assert done.status == 0, done.err
    tensors, items = (int(n) for n in re.findall(r"\d+", done.out.split("grouped ")[1])[:2])
    # An allreduce's tensors of one dtype are one item, and two in the two groups that lie half in
    # the arena, where that is shared; those of allgathers and reduce-scatters go one by one.
    assert (tensors, items) == (1193, 4 * 6 + 96 + 2 + (12 if size > 1 else 0)), done.out


@pytest.mark.parametrize("size", [2, 3, pytest.param(5, marks=pytest.mark.full)])
def test_tensors_that_are_read_out_of_other_processes_are_right(size):
    settings = {"HVD_ALGORITHM": "single_copy", "HVD_LOG_LEVEL": "info"}
    done = launch(size, worker("equal_results"), **settings)
    assert done.status == 0, done.err
    assert "single copies of what is long" in done.err


def test_where_the_system_lets_one_rank_read_nothing_no_rank_reads():
    settings = {"HVD_ALGORITHM": "single_copy", "HVD_LOG_LEVEL": "info"}
    command = (sys.executable, WITHOUT_READS, "1", worker("equal_results"))
    done = launch(3, *command, **settings)
    assert done.status == 0, done.err
    assert "no single copies (another rank may not read its neighbours)" in done.err


@pytest.mark.parametrize("size", [2, 4])
def test_threads_of_a_rank_may_submit_at_once_in_any_order(size):
    done = launch(size, worker("many_threads"))
    assert (done.status, "threads done 2500" in done.out) == (0, True), done


def test_ranks_on_one_host_know_their_places():
    with Job(3) as job:
        job.init()
        assert [a.text for a in job.all_ok("place")] == [f"place {r} 3 {r} 3 0 1" for r in range(3)]
        job.end()


def test_unnamed_operations_match_by_the_order_of_their_calls():
    with Job(3) as job:
        job.init()
        for value in (1, 5):
            for answer in job.all_ok(f"allreduce - float32 4 value={value}"):
                assert answer.text.endswith(f"first {3 * value}"), answer
        job.all_ok("barrier -")
        job.end()
