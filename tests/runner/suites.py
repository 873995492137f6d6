"""What each suite consists of, and how its parts are run.

A suite is all meson tests of that name plus the pytest folders listed here.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from results import Result, from_catch, from_pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "logs"

FOLDERS = {
    "unit": [],
    "sim": [],
    "multiproc": ["tests/launcher", "tests/multiproc"],
    "fault": ["tests/fault"],
    "python": ["tests/python"],
    "examples": ["tests/examples"],
    "docs": ["tests/docs"],
    "tidy": ["tests/tidy", "tests/runner", "tests/bench"],
}
PYTEST_SECONDS_MAX = 1500
# meson's timeouts are for a machine of its own; this one may be busy.
PATIENCE = 3


def environment(python=sys.executable):
    """The caller's, without settings of hvd, with what the tests find hvd by."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HVD_", "HOROVOD_"))}
    scripts = pathlib.Path(python).parent
    hvdrun = scripts / "hvdrun"
    clean["PATH"] = f"{scripts}{os.pathsep}{clean.get('PATH', '')}"
    clean["HVDRUN"] = str(hvdrun if hvdrun.exists() else BUILD / "launcher" / "hvdrun")
    clean["PYTHONUNBUFFERED"] = "1"
    return clean


def run_logged(command, log, seconds_max, env, cwd=ROOT):
    """Runs in a session of its own, ended afterwards. Returns the exit status, None if late."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        try:
            return process.wait(timeout=seconds_max)
        except subprocess.TimeoutExpired:
            return None
        finally:
            end_session(process)


def end_session(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def tail(path, lines=30):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def how_it_ended(status, seconds_max):
    if status is None:
        return f"was ended after {seconds_max:.0f} s"
    if status < 0:
        return f"died of {signal.Signals(-status).name}"
    return f"ended with status {status}"


def meson_tests(suite, build=BUILD):
    command = [sys.executable, "-m", "mesonbuild.mesonmain", "introspect", str(build), "--tests"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [t for t in listed if any(s.split(":")[-1] == suite for s in t["suite"])]


def run_meson_test(suite, test, build=BUILD, extra=(), settings=None, emulator=()):
    """A program of the build folder is a Catch2 program; anything else counts as one test.

    `emulator`: words before the command of a program that is for another machine.
    """
    log = LOGS / f"{suite}-{test['name']}.log"
    env = {**environment(), **test["env"], **(settings or {})}
    seconds_max = test["timeout"] * PATIENCE
    program = pathlib.Path(test["cmd"][0])
    start = time.monotonic()
    if not program.is_relative_to(build):
        status = run_logged(test["cmd"], log, seconds_max, env, test["workdir"] or ROOT)
        seconds = time.monotonic() - start
        if status == 0:
            return [Result(suite, test["name"], "passed", seconds)]
        detail = f"{how_it_ended(status, seconds_max)}\n{tail(log)}"
        return [Result(suite, test["name"], "failed", seconds, detail)]
    xml = log.with_suffix(".xml")
    xml.unlink(missing_ok=True)
    command = [*emulator, *test["cmd"], "-r", "xml", "-d", "yes", "-o", str(xml), *extra]
    status = run_logged(command, log, seconds_max, env, test["workdir"] or ROOT)
    text = xml.read_bytes() if xml.exists() else b""
    results, running = from_catch(suite, program.name, text)
    failed = any(r.outcome == "failed" for r in results)
    if running or (status != 0 and not failed):
        detail = f"the program {how_it_ended(status, seconds_max)}\n{tail(log)}"
        name = running or f"{program.name}: the whole program"
        results.append(Result(suite, name, "failed", time.monotonic() - start, detail))
    return results


def run_pytest(suite, folder, extra=(), python=sys.executable):
    log = LOGS / f"{suite}-{pathlib.Path(folder).name}.log"
    xml = log.with_suffix(".xml")
    xml.unlink(missing_ok=True)
    options = ["-v", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={xml}"]
    command = [str(python), "-m", "pytest", f"--rootdir={ROOT}", *options, *extra, folder]
    start = time.monotonic()
    status = run_logged(command, log, PYTEST_SECONDS_MAX, environment(python))
    results = from_pytest(suite, xml.read_text()) if xml.exists() else []
    if status not in (0, 1, 5) or (status == 1 and not any(r.outcome == "failed" for r in results)):
        detail = f"pytest {how_it_ended(status, PYTEST_SECONDS_MAX)}\n{tail(log)}"
        seconds = time.monotonic() - start
        results.append(Result(suite, f"{folder}: the whole folder", "failed", seconds, detail))
    return results


def run_suite(suite, extra=()):
    """`extra`: options for pytest."""
    results = []
    for test in meson_tests(suite):
        results += run_meson_test(suite, test)
    for folder in FOLDERS[suite]:
        if (ROOT / folder).is_dir():
            results += run_pytest(suite, folder, extra)
    return results
