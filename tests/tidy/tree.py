"""The files that the checks look at: what git tracks or would track, under one root."""

import dataclasses
import functools
import pathlib
import subprocess


@dataclasses.dataclass(frozen=True)
class Violation:
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Tree:
    def __init__(self, root, paths=None):
        self.root = pathlib.Path(root)
        self._texts = {}
        self.paths = sorted(paths if paths is not None else _paths_of_git(self.root))

    def ending(self, *suffixes):
        return [p for p in self.paths if p.endswith(suffixes or "")]

    def under(self, folders, *suffixes):
        starts = tuple(folder.rstrip("/") + "/" for folder in folders)
        return [p for p in self.paths if p.startswith(starts) and p.endswith(suffixes or "")]

    def read(self, path):
        if path not in self._texts:
            place = self.root / path
            self._texts[path] = place.read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path):
        return enumerate(self.read(path).splitlines(), 1)

    def __contains__(self, path):
        return path in self._set

    @functools.cached_property
    def _set(self):
        return frozenset(self.paths)


def _paths_of_git(root):
    git = ["git", "-c", f"safe.directory={root}"]
    command = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return {path for path in listed.split("\0") if path and (root / path).is_file()}
