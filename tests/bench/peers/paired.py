"""Ratios of two peers that took turns: one per round, their median and its interval."""

from math import comb
from statistics import median

from report import CALM


def order_interval(values, confidence=0.95):
    """The narrowest pair of order statistics that holds the median with this confidence.

    It assumes nothing about how the values are spread. With fewer than six values no pair does;
    then the extremes are given.
    """
    ranked = sorted(values)
    count = len(ranked)
    tail, cut = 0.0, 0
    for below in range(count // 2):
        tail += comb(count, below) / 2**count
        if 2 * tail > 1 - confidence:
            break
        cut = below
    return ranked[cut], ranked[count - 1 - cut]


def by_round(rows, calm_only=True, **where):
    """{round: row} of the rows that have these values; the disturbed ones left out if asked."""
    chosen = [r for r in rows if all(r[key] == value for key, value in where.items())]
    # Between emulated hosts the launchers' daemons escape the accounting of "others".
    calm = [r for r in chosen if r["foreign"] <= CALM or r["mbit"] or not calm_only]
    return {row["round"]: row for row in calm}


class Ratios:
    """One ratio per round in which both sides have a figure."""

    def __init__(self, upper, lower):
        """Two mappings from a round to a number."""
        self.pairs = {r: upper[r] / lower[r] for r in sorted(upper.keys() & lower.keys())}

    def __bool__(self):
        return bool(self.pairs)

    @property
    def median(self):
        return median(self.pairs.values())

    @property
    def interval(self):
        return order_interval(self.pairs.values())

    def __str__(self):
        low, high = self.interval
        return f"{self.median:.3f} [{low:.3f} .. {high:.3f}] of {len(self.pairs)}"


def figures(rows, key="p50_us", rounds_min=1, **where):
    """{round: figure}; all rounds, if too few were calm to say anything."""
    calm = by_round(rows, **where)
    found = calm if len(calm) >= rounds_min else by_round(rows, calm_only=False, **where)
    return {number: row[key] for number, row in found.items()}
