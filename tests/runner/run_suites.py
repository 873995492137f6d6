"""Runs suites and says what came of it: `./dev test [SUITE...]`.

Prints seconds per suite, failures in full, the ten slowest tests, and as its last line
`N passed, N failed, N skipped`. Exit status 1 on a failure, on a suite that ran nothing, and under
CI=true on a skip that tests/allowed_skips.txt does not list.
"""

import os
import sys
import time

import allowed_skips
import suites
from results import Result

SLOWEST_COUNT = 10


def count(results, outcome):
    return sum(r.outcome == outcome for r in results)


def summary(results):
    return ", ".join(f"{count(results, o)} {o}" for o in ("passed", "failed", "skipped"))


def with_objections(suite, results, rows, ci):
    """The results, and one failure more for each thing that must not pass in silence."""
    objections = []
    if count(results, "passed") + count(results, "failed") == 0:
        text = "no test of this suite ran; a suite that runs nothing proves nothing"
        objections.append(Result(suite, f"{suite}: ran nothing", "failed", 0.0, text))
    if ci:
        for skipped in allowed_skips.not_allowed(results, rows):
            name = f"{skipped.name}: not allowed to skip"
            text = f"{skipped.detail}\nunder CI a skip must be in tests/allowed_skips.txt"
            objections.append(Result(suite, name, "failed", 0.0, text))
    return [*results, *objections]


def print_failures(results):
    for result in results:
        if result.outcome == "failed":
            print(f"\nFAILED {result.name}\n{result.detail.rstrip()}")


def print_skips(results):
    for result in results:
        if result.outcome == "skipped":
            print(f"skipped {result.name}: {result.detail}")


def print_slowest(results):
    slowest = sorted(results, key=lambda r: r.seconds, reverse=True)[:SLOWEST_COUNT]
    print(f"\nthe {len(slowest)} slowest tests:")
    for result in slowest:
        print(f"  {result.seconds:7.2f} s  {result.name}")


def run(names, ci, run_suite=suites.run_suite, rows=()):
    everything = []
    print(f"{'suite':10} {'passed':>7} {'failed':>7} {'skipped':>7} {'seconds':>8}", flush=True)
    for name in names:
        start = time.monotonic()
        results = with_objections(name, run_suite(name), rows, ci)
        counts = [count(results, o) for o in ("passed", "failed", "skipped")]
        seconds = time.monotonic() - start
        print(f"{name:10} {counts[0]:7} {counts[1]:7} {counts[2]:7} {seconds:8.1f}", flush=True)
        everything += results
    print_failures(everything)
    print()
    print_skips(everything)
    print_slowest(everything)
    print(f"\n{summary(everything)}", flush=True)
    return 1 if count(everything, "failed") else 0


def main(arguments):
    unknown = [name for name in arguments if name not in suites.FOLDERS]
    if unknown:
        known = " ".join(suites.FOLDERS)
        print(f"dev: there is no suite '{unknown[0]}'; suites: {known}", file=sys.stderr)
        return 2
    rows = allowed_skips.parse((suites.ROOT / "tests/allowed_skips.txt").read_text())
    names = arguments or list(suites.FOLDERS)
    return run(names, os.environ.get("CI") == "true", rows=rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
