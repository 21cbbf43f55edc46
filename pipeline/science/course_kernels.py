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
    departures: Array, angle: Array, share: Array, course: Array, lead_bin: int, starts: NDArray[np.int64]
) -> None:
    """Move the moments of a skill state by departures (source, sample) from means that did not know them yet.

    angle: (sample,) see `solar_angle`; share: (source, pool) of the new pair in all; course: see `Skill`; starts:
    (pool + 1,) where each pool's places begin. Exponentially weighted moments after Welford (1962).
    """
    for source in range(len(departures)):
        for pool in range(len(starts) - 1):
            new = share[source, pool]
            rest = np.float32(1) - new
            first, second = course[0, source, lead_bin, pool], course[1, source, lead_bin, pool]
            count, sums = np.float32(0), np.zeros(7, np.float32)
            for k in range(starts[pool], starts[pool + 1]):
                error = departures[source, k]
                if error == error:
                    c, s = np.cos(angle[k]) - first, np.sin(angle[k]) - second
                    count += np.float32(1)
                    for moment, value in enumerate((c, s, c * c, c * s, s * s, c * error, s * error)):
                        sums[moment] += value
            if count:
                for moment in range(7):
                    value = sums[moment] / count
                    if moment < 2:
                        course[moment, source, lead_bin, pool] += new * value
                    else:
                        old = course[moment, source, lead_bin, pool]
                        course[moment, source, lead_bin, pool] = rest * (old + new * value)
