"""Several hosts: a rank dies, is killed or is cut off in the middle of data over TCP."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from job import ROOT, Job, nothing_left_since, traces

sys.path.insert(0, str(ROOT / "tests" / "bench" / "peers"))
import netlab

BIG = 16 << 20  # elements: 64 MiB of float32


def on_hosts(hosts: str, **settings: str) -> Job:
    each = {rank: {"HVD_HOST_KEY": host} for rank, host in enumerate(hosts)}
    return Job(len(hosts), each=each, **settings)


@pytest.mark.parametrize(
    ("hosts", "victim", "phase"),
    [
        ("ab", 1, "loop allreduce x float32 16"),
        ("ab", 0, f"loop allreduce x float32 {BIG}"),
        ("aabb", 2, f"loop allreduce x float32 {BIG}"),
        pytest.param("aabb", 0, f"loop broadcast x float32 {BIG}", marks=pytest.mark.full),
        pytest.param("abc", 1, f"loop allgather x float32 {BIG // 4}", marks=pytest.mark.full),
        pytest.param("abc", 2, "loop barrier x", marks=pytest.mark.full),
    ],
)
def test_a_rank_that_is_killed_is_named_on_the_other_hosts(hosts, victim, phase):
    before = traces()
    with on_hosts(hosts) as job:
        job.init().works()
        assert [a.text for a in job.all(phase)] == ["looping"] * len(hosts)
        dying = job[victim]
        died = dying.kill()
        for rank in job.others(victim):
            answer = rank.hear()
            assert answer.is_error("aborted", dying.who)
            assert answer.rank == victim, answer
            print(f"rank {rank.number} learnt it after {(answer.at - died) * 1e3:.1f} ms")
            assert answer.at_once, answer
        for rank in job.others(victim):
            rank.do("shutdown")
            rank.end()
        assert nothing_left_since(before)


def test_a_lower_rank_that_dies_before_it_connects_is_named():
    with on_hosts("ab") as job:
        job.init()  # no tensor yet, so no data connection
        job[1].tell("allreduce x float32 1000000")
        job[0].kill()
        answer = job[1].hear()
        assert answer.is_error("aborted", job[0].who)
        assert answer.at_once, answer


needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("tc") is None,
    reason="needs root and iproute2 for network namespaces",
)


@needs_namespaces
@pytest.mark.parametrize("size", [2, pytest.param(4, marks=pytest.mark.full)])
def test_hosts_whose_link_goes_down_in_the_middle_name_each_other(size):
    with netlab.TwoHosts(1000) as link:
        inside = {rank: {"INSIDE": " ".join(link.inside(rank * 2 // size))} for rank in range(size)}
        with Job(
            size,
            each=inside,
            HVD_RENDEZVOUS_ADDR=netlab.ADDRESSES[0],
            HVD_HEARTBEAT_SECONDS="1",
        ) as job:
            job.init().works()
            half = size // 2
            places = [f"place {r} {size} {r % half} {half} {r // half} 2" for r in range(size)]
            assert [a.text for a in job.all_ok("place")] == places
            assert [a.text for a in job.all(f"loop allreduce x float32 {BIG}")] == [
                "looping"
            ] * size
            subprocess.run(
                ["ip", "-n", link.names[0], "link", "set", netlab.INTERFACE, "down"], check=True
            )
            cut = time.monotonic()
            for rank in job.ranks:
                answer = rank.hear()
                print(f"rank {rank.number} after {answer.at - cut:.2f} s: {answer.text}")
                assert answer.is_error("aborted", "HVD_HEARTBEAT_SECONDS 1")
                across = job.ranks[half:] if rank.number < half else job.ranks[:half]
                assert any(re.search(rf"rank {r.number}\b", answer.text) for r in across), answer
            for rank in job.ranks:
                rank.do("shutdown")
                rank.end()
