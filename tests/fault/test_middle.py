"""A rank dies, stops or is cut off in the middle of an operation: of each kind, over each wire.

The victim is a rank_shell_held: it runs its part of the schedule up to a given step and then no
further, while all else of it goes on, so that "in the middle" is where the test wants it to be.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from job import ROOT, Job, nothing_left_since, traces, worker

sys.path.insert(0, str(ROOT / "tests" / "bench" / "peers"))
import netlab

HEARTBEAT = 1

ROWS = 1 << 21  # of float32: 8 MiB, more than any wire holds on its way
BIG = f"float32 {ROWS}"


class Kind(NamedTuple):
    """An operation, told to every rank."""

    command: str
    victims: tuple  # "first": rank 0, the root; "last"
    # Of the victim's steps and 16 KiB pieces, how many are done when it stands still.
    units: int = 1
    # Whether no survivor can finish without the victim, or only who works with it directly.
    needs_all: bool = True
    # The input is other memory than the output: it must survive.
    keeps_input: bool = True


KINDS = {
    "allreduce": Kind(f"allreduce x {BIG} out=1", ("first", "last")),
    "allreduce_in_place": Kind(f"allreduce x {BIG}", ("first", "last"), keeps_input=False),
    "allreduce_in_arena": Kind(f"allreduce x {BIG} arena=1 out=1", ("first", "last")),
    "adasum": Kind(f"allreduce x {BIG} op=adasum out=1", ("first", "last")),
    "allgather": Kind(f"allgather x {BIG}", ("first", "last")),
    "reduce_scatter": Kind(f"reduce_scatter x {BIG}", ("first", "last")),
    "alltoall": Kind(f"alltoall x float32 {ROWS // 12 * 12}", ("first", "last")),
    "barrier": Kind("barrier x", ("first", "last"), units=0),
    "reduce": Kind(f"reduce x {BIG} out=1", ("first", "last"), needs_all=False),
    "gather": Kind(f"gather x {BIG}", ("first", "last"), needs_all=False),
    "broadcast": Kind(f"broadcast x {BIG}", ("first", "last"), needs_all=False, keeps_input=False),
    "scatter": Kind(f"scatter x float32 {4 * ROWS}", ("first", "last"), needs_all=False),
    "message": Kind("", ("sender", "receiver"), needs_all=False),
}
HOSTS = {"shm": "aaa", "tcp": "abc", "mixed": "aabb"}


def victim_of(role: str, size: int) -> int:
    return {"first": 0, "last": size - 1, "sender": size - 1, "receiver": 0}[role]


def commands(kind: str, size: int) -> list[str]:
    """What each rank is told. A message goes from the last rank to the first."""
    if kind != "message":
        return [KINDS[kind].command] * size
    talk = [f"recv - {BIG} peer={size - 1} tag=3", f"send - {BIG} peer=0 tag=3"]
    return [talk[0], *["barrier aside"] * (size - 2), talk[1]]


def job_on(hosts: str, victim: int, **settings: str) -> Job:
    each = {rank: {"HVD_HOST_KEY": host} for rank, host in enumerate(hosts)}
    each[victim]["PROGRAM"] = worker("rank_shell_held")
    return Job(len(hosts), each=each, **settings)


def holdings(rank) -> tuple:
    """Descriptors, threads, mapped memfds, children of a process."""
    _, _, fds, threads = rank.do("usage").text.split()
    mapped = re.findall(r"\d+ /memfd", Path(f"/proc/{rank.pid}/maps").read_text())
    children = Path(f"/proc/{rank.pid}/task/{rank.pid}/children").read_text().split()
    return int(fds), int(threads), len(mapped), children


def start_and_hold(job: Job, kind: str, victim: int) -> None:
    """All are in the operation, and the victim has come to the middle of it."""
    job.init().works()
    job.all_ok("shutdown")
    for rank in job.others(victim):
        rank.before = holdings(rank)
    job.init().works()
    assert job[victim].do(f"hold {KINDS[kind].units}").ok
    for rank, command in zip(job.ranks, commands(kind, job.size), strict=True):
        rank.tell(command)
    held = job[victim].hear()
    assert held.text == "held", held


def check_survivors(job: Job, kind: str, victim: int, since: float, *said) -> None:
    """Errors that name rank, tensor and reason, at once unless a limit is `said`; nothing leaked;
    the tensors are back."""
    failed = 0
    for rank in job.others(victim):
        answer = rank.hear()
        if answer.ok:
            assert not KINDS[kind].needs_all, (rank.number, answer)
            continue
        failed += 1
        named = "p2p_" if kind == "message" and rank.number in (0, job.size - 1) else ""
        check_error(job, answer, victim, *said)
        assert answer.tensor.startswith(named or ("aside" if kind == "message" else "x")), answer
        assert answer.at_once or said, answer
        print(f"rank {rank.number} learnt it after {answer.at - since:.3f} s: {answer.text}")
        if KINDS[kind].keeps_input:
            assert "undefined" not in answer.text, answer
            assert kind == "message" or rank.do("memory kept").ok
        elif rank.number != 0 or kind != "broadcast":
            assert "given in place, is undefined now" in answer.text, answer
        assert rank.do("memory take").ok
        rank.took = True
    assert failed > 0
    for rank in job.others(victim):  # a defined state: the same error again
        check_error(job, rank.do("allreduce after float32 3"), victim, "'after'", *said)


def check_error(job: Job, answer, victim: int, *said) -> None:
    assert answer.is_error("aborted", *said)
    if victim >= 0:
        assert job[victim].who in answer.text and answer.rank == victim, answer


def check_end(job: Job, victim: int, before: set) -> None:
    for rank in job.others(victim):
        assert not hasattr(rank, "took") or rank.do("memory taken").ok
        assert rank.do("shutdown").ok
        assert holdings(rank) == rank.before
        rank.end()
    job[victim].close()
    assert nothing_left_since(before)


def cases(wires: tuple, quick: set) -> list:
    found = []
    for wire in wires:
        for kind, row in KINDS.items():
            for role in row.victims:
                if wire != "shm" and kind == "allreduce_in_arena":
                    continue
                name = f"{wire}-{kind}-{role}"
                marks = () if name in quick else pytest.mark.full
                found.append(pytest.param(wire, kind, role, id=name, marks=marks))
    return found


# Every kind once, every wire with both ends of something.
QUICK_KILLS = {
    "shm-allreduce-first",
    "shm-allreduce_in_arena-last",
    "tcp-allreduce_in_place-last",
    "mixed-adasum-first",
    "mixed-allgather-last",
    "tcp-reduce_scatter-first",
    "shm-alltoall-last",
    "tcp-barrier-last",
    "mixed-reduce-first",
    "shm-gather-first",
    "tcp-broadcast-first",
    "shm-scatter-last",
    "shm-message-receiver",
    "tcp-message-sender",
}


@pytest.mark.parametrize(("wire", "kind", "role"), cases(tuple(HOSTS), QUICK_KILLS))
def test_a_rank_that_is_killed_in_the_middle_is_an_error_on_the_others(wire, kind, role):
    before = traces()
    victim = victim_of(role, len(HOSTS[wire]))
    with job_on(HOSTS[wire], victim) as job:
        start_and_hold(job, kind, victim)
        died = job[victim].kill()
        check_survivors(job, kind, victim, died)
        check_end(job, victim, before)


QUICK_STOPS = {"shm-allreduce-last", "tcp-broadcast-first", "mixed-alltoall-last"}


@pytest.mark.parametrize(("wire", "kind", "role"), cases(tuple(HOSTS), QUICK_STOPS))
def test_a_rank_that_is_stopped_in_the_middle_is_an_error_on_the_others(wire, kind, role):
    before = traces()
    victim = victim_of(role, len(HOSTS[wire]))
    with job_on(HOSTS[wire], victim, HVD_HEARTBEAT_SECONDS=str(HEARTBEAT)) as job:
        start_and_hold(job, kind, victim)
        job[victim].signal(signal.SIGSTOP)
        stopped = time.monotonic()
        said = ["stopped", f"HVD_HEARTBEAT_SECONDS {HEARTBEAT}"]
        check_survivors(job, kind, victim, stopped, *said)
        # It wakes up in a job that has gone on without it, is told so and touches nothing.
        job[victim].signal(signal.SIGCONT)
        assert job[victim].hear().is_error("aborted")
        check_end(job, victim, before)


needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("tc") is None,
    reason="needs root and iproute2 for network namespaces",
)
QUICK_CUTS = {"tcp-allreduce-last", "mixed-allgather-first"}


@needs_namespaces
@pytest.mark.parametrize(("wire", "kind", "role"), cases(("tcp", "mixed"), QUICK_CUTS))
def test_hosts_that_are_cut_off_in_the_middle_name_each_other(wire, kind, role):
    before = traces()
    size = {"tcp": 2, "mixed": 4}[wire]
    half = size // 2
    victim = victim_of(role, size)
    with netlab.TwoHosts(0) as link:
        each = {rank: {"INSIDE": " ".join(link.inside(rank // half))} for rank in range(size)}
        each[victim]["PROGRAM"] = worker("rank_shell_held")
        address = {"HVD_RENDEZVOUS_ADDR": netlab.ADDRESSES[0]}
        with Job(size, each=each, HVD_HEARTBEAT_SECONDS=str(HEARTBEAT), **address) as job:
            start_and_hold(job, kind, victim)
            down = ["ip", "-n", link.names[0], "link", "set", netlab.INTERFACE, "down"]
            subprocess.run(down, check=True)
            cut = time.monotonic()
            check_cut(job, kind, cut)
            check_end(job, victim, before)


def check_cut(job: Job, kind: str, cut: float) -> None:
    """As check_survivors; but the victim lives, and each side finds the other one gone: by its
    silence, or at once where a connection was still to be made."""
    half = job.size // 2
    for rank in job.ranks:
        answer = rank.hear()
        if answer.ok:
            assert not KINDS[kind].needs_all, (rank.number, answer)
            answer = rank.do("allreduce after float32 3")
        check_error(job, answer, -1)
        silent = f"HVD_HEARTBEAT_SECONDS {HEARTBEAT}"
        assert silent in answer.text or "cannot be reached for tensor data" in answer.text, answer
        others = job.ranks[half:] if rank.number < half else job.ranks[:half]
        assert answer.rank in {other.number for other in others}, (rank.number, answer)
        assert any(other.who in answer.text for other in others), answer
        print(f"rank {rank.number} learnt it after {answer.at - cut:.3f} s: {answer.text}")
