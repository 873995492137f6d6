"""Strangers at a job's doors: noise, silence, huge lengths, many connections. Refused, no harm."""

import os
import re
import signal
import socket
import struct
import threading
from pathlib import Path

import pytest
from job import Job, doors_of, eventually, inodes_of, start_launch, worker

NOISE = {
    "silence": b"",
    "noise": os.urandom(5000),
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "huge_length": struct.pack("<I", 0xFFFFFFFF) + b"\0" * 64,
    "zeros": b"\0" * 4096,
    "half_a_hello": b"hvdkeyh\x01" + b"\0" * 8,
    "hello_then_noise": b"hvdkeyh\x01" + bytes(32) + os.urandom(200),
}


class Strangers:
    """Connections to one address; they stay open until the end. Never asks for anything back."""

    def __init__(self):
        self.open = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for stranger in self.open:
            stranger.close()

    def knock(self, address, data=b""):
        """True if somebody opened."""
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        stranger = socket.socket(family)
        stranger.settimeout(5)
        try:
            stranger.connect(address)
            if data:
                stranger.send(data)
        except OSError:
            stranger.close()
            return False
        self.open.append(stranger)
        return True


def listening_ports(pids):
    """TCP ports on which one of these processes listens."""
    inodes = inodes_of(pids)
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            ports.add(int(fields[1].split(":")[1], 16))
    return ports


@pytest.mark.parametrize("what", NOISE)
def test_strangers_at_rank_0_s_port_while_the_job_starts_do_no_harm(what):
    with Job(3) as job, Strangers() as strangers:
        job[0].tell("init")
        address = ("127.0.0.1", job.port)
        assert eventually(lambda: strangers.knock(address, NOISE[what]))
        for _ in range(20):
            strangers.knock(address, NOISE[what])
        for rank in job.others(0):
            rank.tell("init")
        assert all(rank.hear().ok for rank in job.ranks)
        job.works()
        assert not strangers.knock(address)  # the door is closed once all are in
        job.end()


def test_more_strangers_than_there_are_places_do_no_harm():
    with Job(3) as job, Strangers() as strangers:
        job[0].tell("init")
        address = ("127.0.0.1", job.port)
        assert eventually(lambda: strangers.knock(address))
        for _ in range(300):
            strangers.knock(address, NOISE["half_a_hello"])
        for rank in job.others(0):
            rank.tell("init")
        for _ in range(200):
            strangers.knock(address, NOISE["half_a_hello"])
        assert all(rank.hear().ok for rank in job.ranks)
        job.works()
        job.end()


@pytest.mark.parametrize("what", ["silence", "noise", "hello_then_noise"])
@pytest.mark.parametrize("count", [3, 150])
def test_strangers_at_the_unix_sockets_do_no_harm(what, count):
    """Ranks 0 and 1 wait in init with their sockets open, rank 2 comes when strangers are there."""
    with Job(3) as job, Strangers() as strangers:
        for rank in job.others(2):
            rank.tell("init")
        pids = [rank.pid for rank in job.ranks]
        names = eventually(lambda: len(n := doors_of(pids[:2])) == 2 and n)
        for name in names:
            for _ in range(count):
                assert strangers.knock("\0" + name, NOISE[what])
        job[2].tell("init")
        for _ in range(count):  # and go on while the ranks greet each other
            for name in names:
                strangers.knock("\0" + name, NOISE[what])
        assert all(rank.hear().ok for rank in job.ranks)
        assert [a.text for a in job.all("place")] == [f"place {r} 3 {r} 3 0 1" for r in range(3)]
        job.works()
        assert not doors_of(pids)
        job.end()


@pytest.mark.parametrize("what", ["silence", "noise", "huge_length"])
def test_strangers_at_hvdrun_s_rendezvous_do_no_harm_while_the_job_runs(what):
    process = start_launch(
        2,
        worker("rank_shell"),
        *["1:pause 0.5", "*:init", "*:say in", "*:loop allreduce x float32 16 times=20000"],
        *["*:shutdown", "*:init", "*:allreduce y float32 3", "*:shutdown"],
    )
    try:
        with Strangers() as strangers:
            ports = eventually(lambda: listening_ports(tree(process.pid)))
            knocked = 0
            until_done = threading.Event()
            reader = threading.Thread(target=lambda: (process.wait(120), until_done.set()))
            reader.start()
            while not until_done.wait(0.01) and knocked < 400:
                for port in listening_ports(tree(process.pid)) | ports:
                    knocked += strangers.knock(("127.0.0.1", port), NOISE[what])
            out, err = process.communicate(timeout=120)
            reader.join()
        assert (process.returncode, err) == (0, ""), (out[-2000:], err)
        assert knocked > 10
        assert len(re.findall("ok shutdown", out)) == 4, out
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def tree(pid):
    """A process and all that come from it."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                found += tree(int(child))
    except OSError:
        pass  # gone
    return found
