"""Ranks of several hosts, emulated by HVD_HOST_KEY: tensor data goes over TCP between them."""

import json
import re
from pathlib import Path

import pytest
from job import Job


def on_hosts(hosts: str, **settings: str) -> Job:
    """A job whose rank r runs on the host hosts[r]."""
    each = {rank: {"HVD_HOST_KEY": host} for rank, host in enumerate(hosts)}
    return Job(len(hosts), each=each, **settings)


def shared_files(rank) -> set[str]:
    text = Path(f"/proc/{rank.pid}/maps").read_text()
    return set(re.findall(r"(\d+) +/memfd", text))


@pytest.mark.parametrize("hosts", ["ab", "abcde", "aabbc"])
def test_ranks_that_end_after_a_barrier_leave_nobody_behind(hosts):
    with on_hosts(hosts) as job:
        job.init()
        for rank in job.ranks:  # no answer is awaited: each goes on to its end as soon as it can
            rank.tell("barrier last")
            rank.tell("shutdown")
        for rank in job.ranks:
            for answer in (rank.hear(), rank.hear()):
                assert answer.ok, answer
        job.end()


@pytest.mark.parametrize("hosts", ["ab", "aabb", "aba"])
def test_tensors_cross_hosts_over_tcp_and_memory_is_shared_within_one_only(hosts):
    with on_hosts(hosts) as job:
        job.init().works()
        size = len(hosts)
        for command, first in (
            ("allreduce big float32 700001 value=2", 2 * size),
            ("allgather all float32 30000 value=3", 3),
            ("broadcast one float32 100001 value=4", 4),
        ):
            answers = job.all_ok(command)
            assert len({a.text for a in answers}) == 1, answers
            assert answers[0].text.endswith(f"first {first}"), answers
        job.all_ok("barrier here")
        for rank in job.ranks:
            info = json.loads(rank.do("info").text)
            remote = sum(host != hosts[rank.number] for host in hosts)
            assert f"TCP to {remote} rank" in info["data_plane"], info
            assert info["tcp_bytes_sent"] > 0 and info["tcp_bytes_received"] > 0, info
            for other in job.others(rank.number):
                common = shared_files(rank) & shared_files(other)
                assert bool(common) == (hosts[rank.number] == hosts[other.number])
        job.end()


@pytest.mark.parametrize("hosts", ["ab", "abc", "abcd", "aabb"])
def test_a_narrow_wire_halves_what_crosses_hosts_and_all_ranks_agree(hosts):
    sent = {}
    for wire in ("none", "bf16", "fp16"):
        with on_hosts(hosts, HVD_WIRE_DTYPE=wire) as job:
            job.init()
            answers = job.all_ok("allreduce big float32 700001 value=2")
            assert len({a.text for a in answers}) == 1, answers
            assert answers[0].text.endswith(f"first {2 * len(hosts)}"), answers
            job.all_ok("barrier here")
            infos = [json.loads(rank.do("info").text) for rank in job.ranks]
            sent[wire] = sum(info["tcp_bytes_sent"] for info in infos)
            job.end()
    assert 0.4 * sent["none"] < sent["bf16"] < 0.6 * sent["none"], sent
    assert 0.4 * sent["none"] < sent["fp16"] < 0.6 * sent["none"], sent


@pytest.mark.parametrize(("hosts", "shares"), [("aabb", [0.5] * 4), ("aaab", [1, 0, 0, 1])])
def test_hosts_send_each_other_a_vector_once_however_many_ranks_they_have(hosts, shares):
    with on_hosts(hosts) as job:
        job.init()
        job.all_ok("allreduce big float32 700000 value=2")
        for rank, share in zip(job.ranks, shares, strict=True):
            sent = json.loads(rank.do("info").text)["tcp_bytes_sent"]
            assert share <= sent / (4 * 700000) < share + 0.02, (rank.number, sent)
        job.end()
