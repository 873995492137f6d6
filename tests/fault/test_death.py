"""A rank dies or stops: the others fail at once, by name, and nothing is left behind."""

import os
import re
import signal
import time

import pytest
from job import (
    Job,
    eventually,
    nothing_left_since,
    processes_of_session,
    start_launch,
    traces,
    worker,
)

BIG = 16 << 20  # elements: 64 MiB of float32

PHASES = {
    "idle": "",
    "small_allreduce": "loop allreduce x float32 16",
    "big_allreduce": f"loop allreduce x float32 {BIG}",
    "broadcast": f"loop broadcast x float32 {BIG}",
    "allgather": f"loop allgather x float32 {BIG // 4}",
    "barrier": "loop barrier x",
}
QUICK = {("big_allreduce", 0), ("big_allreduce", 1), ("big_allreduce", 2), ("broadcast", 0)}
QUICK |= {("allgather", 1), ("barrier", 2), ("idle", 0), ("idle", 2)}


def cases():
    for phase in PHASES:
        for victim in range(3):
            marks = () if (phase, victim) in QUICK else pytest.mark.full
            yield pytest.param(phase, victim, marks=marks, id=f"{phase}-rank{victim}")


def check_survivors(job, victim, died):
    for rank in job.others(victim.number):
        answer = rank.hear()
        assert answer.is_error("aborted", victim.who)
        # Through the control channel, or through the memory that was shared: who is quicker.
        assert re.search(r"died|ended while its part was still awaited", answer.text), answer
        assert answer.rank == victim.number, answer
        print(f"rank {rank.number} learnt it after {(answer.at - died) * 1e3:.1f} ms")
        assert answer.at_once, answer


@pytest.mark.parametrize(("phase", "victim"), cases())
def test_a_killed_rank_is_an_error_on_the_others_that_names_it(phase, victim):
    before = traces()
    with Job(3, HVD_FUSION_BYTES_MAX="0") as job:
        job.init().works()
        if PHASES[phase]:
            assert [a.text for a in job.all(PHASES[phase])] == ["looping"] * 3
        dying = job[victim]
        died = dying.kill()
        if not PHASES[phase]:
            for rank in job.others(victim):
                rank.tell("barrier after")
        check_survivors(job, dying, died)
        for rank in job.others(victim):  # a defined state: the same error again, then a clean end
            rank.do("allreduce again float32 3").is_error("aborted", dying.who, "'again'")
            rank.do("shutdown")
            rank.end()
        assert nothing_left_since(before)


@pytest.mark.parametrize(("phase", "victim"), [("allgather", 1), ("broadcast", 0)])
def test_who_reads_out_of_a_process_that_is_killed_learns_whose_it_was(phase, victim):
    before = traces()
    settings = {"HVD_ALGORITHM": "single_copy", "HVD_LOG_LEVEL": "info"}
    with Job(3, HVD_FUSION_BYTES_MAX="0", **settings) as job:
        job.init().works()
        assert [a.text for a in job.all(PHASES[phase])] == ["looping"] * 3
        check_survivors(job, job[victim], job[victim].kill())
        for rank in job.others(victim):
            rank.do("shutdown")
            rank.end()
        assert nothing_left_since(before)


def test_who_waits_for_another_name_learns_of_the_death_too():
    with Job(4) as job:
        job.init()
        assert job[1].do("start allreduce one float32 4").ok
        job[1].tell("wait one")
        job[2].tell("barrier two")
        assert job[3].do("start barrier three").ok
        job[0].kill()
        for rank in job.others(0, 3):
            answer = rank.hear()
            assert answer.is_error("aborted", job[0].who, "died")
            assert answer.at_once, answer
        job[3].do("wait three").is_error("aborted", job[0].who)


@pytest.mark.full
def test_after_a_death_shutdown_and_init_make_a_new_job_with_a_new_process():
    with Job(2, HVD_START_TIMEOUT_SECONDS="10") as job:
        job.init().works()
        died = job[1].kill()
        job[0].tell("barrier x")
        check_survivors(job, job[1], died)
        assert job[0].do("shutdown").ok
        dead = job.ranks.pop()
        job.start([1])
        # A fresh process has joined 0 times, the survivor once: init must say so, not hang.
        for answer in job.all("init"):
            assert answer.ok or "equally often" in answer.text, answer
        dead.close()


# ---- during init ---------------------------------------------------------------------------------


START_TIMEOUT = 8


def die_in_init(victim, call, number=signal.SIGKILL):
    """Rank `victim` ends at its `call`th socket call. The others' answers, or None: it survived."""
    preload = {
        "LD_PRELOAD": worker("libdie_at.so"),
        "DIE_AT_CALL": str(call),
        "DIE_AT_SIGNAL": str(int(number)),
    }
    with Job(3, each={victim: preload}, HVD_START_TIMEOUT_SECONDS=str(START_TIMEOUT)) as job:
        for rank in job.ranks:
            rank.tell("init")
            rank.tell("barrier in")
        dying = job[victim]
        status = eventually(lambda: dying.process.poll() is not None or not dying._lines.empty())
        assert status
        if dying.process.poll() is None:
            return None
        died = time.monotonic()
        answers = {}
        for rank in job.others(victim):
            first = rank.hear()
            answers[rank.number] = first if first.verdict == "error" else rank.hear()
        for answer in answers.values():
            assert answer.verdict == "error", (call, answer)
        return died, answers, dying


def check_death_in_init(victim, call):
    found = die_in_init(victim, call)
    if found is None:
        return False
    died, answers, _ = found
    late = max(answer.at for answer in answers.values()) - died
    print(f"call {call}: {late * 1e3:.0f} ms;", *(a.text[:120] for a in answers.values()))
    for answer in answers.values():
        assert f"rank {victim}" in answer.text, (call, answer)
        # Who had not come yet is waited for. Who had is missed at once, by those who had come too.
        came = "set up" in answer.text or "shared memory" in answer.text
        assert answer.at_once or not came, (call, answer)
        assert answer.code == (5 if "gave up" in answer.text else 4), answer
        assert answer.rank == victim, answer
    return True


@pytest.mark.parametrize(("victim", "call"), [(0, 12), (1, 9), (2, 14), (2, 18)])
def test_a_death_during_init_is_an_error_on_the_others(victim, call):
    check_death_in_init(victim, call)


@pytest.mark.full
@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_death_at_any_step_of_init_is_an_error_on_the_others(victim):
    call = 1
    while check_death_in_init(victim, call):
        call += 1
    print(f"rank {victim} makes {call - 1} socket calls until it has joined")
    assert call > 10


# ---- stopped -------------------------------------------------------------------------------------


@pytest.mark.parametrize("victim", [0, pytest.param(1, marks=pytest.mark.full), 2])
def test_a_stopped_rank_is_an_error_that_names_it(victim):
    with Job(3, HVD_HEARTBEAT_SECONDS="1") as job:
        job.init().works()
        stopped = job[victim]
        stopped.signal(signal.SIGSTOP)
        start = time.monotonic()
        for rank in job.others(victim):
            rank.tell("allreduce x float32 4")
        for rank in job.others(victim):
            answer = rank.hear()
            print(f"rank {rank.number} learnt it after {answer.at - start:.2f} s")
            assert answer.is_error("aborted", stopped.who, "HVD_HEARTBEAT_SECONDS 1")
            assert answer.rank == victim, answer
        # It wakes up in a job that has ended, and is told so rather than left alone.
        stopped.signal(signal.SIGCONT)
        answer = stopped.do("allreduce x float32 4")
        assert answer.is_error("aborted"), answer
        print("the one that was stopped:", answer.text)
        for rank in job.ranks:
            rank.do("shutdown")
            rank.end()


@pytest.mark.parametrize("seconds", [2.5, 0.75])
def test_a_whole_job_that_is_stopped_and_continued_goes_on(seconds):
    with Job(3, HVD_HEARTBEAT_SECONDS="1") as job:
        job.init().works()
        assert [a.text for a in job.all("loop allreduce x float32 16 times=400000")] == [
            "looping"
        ] * 3
        rounds = 1 if seconds > 1 else 4
        for _ in range(rounds):
            for rank in job.ranks:
                rank.signal(signal.SIGSTOP)
            time.sleep(seconds)  # the heartbeat's limit is real time
            for rank in job.ranks:
                rank.signal(signal.SIGCONT)
            assert job[0].silent(0.6)
        assert all(rank.process.poll() is None for rank in job.ranks)


# ---- under hvdrun --------------------------------------------------------------------------------


def lines_until(stream, pattern):
    seen = ""
    for line in stream:
        seen += line
        if re.search(pattern, line):
            return seen
    raise AssertionError(f"no {pattern} in\n{seen}")


@pytest.mark.parametrize("victim", [0, 1, pytest.param(2, marks=pytest.mark.full)])
def test_hvdrun_reports_a_killed_rank_and_leaves_nothing(victim, tmp_path):
    before = traces()
    # Each rank has a grandchild that would live on for long.
    process = start_launch(
        3,
        "sh",
        "-c",
        f"sleep 1000 & exec {worker('rank_shell')} '*:init' '*:pid' '*:allreduce x float32 4' "
        f"'{victim}:say last_words' '*:barrier y' '*:loop allreduce z float32 1000000'",
        TMPDIR=str(tmp_path),
    )
    try:
        seen = ""
        while len(re.findall("looping", seen)) < 3:
            seen += lines_until(process.stdout, ".")
        pid = int(re.search(rf"\[{victim}\]<stdout>:\S+ ok pid (\d+)", seen)[1])
        os.kill(pid, signal.SIGKILL)
        died = time.monotonic()
        rest, err = process.communicate(timeout=60)
        print(f"hvdrun ended {time.monotonic() - died:.2f} s after the death\n{err}")
        assert process.returncode == 128 + 9
        assert f"rank {victim} (pid {pid}) was killed by signal 9 (SIGKILL)" in err
        assert re.search(r"\| .*last_words", err), err
        told = re.findall(rf"error 4 {victim} z .*pid {pid}", rest)
        assert len(told) == 2, rest
        assert eventually(lambda: not processes_of_session(process.pid), 10)
        assert nothing_left_since(before)
        assert list(tmp_path.iterdir()) == []
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def test_hvdrun_s_own_death_ends_all_ranks():
    process = start_launch(
        2, worker("rank_shell"), "*:init", "*:pid", "*:loop allreduce z float32 1000"
    )
    try:
        seen = ""
        while len(re.findall("looping", seen)) < 2:
            seen += lines_until(process.stdout, ".")
        pids = [int(p) for p in re.findall(r"ok pid (\d+)", seen)]
        assert len(pids) == 2
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert eventually(lambda: not any(os.path.exists(f"/proc/{p}/exe") for p in pids), 20)
    finally:
        process.communicate()
