"""Starts one peer for one job, waits for it, and returns what it printed.

The machine may be shared: before a launch the launcher waits for a quiet moment, and after it
tells what share of the CPUs went to anybody else meanwhile.
"""

import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import netlab

MARK = "HVD_BENCH_LAUNCH"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Outcome:
    lines: list = field(default_factory=list)  # the JSON lines of rank 0
    error: str = ""
    seconds: float = 0.0
    foreign: float = 0.0  # share of all CPU time that went to others, the hypervisor included


def _busy_seconds():
    """CPU seconds that processes took since boot (user, nice, system) and that were stolen."""
    with open("/proc/stat", encoding="ascii") as file:
        words = file.readline().split()
    return sum(int(words[i]) for i in (1, 2, 3, 8)) / _TICKS


def _own_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def wait_for_quiet(limit_s, busy_below=0.08):
    """Waits until the CPUs are idle for a fifth of a second, at most limit_s."""
    start = time.monotonic()
    while time.monotonic() - start < limit_s:
        before, at = _busy_seconds(), time.monotonic()
        time.sleep(0.2)
        if _busy_seconds() - before < busy_below * (time.monotonic() - at) * os.cpu_count():
            return


def _kill_marked(mark):
    """Ends what this launch left behind: daemons of launchers leave the process group."""
    needle = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if needle in (entry / "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                pass


def _fill(template, values):
    for name, value in values.items():
        template = template.replace("{" + name + "}", str(value))
    return shlex.split(template)


def _commands(peer, values, ranks, hosts, store, pin):
    """(command, environment) of every process to start."""
    common = {
        "HVD_BENCH_SIZE": str(ranks),
        "HVD_BENCH_STORE": store,
        "OMP_NUM_THREADS": "1",
        "HVD_BENCH_PIN": str(int(pin)),
        **peer.env,
    }
    if not peer.per_rank:
        if hosts:
            slots = (ranks + 1) // 2
            values = dict(values, host0=hosts.names[0], host1=hosts.names[1], slots=slots)
        return [(_fill(peer.net_command if hosts else peer.command, values), common)]
    started = []
    for rank in range(ranks):
        host = rank % 2
        mine = {
            "HVD_BENCH_RANK": rank,
            "HVD_BENCH_LOCAL_RANK": rank // 2 if hosts else rank,
            "HVD_BENCH_LOCAL_SIZE": (ranks + 1 - host) // 2 if hosts else ranks,
            "HVD_BENCH_ADDRESS": netlab.ADDRESSES[host] if hosts else "127.0.0.1",
            "HVD_BENCH_INTERFACE": netlab.INTERFACE if hosts else "lo",
        }
        prefix = hosts.inside(host) if hosts else []
        started.append(
            (
                prefix + _fill(peer.command, values),
                {**common, **{k: str(v) for k, v in mine.items()}},
            )
        )
    return started


def parse(text):
    """The protocol's lines: JSON objects that have an "op"; all else is chatter."""
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if "op" in value or "limit" in value:
                found.append(value)
    return found


def launch(peer, values, ranks, hosts, pin, timeout_s):
    """Runs one job of the peer, to the end or the time limit."""
    folder = Path(tempfile.mkdtemp(prefix="hvd-bench-"))
    store = folder / "store"
    store.mkdir()
    mark = uuid.uuid4().hex
    busy, own, start = _busy_seconds(), _own_seconds(), time.monotonic()
    outcome, started = Outcome(), []
    try:
        commands = _commands(peer, values, ranks, hosts, str(store), pin)
        for i, (command, env) in enumerate(commands):
            with open(folder / f"{i}.out", "wb") as out, open(folder / f"{i}.err", "wb") as err:
                started.append(
                    subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=err,
                        env={**os.environ, **env, MARK: mark},
                        # Not a session of its own: the kernel schedules sessions as groups
                        # (autogroup), and sched_yield() hands over within a group only. Ranks
                        # that share a CPU in two sessions wait a time slice (8 ms) for each other.
                        preexec_fn=os.setpgrp,
                    )
                )
        # All end well, or one fails and the others are not waited for.
        while any(p.poll() is None for p in started):
            if time.monotonic() - start > timeout_s:
                outcome.error = f"no end after {timeout_s:.0f} s"
                break
            if any(p.poll() for p in started):
                break
            time.sleep(0.01)
    except OSError as error:
        outcome.error = str(error)
    finally:
        if outcome.error or any(p.poll() != 0 for p in started):
            time.sleep(0.2)
            _kill_marked(mark)
        codes = [p.wait() for p in started]
    outcome.seconds = time.monotonic() - start
    taken = max(1e-3, outcome.seconds * os.cpu_count())
    outcome.foreign = max(0.0, (_busy_seconds() - busy - (_own_seconds() - own)) / taken)
    outcome.lines = parse(
        "".join(p.read_text("utf-8", "replace") for p in sorted(folder.glob("*.out")))
    )
    if any(codes) and not outcome.error:
        errors = "".join(p.read_text("utf-8", "replace") for p in sorted(folder.glob("*.err")))
        last = [line for line in errors.splitlines() if line.strip()][-1:]
        outcome.error = f"exit {max(codes, key=lambda c: (c > 0, c != 0))}: {''.join(last)[:160]}"
    shutil.rmtree(folder)
    return outcome
