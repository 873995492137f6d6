"""`./dev fmt` and `./dev lint [--all]`.

lint: clang-format, ruff, codespell, tests/tidy, and clang-tidy on the C++ sources that differ from
main (--all: on every one; minutes).
"""

import concurrent.futures
import os
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


def clang_tidy(sources):
    """Several at once: one takes seconds."""
    # The project's flags are g++'s; a warning that only clang knows is not what is asked here.
    options = ["-p", str(suites.BUILD), "--quiet", "--extra-arg=-Wno-unknown-warning-option"]
    good = True
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        asked = [
            pool.submit(
                subprocess.run,
                ["clang-tidy", *options, path],
                cwd=suites.ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for path in sources
        ]
        for answer in asked:
            done = answer.result()
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
