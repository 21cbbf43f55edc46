"""Which leads make which hour: small tables, the same for every place, that the kernels follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import TimeMethod

OUTSIDE = -1


@dataclass(frozen=True)
class Instants:
    """For each hour the leads before and after it (`OUTSIDE` where there is none) and the weight of the later."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    weight: NDArray[np.float32]


@dataclass(frozen=True)
class Intervals:
    """For each hour the interval that holds it, and how to shape the hours within an interval.

    `offset`: hours from the middle of the owner to the middle of the hour. `distance` (interval, 2): hours between the
    middle of an interval and of those next to it, 0 where none adjoins. `bridge`: for hours in a gap. The trend has
    a row for every hour of each owner, wanted (`trend_target`) or not (`OUTSIDE`), and for wanted hours in a gap.
    """

    owner: NDArray[np.int64]
    offset: NDArray[np.float32]
    distance: NDArray[np.float32]
    bridge: Instants
    trend: Instants
    trend_hour: NDArray[np.float64]
    trend_owner: NDArray[np.int64]
    trend_target: NDArray[np.int64]


def instants(hours_in: NDArray[np.float64], hours: NDArray[np.float64], method: TimeMethod) -> Instants:
    """Neighbours of each hour; for a mean over the hour, of its middle."""
    at = hours
    if method in ("accumulation", "solar"):
        at = np.where((hours >= hours_in[0]) & (hours <= hours_in[-1]), np.maximum(hours - 0.5, hours_in[0]), hours)
    plan = _neighbours(hours_in, at)
    inside = plan.before != OUTSIDE
    if method == "nearest":
        later = plan.weight > 0.5
        near = np.where(later, plan.after, plan.before)
        return Instants(near, near, np.zeros_like(plan.weight))
    return plan if inside.all() else Instants(plan.before, plan.after, np.where(inside, plan.weight, 0))


def _neighbours(x: NDArray[np.float64], at: NDArray[np.float64]) -> Instants:
    inside = (at >= x[0]) & (at <= x[-1])
    before = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 1)
    after = np.minimum(before + 1, len(x) - 1)
    gap = np.where(after > before, x[after] - x[before], 1.0)
    weight = np.where(inside, (at - x[before]) / gap, 0).astype(np.float32)
    after = np.where(weight > 0, after, before)
    return Instants(np.where(inside, before, OUTSIDE), np.where(inside, after, OUTSIDE), weight)


def _held(x: NDArray[np.float64], at: NDArray[np.float64]) -> Instants:
    """Neighbours, where beyond both ends the last is held."""
    return _neighbours(x, np.clip(at, x[0], x[-1]))


def intervals(ends: NDArray[np.float64], lengths: NDArray[np.float64], hours: NDArray[np.float64]) -> Intervals:
    """The plan of intervals that end at ascending `ends`; ValueError if they overlap or are not whole hours."""
    starts = ends - lengths
    if (starts[1:] < ends[:-1]).any():
        raise ValueError(f"expected intervals that do not overlap; found {list(zip(starts, ends, strict=True))}")
    if (np.concatenate((starts, ends, hours)) % 1 != 0).any():
        raise ValueError(f"expected whole hours; found intervals {list(zip(starts, ends, strict=True))} and {hours}")
    at = np.searchsorted(ends, hours, side="left")
    nearest = np.minimum(at, len(ends) - 1)
    reached = (at < len(ends)) & (hours > starts[0])
    owned = reached & (hours > starts[nearest])
    owner = np.where(owned, nearest, OUTSIDE)
    middle = (starts + ends) / 2
    adjoins = np.concatenate(([False], starts[1:] == ends[:-1], [False]))
    apart = np.concatenate(([0.0], np.diff(middle), [0.0]))
    gap = np.where(reached & ~owned, hours, np.nan)
    extra = [np.arange(starts[k] + 1, ends[k] + 1) for k in np.unique(owner[owned])]
    trend_hour = np.concatenate([*extra, gap[np.isfinite(gap)]])
    position = {hour: k for k, hour in enumerate(hours.tolist())}
    trend_at = np.minimum(np.searchsorted(ends, trend_hour, side="left"), len(ends) - 1)
    return Intervals(
        owner,
        np.where(owned, hours - 0.5 - middle[nearest], 0).astype(np.float32),
        (apart * adjoins)[np.stack([np.arange(len(ends)), np.arange(1, len(ends) + 1)], axis=1)].astype(np.float32),
        _neighbours(middle, np.where(np.isfinite(gap), np.clip(gap - 0.5, middle[0], middle[-1]), np.inf)),
        _held(middle, trend_hour - 0.5),
        trend_hour,
        np.where(trend_hour > starts[trend_at], trend_at, -2),
        np.array([position.get(hour, OUTSIDE) for hour in trend_hour.tolist()], np.int64),
    )
