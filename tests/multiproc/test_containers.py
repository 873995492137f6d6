"""Containers and hosts that look alike: ranks share memory exactly if they can, whatever the names.

A container is namespaces of process numbers, mounts and host names, with or without a network of
its own; its rank is process 1 or so in it.
"""

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest
from job import ROOT, Job

sys.path.insert(0, str(ROOT / "tests" / "bench" / "peers"))
import netlab

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None,
    reason="needs root, iproute2 and unshare for namespaces",
)
CONTAINER = "unshare --pid --fork --kill-child --mount-proc --mount --uts sh"


@pytest.fixture
def enter(tmp_path):
    """What starts a program in a container of this host name."""
    script = tmp_path / "enter"
    script.write_text('hostname "$1"\nshift\nexec "$@"\n')
    return lambda name: f"{CONTAINER} {script} {name}"


def real_pid(rank) -> int:
    """As seen from here; what the test started is its parent."""
    children = Path(f"/proc/{rank.pid}/task/{rank.pid}/children").read_text().split()
    return int(children[0]) if children else rank.pid


def shared_files(rank) -> set[str]:
    text = Path(f"/proc/{real_pid(rank)}/maps").read_text()
    return set(re.findall(r"(\d+) +/memfd", text))


def check_transport(job: Job, hosts: str) -> None:
    """Data goes through memory between ranks r and s if hosts[r] is hosts[s], else over TCP."""
    job.works()
    assert len({a.text for a in job.all_ok("allreduce big float32 700001 value=2")}) == 1
    job.all_ok("barrier all")
    infos = [json.loads(rank.do("info").text) for rank in job.ranks]
    for rank in job.ranks:
        own = hosts[rank.number]
        fields = rank.do("place").text.split()
        assert fields[1:5] == [str(rank.number), str(job.size), *fields[3:5]], fields
        assert fields[3:5] == [str(hosts[: rank.number].count(own)), str(hosts.count(own))], fields
        remote = job.size - hosts.count(own)
        # Not every rank of a host need talk to the others.
        sent = sum(i["tcp_bytes_sent"] for i, host in zip(infos, hosts, strict=True) if host == own)
        assert (sent > 0) == (remote > 0), infos
        assert ("TCP to" in infos[rank.number]["data_plane"]) == (remote > 0), infos
        for other in job.others(rank.number):
            common = shared_files(rank) & shared_files(other)
            assert bool(common) == (own == hosts[other.number]), (rank.number, other.number)


def test_containers_with_one_network_share_memory_although_host_and_process_are_called_otherwise(
    enter,
):
    each = {rank: {"INSIDE": enter(f"box{rank}")} for rank in range(3)}
    with Job(3, each=each) as job:
        job.init()
        check_transport(job, "aaa")
        pids = [rank.do("pid").text for rank in job.ranks]
        assert len(set(pids)) == 1, pids  # each is the first process of its container
        job.end()


def test_a_container_with_a_host_key_of_its_own_shares_no_memory(enter):
    each = {rank: {"INSIDE": enter("box"), "HVD_HOST_KEY": key} for rank, key in enumerate("aab")}
    with Job(3, each=each) as job:
        job.init()
        check_transport(job, "aab")
        job.end()


def test_a_death_in_a_container_is_told_by_the_names_that_it_has_there(enter):
    with Job(2, each={1: {"INSIDE": enter("box1")}}) as job:
        job.init().works()
        inside = job[1].do("pid").text.split()[1]
        job[0].tell("barrier never")
        os.kill(real_pid(job[1]), signal.SIGKILL)
        answer = job[0].hear(30)
        assert answer.is_error("aborted", f"rank 1 (host box1, pid {inside})")
        assert answer.rank == 1


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("kind", ["container", "host"])
def test_networks_apart_are_hosts_apart_although_names_and_numbers_are_equal(enter, kind, size):
    half = size // 2
    with netlab.TwoHosts(0) as link:
        each = {}
        for rank in range(size):
            inside = " ".join(link.inside(rank // half))
            each[rank] = {"INSIDE": f"{inside} {enter('same')}" if kind == "container" else inside}
        with Job(size, each=each, HVD_RENDEZVOUS_ADDR=netlab.ADDRESSES[0]) as job:
            job.init()
            if kind == "container":
                assert len({rank.do("pid").text for rank in job.ranks}) == 1
            check_transport(job, "a" * half + "b" * half)
            job.end()
