"""Memory that cannot be had: a way round it for all ranks, or an error that names the limit."""

import json
import os
import re
import resource
import shutil
from pathlib import Path

import pytest
from job import Job

MIB = 1 << 20
# A rank of two needs some 8 MiB to share; to find the others, a page or two.
LITTLE = 4 * MIB


def limited(*words: str) -> dict[str, str]:
    return {"INSIDE": " ".join(["prlimit", *words])}


def shared_files(rank) -> set[str]:
    return set(re.findall(r"(\d+) +/memfd", Path(f"/proc/{rank.pid}/maps").read_text()))


def check_goes_over_tcp(job: Job, lonely: list[int], *said: str) -> None:
    """These ranks of one host share nothing, know their places, and one line says why."""
    job.works()
    for command in ("allreduce x float32 700001 value=2", "alltoall y float32 4200", "barrier z"):
        assert len({a.text for a in job.all_ok(command)}) == 1
    infos = [json.loads(rank.do("info").text) for rank in job.ranks]
    for number in lonely:
        assert f"TCP to {job.size - 1} rank" in infos[number]["data_plane"], infos[number]
        assert infos[number]["tcp_bytes_sent"] > 0, infos[number]
        for other in job.others(number):
            assert not shared_files(job[number]) & shared_files(other)
    line = job[0].errors
    assert line.count("\n") == 1, line
    for part in said:
        assert part in line, (part, line)
    assert all(rank.errors == "" for rank in job.others(0))
    for rank in job.ranks:
        rank.do("shutdown")
        rank.end()


@pytest.mark.parametrize("poor", [0, 1])
def test_a_rank_that_may_not_have_a_large_memfd_takes_its_host_to_tcp(poor):
    with Job(3, each={poor: limited(f"--fsize={LITTLE}")}) as job:
        job.init()
        assert [a.text for a in job.all("place")] == [f"place {r} 3 {r} 3 0 1" for r in range(3)]
        said = [job[poor].who, "ranks 0 1 2 of this host talk over TCP", f"RLIMIT_FSIZE {LITTLE}"]
        check_goes_over_tcp(job, [0, 1, 2], *said)


def test_the_other_hosts_of_a_job_keep_their_shared_memory():
    each = {rank: {"HVD_HOST_KEY": host} for rank, host in enumerate("aabb")}
    each[3] |= limited(f"--fsize={LITTLE}")
    with Job(4, each=each) as job:
        job.init()
        places = [f"place {r} 4 {r % 2} 2 {r // 2} 2" for r in range(4)]
        assert [a.text for a in job.all("place")] == places
        job.works()
        assert shared_files(job[0]) & shared_files(job[1])
        said = [job[3].who, "ranks 2 3 of this host", f"RLIMIT_FSIZE {LITTLE}"]
        check_goes_over_tcp(job, [2, 3], *said)


# At each step of joining a job one descriptor more is there.
QUICK = {(0, 11), (0, 17), (1, 17), (1, 22)}


def test_a_rank_that_may_have_no_memfd_at_all_says_which_limit_and_the_others_name_it():
    with Job(3, each={1: limited("--fsize=100")}, HVD_START_TIMEOUT_SECONDS="5") as job:
        answers = job.all("init")
        assert answers[1].is_error("resource", "RLIMIT_FSIZE 100 bytes (ulimit -f)")
        for answer in (answers[0], answers[2]):
            assert answer.verdict == "error" and "rank 1" in answer.text, answer
            assert answer.rank == 1, answer
        for rank in job.ranks:
            rank.end()


@pytest.mark.parametrize(
    ("poor", "most"),
    [
        pytest.param(poor, most, marks=() if (poor, most) in QUICK else pytest.mark.full)
        for poor in (0, 1)
        for most in range(5, 24)
    ],
)
def test_a_rank_without_descriptors_is_an_error_everywhere_or_none(poor, most):
    each = {poor: limited(f"--nofile={most}")}
    with Job(3, each=each, HVD_START_TIMEOUT_SECONDS="2") as job:
        answers = job.all("init")
        print(*answers, sep="\n")
        if all(answer.ok for answer in answers):
            job.works()
        else:
            assert f"RLIMIT_NOFILE {most} (ulimit -n)" in answers[poor].text, answers[poor]
            # Whoever waited for it in vain may have kept others waiting.
            assert all(answer.verdict == "error" for answer in answers), answers
        for rank in job.ranks:
            rank.do("shutdown")
            rank.end()


def test_a_result_for_which_a_rank_has_no_memory_is_an_error_that_names_it():
    with Job(3, HVD_ARENA_BYTES="4096") as job:
        job.init().works()
        text = Path(f"/proc/{job[1].pid}/status").read_text()
        used = int(re.search(r"VmSize:\s+(\d+) kB", text)[1]) << 10
        most = used + 24 * MIB
        resource.prlimit(job[1].pid, resource.RLIMIT_AS, (most, most))
        for answer in job.all(f"allgather x float32 {3 * MIB}"):  # 12 MiB each, 36 in all
            said = "rank 1 has no memory for the result of 37748736 bytes"
            assert answer.is_error("aborted", "allgather 'x'", said, "RLIMIT_AS")
            assert (answer.rank, answer.tensor) == (1, "x"), answer
        for rank in job.ranks:
            rank.do("shutdown")
            rank.end()


# ---- limits of control groups, as a rank sees them in a mount namespace of its own ---------------

V1 = """
mount -t tmpfs none {mount}
mkdir -p {folder}
echo {limit} > {folder}/memory.limit_in_bytes
echo {usage} > {folder}/memory.usage_in_bytes
"""
V2 = """
mount -t tmpfs none {mount}
mkdir -p {folder}
echo {limit} > {folder}/memory.max
echo {usage} > {folder}/memory.current
"""


def memory_group(version: str) -> tuple[Path, Path] | None:
    """Where the control groups are mounted, and the folder of this process's one."""
    kind = {"v1": "cgroup", "v2": "cgroup2"}[version]
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if (number == "0") if version == "v2" else ("memory" in controllers.split(",")):
            for mount in Path("/proc/self/mountinfo").read_text().splitlines():
                fields, options = (part.split() for part in mount.split(" - "))
                of_memory = version == "v2" or "memory" in options[2].split(",")
                if options[0] == kind and of_memory:
                    root, point = fields[3:5]
                    below = path if root == "/" else path.removeprefix(root)
                    return Path(point), Path(point + below)
    return None


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="needs root and unshare for mount namespaces",
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_rank_whose_control_group_is_nearly_full_takes_its_host_to_tcp(version, tmp_path):
    found = memory_group(version)
    if found is None:
        pytest.skip(f"needs a control group of {version}")
    mount, folder = found
    text = {"v1": V1, "v2": V2}[version].format(
        mount=mount, folder=folder, limit=100 * MIB, usage=98 * MIB
    )
    script = tmp_path / "enter"
    script.write_text(f'set -e\nmount --make-rprivate /\n{text}\nexec "$@"\n')
    with Job(2, each={1: {"INSIDE": f"unshare --mount sh {script}"}}) as job:
        job.init()
        limit = folder / {"v1": "memory.limit_in_bytes", "v2": "memory.max"}[version]
        said = [job[1].who, "ranks 0 1 of this host talk over TCP", f"limit: {limit}"]
        said += ["more than the 2097152 that the control group has left"]
        check_goes_over_tcp(job, [0, 1], *said)
