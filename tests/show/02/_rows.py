"""What the rows of issue 02 share: rounds in which hvd and its peers alternate, and the verdict."""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
from statistics import median

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "bench" / "peers"))

import catalogue  # noqa: E402
import launcher  # noqa: E402
import netlab  # noqa: E402
from paired import Ratios, by_round, figures  # noqa: E402
from report import size_name, time_name  # noqa: E402
from session import KIB, MIB, Job, Session, prepare  # noqa: E402

__all__ = ["HVD_PERF", "KIB", "MIB", "Job", "Peer", "Ratios", "launcher", "netlab"]
__all__ += ["size_name", "time_name"]
QUICK = "--quick" in sys.argv[1:]
ROUNDS = 3 if QUICK else 15
# Rounds that others disturbed are made up for, but not for ever.
EXTRA_ROUNDS = 0 if QUICK else 10
HVD_PERF, Peer = catalogue.HVD_PERF, catalogue.Peer
# The best that the field has: MPI as installed is behind its tuned self, torch.distributed behind
# the Gloo that it wraps.
OTHERS = ("openmpi-tuned", "mpich-tuned", "gloo")


def verdict(figure: str, target: str, hit: bool) -> None:
    """Prints the line that `./dev show` reads, and ends the program."""
    note = " (--quick)" if QUICK else ""
    print(f"{figure}{note} | {target} | {'hit' if hit else 'miss'}")
    sys.exit(0)


def say(text: str) -> None:
    print(text, flush=True)


class Measured:
    """The rows of a session, by what was asked of them."""

    def __init__(self, session: Session, left_out: dict[str, str]):
        self.session, self.left_out = session, left_out

    def figures(self, peer: str, key: str = "p50_us", **where) -> dict[int, float]:
        """{round: figure}; where: op (the job's name), bytes, np, mbit."""
        return figures(self.session.rows, key, ROUNDS, peer=peer, **where)

    def ratios(self, upper: str, lower: str, key: str = "p50_us", **where) -> Ratios:
        return Ratios(self.figures(upper, key, **where), self.figures(lower, key, **where))

    def median(self, peer: str, key: str = "p50_us", **where) -> float:
        return median(self.figures(peer, key, **where).values())

    def best(self, peers, **where) -> dict[int, float]:
        """{round: the lowest figure of these peers}, of the rounds in which any has one."""
        found: dict[int, float] = {}
        for peer in peers:
            for number, figure in self.figures(peer, **where).items():
                found[number] = min(figure, found.get(number, figure))
        return found

    def why_not(self, peer: str, op: str) -> str:
        """Why this peer has no figure for the operation."""
        if peer in self.left_out:
            return self.left_out[peer]
        if (peer, op) in self.session.skips:
            return self.session.skips[peer, op]
        for error in self.session.errors:
            if error.startswith(f"{peer} {op} "):
                return error
        return f"{peer} was not asked for {op}"

    def wrong(self, peer: str) -> list[str]:
        """Wrong results of the peer; a figure beside one says nothing."""
        return [e for e in self.session.errors if e.startswith(f"{peer} ") and "WRONG" in e]


def measure(jobs, names, added=(), budget_ms=100, iters=1000, pilot=None) -> Measured:
    """At least ROUNDS calm rounds. pilot(session), if given, is called after the second."""
    known = {peer.name: peer for peer in catalogue.PEERS}
    wanted = [*(known[n] for n in names), *added]
    build, usable = prepare(wanted, say)
    left_out = {p.name: catalogue.missing(p, build) for p in wanted if p not in usable}
    options = argparse.Namespace(
        iters=iters, budget_ms=budget_ms, pin=True, timeout=180, time_limit=1700
    )
    options.quiet_wait = 0.2 if QUICK else 3
    session = Session(options, usable, build, say=lambda _: None)
    start = time.monotonic()
    for number in range(1, ROUNDS + EXTRA_ROUNDS + 1):
        if not session.wanted("hvd", jobs):
            break  # nothing of ours is left to compare
        session.run_round(jobs, number)
        calm = calm_rounds(session, jobs)
        if number % 5 == 0 or QUICK:
            say(f"round {number}, {calm} of them calm, {time.monotonic() - start:.0f} s")
        if number == 2 and pilot is not None:
            pilot(session)
        if calm >= ROUNDS or time.monotonic() > session.end:
            break
    for error in dict.fromkeys(session.errors):
        say(f"error: {error}")
    return Measured(session, left_out)


def calm_rounds(session: Session, jobs) -> int:
    """Rounds in which nothing of what hvd and the floor did was disturbed."""
    ours = [p.name for p in session.peers if p.name.startswith(("hvd", "floor", "stream"))]
    counts = []
    for peer in ours:
        rows = [r for r in session.rows if r["peer"] == peer]
        if rows:
            disturbed = {r["round"] for r in rows} - set(by_round(rows))
            counts.append(len({r["round"] for r in rows} - disturbed))
    return min(counts, default=0)


def judge_against(measured: Measured, ours: str, theirs: str, cases) -> None:
    """cases: (where, largest ratio ours / theirs). Says each, then the verdict of all."""
    parts, hit = [], True
    for where, most in cases:
        size = size_name(where["bytes"])
        ratios = measured.ratios(ours, theirs, **where)
        if not ratios:
            name = ours if not measured.figures(ours, **where) else theirs
            parts.append(f"{size} none")
            say(f"{size}: no figure: {measured.why_not(name, where['op'])}")
            hit = False
            continue
        good = ratios.median <= most
        own = time_name(measured.median(ours, **where))
        say(
            f"{size}: {ours} {own}, {theirs} {time_name(measured.median(theirs, **where))}, "
            f"ratio {ratios}, target <= {most}: {'hit' if good else 'miss'}"
        )
        parts.append(f"{size} {ratios.median:.2f}x")
        hit = hit and good
    for text in (wrong := measured.wrong(ours)):
        say(text)
    mosts = " ".join(dict.fromkeys(f"{most}x" for _, most in cases))
    verdict(f"{theirs}: {', '.join(parts)}", f"<= {mosts} of {theirs}", hit and not wrong)


def say_peers(measured: Measured, ours: str, cases) -> None:
    """Evidence beside the row's own question: how the others stand to ours."""
    for where, _ in cases:
        texts = []
        for peer in OTHERS:
            ratios = measured.ratios(peer, ours, **where)
            if ratios:
                texts.append(f"{peer} takes {ratios} times")
        if texts:
            say(f"{size_name(where['bytes'])}, beside {ours}: {'; '.join(texts)}")
