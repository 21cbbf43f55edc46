"""Accumulations and interval statistics: from what a feed sends to intervals that do not overlap.

Feeds send totals from the start (ECMWF, ICON), totals or means in 6-hour buckets that grow hour by hour (NCEP),
single hours (HRRR), or several of these at once. Here they all become consecutive intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

How = Literal["sum", "mean", "maximum", "minimum"]
Interval = tuple[float, float]

NOISE = 0.005
"""Differences of packed totals may fall below zero by this fraction of the larger total's maximum: packing noise."""


def consecutive(
    intervals: Sequence[Interval], values: NDArray[np.float32], how: How
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Intervals that do not overlap, in order of time, from messages over any intervals.

    intervals: (start, end) in hours of each message. values: (message, ...) in any order of messages.
    Returns ends (k,) in hours, interval lengths (k,) in hours, and values (k, ...):
    `sum` (totals) and `mean` come back as mean hourly values, differences of messages where none covers an interval
    itself, negative differences within `NOISE` set to 0 and larger ones (not of one run) to NaN;
    `maximum` and `minimum` as they came, since the extreme of a part cannot be had from that of the whole: the
    intervals chosen cover the most hours, and of those the finest.
    Raises ValueError for an empty or reversed interval and for a number of values that is not that of intervals.
    """
    if len(intervals) != len(values):
        raise ValueError(f"expected one interval a message; found {len(intervals)} intervals, {len(values)} messages")
    for start, end in intervals:
        if not end > start:
            raise ValueError(f"an interval must end after its start; found {start} to {end} hours")
    first = {interval: k for k, interval in reversed(list(enumerate(intervals)))}
    if how in ("maximum", "minimum"):
        chosen = _disjoint(list(first))
        result = [values[first[interval]] for interval in chosen]
    else:
        chosen, result = _rates(first, values, totals=how == "sum")
    lengths = np.array([end - start for start, end in chosen])
    stacked = np.stack(result) if result else np.empty((0, *values.shape[1:]))
    return np.array([end for _, end in chosen]), lengths, stacked.astype(np.float32, copy=False)


def _rates(
    first: dict[Interval, int], values: NDArray[np.float32], *, totals: bool
) -> tuple[list[Interval], list[NDArray[np.float32]]]:
    """The finest disjoint intervals that sums of messages reach, and their mean hourly values."""
    paths = _potentials(first)
    steps: list[Interval] = []
    for component in sorted({root for root, _ in paths.values()}):
        steps += pairwise(sorted(time for time, (root, _) in paths.items() if root == component))
    chosen = _disjoint(steps)
    return chosen, [_difference(interval, paths, first, values, totals=totals) for interval in chosen]


Path = tuple[tuple[Interval, int], ...]


def _potentials(first: dict[Interval, int]) -> dict[float, tuple[float, Path]]:
    """For each time its root and the signed messages whose sum leads from the root to it.

    The tree of shortest messages (Kruskal): a direct message always goes before a difference of long totals.
    """
    neighbours: dict[float, list[tuple[float, Interval, int]]] = {}
    group: dict[float, float] = {time: time for interval in first for time in interval}

    def root(time: float) -> float:
        while group[time] != time:
            time = group[time]
        return time

    for start, end in sorted(first, key=lambda interval: (interval[1] - interval[0], interval)):
        if root(start) != root(end):
            group[root(end)] = root(start)
            neighbours.setdefault(start, []).append((end, (start, end), 1))
            neighbours.setdefault(end, []).append((start, (start, end), -1))
    paths: dict[float, tuple[float, Path]] = {}
    for begin in sorted(group):
        if begin in paths:
            continue
        paths[begin] = (begin, ())
        waiting = [begin]
        while waiting:
            time = waiting.pop()
            for other, interval, sign in neighbours.get(time, []):
                if other not in paths:
                    paths[other] = (begin, (*paths[time][1], (interval, sign)))
                    waiting.append(other)
    return paths


def _difference(
    interval: Interval,
    paths: dict[float, tuple[float, Path]],
    first: dict[Interval, int],
    values: NDArray[np.float32],
    *,
    totals: bool,
) -> NDArray[np.float32]:
    """Mean hourly value over `interval`: the messages on the way from its start to its end."""
    start, end = interval
    signs: dict[Interval, int] = {}
    for message, sign in paths[end][1]:
        signs[message] = signs.get(message, 0) + sign
    for message, sign in paths[start][1]:
        signs[message] = signs.get(message, 0) - sign
    used = {message: sign for message, sign in signs.items() if sign}
    hours = end - start
    if used == {interval: 1}:
        return np.asarray(values[first[interval]] / (hours if totals else 1.0), np.float32)
    total = np.zeros(values.shape[1:])
    largest = 0.0
    for message, sign in used.items():
        part = values[first[message]] * (1.0 if totals else message[1] - message[0])
        total += sign * part
        largest = max(largest, float(np.nanmax(np.abs(part), initial=0.0)))
    total[total < -NOISE * largest] = np.nan
    return np.asarray(np.fmax(total, 0, out=total, where=~np.isnan(total)) / hours, np.float32)


def _disjoint(intervals: list[Interval]) -> list[Interval]:
    """The disjoint intervals that cover the most hours; of those, the most intervals (weighted scheduling)."""
    ordered = sorted(intervals, key=lambda interval: (interval[1], interval[0]))
    best: list[tuple[float, int, list[Interval]]] = [(0.0, 0, [])]
    for index, (start, end) in enumerate(ordered):
        before = next(k for k in range(index, -1, -1) if k == 0 or ordered[k - 1][1] <= start)
        hours, count, chosen = best[before]
        taken = (hours + end - start, count + 1, [*chosen, (start, end)])
        best.append(max(best[index], taken, key=lambda option: option[:2]))
    return best[-1][2]
