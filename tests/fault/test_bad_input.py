"""What bad input gets: a clear text on every rank that it concerns, and a job that goes on."""

import secrets
import time

import pytest
from job import Job

# What rank `size - 1` submits differently, and how the error says it.
MISMATCHES = {
    "shape": ("allreduce x float32 4", "allreduce x float32 5", ["shape differs", "[4]", "[5]"]),
    "dimensions": ("allreduce x float32 4", "allreduce x float32 2x2", ["shape", "[4]", "[2 2]"]),
    "dtype": (
        "allreduce x float32 4",
        "allreduce x float64 4",
        ["dtype differs", "float32", "float64"],
    ),
    "operation": (
        "allreduce x float32 4",
        "broadcast x float32 4",
        ["operation differs", "allreduce", "broadcast"],
    ),
    "barrier": ("barrier x", "allgather x float32 4", ["operation", "barrier", "allgather"]),
    "reduction": (
        "allreduce x float32 4",
        "allreduce x float32 4 op=max",
        ["reduction differs", "sum", "max"],
    ),
    "prescale": (
        "allreduce x float32 4",
        "allreduce x float32 4 pre=0.5",
        ["scale differs", "prescale 1", "prescale 0.5"],
    ),
    "postscale": (
        "allreduce x float32 4 post=2",
        "allreduce x float32 4",
        ["scale differs", "postscale 2", "postscale 1"],
    ),
    "root": (
        "broadcast x float32 4 root=0",
        "broadcast x float32 4 root=1",
        ["root rank differs", "0 on", "1 on"],
    ),
    "rows": (
        "allgather x float32 4x3",
        "allgather x float32 4x2",
        ["shape differs", "[any 3]", "[any 2]"],
    ),
}


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_mismatch_is_an_error_on_every_rank_and_the_next_operation_works(size):
    with Job(size) as job:
        job.init()
        for what, (usual, odd, said) in MISMATCHES.items():
            odd_rank = size - 1
            for rank in job.ranks:
                rank.tell(odd if rank.number == odd_rank else usual)
            for rank in job.ranks:
                answer = rank.hear()
                assert answer.is_error("mismatch", "'x'", *said), what
                assert f"on rank {odd_rank}" in answer.text and " 0" in answer.text, answer
                assert answer.tensor == "x", answer
            job.works(f"after {what}")
        job.end()


def test_a_name_submitted_twice_is_refused_at_the_call_and_the_first_completes():
    with Job(2) as job:
        job.init()
        assert job[0].do("start allreduce twice float32 4 value=3").ok
        answer = job[0].do("start allreduce twice float32 4 value=9")
        assert answer.is_error("invalid_argument", "'twice'", "still pending", "stays valid")
        job[0].do("barrier twice").is_error("invalid_argument", "'twice'")
        assert job[1].do("allreduce twice float32 4 value=3").text.endswith("first 6")
        assert job[0].do("wait twice").text.endswith("first 6")
        job.works("twice")  # the name is free again
        job.end()


# Of a rank 0 of two: the call, the error's class, and what its text holds.
REFUSED = [
    ("reduce_scatter x float32 4 splits=5,-1", "invalid_argument", "row_counts): -1 rows for rank"),
    ("reduce_scatter x float32 4 splits=2,1", "invalid_argument", "is 3, but the first dimension"),
    ("reduce_scatter x float32", "invalid_argument", "has no rows"),
    ("reduce_scatter x float32 4 shift=8", "invalid_argument", "input and output overlap"),
    ("alltoall x float32 5", "invalid_argument", "2 ranks cannot share evenly. give splits"),
    ("alltoall x float32 4 splits=3,2", "invalid_argument", "sum of splits is 5"),
    ("alltoall x float32 4 splits=-1,5", "invalid_argument", "splits: -1 rows for rank 0"),
    ("alltoall x float32", "invalid_argument", "has no rows"),
    ("allgather x float32", "invalid_argument", "has no rows"),
    ("allgather x float32 4 pre=2", "invalid_argument", "only reductions have scale factors"),
    ("scatter x float32 4 splits=1,1", "invalid_argument", "is 2, but the first dimension is 4"),
    (
        "scatter x float32 4 root=7",
        "invalid_argument",
        "root rank 7 is not one of the ranks 0 to 1",
    ),
    ("gather x float32 4 root=2", "invalid_argument", "root rank 2"),
    ("reduce x float32 4 root=-1", "invalid_argument", "root rank -1"),
    ("allreduce x float32 4 op=logical_and", "unsupported", "logical and of float32"),
    ("allreduce x float64 4 op=bit_xor", "unsupported", "bitwise xor of float64"),
    ("reduce_scatter x complex64 4 op=max", "unsupported", "max of complex64"),
    ("allreduce x int32 4 op=adasum", "unsupported", "adasum of int32"),
    ("reduce x float32 4 op=adasum", "unsupported", "adasum exists as an allreduce only"),
    ("allreduce x float32 4 null=1", "invalid_argument", "data pointer is null"),
    ("broadcast x float32 4 null=1", "invalid_argument", "data pointer is null"),
    ("allgather x float32 4 null=1", "invalid_argument", "data pointer is null"),
    ("alltoall x float32 4 null=1", "invalid_argument", "data pointer is null"),
    ("scatter x float32 4 null=1", "invalid_argument", "data pointer is null"),
    ("send - float32 4 peer=1 null=1", "invalid_argument", "data pointer is null"),
    ("recv - float32 4 peer=1 null=1", "invalid_argument", "data pointer is null"),
    ("allreduce x float32 4 shift=4", "invalid_argument", "overlap but are not the same memory"),
    ("reduce x float32 4 shift=12", "invalid_argument", "overlap but are not the same memory"),
    ("send - float32 4 peer=0", "invalid_argument", "rank 0 cannot exchange a message with itself"),
    ("send - float32 4 peer=2", "invalid_argument", "destination rank 2 is not one of the ranks"),
    ("recv - float32 4 peer=-1", "invalid_argument", "source rank -1 is not one of the ranks"),
    ("allreduce x float32 1x1x1x1x1x1x1x1x1", "invalid_argument", "9 dimensions; 0 to 8"),
]


def test_arguments_that_cannot_be_are_refused_by_name_and_rule_and_start_nothing():
    with Job(2) as job:
        job.init()
        for command, kind, text in REFUSED:
            job[0].do(command).is_error(kind, text)
            job.works(f"after {command.split()[0]}")
        job.end()


def test_what_can_be_refused_at_the_call_is_refused_there():
    with Job(2) as job:
        job.init()
        rank = job[0]
        rank.do("allreduce x bool 4 op=average").is_error("unsupported", "average of bool")
        rank.do("broadcast x float32 4 root=2").is_error("invalid_argument", "root rank 2")
        rank.do("broadcast x float32 4 root=-1").is_error("invalid_argument", "root rank -1")
        rank.do("allreduce x float32 -4").is_error("invalid_argument", "[-4]")
        rank.do("allreduce x float32 4 pre=nan").is_error("invalid_argument", "finite")
        rank.do("allreduce x float32 4 deadline=-1").is_error("invalid_argument", "deadline")
        long_name = "n" * 5000
        rank.do(f"barrier {long_name}").is_error("invalid_argument", "5000")
        job.works("x")
        job.end()


# ---- a rank that never submits -------------------------------------------------------------------


def test_a_rank_that_does_not_submit_is_named_in_warnings_with_doubling_pauses():
    with Job(3, HVD_STALL_WARNING_SECONDS="0.3") as job:
        job.init().works("before")
        start = time.monotonic()
        for rank in job.others(1):
            rank.tell("allreduce awaited float32 4")
        pattern = r"allreduce 'awaited' has waited for ([0-9.]+) s: (.*)"
        found = job[0].wait_for_errors(pattern, count=3)
        assert time.monotonic() - start > 0.3 + 0.6 + 1.2 - 0.1
        waited = [float(seconds) for seconds, _ in found[:3]]
        assert waited[1] - waited[0] > 0.5 and waited[2] - waited[1] > 1.1, waited
        for _, text in found:
            assert job[1].who in text and "its last submit was 'before'" in text, text
            assert "waiting: ranks 0 2" in text and "HVD_STALL_WARNING_SECONDS 0.3" in text, text
            assert job[0].who not in text and job[2].who not in text, text
        assert job[1].do("allreduce awaited float32 4").ok
        assert all(rank.hear().ok for rank in job.others(1))
        job.works("after")
        assert job[1].errors == job[2].errors == ""


@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("by", ["environment", "call"])
def test_a_deadline_is_an_error_on_all_and_the_late_rank_gets_it_when_it_comes(by, late):
    settings = {"HVD_DEADLINE_SECONDS": "0.4"} if by == "environment" else {}
    option = "" if by == "environment" else " deadline=0.4"
    with Job(3, **settings) as job:
        job.init()
        assert all(a.ok for a in job.all("barrier before deadline=50"))
        for rank in job.others(late):
            rank.tell(f"allreduce awaited float32 4{option}")
        said = ["'awaited' gave up after 0.", job[late].who, "did not submit it", "'before'"]
        said += [" s ago", "HVD_DEADLINE_SECONDS"]
        for rank in job.others(late):
            answer = rank.hear()
            assert answer.is_error("deadline", *said)
            assert (answer.rank, answer.tensor) == (late, "awaited"), answer
        # Answers come in order: after this the late rank has heard that it was given up.
        assert all(a.ok for a in job.all("barrier heard deadline=50"))
        answer = job[late].do("allreduce awaited float32 4 deadline=50")
        assert answer.is_error("deadline", "came too late", *said)
        assert all(a.ok for a in job.all("allreduce awaited float32 4 deadline=50"))
        assert all(a.ok for a in job.all("barrier last deadline=50"))
        job.end()


# ---- who am I, where do we meet ------------------------------------------------------------------


def refused(text_parts, size="2", **env):
    with Job(1, HVD_SIZE=size) as job:
        job.ranks[0].close()
        job.ranks.clear()
        job.settings = {k: v for k, v in {**job.settings, **env}.items() if v is not None}
        job.start([0])
        answer = job.ranks[0].do("init")
        assert answer.verdict == "error", answer
        for part in text_parts:
            assert part in answer.text, (part, answer.text)
        # A defined state: not initialized, and a good init may follow.
        assert job.ranks[0].do("place").text == "place -1 -1 -1 -1 -1 -1"
        job.ranks[0].do("barrier").is_error("precondition")
        job.ranks[0].end()
        return answer


@pytest.mark.parametrize(
    ("env", "parts"),
    [
        ({"HVD_SIZE": None, "HVD_RANK": "0"}, ["HVD_RANK is 0", "HVD_SIZE is not set"]),
        ({"HVD_SIZE": "0"}, ["HVD_SIZE is 0"]),
        ({"HOROVOD_SIZE": "3"}, ["HVD_SIZE is 2", "HOROVOD_SIZE is 3"]),
        ({"HVD_LOCAL_RANK": "0"}, ["HVD_LOCAL_RANK is 0", "HVD_LOCAL_SIZE is not set"]),
        ({"HVD_LOCAL_RANK": "0", "HVD_LOCAL_SIZE": "3"}, ["HVD_LOCAL_SIZE is 3", "HVD_SIZE is"]),
        ({"HVD_LOCAL_RANK": "2", "HVD_LOCAL_SIZE": "2"}, ["HVD_LOCAL_RANK is 2"]),
        ({"HVD_SIZE": "two"}, ["HVD_SIZE", "two"]),
        ({"HVD_DEADLINE_SECONDS": "soon"}, ["HVD_DEADLINE_SECONDS", "soon"]),
        ({"HVD_HEARTBEAT_SECONDS": "0"}, ["HVD_HEARTBEAT_SECONDS", "0.1"]),
        ({"HVD_STALL_WARNING_SECONDS": "-1"}, ["HVD_STALL_WARNING_SECONDS", "-1"]),
        ({"HVD_RENDEZVOUS_PORT": "65536"}, ["HVD_RENDEZVOUS_PORT", "65536"]),
        ({"HVD_RENDEZVOUS_PORT": None}, ["HVD_RENDEZVOUS_PORT is not set", "hvdrun"]),
        ({"HVD_RENDEZVOUS_ADDR": "not an address"}, ["not an address"]),
        ({"HVD_RENDEZVOUS_ADDR": "192.0.2.1", "HVD_SECRET": None}, ["192.0.2.1", "no secret"]),
        ({"HVD_SECRET": "abc"}, ["HVD_SECRET", "64"]),
        ({"HVD_SECRET_FILE": "/does/not/exist"}, ["HVD_SECRET_FILE", "/does/not/exist"]),
        ({"HVD_SECRET_FD": "77"}, ["HVD_SECRET_FD 77"]),
        ({"HVD_ALGORITHM": "magic"}, ["HVD_ALGORITHM", "magic"]),
        ({"HVD_CHUNK_BYTES": "100"}, ["HVD_CHUNK_BYTES", "'100'", "a multiple of 16"]),
        ({"HVD_CHUNK_BYTES": "2147483648"}, ["HVD_CHUNK_BYTES", "1073741824"]),
        ({"HVD_LOG_LEVEL": "loud"}, ["HVD_LOG_LEVEL", "loud"]),
    ],
    ids=lambda value: "-".join(f"{k}_{v}" for k, v in value.items())
    .replace(" ", "_")
    .replace("/", "_")
    if isinstance(value, dict)
    else "",
)
def test_settings_that_cannot_be_are_refused_by_name(env, parts):
    refused(parts, **{"HVD_START_TIMEOUT_SECONDS": "5", **env})


def test_rank_0_alone_says_what_this_job_cannot_do_as_it_is_set():
    settings = {"HVD_ALGORITHM": "hierarchical", "HVD_CHUNK_BYTES": "1073741824"}
    with Job(2, **settings) as job:
        job.init().works()
        job.ranks[0].wait_for_errors("HVD_ALGORITHM hierarchical has no effect in this job: all ")
        job.ranks[0].wait_for_errors("HVD_CHUNK_BYTES 1073741824 is more than a slot")
        assert job.ranks[1].errors == ""


def test_a_secret_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "secret"
    path.write_text(secrets.token_hex(32))
    path.chmod(0o644)
    refused(["HVD_SECRET_FILE", str(path), "600"], HVD_SECRET=None, HVD_SECRET_FILE=str(path))


def test_ranks_that_do_not_come_are_named():
    with Job(4, HVD_START_TIMEOUT_SECONDS="1") as job:
        for rank in job.others(0, 2):
            rank.close()
        job.ranks = [rank for rank in job.ranks if rank.number in (0, 2)]
        for answer in job.all("init"):
            assert answer.is_error("deadline", "init gave up after", "ranks 1 3")
            assert "HVD_START_TIMEOUT_SECONDS 1" in answer.text, answer
        for rank in job.ranks:
            rank.end()


def test_without_rank_0_the_others_say_that_it_is_missing():
    with Job(2, HVD_START_TIMEOUT_SECONDS="1") as job:
        answer = job[1].do("init")
        assert answer.is_error("deadline", "rank 0", "HVD_START_TIMEOUT_SECONDS 1")
        assert answer.rank == 0


def test_a_rank_with_another_secret_is_told_and_the_others_name_it():
    wrong = {1: {"HVD_SECRET": secrets.token_hex(32)}}
    with Job(3, each=wrong, HVD_START_TIMEOUT_SECONDS="3") as job:
        for rank in job.ranks:
            rank.tell("init")
        job[1].hear().is_error("permission", "secret", "rank 1", "HVD_SECRET")
        for rank in job.others(1):
            answer = rank.hear()
            assert answer.is_error("deadline", "rank 1 of 3 did not come")
            assert answer.rank == 1
        for rank in job.ranks:
            rank.end()


def test_two_ranks_with_one_number_and_a_rank_of_another_size_are_refused():
    with Job(3, each={2: {"HVD_RANK": "1"}}, HVD_START_TIMEOUT_SECONDS="3") as job:
        answers = job.all("init")
        twins = [a for a in answers[1:] if a.code == 1]
        assert len(twins) == 1, answers
        assert "rank 1 is taken by" in twins[0].text and "same HVD_RANK" in twins[0].text
        assert answers[0].is_error("deadline", "rank 2 of 3 did not come")
    with Job(2, each={1: {"HVD_SIZE": "3"}}, HVD_START_TIMEOUT_SECONDS="3") as job:
        answers = job.all("init")
        assert answers[1].is_error("invalid_argument", "expects 3 ranks, rank 0 expects 2")
        assert "rank 1" in answers[0].text, answers
