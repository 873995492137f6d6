"""Prediction error of the cost model: 2 to 8 ranks on 2 emulated hosts joined by 1 Gbit/s.

The ranks measure the link when they start, as in any job (HVD_CALIBRATION); hvd-explain predicts
from these figures; the engine runs the same schedules over the same link, without negotiation,
which the model has not.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from statistics import median

import _rows
from _rows import HVD_PERF, KIB, MIB, Job, Peer, launcher, netlab, size_name, time_name

MBIT = 1000
ROUNDS = 3 if _rows.QUICK else 7
TIME_LIMIT_S = 270
CALIBRATIONS_MOST = 8
TARGET = 0.25
RANKS = (2, 4, 6, 8)
ALGORITHMS = ("recursive_doubling", "halving_doubling", "ring", "hierarchical")
# What --mbit leaves for payload; the measured rate is of payload.
PAYLOAD_SHARE = 0.94
# The memory of a host beside that of one core, where only the latter is measured (tuning.cc).
HOST_CORES = 89 / 45
EXPLAIN = os.environ.get("HVD_EXPLAIN", str(_rows.ROOT / "build/bindings/tools/hvd-explain"))
# hvd-explain's options: (measurement, what its unit is in the option's)
OPTIONS = {
    "--latency-us": ("latency_seconds", 1e6),
    "--overhead-us": ("overhead_seconds", 1e6),
    "--mbit": ("network_bytes_per_second", 8e-6 / PAYLOAD_SHARE),
    "--cached-gb": ("core_cached_bytes_per_second", 1e-9),
    "--memory-gb": ("core_memory_bytes_per_second", 1e-9 * HOST_CORES),
}
MEASURED = {name for name, _ in OPTIONS.values()}
NETWORK = ("latency_seconds", "overhead_seconds", "network_bytes_per_second")


class OneCoreHosts(netlab.TwoHosts):
    """Each host has the core to which its ranks are bound. With two, each of two ranks would take
    one for its own and poll there, while the core in truth has to run the other rank."""

    def inside(self, host):
        cores = sorted(os.sched_getaffinity(0))
        return [*super().inside(host), "taskset", "-c", str(cores[host % len(cores)])]


def sizes_of(ranks, algorithm):
    """Where many ranks send all of it over the one link, 16 MiB take a second a call."""
    big = ranks <= 4 or algorithm == "hierarchical"
    return (4 * KIB, 64 * KIB, MIB, *((16 * MIB,) if big else ()))


CASES = [(p, a) for p in RANKS for a in ALGORITHMS if p > 2 or a != "hierarchical"]


def launch(hosts, job, env, flags=""):
    peer = Peer("hvd", f"{HVD_PERF} {{args}} --door engine {flags}", env=env)
    options = argparse.Namespace(iters=200, budget_ms=60)
    values = {"args": job.arguments(pathlib.Path(), options), "np": job.np}
    launcher.wait_for_quiet(0.2 if _rows.QUICK else 0.5)
    return launcher.launch(peer, values, job.np, hosts, True, 60)


def calibrate_once(hosts):
    """{measurement: value} of a job of 2 ranks; without what did not come a second time."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        env = {"HVD_CALIBRATION": "force", "HVD_CACHE_DIR": folder}
        outcome = launch(hosts, Job("allreduce", 2, (4 * KIB,), mbit=MBIT), env)
        if outcome.error:
            _rows.say(f"calibration: {outcome.error}")
        for file in pathlib.Path(folder).iterdir():
            for line in file.read_text().splitlines():
                name, _, value = line.partition(" ")
                if name in MEASURED:
                    found[name] = float(value)
    return found


def calibrate(hosts):
    """The same, of as few jobs as give all of it: a busy moment measures nothing."""
    found = {}
    for _ in range(CALIBRATIONS_MOST):
        found = {**calibrate_once(hosts), **found}
        if len(found) == len(MEASURED):
            break
    return found


def measure():
    """(us by ranks, algorithm and bytes, values by measurement: one of each round; errors)"""
    times, parameters, errors = defaultdict(list), defaultdict(list), []
    start = time.monotonic()
    for number in range(1, ROUNDS + 1):
        with OneCoreHosts(MBIT) as hosts:
            for name, value in calibrate(hosts).items():
                parameters[name].append(value)
            for ranks, algorithm in CASES:
                job = Job("allreduce", ranks, sizes_of(ranks, algorithm), mbit=MBIT)
                env = {"HVD_CALIBRATION": "off"}
                outcome = launch(hosts, job, env, f"--algorithm {algorithm}")
                if outcome.error:
                    errors.append(f"{algorithm}, {ranks} ranks: {outcome.error}")
                for line in outcome.lines:
                    times[ranks, algorithm, line["bytes"]].append(line["p50_us"])
                    if line.get("checked") is not True:
                        errors.append(f"{algorithm}, {ranks} ranks: WRONG RESULT")
        took = time.monotonic() - start
        _rows.say(f"round {number}, {took:.0f} s")
        if took * (number + 1) / number > TIME_LIMIT_S:
            break
    return times, parameters, errors


def predicted_us(program, ranks, algorithm, size, options):
    hosts = ",".join(str(rank % 2) for rank in range(ranks))  # as the launcher deals them out
    words = ["allreduce", "--host-of-rank", hosts, "--bytes", str(size), "--in-place"]
    done = subprocess.run(
        [program, *words, "--algorithm", algorithm, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"predicted time ([\d.]+) us", done.stdout)
    if done.returncode != 0 or not found:
        _rows.verdict(f"no prediction: {done.stderr.strip()}", f"<= {TARGET:.0%}", False)
    return float(found.group(1))


def print_table(times, program, options):
    """{(ranks, bytes): errors, as |predicted - measured| / measured}"""
    errors = defaultdict(list)
    print("| ranks | algorithm | bytes | measured | predicted | predicted / measured |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (ranks, algorithm, size), of_rounds in times.items():
        measured = median(of_rounds)
        predicted = predicted_us(program, ranks, algorithm, size, options)
        errors[ranks, size].append(abs(predicted - measured) / measured)
        print(
            f"| {ranks} | {algorithm} | {size_name(size)} | {time_name(measured)} | "
            f"{time_name(predicted)} | {predicted / measured:.2f} |"
        )
    return errors


def medians(errors, place, name):
    """The median error by that place of the key, as text."""
    groups = defaultdict(list)
    for key, values in errors.items():
        groups[key[place]] += values
    return ", ".join(f"{name(key)} {median(groups[key]):.0%}" for key in sorted(groups))


def main():
    target = f"<= {TARGET:.0%} median"
    if os.geteuid() != 0:
        _rows.verdict("emulated hosts need root", target, False)
    program = shutil.which(EXPLAIN) or shutil.which("hvd-explain")
    if program is None:
        _rows.verdict("hvd-explain is not built", target, False)
    times, parameters, errors = measure()
    for text in dict.fromkeys(errors):
        print(f"error: {text}")
    if not times or not all(parameters[name] for name in NETWORK):
        _rows.verdict("too busy: the link could not be measured", target, False)
    options = []
    for option, (name, unit) in OPTIONS.items():
        if parameters[name]:
            options += [option, f"{median(parameters[name]) * unit:.6g}"]
            shown = ", ".join(f"{value * unit:.4g}" for value in parameters[name])
            print(f"measured {option} {options[-1]} (rounds: {shown})")
    found = print_table(times, program, options)
    print(f"median error by ranks: {medians(found, 0, str)}")
    sizes = medians(found, 1, size_name)
    error = median(value for of in found.values() for value in of)
    _rows.verdict(
        f"median error {error:.0%} ({sizes})",
        target,
        error <= TARGET and not errors,
    )


if __name__ == "__main__":
    main()
