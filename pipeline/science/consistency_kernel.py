"""The compiled inner part of `consistency_ties`: the least change that makes linear inequalities hold."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

BLOCK = 256
"""Places whose series are scanned together, so that a row of each field is a wide instruction's."""
_MOST_SWEEPS = 5000  # chains of thirteen levels need some hundreds where nothing fits
_CONVERGED = 1e-4  # of a tie's own standard deviation
_PLAIN_SWEEPS, _RELAXATION = 3, 1.4  # what hangs together by a hair settles at once, long chains in half the time


@numba.njit(parallel=True, cache=True, error_model="numpy")
def project(
    fields: Any, term: Any, back: Any, sign: Any, least: Any, slack: Any, variance: Any, lower: Any, upper: Any
) -> Any:
    """Change `fields`, a tuple of (lead, place), in place; returns (place,) how many values were changed.

    Of tie k: `term[k]` numbers its fields, -1 for none, the first of them gives way to rounding; `back[k]` hours
    before, `sign[k]` factors; their sum is at least `least[k]`, below by `slack[k]` at most. variance, lower and
    upper: of every field, of which there may be more, unused; one of variance 0 stays as it is. Values within the
    bounds that keep every tie are not touched; missing ones tie nothing.
    """
    places = fields[0].shape[1]
    changed = np.zeros(places, np.int64)
    first, norm = _constants(term, back, sign, variance)
    for task in numba.prange((places + BLOCK - 1) // BLOCK):
        start, stop = task * BLOCK, min((task + 1) * BLOCK, places)
        worst = np.zeros(stop - start, np.float32)
        _scan(fields, term, back, sign, first, least - slack, start, worst)
        for place in range(start, stop):
            if worst[place - start] < 0:
                changed[place] = _solve(
                    fields, term, back, sign, first, norm, least, slack, variance, lower, upper, place
                )
    return changed


@numba.njit(cache=True, error_model="numpy")
def _constants(term: Any, back: Any, sign: Any, variance: Any) -> Any:
    """The first lead that each tie holds for, and the variance of each tie's sum."""
    first, norm = np.zeros(len(term), np.int64), np.zeros(len(term))
    for tie in range(len(term)):
        for part in range(term.shape[1]):
            if term[tie, part] >= 0:
                first[tie] = max(first[tie], back[tie, part])
                norm[tie] += sign[tie, part] ** 2 * variance[term[tie, part]]
    return first, norm


@numba.njit(cache=True, error_model="numpy")
def _scan(fields: Any, term: Any, back: Any, sign: Any, first: Any, limit: Any, start: int, worst: Any) -> None:
    """The most by which a tie is broken at any lead, below 0, for the places of a block."""
    row = np.empty(len(worst), np.float32)
    for tie in range(len(limit)):
        for lead in range(first[tie], fields[0].shape[0]):
            row[:] = -limit[tie]
            for part in range(term.shape[1]):
                if term[tie, part] >= 0:
                    _add(row, np.float32(sign[tie, part]), fields[term[tie, part]][lead - back[tie, part]], start)
            for k in range(len(worst)):
                worst[k] = row[k] if row[k] < worst[k] else worst[k]


@numba.njit(cache=True, error_model="numpy", inline="never")
def _add(row: Any, factor: Any, values: Any, start: int) -> None:
    for k in range(len(row)):
        row[k] += factor * values[start + k]


@numba.njit(cache=True, error_model="numpy")
def _solve(
    fields: Any, term: Any, back: Any, sign: Any, first: Any, norm: Any, least: Any, slack: Any, variance: Any,
    lower: Any, upper: Any, place: int,
) -> int:  # fmt: skip
    """Project one place's series; how many values changed."""
    count, leads = len(variance), fields[0].shape[0]
    given = np.empty((count, leads))
    for i in range(count):
        for lead in range(leads):
            given[i, lead] = fields[i][lead, place]
    x = given.copy()
    awake = np.zeros(leads + 2, np.bool_)
    for tie in range(len(least)):
        for lead in range(first[tie], leads):
            if _excess(x, term, back, sign, least, tie, lead) < -slack[tie]:
                awake[lead : lead + 3] = True
    # Bounds cost as much as ties and hardly ever matter; where they do not, the result is the same without.
    _sweep(x, awake.copy(), term, back, sign, first, norm, least, variance, lower, upper, False)
    if not _within(x, lower, upper):
        x = given.copy()
        _sweep(x, awake, term, back, sign, first, norm, least, variance, lower, upper, True)
    changed = 0
    result = x.astype(np.float32)
    _round(result, term, back, sign, first, least, slack)
    for i in range(count):
        for lead in range(leads):
            value = min(max(result[i, lead], np.float32(lower[i])), np.float32(upper[i]))
            old = fields[i][lead, place]
            if value < old or value > old:
                fields[i][lead, place] = value
                changed += 1
    return changed


@numba.njit(cache=True, error_model="numpy")
def _within(x: Any, lower: Any, upper: Any) -> bool:
    for i in range(x.shape[0]):
        for lead in range(x.shape[1]):
            if x[i, lead] < lower[i] or x[i, lead] > upper[i]:
                return False
    return True


@numba.njit(cache=True, error_model="numpy")
def _sweep(
    x: Any, awake: Any, term: Any, back: Any, sign: Any, first: Any, norm: Any, least: Any, variance: Any, lower: Any,
    upper: Any, bounded: bool,
) -> None:  # fmt: skip
    """Hildreth's method (1957): ties and bounds one after the other, each pulled back by what it had pushed before.

    `awake` (lead + 1) marks the hours where a tie may have to move; those around a move are looked at again.
    """
    count, leads = x.shape
    ties = len(least)
    multiplier = np.zeros((leads, ties))
    bound = np.zeros((2, count, leads))
    again = np.zeros(leads + 2, np.bool_)
    for sweep in range(_MOST_SWEEPS):
        relaxation = 1.0 if sweep < _PLAIN_SWEEPS else _RELAXATION
        again[:] = False
        done = True
        for lead in range(leads):
            if not awake[lead + 1]:
                continue
            moved = False
            for tie in range(ties):
                if lead < first[tie]:
                    continue
                excess = relaxation * _excess(x, term, back, sign, least, tie, lead)
                if (excess >= 0 and multiplier[lead, tie] == 0) or excess != excess:
                    continue
                step = max(-multiplier[lead, tie], -excess / norm[tie])
                multiplier[lead, tie] += step
                for part in range(term.shape[1]):
                    i = term[tie, part]
                    if i >= 0:
                        x[i, lead - back[tie, part]] += variance[i] * sign[tie, part] * step
                moved |= step * step * norm[tie] > _CONVERGED**2
            if bounded:
                for i in range(count):
                    moved |= variance[i] > 0 and _bound(x, bound, variance[i], lower[i], upper[i], i, lead)
            if moved:
                again[lead : lead + 3] = True
                done = False
        if done:
            break
        awake, again = again, awake


@numba.njit(cache=True, error_model="numpy")
def _bound(x: Any, bound: Any, variance: float, lower: float, upper: float, i: int, lead: int) -> bool:
    """Hildreth's step for one value's bounds; whether it moved."""
    moved = False
    for side in range(2):
        excess = x[i, lead] - lower if side == 0 else upper - x[i, lead]
        if (excess >= 0 and bound[side, i, lead] == 0) or excess != excess:
            continue
        step = max(-bound[side, i, lead], -excess / variance)
        bound[side, i, lead] += step
        x[i, lead] += variance * step if side == 0 else -variance * step
        moved |= abs(step) * math.sqrt(variance) > _CONVERGED
    return moved


@numba.njit(cache=True, error_model="numpy")
def _excess(x: Any, term: Any, back: Any, sign: Any, least: Any, tie: int, lead: int) -> float:
    total = -least[tie]
    for part in range(term.shape[1]):
        if term[tie, part] >= 0:
            total += sign[tie, part] * x[term[tie, part], lead - back[tie, part]]
    return total


@numba.njit(cache=True, error_model="numpy")
def _round(x: Any, term: Any, back: Any, sign: Any, first: Any, least: Any, slack: Any) -> None:
    """What rounding to float32 left of ties without slack, taken up by the first term of each."""
    for tie in range(len(least)):
        if slack[tie] > 0:
            continue
        for lead in range(first[tie], x.shape[1]):
            rest = np.float32(-least[tie])
            for part in range(1, term.shape[1]):
                if term[tie, part] >= 0:
                    rest += np.float32(sign[tie, part]) * x[term[tie, part], lead - back[tie, part]]
            own = np.float32(sign[tie, 0]) * x[term[tie, 0], lead]
            if own + rest < 0:
                x[term[tie, 0], lead] = -rest * np.float32(sign[tie, 0])
