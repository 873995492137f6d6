"""The examples in docstrings run as they stand, on one rank."""

from __future__ import annotations

import pytest

from ranks import run_alone

MODULES = ["exceptions", "basics", "process_sets", "_scripts", "numpy", "numpy.ops"]
TORCH_MODULES = [
    "torch",
    "torch.ops",
    "torch.functions",
    "torch.optimizer",
    "torch.compression",
]
SCRIPT = """
    import doctest, importlib, sys
    failed = attempted = 0
    for name in sys.argv[1:]:
        result = doctest.testmod(importlib.import_module("hvd." + name))
        failed += result.failed
        attempted += result.attempted
    sys.exit(f"{failed} of {attempted} failed" if failed or attempted < 20 else 0)
"""


def test_examples_of_hvd_and_hvd_numpy() -> None:
    finished = run_alone(SCRIPT, *MODULES)
    assert finished.status == 0, finished.output


def test_examples_of_hvd_torch() -> None:
    pytest.importorskip("torch")
    finished = run_alone(SCRIPT, *TORCH_MODULES)
    assert finished.status == 0, finished.output
