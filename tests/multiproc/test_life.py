"""Beginning and end: goodbyes, exits without one, many cycles in one process, fork and exec."""

import pytest
from job import Job, launch, worker

SHELL = "rank_shell"


def figures(answers):
    """rss KiB, descriptors, threads of each rank."""
    return [tuple(int(n) for n in a.text.split()[1:]) for a in answers]


@pytest.mark.parametrize("cycles", [60, pytest.param(200, marks=pytest.mark.full)])
def test_init_barrier_shutdown_again_and_again_leaks_nothing(cycles):
    with Job(2) as job:
        job.all_ok("cycle 20")
        before = figures(job.all_ok("usage"))
        answers = job.all_ok(f"cycle {cycles}")
        after = figures(job.all_ok("usage"))
        print(f"{cycles} cycles:", [a.text for a in answers], before, after)
        for (rss, fds, threads), (rss_then, fds_then, threads_then) in zip(before, after):
            assert (fds, threads) == (fds_then, threads_then)
            assert rss_then - rss < 2048, "KiB per rank"
        job.end()


# Rank 0 first or last: it is the one whose end the others notice most.
@pytest.mark.parametrize("by", ["exit", "shutdown"])
@pytest.mark.parametrize("late", [0, 2])
def test_ranks_may_end_apart_without_a_word(by, late):
    with Job(3) as job:
        job.init().works()
        last = job[late]
        for rank in job.others(late):
            if by == "shutdown":
                assert rank.do("shutdown").ok
            rank.end()
        assert last.do("say here").ok  # the others are gone, this one lives
        if by == "shutdown":
            assert last.do("shutdown").ok
        last.end()
        assert [rank.errors for rank in job.ranks] == ["", "", ""]


@pytest.mark.parametrize("runs", [3, pytest.param(20, marks=pytest.mark.full)])
def test_under_hvdrun_ranks_that_end_apart_give_status_0_and_no_text(runs):
    for run in range(runs):
        early = run % 3
        done = launch(
            3, worker(SHELL), "*:init", "*:allreduce x float32 5", f"{early}:exit 0", "*:pause 0.4"
        )
        assert (done.status, done.err) == (0, ""), done


@pytest.mark.parametrize("ended", [0, 1])
def test_who_needs_an_ended_rank_learns_that_it_ended_normally(ended):
    with Job(3) as job:
        job.init().works()
        waiting = job.others(ended)
        for rank in waiting:
            rank.tell("allreduce needed float32 4")
        job[ended].do("shutdown")
        for rank in waiting:
            answer = rank.hear()
            assert answer.is_error("peer_ended", "needed", "ended normally", job[ended].who)
            assert answer.rank == ended
        for rank in waiting:  # and also who comes later
            rank.do("barrier later").is_error("peer_ended", "ended normally")
        for rank in job.ranks:
            rank.end()


def test_a_rank_that_shuts_down_fails_its_own_pending_operations():
    with Job(2) as job:
        job.init()
        assert job[0].do("start allreduce alone float32 4").ok
        assert job[0].do("start allgather too float32 4").ok
        assert job[0].do("shutdown").ok
        job[1].do("barrier").is_error("peer_ended")
        assert job[1].do("shutdown").ok
        job.end()


def test_an_operation_that_all_have_submitted_completes_although_ranks_shut_down_at_once():
    with Job(3) as job:
        job.init()
        job.all_ok("start allreduce big float32 4000000")
        job.all_ok("shutdown")
        job.init().works("after a new init")
        job.end()


def test_init_may_follow_shutdown_with_some_ranks_far_ahead():
    with Job(3) as job:
        job.init().works()
        for rank in job.others(2):
            assert rank.do("shutdown").ok
            rank.tell("init")
        assert job[2].do("shutdown").ok
        assert job[2].do("init").ok
        for rank in job.others(2):
            assert rank.hear().ok
        job.works("second")
        job.end()


def test_a_forked_child_that_exits_disturbs_nobody():
    with Job(2) as job:
        job.init()
        assert job[0].do("start allreduce over_the_fork float32 8").ok
        assert job[0].do("fork exit").text == "child 7"
        assert job[1].do("allreduce over_the_fork float32 8").ok
        assert job[0].do("wait over_the_fork").ok
        job.works()
        job.end()


def test_a_parent_s_death_is_seen_at_once_although_its_forked_child_lives_on():
    with Job(3) as job:
        job.init().works()
        assert job[1].do("fork stay").ok
        for rank in job.others(1):
            rank.tell("barrier never")
        died = job[1].kill()
        for rank in job.others(1):
            answer = rank.hear()
            assert answer.is_error("aborted", job[1].who)
            assert answer.at_once, answer
            print(f"rank {rank.number} learnt it after {(answer.at - died) * 1e3:.1f} ms")


def test_another_program_in_a_rank_s_place_is_the_rank_s_death():
    with Job(2) as job:
        job.init()
        job[0].tell("barrier never")
        assert job[1].do("exec cat").ok
        answer = job[0].hear()
        assert answer.is_error("aborted", job[1].who)
        assert answer.at_once, answer


def test_hvd_in_a_rank_before_init_and_after_shutdown_says_so():
    with Job(2) as job:
        for rank in job.ranks:
            rank.do("barrier").is_error("precondition", "hvd_init")
        assert [a.text for a in job.all("place")] == ["place -1 -1 -1 -1 -1 -1"] * 2
        job.init()
        job.all_ok("init")  # again: nothing happens
        job.all_ok("shutdown")
        job.all_ok("shutdown")
        for rank in job.ranks:
            rank.do("allreduce x float32 1").is_error("precondition", "hvd_init")
        job.end()
