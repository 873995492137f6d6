"""hvd.numpy's exchanges on 2, 3 and 4 ranks: one launch each, one test per check."""

from __future__ import annotations

import pytest

from ranks import assert_check, assert_job, check_names

# p = 2 cannot show a wrong order of summands; 4 ranks on 2 cores show what depends on luck.
RANK_COUNTS = [2, 3, 4]


@pytest.mark.parametrize("check", check_names("exchange_checks"))
@pytest.mark.parametrize("rank_count", RANK_COUNTS)
def test_exchange(rank_count: int, check: str) -> None:
    assert_check("exchange_checks", rank_count, check)


@pytest.mark.parametrize("rank_count", RANK_COUNTS)
def test_the_job_ends_well_and_silently(rank_count: int) -> None:
    assert_job("exchange_checks", rank_count)
