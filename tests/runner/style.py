"""`./dev fmt` and `./dev lint [--all]`.

lint: clang-format, ruff, codespell, tests/tidy, and clang-tidy on the C++ sources that differ from
main (--all: on every one; minutes).
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys

import suites

CPP = (".h", ".cc")


def git(*arguments):
    command = ["git", "-c", f"safe.directory={suites.ROOT}", *arguments]
    done = subprocess.run(command, cwd=suites.ROOT, capture_output=True, text=True)
    return done.stdout.split("\0") if done.returncode == 0 else []


def tracked(*endings):
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [p for p in listed if p.endswith(endings) and (suites.ROOT / p).is_file()]


def changed_sources():
    """C++ sources that differ from where this branch left main, or that git does not know yet."""
    for upstream in ("origin/main", "main"):
        base = "".join(git("merge-base", "HEAD", upstream)).strip()
        if base:
            changed = git("diff", "-z", "--name-only", "--diff-filter=d", base)
            changed += git("ls-files", "-z", "--others", "--exclude-standard")
            return [p for p in changed if p.endswith(".cc")]
    return tracked(".cc")


def run(*command):
    return subprocess.run(command, cwd=suites.ROOT, env=suites.environment()).returncode == 0


def fmt():
    sources = tracked(*CPP)
    good = not sources or run("clang-format", "-i", *sources)
    good = run("ruff", "check", "-q", "--fix", ".") and good
    return run("ruff", "format", "-q", ".") and good


def built_sources():
    entries = json.loads((suites.BUILD / "compile_commands.json").read_text())
    return {os.path.realpath(os.path.join(e["directory"], e["file"])) for e in entries}


def openmpi_folders():
    try:
        command = ["mpicxx.openmpi", "--showme:incdirs"]
        return subprocess.run(command, capture_output=True, text=True).stdout.split()
    except FileNotFoundError:
        return []


def tidy_command(path, built):
    command = ["clang-tidy", "--quiet", path]
    if os.path.realpath(suites.ROOT / path) in built:
        # The project's flags are g++'s; a warning that only clang knows is not what is asked here.
        return [*command, "-p", str(suites.BUILD), "--extra-arg=-Wno-unknown-warning-option"]
    # Compiled elsewhere: the trainer of the examples, the peers of the benchmark, other processors.
    folders = [f"-I{suites.ROOT}", f"-I{suites.ROOT}/bindings/c"]
    return [*command, "--", "-std=c++20", *folders, *(f"-isystem{f}" for f in openmpi_folders())]


def header_not_here(path, built, output):
    """What a source needs that the build does not: nobody has to install MPI to lint."""
    missing = re.search(r"'(\S+)' file not found \[clang-diagnostic-error\]", output)
    return missing[1] if missing and os.path.realpath(suites.ROOT / path) not in built else None


def clang_tidy(sources):
    """Several at once: one takes seconds."""
    built = built_sources()
    good = True
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        asked = {
            path: pool.submit(
                subprocess.run,
                tidy_command(path, built),
                cwd=suites.ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for path in sources
        }
        for path, answer in asked.items():
            done = answer.result()
            if header := header_not_here(path, built, done.stdout):
                print(f"left out: {path} needs {header}", flush=True)
                continue
            good = good and done.returncode == 0
            print(done.stdout, end="", flush=True)
    return good


def lint(everything):
    sources = tracked(*CPP)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    checks = {
        "clang-format": lambda: run("clang-format", "--dry-run", "-Werror", *sources),
        "ruff check": lambda: run("ruff", "check", "-q", "."),
        "ruff format": lambda: run("ruff", "format", "-q", "--check", "."),
        "codespell": lambda: run("codespell"),
        "tests/tidy": lambda: run(*pytest, "tests/tidy/tree_test.py"),
        "clang-tidy": lambda: clang_tidy(tracked(".cc") if everything else changed_sources()),
    }
    failed = []
    for name, check in checks.items():
        print(f"--- {name}", flush=True)
        if not check():
            failed.append(name)
    print(f"\nlint: {', '.join(failed) + ' failed' if failed else 'clean'}")
    return not failed


def main(arguments):
    if arguments == ["fmt"]:
        return 0 if fmt() else 1
    if arguments[:1] == ["lint"] and arguments[1:] in ([], ["--all"]):
        return 0 if lint("--all" in arguments) else 1
    print("usage: ./dev fmt | ./dev lint [--all]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
