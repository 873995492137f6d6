"""The statistics of paired rounds, on figures made up for it."""

import random

import pytest

from paired import Ratios, figures, order_interval


def row(number, peer, p50_us, foreign=0.0, **more):
    base = {"round": number, "peer": peer, "p50_us": p50_us, "foreign": foreign, "mbit": 0}
    return {**base, **more}


@pytest.mark.parametrize(
    ("count", "low", "high"), [(3, 0, 2), (6, 0, 5), (15, 3, 11), (20, 5, 14), (21, 5, 15)]
)
def test_the_interval_is_the_table_s_pair_of_order_statistics(count, low, high):
    values = list(range(count))
    random.Random(count).shuffle(values)
    assert order_interval(values) == (low, high)


def test_only_rounds_that_both_sides_have_make_a_ratio():
    ratios = Ratios({1: 2.0, 2: 3.0, 3: 8.0}, {2: 1.0, 3: 2.0, 4: 5.0})
    assert ratios.pairs == {2: 3.0, 3: 4.0}
    assert ratios.median == 3.5


def test_disturbed_rounds_count_only_if_there_are_too_few_others():
    rows = [row(1, "a", 10), row(2, "a", 99, foreign=0.5), row(3, "b", 1)]
    assert figures(rows, peer="a") == {1: 10}
    assert figures(rows, peer="a", rounds_min=2) == {1: 10, 2: 99}


def test_a_machine_that_slows_both_sides_alike_leaves_the_ratio():
    speed = {number: 1 + number % 4 for number in range(15)}
    ours = {number: 11 * factor for number, factor in speed.items()}
    theirs = {number: 10 * factor for number, factor in speed.items()}
    ratios = Ratios(ours, theirs)
    assert ratios.interval == pytest.approx((1.1, 1.1))
