"""The compiled parts of `day_course`."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]


@njit(parallel=True, cache=True)
def take_off(
    forecasts: Array, course: Array, lower: NDArray[np.int64], fraction: Array, cosine: Array, sine: Array
) -> None:
    """Take the day's course off the forecasts (source, lead, place), in place.

    course: (2, source, lead_bin, place); lower, fraction: (lead,) see `blend.lead_position`; cosine, sine: (lead,) of
    the hour in UTC.
    """
    sources, leads, places = forecasts.shape
    last = course.shape[2] - 1
    for task in prange(sources * leads):
        source, lead = task // leads, task % leads
        low, high, part = lower[lead], min(lower[lead] + 1, last), fraction[lead]
        c, s = cosine[lead], sine[lead]
        for place in range(places):
            first = c * course[0, source, low, place] + s * course[1, source, low, place]
            second = c * course[0, source, high, place] + s * course[1, source, high, place]
            forecasts[source, lead, place] -= (1 - part) * first + part * second


@njit(cache=True)
def follow(
    departures: Array, hour: float, share: Array, course: Array, lead_bin: int, starts: NDArray[np.int64]
) -> None:
    """Move the moments of a skill state by departures (source, sample) from means that did not know them yet.

    hour: of the day in UTC; share: (source, pool) of the new pair in all; course: see `Skill`; starts: (pool + 1,)
    where each pool's places begin. Exponentially weighted moments after Welford (1962).
    """
    angle = 2 * np.pi * hour / 24
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    for source in range(len(departures)):
        for pool in range(len(starts) - 1):
            total, count = np.float32(0), 0
            for k in range(starts[pool], starts[pool + 1]):
                if departures[source, k] == departures[source, k]:
                    total += departures[source, k]
                    count += 1
            if count:
                moments, new = course[:, source, lead_bin, pool], share[source, pool]
                error, c, s = total / np.float32(count), cosine - moments[0], sine - moments[1]
                moments[0] += new * c
                moments[1] += new * s
                for moment, value in enumerate((c * c, c * s, s * s, c * error, s * error), 2):
                    moments[moment] = (np.float32(1) - new) * (moments[moment] + new * value)
