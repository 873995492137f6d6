"""What the rows of issue 01 share: starting a job of this tree and saying the verdict."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def hvdrun(rank_count: int, *command: str, timeout: float = 900, **settings: str):
    """Runs the command on that many ranks; returns the finished process, output as text."""
    launcher = os.environ.get("HVDRUN", "hvdrun")
    return subprocess.run(
        [launcher, "-np", str(rank_count), "--log-level", "error", *command],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **settings},
    )


def python_job(rank_count: int, *arguments: str, **settings: str):
    """A Python script on that many ranks; ends this row with a miss if it fails."""
    done = hvdrun(rank_count, sys.executable, *arguments, **settings)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
        verdict(f"the job ended with {done.returncode}", "0", False)
    return done


def verdict(figure: str, target: str, hit: bool) -> None:
    """Prints the line that `./dev show` reads, and ends the program."""
    print(f"{figure} | {target} | {'hit' if hit else 'miss'}")
    sys.exit(0)


def fresh_clone(parent: pathlib.Path) -> pathlib.Path:
    """The committed tree, in a folder of its own."""
    clone = parent / "hvd"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    return clone
