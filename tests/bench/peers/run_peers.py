#!/usr/bin/env python3
"""Times collectives of several runtimes side by side on this machine; see README.md.

run_peers.py --setup                              install the peers (Debian, root)
run_peers.py --quick                              a table in less than eight minutes
run_peers.py --full                               every job, five rounds, less than an hour
run_peers.py --quick --peer mine="…/program {args}"   with one more peer
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import catalogue
import launcher
import models
import report
from session import KIB, MIB, Job, Session, prepare, say

ALLREDUCE_SIZES = (8, KIB, 64 * KIB, MIB, 16 * MIB, 64 * MIB)
OTHER_OPS = ("broadcast", "allgather", "reduce_scatter", "alltoall")

QUICK = (
    [Job("allreduce", np, ALLREDUCE_SIZES) for np in (2, 4)]
    + [Job(op, 2, (MIB,)) for op in OTHER_OPS]
    + [Job(f"step-{how}", model="resnet50") for how in ("each", "fused", "list")]
    + [
        Job("overlap", 2, (KIB,), big=16 * MIB),
        Job("allreduce", 2, (16 * MIB,), mbit=1000),
        Job("allreduce", 4, (16 * MIB,), mbit=1000),
    ]
)
FULL = (
    [Job("allreduce", np, ALLREDUCE_SIZES) for np in (2, 4)]
    + [Job(op, 2, (KIB, MIB, 16 * MIB)) for op in OTHER_OPS]
    + [
        Job(f"step-{how}", model=model)
        for model in models.MODELS
        for how in ("each", "fused", "list")
    ]
    + [Job("overlap", 2, (KIB,), big=64 * MIB)]
    + [
        Job("allreduce", np, (16 * MIB, 64 * MIB), mbit=rate)
        for np in (2, 4)
        for rate in (1000, 10000)
    ]
)


def machine():
    def first(path, key):
        with open(path, encoding="ascii", errors="replace") as file:
            return next((row.split(":", 1)[1].strip() for row in file if row.startswith(key)), "")

    def read(path):
        return Path(path).read_text(encoding="ascii").strip() if Path(path).exists() else ""

    return {
        "cpu": " ".join(
            [
                first("/proc/cpuinfo", "model name"),
                "family",
                first("/proc/cpuinfo", "cpu family"),
                "model",
                first("/proc/cpuinfo", "model\t"),
            ]
        ),
        "cpus": os.cpu_count(),
        "memory": first("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "huge_pages": read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "tcp": read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "packages": catalogue.versions(),
    }


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--setup", action="store_true", help="install the peers with apt")
    parser.add_argument("--packages", action="store_true", help="list what --setup installs")
    parser.add_argument("--quick", action="store_true", help="2 rounds of a few jobs (default)")
    parser.add_argument("--full", action="store_true", help="5 rounds of all jobs")
    parser.add_argument("--out", default="", help="folder for results.json and table.md")
    parser.add_argument(
        "--rewrite", default="", metavar="FILE", help="replace the marked part of a document"
    )
    parser.add_argument("--peers", help="names from --list, or none")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="a further peer: a command template, see README.md",
    )
    parser.add_argument("--list", action="store_true", help="list the peers and stop")
    parser.add_argument("--ops", help="only jobs whose name starts with one of these")
    parser.add_argument("--np", help="only jobs with these rank counts")
    parser.add_argument("--bytes", help="these sizes instead of a job's own")
    parser.add_argument("--net", choices=("only", "no"), help="only or no emulated links")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--iters", type=int, default=1000, help="most samples per size and launch")
    parser.add_argument("--budget-ms", type=int, help="sampling time per size and launch")
    parser.add_argument("--no-pin", dest="pin", action="store_false")
    parser.add_argument("--timeout", type=float, default=90, help="seconds per launch")
    parser.add_argument("--time-limit", type=float, help="seconds; no launch starts after that")
    parser.add_argument("--quiet-wait", type=float, help="most seconds to wait for idle CPUs")
    options = parser.parse_args()
    quick = {"rounds": 2, "budget_ms": 100, "time_limit": 420, "quiet_wait": 1}
    full = {"rounds": 5, "budget_ms": 200, "time_limit": 3300, "quiet_wait": 5}
    for name, value in (full if options.full else quick).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def chosen_jobs(options):
    jobs = FULL if options.full else QUICK
    if options.ops:
        jobs = [j for j in jobs if j.name.startswith(tuple(options.ops.split(",")))]
    if options.np:
        jobs = [j for j in jobs if str(j.np) in options.np.split(",")]
    if options.net:
        jobs = [j for j in jobs if bool(j.mbit) == (options.net == "only")]
    if options.bytes:
        sizes = tuple(int(n) for n in options.bytes.split(","))
        jobs = [Job(j.op, j.np, sizes, j.model, j.mbit, j.big) if j.sizes else j for j in jobs]
    return jobs


def chosen_peers(options):
    known = {peer.name: peer for peer in catalogue.PEERS}
    names = list(known) if options.full else catalogue.QUICK
    if options.peers:
        names = [n for n in options.peers.split(",") if n and n != "none"]
    unknown = [n for n in names if n not in known]
    if unknown:
        sys.exit(f"unknown peers: {', '.join(unknown)}; --list names them")
    added = [
        catalogue.Peer(*text.split("=", 1), note="from the command line") for text in options.peer
    ]
    return [known[n] for n in names] + added


def main():
    options = parse_arguments()
    if options.list:
        for peer in catalogue.PEERS:
            print(f"{peer.name:14} {peer.note}")
        return 0
    if options.packages:
        for name, why in catalogue.PACKAGES.items():
            print(f"{name}|{why}")
        return 0
    if options.setup:
        catalogue.setup(say)
        if not (options.quick or options.full):
            return 0
    jobs, peers = chosen_jobs(options), chosen_peers(options)
    build, peers = prepare(peers)
    started = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    begin = time.monotonic()
    limits = launcher.parse(
        subprocess.run(
            [build / "limits"],
            env={**os.environ, "HVD_BENCH_PIN": "1"},
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    )
    session = Session(options, peers, build)
    try:
        session.run(jobs)
    except KeyboardInterrupt:
        say("interrupted: what was measured so far follows")
    document = {
        "started": started,
        "seconds": round(time.monotonic() - begin),
        "machine": machine(),
        "options": vars(options),
        "limits": limits,
        "errors": session.errors,
        "summary": report.summary(session.rows),
        "rows": session.rows,
    }
    text = report.markdown(document, [p.name for p in peers])
    print(text)
    if options.out:
        out = Path(options.out)
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        (out / "table.md").write_text(text, "utf-8")
    if options.rewrite:
        page = Path(options.rewrite)
        tables = report.tables(document, [p.name for p in peers], level="###")
        page.write_text(report.with_marked(page.read_text("utf-8"), tables), "utf-8")
    return 1 if session.errors else 0


if __name__ == "__main__":
    sys.exit(main())
