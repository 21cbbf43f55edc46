"""The compiled inner part of `probability`: many cells sorted side by side, read once.

The kernels keep `LANES` cells side by side in the last axis. Arrays are float32 and contiguous; numba has no types to
offer a checker.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from pipeline.science.pooling import about_the_first, any_missing, gather
from pipeline.science.probability_curve import (
    CENTRE,
    EXPECTED,
    FACTOR,
    LANES,
    MEAN,
    ROWS_OF_WORK,
    at_most,
    exceedance,
    quantiles,
    recentre,
    recentre_amount,
    tails,
)
from pipeline.science.registers import STEP, WIDTH, full_width, sort_columns, sort_known_columns

_CHUNK = 32 * LANES  # cells of a lead that one task of a thread takes
_FEW = 8 * LANES  # cells that one task takes with all their leads: their members stay in the second cache


@numba.njit(parallel=True, cache=True, error_model="numpy")
def fill_distribution(members: Any, fields: Any, law: Any, ranks: Any, results: Any) -> None:
    """Fill `results`, quantiles and exceedance; see `probability.distribution`.

    members: (number, lead, place). fields: centre, spread factor and expected error. law: share of the prior, normal
    scores, levels, thresholds, minimum, maximum, whether multiplicative. `ranks`: see `registers`.
    """
    _, leads, places = members.shape
    chunks = (places + _CHUNK - 1) // _CHUNK
    for task in numba.prange(leads * chunks):
        lead, begin = task // chunks, (task % chunks) * _CHUNK
        _chunk(members[:, lead], fields, law, ranks, results, lead, begin, min(begin + _CHUNK, places))


@numba.njit(parallel=True, cache=True, error_model="numpy")
def fill_pooled(values: Any, table: Any, ends: Any, fields: Any, law: Any, ranks: Any, results: Any) -> None:
    """As `fill_distribution`, of the members of a `Pool`; table: its before, after and weight."""
    places = values.shape[1]
    for task in numba.prange((places + _FEW - 1) // _FEW):
        begin = task * _FEW
        _few(values, table, ends, fields, law, ranks, results, begin, min(begin + _FEW, places))


# Functions of their own, for numba would run every assignment of a slice in a parallel loop as a parallel loop.
@numba.njit(cache=True, error_model="numpy")
def _chunk(members: Any, fields: Any, law: Any, ranks: Any, results: Any, lead: int, begin: int, stop: int) -> None:
    scratch = _scratch(members.shape[0], law, ranks)
    for start in range(begin, stop, LANES):
        lanes = min(LANES, stop - start)
        _cells(members, start, False, fields, law, ranks, results, scratch, lead, start, lanes)


@numba.njit(cache=True, error_model="numpy")
def _few(
    values: Any, table: Any, ends: Any, fields: Any, law: Any, ranks: Any, results: Any, begin: int, stop: int
) -> None:
    number, leads = table[0].shape
    scratch = _scratch(number, law, ranks)
    members = np.empty((number, stop - begin), np.float32)
    for lead in range(leads):
        gather(values, table, lead, begin, members)
        about_the_first(members, ends)
        gaps = any_missing(members)
        for start in range(begin, stop, LANES):
            lanes = min(LANES, stop - start)
            _cells(members, start - begin, gaps, fields, law, ranks, results, scratch, lead, start, lanes)


@numba.njit(cache=True, error_model="numpy")
def _scratch(number: int, law: Any, ranks: Any) -> Any:
    rows, copy = np.zeros((STEP * len(ranks), LANES), np.float32), np.zeros((number, LANES), np.float32)
    known, work = np.zeros(LANES, np.float32), np.zeros((ROWS_OF_WORK, LANES), np.float32)
    q, p = np.zeros((len(law[2]), LANES), np.float32), np.zeros((len(law[3]), LANES), np.float32)
    return (rows, copy, known, work), q, p, np.zeros((3, LANES), np.float32)


@numba.njit(cache=True, error_model="numpy")
def _cells(
    members: Any, at: int, gaps: bool, fields: Any, law: Any, ranks: Any, results: Any, scratch: Any, lead: int,
    start: int, lanes: int,
) -> None:  # fmt: skip
    """The results of the cells from `start` on, whose members are those from `at` on."""
    prior, scores, levels, thresholds, minimum, maximum, multiplicative = law
    (rows, _, known, work), q, p, bracket = scratch
    _copy(fields[0][lead, start : start + lanes], work[CENTRE])
    _copy(fields[1][lead, start : start + lanes], work[FACTOR])
    _copy(fields[2][lead, start : start + lanes], work[EXPECTED])
    number = members.shape[0]
    n, fewest = number + 1, 0
    while n > fewest:  # cells of equally many members together, mostly all at once
        complete = _sorted(members, at, lanes, gaps, ranks, scratch[0])
        fewest = number if complete else int(known[:lanes].min())
        n = number if complete else _next_smaller(known, lanes, n)
        if multiplicative:
            recentre_amount(rows, n, work)
        else:
            recentre(rows, scores[n], prior, n, work)
        tails(rows, n, work)
        quantiles(rows, n, work, levels, minimum, maximum, q)
        exceedance(rows, n, work, bracket, thresholds, ranks, minimum, maximum, p)
        _store(q, n, known, n == fewest == number, results[0], lead, start, lanes)
        _store(p, n, known, n == fewest == number, results[1], lead, start, lanes)


@numba.njit(cache=True, error_model="numpy")
def _next_smaller(known: Any, lanes: int, n: int) -> int:
    largest = 0
    for k in range(lanes):
        largest = max(largest, int(known[k]) if known[k] < n else 0)
    return largest


@numba.njit(cache=True, error_model="numpy")
def _copy(values: Any, row: Any) -> None:
    full_width()
    if len(values) == LANES:  # much faster with a count known to the compiler
        for k in range(LANES):
            row[k] = values[k]
    else:
        for k in range(len(values)):
            row[k] = values[k]


@numba.njit(cache=True, error_model="numpy")
def _store(values: Any, n: int, known: Any, whole: bool, out: Any, lead: int, start: int, lanes: int) -> None:
    """Keep the results of the cells that have n members, of the whole block if all have."""
    full_width()
    for i in range(values.shape[0]):
        row, value = out[i, lead, start : start + lanes], values[i]
        if whole and lanes == LANES:
            for k in range(LANES):
                row[k] = value[k]
        else:
            for k in range(lanes):
                if whole or known[k] == n:
                    row[k] = value[k]


@numba.njit(cache=True, error_model="numpy")
def _sorted(members: Any, start: int, lanes: int, gaps: bool, ranks: Any, scratch: Any) -> bool:
    """The cells' members in order and their mean; +inf for those without a value, `known` counts the others.

    True if no member is missing; `gaps`: some may be. A cell's mean is the same whatever its neighbours miss.
    """
    full_width()
    rows, copy, known, work = scratch
    number, mean = members.shape[0], work[MEAN]
    source, at = members, start
    if lanes < LANES:
        for row in range(number):  # an assignment of slices takes seconds more to compile
            for k in range(lanes):
                copy[row, k] = members[row, start + k]
        source, at = copy[:, :], 0
    if not gaps:
        for first in range(0, LANES, WIDTH):
            sort_columns(source, at + first, number, rows, first, ranks, mean)  # type: ignore[call-arg]
        for k in range(LANES):
            mean[k] /= np.float32(number)
        if at_most(mean, np.float32(np.inf)) == LANES:  # no NaN
            return True
    for first in range(0, LANES, WIDTH):
        sort_known_columns(source, at + first, number, rows, first, ranks, mean, known)  # type: ignore[call-arg]
    for k in range(LANES):
        mean[k] /= known[k]
    return False
