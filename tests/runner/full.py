"""`./dev test full [PART...]`: what takes too long for every change.

san       unit, sim, multiproc under ASan+UBSan, unit and sim under TSan; no suppression file
sim       unit and sim with 2,000 cases for each property
fault     fault and multiproc, five times, with what is marked `full`
versions  the Python suite on every CPython from 3.9 that this machine has
neon      the reduction kernels and their tests for AArch64, by a cross compiler, run by qemu-user
damage    ten times the seeded damage of `unit`, and twenty times its worlds of many groups
verify-N  every algorithm's schedules on all numbers of ranks up to 64, some up to 1,024; N is 1-16,
          17-32, 33-48, 49-64, 256 or 1024, each up to an hour; as many numbers at once as cores
fuzz      20,000 inputs for each parser (test cases with the tag [fuzz]) under ASan+UBSan

A part (of verify-N a number of ranks, of san a suite) that passed on this commit is not run again,
so that a run that was stopped goes on.
"""

import ast
import concurrent.futures
import configparser
import functools
import os
import pathlib
import shutil
import subprocess
import sys

import allowed_skips
import run_suites
import suites
from results import Result

ROOT = suites.ROOT
STAMPS = suites.BUILD / "full"
SANITIZERS = {
    "asan": ("address,undefined", ("unit", "sim", "multiproc")),
    "tsan": ("thread", ("unit", "sim")),
}
# Tests ask for more memory than there is and expect what malloc says without a sanitizer: no.
NO_MEMORY = "allocator_may_return_null=1"
SANITIZER_SETTINGS = {
    "ASAN_OPTIONS": f"{NO_MEMORY}:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"{NO_MEMORY}:halt_on_error=1:second_deadlock_stack=1",
}
# Sanitizers make a program up to 20 times slower.
PATIENCE = 30
FAULT_ROUNDS = 5
NEON_CROSS_FILE = ROOT / "tests" / "runner" / "aarch64-linux-gnu.ini"


def logged(command, name, env=None):
    """Runs a step of set-up; a Result only if it failed."""
    log = suites.LOGS / f"full-{name}.log"
    env = {**suites.environment(), **(env or {})}
    status = suites.run_logged([str(word) for word in command], log, 3600, env)
    if status == 0:
        return []
    detail = f"{suites.how_it_ended(status, 3600)}\n{suites.tail(log)}"
    return [Result("full", f"{name}: set-up", "failed", 0.0, detail)]


def build_with(sanitizer):
    """Configures and compiles build-asan/ or build-tsan/."""
    folder = ROOT / f"build-{sanitizer}"
    # Meson looks for ccache by itself only where it chooses the compiler itself.
    cache = "ccache " if shutil.which("ccache") else ""
    compiler = {"CC": f"{cache}clang", "CXX": f"{cache}clang++"}
    failed = []
    if not (folder / "build.ninja").exists():
        options = ["-Dbuildtype=debugoptimized", "-Db_lundef=false", "-Dpython=disabled"]
        options += [f"-Db_sanitize={SANITIZERS[sanitizer][0]}", "-Dtests=enabled"]
        # Instrumented loops do not vectorize; the plain build sees to that.
        options += ["-Dcpp_args=-fno-sanitize-recover=all -Wno-pass-failed"]
        meson = [sys.executable, "-m", "mesonbuild.mesonmain", "setup"]
        failed = logged([*meson, folder, *options], f"{sanitizer}-setup", compiler)
    return folder, failed or logged(["ninja", "-C", folder], f"{sanitizer}-compile", compiler)


def run_programs(suite, folder=suites.BUILD, extra=(), settings=None):
    results = []
    for test in suites.meson_tests(suite, folder):
        results += suites.run_meson_test(suite, test, folder, extra, settings)
    return results


def san():
    results = []
    for sanitizer, (_, names) in SANITIZERS.items():
        folder, failed = build_with(sanitizer)
        results += failed
        for name in names if not failed else ():
            run = functools.partial(run_programs, name, folder, settings=SANITIZER_SETTINGS)
            results += once(f"{sanitizer}-{name}", f"{name} under {sanitizer}", run)
    return results


def sim():
    settings = {"RC_PARAMS": "max_success=2000"}
    return [r for name in ("unit", "sim") for r in run_programs(name, settings=settings)]


def fault():
    """With the tests that are marked `full`."""
    names = [name for name in ("fault", "multiproc") for _ in range(FAULT_ROUNDS)]
    return [r for name in names for r in suites.run_suite(name, ("-m", "full or not full"))]


def interpreters():
    """One interpreter for each CPython minor version that is found, the newest patch of each."""
    found = {}
    pyenv = pathlib.Path.home() / ".pyenv" / "versions"
    for minor in range(9, 15):
        places = sorted(pyenv.glob(f"3.{minor}.*/bin/python3.{minor}"))
        on_path = shutil.which(f"python3.{minor}")
        for place in [*([on_path] if on_path else []), *places]:
            probe = [place, "-c", "import sys, venv, ensurepip; print(sys.version_info[1])"]
            answer = subprocess.run(probe, capture_output=True, text=True)
            if answer.returncode == 0 and answer.stdout.strip() == str(minor):
                found[minor] = str(place)
    return found


def test_version(minor, interpreter):
    folder = ROOT / f"build-py3{minor}"
    python = folder / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install"]
    package = ["--no-build-isolation", "--no-deps", "--force-reinstall"]
    package += [f"-Cbuild-dir={folder / 'build'}", "-Csetup-args=-Db_ndebug=false", ROOT]
    path = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    steps = [
        ("venv", [interpreter, "-m", "venv", folder / "venv"]),
        ("packages", [*pip, "-r", ROOT / "tests/runner/requirements.txt"]),
        ("install", [*pip, *package]),
    ]
    for name, command in steps:
        failed = logged(command, f"py3{minor}-{name}", path)
        if failed:
            return failed
    return suites.run_pytest(f"python-3.{minor}", "tests/python", python=python)


def versions():
    return [r for minor, place in interpreters().items() for r in test_version(minor, place)]


def fuzz():
    folder, failed = build_with("asan")
    settings = {**SANITIZER_SETTINGS, "RC_PARAMS": "max_success=20000"}
    if failed:
        return failed
    names = ("unit", "multiproc")
    return [r for n in names for r in run_programs(n, folder, ("[fuzz]",), settings)]


def neon():
    folder = ROOT / "build-neon"
    failed = []
    if not (folder / "build.ninja").exists():
        options = [f"--cross-file={NEON_CROSS_FILE}", "-Drooms=kernels", "-Dtests=enabled"]
        meson = [sys.executable, "-m", "mesonbuild.mesonmain", "setup"]
        failed = logged([*meson, folder, *options, "-Dpython=disabled"], "neon-setup")
    failed = failed or logged(["ninja", "-C", folder], "neon-compile")
    if failed:
        return failed
    emulator = emulator_of(NEON_CROSS_FILE)
    tests = suites.meson_tests("unit", folder)
    return [r for t in tests for r in suites.run_meson_test("neon", t, folder, emulator=emulator)]


def emulator_of(cross_file):
    """exe_wrapper, whose value meson writes as Python does."""
    parser = configparser.ConfigParser()
    parser.read(cross_file)
    return ast.literal_eval(parser["binaries"]["exe_wrapper"])


def verify(rank_counts):
    """The longest first, so that no core is left with one of them at the end."""
    (test,) = suites.meson_tests("verify")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = pool.map(functools.partial(verify_one, test), reversed(rank_counts))
        return [r for of_one in results for r in of_one]


def verify_one(test, rank_count):
    """The test case of tests/collectives/verify_algorithms_full.cc for that many ranks."""
    name = f"verify-of-{rank_count}"
    renamed = {**test, "name": name}
    pattern = (f"* - {rank_count}",)
    run = functools.partial(suites.run_meson_test, "verify", renamed, extra=pattern)
    return once(name, f"{rank_count} ranks", run)


def damage():
    """The test cases of tests/collectives that are hidden because they take minutes."""
    (test,) = [t for t in suites.meson_tests("unit") if t["name"] == "collectives"]
    return suites.run_meson_test("damage", test, extra=("[mutation-full],[composition-full]",))


PARTS = {"san": san, "sim": sim, "fault": fault, "versions": versions, "neon": neon, "fuzz": fuzz}
PARTS["damage"] = damage
RANK_COUNTS = {
    "1-16": range(1, 17),
    "17-32": range(17, 33),
    "33-48": range(33, 49),
    "49-64": range(49, 65),
    "256": (65, 96, 100, 127, 128, 129, 256),
    "1024": (1000, 1024),
}
PARTS |= {f"verify-{name}": functools.partial(verify, of) for name, of in RANK_COUNTS.items()}


@functools.cache
def commit():
    """The commit that the tree is equal to; empty if it differs from its commit."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True)
    if changed.returncode != 0 or changed.stdout:
        return ""
    return subprocess.run(
        [*git, "rev-parse", "HEAD"], capture_output=True, text=True
    ).stdout.strip()


def stamp_of(name):
    return STAMPS / f"{name}-{commit()}.passed"


def passed_before(name):
    return commit() != "" and stamp_of(name).exists()


def remember(name):
    if commit():
        STAMPS.mkdir(parents=True, exist_ok=True)
        stamp_of(name).touch()


def once(name, title, run):
    """The results of `run`, or one that says that all of them passed on this commit before."""
    if passed_before(name):
        return [Result("full", f"{title}, on this commit before", "passed")]
    results = run()
    if results and not any(r.outcome == "failed" for r in results):
        remember(name)
    return results


def main(arguments):
    unknown = [name for name in arguments if name not in PARTS]
    if unknown:
        print(f"dev: there is no part '{unknown[0]}'; parts: {' '.join(PARTS)}", file=sys.stderr)
        return 2
    suites.PATIENCE = PATIENCE
    rows = allowed_skips.parse((ROOT / "tests/allowed_skips.txt").read_text())
    status = 0
    for part in arguments or PARTS:
        if passed_before(part):
            print(f"{part}: passed on this commit before")
            continue
        run_part = PARTS[part]
        failed = run_suites.run([part], False, run_suite=lambda _, run=run_part: run(), rows=rows)
        if not failed:
            remember(part)
        status = status or failed
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
