"""Signals to hvdrun reach the ranks, and what must end ends."""

import os
import signal
import time

import pytest

from hvdrun_process import state_of, wait_until

# Longer than hvdrun takes two equal signals for one.
BETWEEN_SIGNALS = 0.3
LOOP = "echo ready; while :; do sleep 0.05; done"


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT"])
def test_a_terminating_signal_reaches_every_rank(start, name):
    job = start("-np", "2", "sh", "-c", f"trap 'echo got {name}; exit 0' {name}; {LOOP}")
    job.wait_for_output("ready", 2)
    number = signal.Signals[f"SIG{name}"]
    os.kill(job.pid, number)
    assert job.wait() == 128 + number
    assert job.stdout().count(f"got {name}") == 2
    assert f"hvdrun: got SIG{name} and passed it on to ranks 0 1" in job.stderr()
    assert not job.living()


def test_ranks_that_do_not_listen_are_killed_after_the_grace_period(start):
    job = start("-np", "2", "--grace-seconds", "0.2", "sh", "-c", f"trap '' TERM; {LOOP}")
    job.wait_for_output("ready", 2)
    os.kill(job.pid, signal.SIGTERM)
    assert job.wait() == 128 + signal.SIGTERM
    assert not job.living()


def test_a_second_interrupt_kills_at_once(start):
    job = start("-np", "2", "--grace-seconds", "1000", "sh", "-c", f"trap '' INT; {LOOP}")
    job.wait_for_output("ready", 2)
    os.kill(job.pid, signal.SIGINT)
    time.sleep(BETWEEN_SIGNALS)
    os.kill(job.pid, signal.SIGINT)
    assert job.wait() == 128 + signal.SIGINT
    assert not job.living()


@pytest.mark.parametrize("name", ["USR1", "USR2"])
def test_user_signals_reach_the_ranks_and_not_their_workers(start, name):
    script = (
        f"sleep 1000 & worker=$!; trap 'echo checkpoint; done=1' {name}; echo ready;"
        " while [ -z $done ]; do sleep 0.05; done; kill $worker && wait $worker; test $? = 143"
    )
    job = start("-np", "2", "sh", "-c", script)
    job.wait_for_output("ready", 2)
    os.kill(job.pid, signal.Signals[f"SIG{name}"])
    assert job.wait() == 0
    assert job.stdout().count("checkpoint") == 2


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(start, tmp_path):
    script = f"echo ready; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo end"
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731, as nohup does
    job = start("-np", "1", "sh", "-c", script, preexec_fn=ignore)
    job.wait_for_output("ready")
    os.kill(job.pid, signal.SIGHUP)
    (tmp_path / "go").write_text("")
    assert job.wait() == 0
    assert "end" in job.stdout()


def test_stopping_stops_the_ranks_and_continuing_lets_them_go_on(start, tmp_path):
    script = f"echo $$; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo end"
    job = start("-np", "2", "--no-prefix", "sh", "-c", script)
    wait_until(lambda: len(job.stdout().split()) == 2, "both ranks")
    ranks = [int(word) for word in job.stdout().split()]
    os.kill(job.pid, signal.SIGTSTP)
    for pid in (job.pid, *ranks):
        wait_until(lambda pid=pid: state_of(pid) == "T", f"process {pid} to stop")
    (tmp_path / "go").write_text("")
    os.kill(job.pid, signal.SIGCONT)
    assert job.wait() == 0
    assert job.stdout().count("end") == 2


def test_a_signal_after_a_failure_does_not_change_the_status(start):
    script = f"if [ $HVD_RANK = 1 ]; then echo $$; exit 3; fi; trap 'exit 0' TERM; {LOOP}"
    job = start("-np", "2", "--no-prefix", "sh", "-c", script)
    job.wait_for_output("ready")
    wait_until(lambda: len(job.stdout().split()) == 2, "rank 1's line")
    failed = next(int(word) for word in job.stdout().split() if word != "ready")
    wait_until(lambda: not state_of(failed), "hvdrun to see the failure")
    os.kill(job.pid, signal.SIGTERM)
    assert job.wait() == 3
