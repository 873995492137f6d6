"""Groups of hvd.numpy and hvd.torch on 1, 2 and 3 ranks: one launch each, one test per check."""

from __future__ import annotations

import pytest

from ranks import assert_check, assert_job, check_names

# One rank takes the same way through libhvd; p = 2 cannot show a wrong order of ranks.
RANK_COUNTS = [1, 2, 3]
MODULES = ["grouped_checks", "torch_grouped_checks"]
CASES = [(m, n, check) for m in MODULES for n in RANK_COUNTS for check in check_names(m)]


def need(module: str) -> None:
    if module.startswith("torch"):
        pytest.importorskip("torch")


@pytest.mark.parametrize(("module", "rank_count", "check"), CASES)
def test_grouped(module: str, rank_count: int, check: str) -> None:
    need(module)
    assert_check(module, rank_count, check)


@pytest.mark.parametrize("rank_count", RANK_COUNTS)
@pytest.mark.parametrize("module", MODULES)
def test_the_job_ends_well_and_silently(module: str, rank_count: int) -> None:
    need(module)
    assert_job(module, rank_count)
