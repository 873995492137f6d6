"""Where torch comes from: the calling Python, if it has one that fits, else PyPI.

borrow PYTHON   lets .venv import the torch of PYTHON; exit status 1 if it has none that fits
size            prints what pip would download for torch, in MB
requirement     prints the requirement that pip installs
"""

import json
import pathlib
import subprocess
import sys
import sysconfig
import tempfile
import urllib.parse
import urllib.request

OLDEST = (2, 1)
PROBE = """
import json, pathlib, sys, torch
folder = pathlib.Path(torch.__file__).parent.parent
print(json.dumps([torch.__version__, str(folder), sys.version_info[:2]]))
"""


def requirement():
    """torch 2.13.0 wants CPython 3.10."""
    return "torch==2.13.0" if sys.version_info >= (3, 10) else "torch==2.8.0"


def fits(version, python, own_python=sys.version_info[:2]):
    """A torch can be borrowed if it is recent enough and was made for this CPython."""
    numbers = tuple(int(part) for part in version.split(".")[:2])
    return numbers >= OLDEST and tuple(python) == tuple(own_python)


def borrow(python):
    try:
        probe = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 1
    version, folder, python_version = json.loads(probe.stdout)
    if not fits(version, python_version):
        print(f"the torch {version} of {python} does not fit; one is installed into .venv instead")
        return 1
    site = pathlib.Path(sysconfig.get_paths()["purelib"])
    # A .pth entry comes after .venv's own packages, so nothing of ours is shadowed.
    (site / "borrowed_torch.pth").write_text(folder + "\n")
    print(f"torch {version} of {python} is used")
    return 0


def bytes_at(url):
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "file":
        return pathlib.Path(urllib.parse.unquote(parts.path)).stat().st_size, 0
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=30) as answer:
        size = int(answer.headers.get("Content-Length", 0))
    return size, size


def print_size():
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--report", str(report)]
        asked = subprocess.run([*pip, requirement()], capture_output=True, text=True)
        if asked.returncode != 0:
            print(asked.stderr[-2000:])
            return 1
        items = json.loads(report.read_text())["install"]
    sizes = [bytes_at(item["download_info"]["url"]) for item in items]
    total, remote = (sum(column) / 1e6 for column in zip(*sizes))
    where = f"{remote:.0f} MB to download" if remote else "all on this disk already"
    print(f"{requirement()} and {len(items) - 1} packages that it needs: {total:.0f} MB, {where}")
    return 0


def main(arguments):
    if arguments[:1] == ["borrow"] and len(arguments) == 2:
        return borrow(arguments[1])
    if arguments == ["size"]:
        return print_size()
    if arguments == ["requirement"]:
        print(requirement())
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
