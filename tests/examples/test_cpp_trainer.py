"""examples/03_cpp_trainer builds outside the tree through pkg-config and gives one accuracy."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

from ranks import clean_environment, hvdrun, run  # noqa: E402


def packaged_digits(folder: Path) -> Path:
    """Writes the digits that scikit-learn ships as plain CSV."""
    sklearn = pytest.importorskip("sklearn")
    packed = Path(sklearn.__file__).parent / "datasets" / "data" / "digits.csv.gz"
    plain = folder / "digits.csv"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    return plain


def build(folder: Path) -> Path:
    """Builds a copy of the example as a stranger would: pkg-config names everything of hvd."""
    import hvd

    source = folder / "source"
    shutil.copytree(ROOT / "examples" / "03_cpp_trainer", source)
    environment = dict(os.environ, PKG_CONFIG_PATH=str(Path(hvd.__file__).parent / "pkgconfig"))
    for command in (
        ["meson", "setup", str(folder / "build"), str(source)],
        ["meson", "compile", "-C", str(folder / "build")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build" / "cpp_trainer"


def test_accuracy_is_the_same_on_any_number_of_ranks(tmp_path: Path) -> None:
    digits = packaged_digits(tmp_path)
    program = build(tmp_path)
    accuracies = {}
    for rank_count in (1, 2, 4):
        command = [hvdrun(), "-np", str(rank_count), str(program), str(digits)]
        finished = run(command, 120, clean_environment())
        assert finished.status == 0, finished.output
        said = re.search(rf"{rank_count} ranks: test accuracy (\S+)", finished.output)
        assert said, finished.output
        accuracies[rank_count] = float(said.group(1))
    assert len(set(accuracies.values())) == 1, accuracies
    assert accuracies[1] >= 0.90


def test_a_missing_file_is_said_in_one_line(tmp_path: Path) -> None:
    program = build(tmp_path)
    command = [hvdrun(), "-np", "2", str(program), str(tmp_path / "nowhere.csv")]
    finished = run(command, 60, clean_environment())
    assert finished.status == 2
    assert "cannot use" in finished.output and "nowhere.csv" in finished.output
