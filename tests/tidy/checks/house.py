"""The house itself: what may stand at the top, READMEs, header comments, links, large files."""

import os
import posixpath
import re

from checks.arrows import PUBLIC
from tree import Violation

TOP = {
    *("meson.build", "core", "collectives", "backends", "bindings", "launcher", "tests"),
    *("examples", "README.md", "docs", "CHANGELOG.md", "SECURITY.md", "dev", "pyproject.toml"),
    *("LICENSE", "CONTRIBUTING.md"),
    "meson_options.txt",  # Meson looks for options at this one place
}
ROOMS = ("core", "collectives", "backends", "bindings", "bindings/c", "bindings/python", "launcher")
README_ROOMS = (*ROOMS, "tests", "examples", "docs")
BLOB_BYTES_MAX = 300_000
HEADER_WORDS = ("Not here:", "Threads:", "Limits:", "Read next:")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def check_top(tree):
    for name in sorted({path.split("/")[0] for path in tree.paths}):
        if name not in TOP and not name.startswith("."):
            yield Violation(name, 1, "may not stand at the top level (architecture.md section 2)")


def check_readmes(tree):
    for room in README_ROOMS:
        if tree.under((room,)) and f"{room}/README.md" not in tree:
            yield Violation(f"{room}/README.md", 1, f"the room {room} has no README.md")


def opening_comment(text):
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line[2:].strip())
    return " ".join(lines)


def check_openings(tree):
    for path in tree.under(ROOMS, ".h"):
        if path in PUBLIC:
            continue  # written for users of C: its opening comment is their manual
        opening = opening_comment(tree.read(path))
        if not opening.startswith(f"{path}: "):
            yield Violation(path, 1, f"does not start with '// {path}: what it is'")
        for word in HEADER_WORDS:
            if word not in opening:
                yield Violation(path, 1, f"its opening comment lacks '{word}'")


def check_links(tree):
    for path in tree.ending(".md"):
        for number, line in tree.lines(path):
            for target in _LINK.findall(line):
                if re.match(r"[a-z]+:", target) or target.startswith("#"):
                    continue
                place = posixpath.join(posixpath.dirname(path), target.split("#")[0])
                if not (tree.root / place).exists():
                    yield Violation(path, number, f"links to {target}, which does not exist")


def check_blobs(tree):
    for path in tree.paths:
        size = os.path.getsize(tree.root / path)
        if size > BLOB_BYTES_MAX:
            yield Violation(path, 1, f"has {size} bytes; at most {BLOB_BYTES_MAX} may be committed")
