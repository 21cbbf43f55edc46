"""The compiled part of `skill` that looks at a sample of every pool's places."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.lanes import fetch
from pipeline.science.plausibility import changed
from pipeline.science.registers import full_width
from pipeline.science.skill_kernel import Half, widened, within

Array = NDArray[np.float32]
Float = NDArray[np.float64]
Places = NDArray[np.intp]

UNBOUNDED = np.float32(1e30)
"""A mean square that bounds nothing."""
AHEAD = 32
"""Samples fetched ahead: they lie in lines of memory of their own, which a processor guesses late."""


@njit(parallel=True, cache=True)
def look(
    errors: Array, mean: Half, square: Half, weight: Array, lead_bin: int, places: Places, squares: Places,
    starts: NDArray[np.int64], wide: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Errors and means so far of the sampled places, each (source, sample), and (5, source) what they come to.

    That is mean and square of all places that have any, the number of errors, of those beyond `wide` deviations, and
    the largest weight. places, squares: (sample,) where in `errors` and `mean` (source, lead_bin, place), and where in
    `square`; weight: (source, lead_bin, pool); starts: (pool + 1,) where each pool's places begin.
    """
    count, size = len(errors), len(places)
    error, before = np.empty((count, size), np.float32), np.empty((count, size), np.float32)
    found = np.empty((5, count), np.float32)
    for source in prange(count):
        values, means, spreads = errors[source], mean[source, lead_bin], square[source, lead_bin]
        total, first, second, most = 1e-9, 0.0, 0.0, np.float32(0)
        for pool in range(len(starts) - 1):
            share = weight[source, lead_bin, pool]
            most = max(most, share)
            for k in range(starts[pool], starts[pool + 1]):
                ahead = min(k + AHEAD, size - 1)
                fetch(values, places[ahead])
                fetch(means, places[ahead])
                fetch(spreads, squares[ahead])
                error[source, k] = values[places[k]]
                value = widened(means[places[k]])
                before[source, k] = value
                if value == value:
                    spread = widened(spreads[squares[k]])
                    total += share
                    first += share * value
                    second += share * (spread if spread == spread else np.float32(0))
        overall, typical = np.float32(first / total), np.float32(second / total)
        limit, there, beyond = np.float32(wide) * np.sqrt(typical), 0, 0
        for k in range(size):
            there += error[source, k] == error[source, k]
            beyond += abs(error[source, k] - overall) > limit
        found[0, source], found[1, source], found[4, source] = overall, typical, most
        found[2, source], found[3, source] = there, beyond
    return error, before, found


@njit(parallel=True, cache=True)
def mean_squares(
    mean: Half, square: Half, weight: Array, lead_bin: int, places: Places, squares: Places, pool: NDArray[np.int32]
) -> Float:
    """(source,) mean square error over sampled places, NaN without history; arguments as those of `look`.

    pool: (sample,) that each place belongs to.
    """
    count = len(mean)
    result = np.empty(count)
    for source in prange(count):
        total, mass = 0.0, 0.0
        for k in range(len(places)):
            centre = np.float64(widened(mean[source, lead_bin, places[k]]))
            if centre == centre:
                value = centre**2 + np.float64(widened(square[source, lead_bin, squares[k]]))
                share = np.float64(weight[source, lead_bin, pool[k]])
                mass += share
                total += share * value if value == value else 0.0
        result[source] = total / max(mass, 1e-9) if mass > 0 else np.nan
    return result


@njit(parallel=True, cache=True)
def depart(
    error: Array, before: Array, last: Array, echo: Array, weight: Array, lead_bin: int, starts: NDArray[np.int64],
    partly: NDArray[np.bool_], found: Array, fewest: float, wide: Any, priors: tuple[Any, Any],
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:  # fmt: skip
    """Make errors (source, sample), in place, what they depart by from the means before, NaN where there is none.

    A place's first error makes its mean and departs from it by nothing. `last` (source, lead_bin, sample) becomes the
    newest, `echo` moves; see `Skill`. `weight` (source, lead_bin, pool) grows by what part of a pool's places has
    errors; those that never had any do not count, and where the sample never had any but is `partly` (pool,) of the
    places, the source is there if it is anywhere. found: see `look`; fewest: pairs from which on errors are bounded;
    wide: deviations beyond which they count no more for the square. Returns `overall`, `typical`, `parts` and `uniform`
    as `update_means` takes them.
    """
    count, pools = len(error), len(starts) - 1
    overall, typical = found[0], _typical(found, fewest)
    parts, uniform = np.empty((3, count, pools), np.float32), np.empty(count, np.bool_)
    for source in prange(count):
        own, part, limit = weight[source, lead_bin], parts[:, source], np.sqrt(typical[source])
        sums = _depart(
            error[source], before[source], last[source, lead_bin], own, starts, partly, overall[source],
            wide * limit, priors, part,
        )  # fmt: skip
        if sums[0] > 0:
            share = np.float32(1) / max(found[4, source], np.float32(1))
            for kind in range(3):
                now = echo[kind, source, lead_bin]
                echo[kind, source, lead_bin] = now + share * (sums[kind + 1] / sums[0] - now)
        uniform[source] = _alike(part[0]) and _alike(part[1]) and _alike(part[2])
    return overall, typical, parts, uniform


@njit(cache=True)
def _typical(found: Array, fewest: float) -> Array:
    """(source,) mean square of all places, UNBOUNDED where nobody knows how large errors are.

    A source that has itself changed is not held to what it was.
    """
    _, typical, there, beyond, most = found
    sure = (most >= fewest) & (typical > 0)
    sure &= ~changed(np.where(sure, beyond, np.float32(0)), there)
    return np.where(sure, typical, UNBOUNDED)


# A function of its own: sums in registers, as two threads that add to one cache line wait for each other at every step.
@njit(cache=True)
def _depart(
    error: Array, before: Array, last: Array, weight: Array, starts: NDArray[np.int64], partly: NDArray[np.bool_],
    overall: Any, wide: Any, priors: tuple[Any, Any], parts: Array,
) -> tuple[float, float, float, float]:  # fmt: skip
    """As `depart`, of one source: arrays of (sample,), weight of (pool,); fills `parts` (3, pool).

    Returns the number of departures that had one before them, sums of their products with that, of their squares, and
    of how far they lead back from the mean before to `overall`, by the weight of that mean.
    """
    count, product, square, back = 0.0, 0.0, 0.0, 0.0
    present = not np.isnan(error).all()
    for pool in range(len(weight)):
        own, there, ever = weight[pool], np.float32(0), np.float32(0)
        part = own / (own + priors[0])
        for k in range(starts[pool], starts[pool + 1]):
            value, mean, previous = error[k], before[k], last[k]
            known, seen = value == value, mean == mean
            there += np.float32(known)
            ever += np.float32(known or seen)
            centre = overall + part * (mean - overall)
            departure = centre + within(value - centre, wide) - mean
            error[k] = (departure if seen else np.float32(0)) if known else value
            if known and seen:
                last[k] = departure
                if previous == previous:
                    count += 1
                    product += departure * previous
                    square += departure**2
                    back += own * departure * (overall - mean)
        grown = there / ever if ever else np.float32(present and partly[pool])
        weight[pool] = own + grown
        parts[0, pool] = np.float32(1) / max(own + grown, np.float32(1))
        parts[1, pool], parts[2, pool] = np.float32(1) - part, own / (own + priors[1])
    return count, product, square, back


@njit(cache=True)
def _alike(values: Array) -> bool:
    found = True
    for value in values:
        found &= value == values[0]
    return found


@njit(parallel=True, cache=True)
def add_products(
    values: Array, starts: NDArray[np.int64], mean: Array, weight: Array, lead_bin: int, about_mean: bool
) -> None:
    """Move mean products (pair, lead_bin, pool) by those of two rows of `values` (row, sample); add to their weights.

    starts: (pool + 1,) where each pool's places begin; NaN is left out; pairs run over i <= j, row by row.
    about_mean: values depart from means that did not know them yet; what is left once those have moved is added.
    """
    rows, pools, most = len(values), len(starts) - 1, 0
    for pool in range(pools):
        most = max(most, starts[pool + 1] - starts[pool])
    side = np.empty((rows, most, pools), np.float32)
    for row in prange(rows):
        side[row] = np.nan
        for pool in range(pools):
            for k in range(starts[pool], starts[pool + 1]):
                side[row, k - starts[pool], pool] = values[row, k]
    for pair in prange(len(mean)):  # not rows: the first has the most pairs
        i, first = 0, 0
        while first + rows - i <= pair:
            first += rows - i
            i += 1
        total, count = np.zeros(pools, np.float32), np.zeros(pools, np.float32)
        for rank in range(side.shape[1]):
            _sum_products(side[i, rank], side[i + pair - first, rank], total, count)
        _move_products(total, count, starts, mean[pair, lead_bin], weight[pair, lead_bin], about_mean)


# Loops of their own, without branches: only so do these become wide instructions.
@njit(cache=True, inline="never")
def _sum_products(a: Array, b: Array, total: Array, count: Array) -> None:
    """Add the products of two rows of (pool,), and how many there are."""
    full_width()
    for pool in range(len(total)):
        product = a[pool] * b[pool]
        known = product == product
        total[pool] += product if known else np.float32(0)
        count[pool] += np.float32(1) if known else np.float32(0)


@njit(cache=True, error_model="numpy", inline="never")
def _move_products(
    total: Array, count: Array, starts: NDArray[np.int64], mean: Array, weight: Array, about_mean: bool
) -> None:  # fmt: skip
    """As `add_products`, of one pair: arrays of (pool,)."""
    full_width()
    one = np.float32(1)
    for pool in range(len(mean)):
        share = count[pool] / np.float32(starts[pool + 1] - starts[pool])
        now = weight[pool] + share
        value = total[pool] / (count[pool] if count[pool] > one else one)
        left = one - one / (now if now > one else one)
        value *= left if about_mean else one
        mean[pool] += share / (now if now > 0 else one) * (value - mean[pool])
        weight[pool] = now
