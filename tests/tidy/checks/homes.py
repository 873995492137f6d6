"""Things that have one home, so that a reader finds all of them there."""

import re

import cpp_text
from tree import Violation

ROOMS = ("core", "collectives", "backends", "bindings", "launcher", "tests")
EXCEPTIONS = "tests/tidy/home_exceptions.txt"

# name, pattern in code, folders it applies to, homes, what to do instead
RULES = (
    ("getenv", r"\bgetenv\s*\(", ROOMS, ("core/config/",), "read core/config's snapshot"),
    (
        "thread",
        r"\bstd::j?thread\b|\bpthread_create\b|\bstd::async\b",
        ROOMS,
        ("core/base/thread.",),
        "use hvd::Thread (core/base/thread.h)",
    ),
    (
        "sleep",
        r"\b(sleep_for|sleep_until)\b|\b(usleep|nanosleep|clock_nanosleep)\s*\("
        r"|(?<![\w:>.])(::)?sleep\(\s*\d",
        ROOMS,
        ("core/ports/idle.h",),
        "sleep in an Idle (core/ports/idle.h), wait for an event, or move the fake clock",
    ),
    (
        "throw",
        r"\bthrow\b",
        ("core", "collectives", "backends", "bindings/c", "launcher"),
        (),
        "return a Status; there are no exceptions below Python",
    ),
)
PYTHON_ENVIRONMENT = re.compile(r"\bos\.(getenv|environ)\b")
# Split, so that this file may be read by itself.
UNFINISHED = "TODO(" + "now)"


def exceptions(tree):
    """{(rule, path): line number}; each line of the list has a reason after the path."""
    rows = {}
    for number, line in tree.lines(EXCEPTIONS) if EXCEPTIONS in tree else ():
        if line.strip() and not line.startswith("#"):
            rule, path, *reason = line.split(maxsplit=2)
            if reason:
                rows[rule, path] = number
    return rows


def findings(tree):
    """(rule, path, line, advice)"""
    for path in tree.under(ROOMS, ".h", ".cc"):
        code = cpp_text.without_comments(tree.read(path)).splitlines()
        for rule, pattern, folders, homes, advice in RULES:
            if path.startswith(homes) or not path.startswith(tuple(f + "/" for f in folders)):
                continue
            for number, line in enumerate(code, 1):
                if re.search(pattern, line):
                    yield rule, path, number, advice
    for path in tree.under(("bindings/python",), ".py"):
        for number, line in tree.lines(path):
            if PYTHON_ENVIRONMENT.search(line.split("#")[0]):
                yield "getenv", path, number, "a setting is a row of core/config's table"


def check(tree):
    allowed = exceptions(tree)
    used = set()
    for rule, path, line, advice in findings(tree):
        if (rule, path) in allowed:
            used.add((rule, path))
        else:
            yield Violation(path, line, f"{rule} outside its home; {advice}")
    for key in set(allowed) - used:
        yield Violation(EXCEPTIONS, allowed[key], f"{' '.join(key)} needs no exception any more")


def check_unfinished(tree):
    for path in tree.ending(".h", ".cc", ".py", ".sh", ".build", "dev", ".md"):
        for number, line in tree.lines(path):
            if UNFINISHED in line and not path.startswith("tests/tidy/"):
                yield Violation(path, number, f"{UNFINISHED}: do it now, or say which kind it is")
