"""hvd.torch on several ranks: one launch each, one test per check."""

from __future__ import annotations

import pytest

from ranks import assert_check, assert_job, check_names

pytest.importorskip("torch")

RANK_COUNTS = {"torch_checks": [2, 3], "optimizer_checks": [2, 3]}
CASES = [
    (module, rank_count, check)
    for module, rank_counts in RANK_COUNTS.items()
    for rank_count in rank_counts
    for check in check_names(module)
]


@pytest.mark.parametrize(("module", "rank_count", "check"), CASES)
def test_torch(module: str, rank_count: int, check: str) -> None:
    assert_check(module, rank_count, check)


@pytest.mark.parametrize(("module", "rank_count"), sorted({case[:2] for case in CASES}))
def test_the_job_ends_well_and_silently(module: str, rank_count: int) -> None:
    assert_job(module, rank_count)
