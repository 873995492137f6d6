"""What ranks measure at start: kept on each host, and one set of figures for the whole job.

A machine that is busy may measure nothing, so the tests write what is kept themselves.
"""

import json
import re
from pathlib import Path

import pytest
from job import Job

DEFAULTS = "not measured: the defaults"
HOST = {
    "core_cached_bytes_per_second": "9e10",
    "core_memory_bytes_per_second": "4e10",
    "stream_gain": "1.5",
    "flag_seconds": "3e-7",
    "wake_seconds": "9e-06",
}
NETWORK = {
    "latency_seconds": "4e-05",
    "overhead_seconds": "2e-06",
    "network_bytes_per_second": "1.2e8",
}


def each_of(hosts: str, folders: list[Path]) -> dict[int, dict[str, str]]:
    """Rank r runs on hosts[r] and keeps files in folders[r]."""
    return {
        rank: {"HVD_HOST_KEY": host, "HVD_CACHE_DIR": str(folders[rank])}
        for rank, host in enumerate(hosts)
    }


def run(hosts: str, folders: list[Path], **settings: str) -> str:
    """The one calibration that all ranks of such a job have."""
    settings = {"HVD_CALIBRATION": "auto", **settings}
    with Job(len(hosts), each=each_of(hosts, folders), **settings) as job:
        job.init().works()
        found = {json.loads(rank.do("info").text)["calibration"] for rank in job.ranks}
        job.end()
    assert len(found) == 1, found
    return found.pop()


def places(hosts: str, folders: list[Path]) -> list[dict[str, tuple[Path, str]]]:
    """For each rank {"host" or "network": (file, key)}, as it says at level debug."""
    settings = {"HVD_CALIBRATION": "auto", "HVD_LOG_LEVEL": "debug"}
    found = []
    with Job(len(hosts), each=each_of(hosts, folders), **settings) as job:
        job.init()
        for rank in job.ranks:
            pattern = r"no measurements in (\S+/(host|network)-\w+) yet; they would be of: (.*)"
            lines = rank.wait_for_errors(pattern, 2)
            found.append({kind: (Path(path), key) for path, kind, key in lines})
    return found


def keep(place: tuple[Path, str], figures: dict[str, str]) -> None:
    path, key = place
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{name} {value}\n" for name, value in figures.items())
    path.write_text(f"hvd measurements 1\nkey {key}\n{rows}end\n")


@pytest.mark.parametrize(("hosts", "agreed"), [("aa", 5), ("ab", 5), ("aabb", 5), ("abc", 6)])
def test_all_ranks_hold_the_same_figures_whatever_their_caches_say(hosts, agreed, tmp_path):
    folders = [tmp_path / str(rank) for rank in range(len(hosts))]
    leaders = [hosts.index(host) for host in dict.fromkeys(hosts)]
    for rank, files in enumerate(places(hosts, folders)):
        # Those who lead no host know the wildest things.
        number = leaders.index(rank) if rank in leaders else 90
        keep(files["host"], {**HOST, "core_memory_bytes_per_second": f"{5 + number}e9"})
        keep(files["network"], NETWORK)
    before = {path: path.read_text() for path in tmp_path.glob("*/*")}
    text = run(hosts, folders)
    assert f"and {agreed} outside" in text
    assert ("between hosts latency 40 us" in text) == (len(set(hosts)) > 1)
    assert {path: path.read_text() for path in tmp_path.glob("*/*")} == before


@pytest.mark.parametrize("hosts", ["aa", "ab", "aabb", "abc"])
def test_what_is_measured_is_the_same_on_all_ranks_and_kept_by_leaders_alone(hosts, tmp_path):
    folders = [tmp_path / str(rank) for rank in range(len(hosts))]
    run(hosts, folders)
    run(hosts, folders, HVD_CALIBRATION="force")
    leaders = [hosts.index(host) for host in dict.fromkeys(hosts)]
    for rank, folder in enumerate(folders):
        for file in folder.glob("*"):
            assert rank in leaders, file
            assert re.fullmatch(r"(host|network)-\w+", file.name), file
            assert file.read_text().endswith("end\n")


def test_a_file_that_is_none_is_said_at_level_debug_and_harms_nothing(tmp_path):
    files = places("aa", [tmp_path / "0", tmp_path / "0"])
    path, _ = files[0]["host"]
    for text in (b"", b"hvd measurements 1\n", bytes(range(256)) * 100):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text)
        settings = {"HVD_CALIBRATION": "auto", "HVD_LOG_LEVEL": "debug"}
        with Job(2, HVD_CACHE_DIR=str(path.parent), **settings) as job:
            job.init().works()
            job.ranks[0].wait_for_errors(f"measurements in {path} do not count")


def test_off_and_deterministic_jobs_go_by_the_defaults_and_keep_nothing(tmp_path):
    folders = [tmp_path / "0", tmp_path / "1"]
    assert run("ab", folders, HVD_CALIBRATION="off") == DEFAULTS
    assert run("ab", folders, HVD_DETERMINISTIC="1") == DEFAULTS
    assert not list(tmp_path.glob("*/*"))


def test_rank_0_decides_whether_ranks_measure(tmp_path):
    each = each_of("ab", [tmp_path / "0", tmp_path / "1"])
    each[0]["HVD_CALIBRATION"] = "off"
    each[1]["HVD_CALIBRATION"] = "force"
    with Job(2, each=each) as job:
        job.init().works()
        for rank in job.ranks:
            assert json.loads(rank.do("info").text)["calibration"] == DEFAULTS
        job.end()


def test_rank_0_prints_at_level_debug_what_it_chooses_by(tmp_path):
    each = each_of("abcd", [tmp_path / str(rank) for rank in range(4)])
    with Job(4, each=each, HVD_LOG_LEVEL="debug") as job:
        job.init().works()
        job.ranks[0].wait_for_errors(r"decision: allreduce: up to \S+ KiB recursive_doubling, by")
        job.ranks[0].wait_for_errors(r"decision: broadcast: up to \S+ MiB chain in chunks of 16")
        assert "decision: " not in job.ranks[1].errors


def test_a_value_that_does_not_exist_is_an_error_before_anybody_is_waited_for():
    with Job(2, HVD_CALIBRATION="sometimes") as job:
        for rank in job.ranks:
            assert rank.do("init").is_error(
                "invalid_argument", "HVD_CALIBRATION", "sometimes", "auto, force, off"
            )


def test_a_cache_that_cannot_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("no folder")
    nowhere = tmp_path / "file" / "in"
    run("aa", [nowhere, nowhere])
