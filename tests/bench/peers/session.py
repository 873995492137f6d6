"""Rounds: the peers take turns over jobs, so that their figures of one round can be compared."""

import os
import random
import shlex
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import catalogue
import launcher
import models
import netlab

SOURCE = Path(__file__).resolve().parent / "src"
KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True)
class Job:
    """One launch of each peer: an operation at some sizes, on a number of ranks."""

    op: str
    np: int = 2
    sizes: tuple = ()
    model: str = ""  # of a step
    mbit: float = 0  # of the link between two emulated hosts; 0: one host
    big: int = 0  # of an overlap

    @property
    def net(self):
        return f"{self.mbit:g} Mbit/s" if self.mbit else "local"

    @property
    def name(self):
        return f"{self.op}:{self.model}" if self.model else self.op

    def arguments(self, build, options):
        words = ["--op", self.op, "--np", self.np, "--dtype", "f32"]
        words += ["--iters", options.iters, "--budget-ms", options.budget_ms]
        if self.sizes:
            words += ["--bytes", ",".join(map(str, self.sizes))]
        if self.model:
            words += ["--tensors", build / f"{self.model}.tensors", "--bucket-bytes", 64 * MIB]
        if self.big:
            words += ["--big-bytes", self.big]
        return shlex.join(map(str, words))


def say(text):
    print(text, file=sys.stderr, flush=True)


def prepare(peers, say=say):
    """(folder of the built programs, the peers that can run). Says which cannot, and why."""
    default = Path(tempfile.gettempdir()) / "hvd-bench-build"
    build = Path(os.environ.get("HVD_BENCH_BUILD", default))
    catalogue.build_programs(SOURCE, build, say)
    models.write_lists(build)
    usable = []
    for peer in peers:
        reason = catalogue.missing(peer, build)
        if reason:
            say(f"left out: {peer.name}: {reason}")
        else:
            usable.append(peer)
    return build, usable


class Session:
    def __init__(self, options, peers, build, say=say):
        self.options, self.peers, self.build, self.say = options, peers, build, say
        self.rows, self.errors, self.skips = [], [], {}
        self.failures = defaultdict(int)
        self.dropped = set()  # (peer, job's name) that the caller wants no more of
        self.order = random.Random(1)
        self.end = time.monotonic() + options.time_limit

    def run(self, jobs):
        for round_number in range(1, self.options.rounds + 1):
            self.run_round(jobs, round_number)
            if time.monotonic() > self.end:
                self.say("time limit: no further launches")
                break

    def run_round(self, jobs, round_number):
        """All jobs once; within a job the peers take turns in a new order each round."""
        for job in jobs:
            peers = [p for p in self.peers if self._wanted(p, job)]
            self.order.shuffle(peers)
            with netlab.TwoHosts(job.mbit) if job.mbit else nullcontext() as hosts:
                for peer in peers:
                    if time.monotonic() < self.end:
                        self._one(peer, job, hosts, round_number)

    def wanted(self, prefix, jobs):
        """Whether any peer whose name starts so still takes part in any of the jobs."""
        ours = [p for p in self.peers if p.name.startswith(prefix)]
        return any(self._wanted(peer, job) for peer in ours for job in jobs)

    def _wanted(self, peer, job):
        if peer.ops and not job.op.startswith(peer.ops):
            return False
        if (peer.name, job.name) in self.dropped:
            return False
        if (peer.name, job.op) in self.skips or self.failures[peer.name, job] > 1:
            return False
        if peer.links and not job.mbit:
            return False
        return not job.mbit or peer.per_rank or bool(peer.net_command)

    def _one(self, peer, job, hosts, round_number):
        values = {
            "args": job.arguments(self.build, self.options),
            "np": job.np,
            "build": self.build,
            "src": SOURCE,
            "agent": SOURCE / "netns_agent.sh",
            "interface": netlab.INTERFACE,
        }
        launcher.wait_for_quiet(self.options.quiet_wait)
        outcome = launcher.launch(
            peer, values, job.np, hosts, self.options.pin, self.options.timeout
        )
        self.say(
            f"round {round_number} {job.net:12} np={job.np} {job.name:22} {peer.name:14} "
            f"{outcome.seconds:5.1f} s  foreign {outcome.foreign:4.0%} {outcome.error}"
        )
        where = f"{peer.name} {job.name} np={job.np} {job.net}"
        if outcome.error:
            self.failures[peer.name, job] += 1
            self.errors.append(f"{where}: {outcome.error}")
        for line in outcome.lines:
            if "skip" in line:
                self.skips[peer.name, job.op] = line["skip"]
                continue
            if line.get("checked") is not True:
                self.errors.append(f"{where} {line.get('bytes')} B: WRONG RESULT")
            self.rows.append(
                {
                    **line,
                    "op": job.name,
                    "np": job.np,
                    "net": job.net,
                    "mbit": job.mbit,
                    "peer": peer.name,
                    "round": round_number,
                    "foreign": round(outcome.foreign, 4),
                }
            )
