"""What the pages tell users to type works."""

import pathlib
import re
import subprocess
import sys

import pytest

import blocks

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
PAGES += [p for room in ("examples", "bindings", "launcher") for p in (ROOT / room).rglob("*.md")]
SECONDS_MAX = 300


def marked_blocks():
    for page in PAGES:
        yield from blocks.blocks(str(page.relative_to(ROOT)), page.read_text())


@pytest.fixture
def scratch(tmp_path):
    """Looks like the root of the tree; what a block writes lands beside it."""
    for entry in ROOT.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    return tmp_path


@pytest.mark.parametrize("block", marked_blocks(), ids=lambda b: f"{b.path}:{b.line}")
def test_the_block_runs(block, scratch):
    starter = {"bash": ["bash", "-euo", "pipefail"], "python": [sys.executable]}[block.language]
    done = subprocess.run(
        [*starter, "-c", block.text],
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, f"{block.text}\n{done.stdout}"


def test_the_commands_of_the_readme_exist():
    """Every `./dev COMMAND` that a page names is in `./dev help`."""
    known = subprocess.run(
        [ROOT / "dev", "help"], capture_output=True, text=True, check=True
    ).stdout
    commands = set(re.findall(r"^  (\w+)", known, re.MULTILINE))
    for page in PAGES:
        for named in re.findall(r"\./dev (\w+)", page.read_text()):
            assert named in commands, f"{page.name} names ./dev {named}"


def test_an_unknown_command_is_refused_with_the_list():
    done = subprocess.run([ROOT / "dev", "tset"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no command 'tset'" in done.stderr and "usage: ./dev" in done.stderr
