"""Running scripts on several ranks, and checks that all of them make together.

A *check* is a function `check_...` of a module in checks/. One launch runs all checks of a module,
since launching is what costs; each check is a test of its own all the same.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CHECKS = HERE / "checks"


class Finished(NamedTuple):
    """How a job ended."""

    status: int
    output: str  # stdout and stderr of all ranks, in the order they came


def hvdrun() -> str:
    """The launcher: $HVDRUN, the one of the installed package, or the one on PATH."""
    if os.environ.get("HVDRUN"):
        return os.environ["HVDRUN"]
    import hvd

    packaged = Path(hvd.__file__).parent / "bin" / "hvdrun"
    found = str(packaged) if packaged.exists() else shutil.which("hvdrun")
    assert found, "hvdrun was not found; set HVDRUN"
    return found


def clean_environment(**settings: str) -> dict[str, str]:
    """This environment without settings of hvd, and with these."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HVD_", "HOROVOD_"))}
    # A rank that fails must not let the others wait until the test's own time is over.
    fixed = {"HVD_DEADLINE_SECONDS": "60", "PYTHONFAULTHANDLER": "1", "OMP_NUM_THREADS": "1"}
    return {**clean, **fixed, **settings}


def run(command: list[str], timeout: float, env: dict[str, str]) -> Finished:
    """Runs in a session of its own, which is killed whole when the time is over."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(timeout, end)
    timer.start()
    try:
        output, _ = process.communicate()
    finally:
        timer.cancel()
    assert not late.is_set(), f"not done after {timeout:g} s: {command}\n{output[-6000:]}"
    return Finished(process.returncode, output)


def run_script(
    rank_count: int, script: str, *args: str, timeout: float = 120, **settings: str
) -> Finished:
    """Runs Python source on this many ranks under hvdrun."""
    with tempfile.TemporaryDirectory(prefix="hvd-test-") as folder:
        path = Path(folder) / "script.py"
        path.write_text(textwrap.dedent(script))
        command = [hvdrun(), "-np", str(rank_count), sys.executable, str(path), *args]
        return run(command, timeout, clean_environment(**settings))


def run_alone(script: str, *args: str, timeout: float = 120, **settings: str) -> Finished:
    """Runs Python source as one process without a launcher."""
    command = [sys.executable, "-c", textwrap.dedent(script), *args]
    return run(command, timeout, clean_environment(**settings))


def check_names(module: str) -> list[str]:
    """Names of the checks in checks/<module>.py, without importing it."""
    lines = (CHECKS / f"{module}.py").read_text().splitlines()
    return [line[4 : line.index("(")] for line in lines if line.startswith("def check_")]


@cache
def run_checks(module: str, rank_count: int) -> tuple[Finished, dict[str, list[str]]]:
    """Runs all checks of a module on this many ranks, once.

    Returns:
        How the job ended, and by check the outcome on each rank: "" or a traceback.
    """
    with tempfile.TemporaryDirectory(prefix="hvd-test-") as folder:
        command = [hvdrun(), "-np", str(rank_count), sys.executable]
        command += [str(CHECKS / "run_checks.py"), module, folder]
        finished = run(command, 300, clean_environment())
        outcomes: dict[str, list[str]] = {}
        for path in sorted(Path(folder).glob("rank*.jsonl")):
            for line in path.read_text().splitlines():
                record = json.loads(line)
                where = f"on {path.stem}:\n{record['error']}" if record["error"] else ""
                outcomes.setdefault(record["check"], []).append(where)
    return finished, outcomes


def assert_check(module: str, rank_count: int, check: str) -> None:
    """Fails unless the check passed on every rank."""
    finished, outcomes = run_checks(module, rank_count)
    errors = [error for error in outcomes.get(check, []) if error]
    assert not errors, "\n".join(errors)
    came = len(outcomes.get(check, []))
    assert came == rank_count, (
        f"{came} of {rank_count} ranks finished this check; the job ended with status "
        f"{finished.status}:\n{finished.output[-6000:]}"
    )


def assert_job(module: str, rank_count: int) -> None:
    """Fails unless the job as a whole ended well and silently."""
    finished, _ = run_checks(module, rank_count)
    assert finished.status == 0, finished.output[-6000:]
    assert finished.output == ""
