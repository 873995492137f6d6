"""No process of a job outlives it, however it ends."""

import os
import pathlib
import signal

import pytest

from hvdrun_process import wait_until

# A grandchild in the rank's process group, and one that fled into a session of its own, is nobody's
# child any more and does not listen.
FAMILY = (
    "sleep 1000 & "
    "(setsid sh -c 'trap \"\" TERM INT HUP; echo fled; while :; do sleep 0.1; done' &) ;"
)


def start_family(start, *options, end="exec sleep 1000"):
    job = start("-np", "2", *options, "sh", "-c", f"{FAMILY} echo ready; {end}")
    job.wait_for_output("ready", 2)
    job.wait_for_output("fled", 2)
    # hvdrun 2, ranks 2, sleeps 2, fugitives 2 (with a sleep each, now and then)
    wait_until(lambda: len(job.living()) >= 8, "the whole family")
    return job


def test_nothing_is_left_when_hvdrun_is_killed(start):
    job = start_family(start)
    os.kill(job.pid, signal.SIGKILL)
    job.wait_until_gone()


def test_nothing_is_left_when_the_process_that_runs_the_job_is_killed(start):
    job = start_family(start)
    os.kill(job.job_process(), signal.SIGKILL)
    assert job.wait() == 137
    assert not job.living()
    assert "every rank was killed with it" in job.stderr()


def test_nothing_is_left_when_hvdrun_s_process_group_is_killed(start):
    job = start_family(start)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait_until_gone()


def test_nothing_is_left_when_a_rank_is_killed(start):
    job = start_family(start, "--grace-seconds", "0.2")
    rank = next(
        pid
        for pid in job.living()
        if b"sleep\x001000" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        and os.getpgid(pid) == pid
    )
    os.kill(rank, signal.SIGKILL)
    assert job.wait() == 137
    assert not job.living()


def test_nothing_is_left_when_hvdrun_is_interrupted(start):
    job = start_family(start, "--grace-seconds", "0.2")
    os.kill(job.pid, signal.SIGINT)
    assert job.wait() == 128 + signal.SIGINT
    assert not job.living()


def test_what_ranks_leave_running_ends_with_the_job(run):
    job = run("-np", "2", "--grace-seconds", "0.2", "sh", "-c", f"{FAMILY} exit 0")
    assert job.status == 0


@pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV"])
def test_a_rank_that_kills_its_own_group_is_a_failure_like_others(run, name):
    script = f"[ $HVD_RANK = 1 ] && kill -{name} 0; exec sleep 1000"
    job = run("-np", "2", "sh", "-c", script)
    assert job.status == 128 + signal.Signals[f"SIG{name}"]
    assert f"(SIG{name})" in job.stderr()
