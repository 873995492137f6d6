"""Compilers as checks: each header stands alone; clang accepts every source, with its annotations.

Answers are kept in build/tidy/ by the contents of all that was read, so that a second run is quick.
A header that a source of the build includes first has been compiled alone by the build.
"""

import concurrent.futures
import hashlib
import json
import os
import posixpath
import shlex
import shutil
import subprocess

from checks.arrows import PUBLIC, includes, project_includes
from tree import Violation

ROOMS = ("core", "collectives", "backends", "bindings/c", "launcher")
STRICT = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I."]
HEADER_FLAGS = ["-std=c++20", *STRICT, "-x", "c++", "-"]
C_FLAGS = ["-std=c99", "-pedantic", *STRICT, "-x", "c", "-"]
CLANG_FLAGS = ["-std=c++20", *STRICT, "-Wthread-safety"]


def fingerprint(tree, path, command):
    digest = hashlib.sha256(json.dumps(command).encode())
    for part in sorted(project_includes(tree, path)):
        digest.update(part.encode() + b"\0" + tree.read(part).encode())
    return digest.hexdigest()


def complaint(tree, path, command, text, cache):
    """What the compiler says against `text` (standard input); None if nothing."""
    known = cache / fingerprint(tree, path, command)
    if known.exists():
        return None
    done = subprocess.run(command, cwd=tree.root, input=text, capture_output=True, text=True)
    if done.returncode == 0:
        known.parent.mkdir(parents=True, exist_ok=True)
        known.touch()
        return None
    return done.stderr[:2000]


def _all(tree, cache, jobs):
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        answers = [pool.submit(complaint, tree, *job, cache) for job in jobs]
        for job, answer in zip(jobs, answers):
            if answer.result() is not None:
                yield Violation(job[0], 1, f"does not pass:\n{answer.result()}")


def build_flags(tree):
    """{source: its -D and -m flags}, as the build compiles it; empty before the first build."""
    listed = tree.root / "build" / "compile_commands.json"
    flags = {}
    for entry in json.loads(listed.read_text()) if listed.exists() else ():
        place = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        words = shlex.split(entry["command"])
        path = os.path.relpath(place, tree.root)
        flags[path] = [w for w in words if w.startswith(("-D", "-m")) and not w.startswith("-D_")]
    return flags


def first_includes(tree, sources):
    return {target for path in sources for _, target in [*includes(tree, path)][:1]}


def check_headers(tree, cache):
    compiler = os.environ.get("CXX") or "g++"
    flags = build_flags(tree)
    alone = first_includes(tree, [path for path in flags if path in tree])
    jobs = []
    for header in tree.under(ROOMS, ".h"):
        if header not in alone:
            folder = posixpath.dirname(header)
            neighbours = [fs for p, fs in flags.items() if posixpath.dirname(p) == folder]
            defined = sorted({f for fs in neighbours for f in fs if f.startswith("-D")})
            command = [compiler, *defined, *HEADER_FLAGS]
            jobs.append((header, command, f'#include "{header}"\n'))
    yield from _all(tree, cache, jobs)


def check_c_header(tree, cache):
    """The public headers are C."""
    jobs = [(h, ["gcc", *C_FLAGS], f'#include "{h}"\n') for h in PUBLIC if h in tree]
    yield from _all(tree, cache, jobs)


def check_annotations(tree, cache):
    clang = shutil.which("clang++")
    if clang is None:
        yield Violation("", 0, "clang++ was not found; ./dev test installs it")
        return
    flags = build_flags(tree)
    sources = tree.under(ROOMS, ".cc")
    jobs = [(path, [clang, *flags.get(path, ()), *CLANG_FLAGS, path], None) for path in sources]
    yield from _all(tree, cache, jobs)
