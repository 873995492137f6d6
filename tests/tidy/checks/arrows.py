"""Includes go one way: architecture.md section 2."""

import posixpath
import re

from tree import Violation

# What a file under the folder may include; the longest folder that matches counts.
MAY_INCLUDE = {
    "core": ("core",),
    "core/base": ("core/base",),
    "collectives": ("collectives", "core"),
    "backends": ("backends", "collectives", "core"),
    "bindings/c": ("bindings/c", "backends", "collectives", "core"),
    "bindings/tools": ("bindings/tools", "bindings/c", "backends", "collectives", "core"),
    "bindings/python": ("bindings/python", "bindings/c/hvd.h"),
    "launcher": ("launcher", "backends", "core"),
}
ROOMS = ("core", "collectives", "backends", "bindings", "launcher", "tests", "examples")
# Installed side by side, so these include one another as their users do, by bare name.
PUBLIC = ("bindings/c/hvd.h", "bindings/c/hvd_types.h")
# core includes the standard library and the kernel's headers only.
FOREIGN_TO_CORE = re.compile(r"^(fmt|sodium|nlohmann|CLI|pybind11|yaml-cpp|httplib)\b")
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def includes(tree, path):
    for number, line in tree.lines(path):
        found = _INCLUDE.match(line)
        if found:
            yield number, found.group(1)


def project_includes(tree, path, seen=None):
    """The file and all project files that it reads, directly or not."""
    seen = set() if seen is None else seen
    if path in seen or path not in tree:
        return seen
    seen.add(path)
    for _, target in includes(tree, path):
        sibling = f"{posixpath.dirname(path)}/{target}"
        project_includes(tree, sibling if sibling in PUBLIC else target, seen)
    return seen


def allowed_for(path):
    folders = [f for f in MAY_INCLUDE if path.startswith(f + "/")]
    return MAY_INCLUDE[max(folders, key=len)] if folders else None


def check(tree):
    for path in tree.under(ROOMS, ".h", ".cc"):
        allowed = allowed_for(path)
        for line, target in includes(tree, path):
            room = target.split("/")[0]
            if allowed is None:
                continue
            if room in ROOMS and not f"{target}/".startswith(tuple(f"{a}/" for a in allowed)):
                yield Violation(path, line, f"includes {target}; allowed: {', '.join(allowed)}")
            if path.startswith("core/") and FOREIGN_TO_CORE.match(target):
                yield Violation(path, line, f"includes <{target}>; core stands on std alone")


def check_paths(tree):
    """A quoted include is written from the root, so that it can be found by search."""
    for path in tree.under(ROOMS, ".h", ".cc"):
        if path in PUBLIC:
            continue
        for line, target in includes(tree, path):
            sibling = (tree.root / path).parent / target
            if "/" not in target and sibling.exists() and not path.startswith("examples/"):
                yield Violation(path, line, f"includes {target}; write the path from the root")
