"""The examples run as their first lines say, and show what they promise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

from ranks import clean_environment, hvdrun, run  # noqa: E402


def run_example(rank_count: int, name: str, *options: str, timeout: float = 240):
    command = [hvdrun(), "-np", str(rank_count), sys.executable, str(ROOT / "examples" / name)]
    return run([*command, *options], timeout, clean_environment())


@pytest.mark.parametrize("rank_count", [1, 2, 4])
def test_numpy_allreduce(rank_count: int, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = ["--bytes", "8", "4000004", "--iterations", "20", "--report", str(report)]
    options += ["--idle-seconds", "0.5", "--late-rank-ms", "20", "--steps", "3"]
    finished = run_example(rank_count, "01_numpy_allreduce.py", *options)
    assert finished.status == 0, finished.output
    assert finished.output.count("right result") == 2
    figures = json.loads(report.read_text())
    assert figures["right"] is True and figures["size"] == rank_count
    assert set(figures["latency"]) == {"8", "4000004"}
    assert figures["latency"]["8"]["median_us"] > 0


@pytest.mark.parametrize("rank_count", [1, 2])
def test_torch_digits(rank_count: int, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    report = tmp_path / "report.json"
    batch = str(64 // rank_count)
    finished = run_example(
        rank_count, "02_torch_digits.py", "--batch", batch, "--report", str(report)
    )
    assert finished.status == 0, finished.output
    assert finished.output.count("epoch") == 20
    figures = json.loads(report.read_text())
    assert figures["accuracy"] >= 0.95
    assert figures["losses"][-1] < 0.1 * figures["losses"][0]


def run_demo(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py"), *options],
        capture_output=True,
        text=True,
        timeout=400,
        env={**clean_environment(), "HVDRUN": os.environ.get("HVDRUN", hvdrun())},
    )


def test_demo_proves_that_two_ranks_follow_one() -> None:
    pytest.importorskip("torch")
    done = run_demo("--epochs", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "they follow each other" in done.stdout
    assert "2 ranks x batch 32" in done.stdout and "transport on 2 ranks:" in done.stdout


def test_demo_without_a_framework() -> None:
    done = run_demo("--numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "right result" in done.stdout
