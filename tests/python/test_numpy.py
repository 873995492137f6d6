"""hvd.numpy on 2, 3 and 4 ranks: one launch each, one test per check."""

from __future__ import annotations

import pytest

from ranks import assert_check, assert_job, check_names

# p = 2 cannot show a wrong order of summands; 4 ranks on 2 cores show what depends on luck.
RANK_COUNTS = [2, 3, 4]


@pytest.mark.parametrize("check", check_names("numpy_checks"))
@pytest.mark.parametrize("rank_count", RANK_COUNTS)
def test_numpy(rank_count: int, check: str) -> None:
    if check == "check_allreduce_of_bfloat16":
        pytest.importorskip("ml_dtypes")
    assert_check("numpy_checks", rank_count, check)


@pytest.mark.parametrize("rank_count", RANK_COUNTS)
def test_the_job_ends_well_and_silently(rank_count: int) -> None:
    assert_job("numpy_checks", rank_count)
