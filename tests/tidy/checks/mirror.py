"""tests/ mirrors the tree: x.h is tested by tests/.../x_test.cc; every source is built."""

import posixpath
import re

from checks.arrows import project_includes
from tree import Violation

ROOMS = ("core", "collectives", "backends", "bindings/c", "launcher")
UNTESTED = "tests/tidy/untested_headers.txt"


def test_of(header):
    return f"tests/{header[: -len('.h')]}_test.cc"


def untested(tree):
    """{header: (line, reason)}: pure interfaces, constants, and what another test covers."""
    rows = {}
    for number, line in tree.lines(UNTESTED) if UNTESTED in tree else ():
        if line.strip() and not line.startswith("#"):
            header, _, reason = line.partition("|")
            rows[header.strip()] = (number, reason.strip())
    return rows


def check(tree):
    exempt = untested(tree)
    for header in tree.under(ROOMS, ".h"):
        number, reason = exempt.pop(header, (0, ""))
        if test_of(header) in tree:
            if number:
                yield Violation(UNTESTED, number, f"{header} has its test; remove the line")
        elif not number:
            yield Violation(header, 1, f"has no test; {test_of(header)} is where it belongs")
        elif not reason:
            yield Violation(UNTESTED, number, f"{header}: no reason")
        elif reason.startswith("tests/") and header not in project_includes(tree, reason):
            yield Violation(UNTESTED, number, f"{header}: {reason} does not include it")
    for header, (number, _) in exempt.items():
        yield Violation(UNTESTED, number, f"{header} does not exist; remove the line")


def check_built(tree):
    """A source that no meson.build of its folder or above names is dead."""
    for path in tree.under((*ROOMS, "bindings", "tests"), ".cc"):
        folder = posixpath.dirname(path)
        while not _names(tree, folder, path):
            if not folder:
                yield Violation(path, 1, "no meson.build names it; list it or remove it")
                break
            folder = posixpath.dirname(folder)


def _names(tree, folder, path):
    build = posixpath.join(folder, "meson.build")
    if build not in tree:
        return False
    relative = posixpath.relpath(path, folder or ".")
    return re.search(rf"['/]{re.escape(relative)}'", tree.read(build)) is not None
