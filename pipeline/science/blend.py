"""The blend: bias removed, weighted, summed over the sources present, in one pass over memory."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.blend_kernels import weighted_mean
from pipeline.science.course_kernels import take_off
from pipeline.science.weights import Weights

Array = NDArray[np.float32]
Leads = NDArray[np.floating] | NDArray[np.integer]

LEAST_ENERGY = 1e-6
"""m2 that waves count for at least, so that a calm sea has a direction, too."""
WET_AMOUNT = 0.05
"""kg m-2 in an hour from which a source counts as wet."""


def lead_position(lead_bins: tuple[float, ...], leads: Leads) -> tuple[NDArray[np.int64], Array]:
    """Lower bin and fraction towards the next for every lead; constant outside the bins."""
    position = np.interp(leads, lead_bins, np.arange(len(lead_bins)))
    lower = np.minimum(position.astype(np.int64), max(len(lead_bins) - 2, 0))
    return lower, (position - lower).astype(np.float32)


def blend(
    forecasts: Array, weights: Weights, leads: Leads, taper: Array | None = None, *, circular: bool = False,
    energy: Array | None = None,
) -> Array:  # fmt: skip
    """(lead, place) weighted mean over sources of the bias-corrected forecasts, renormalised over those present.

    forecasts: (source, lead, place), NaN where a source has no value; leads: (lead,) hours.
    taper: (source, lead), 0 to 1, multiplies the weights; see `range_taper`.
    circular: values are directions in degrees, averaged as unit vectors, or as vectors of `energy` (source, lead,
    place) where it is given; its NaN counts for next to nothing.
    NaN where no source has a value: the caller knows whether that is an error.
    """
    lower, fraction = lead_position(weights.lead_bins, leads)
    share = np.ones(forecasts.shape[:2], np.float32) if taper is None else np.ascontiguousarray(taper, np.float32)
    fields = np.ascontiguousarray(forecasts, np.float32)
    result = np.empty(fields.shape[1:], np.float32)
    if circular:
        length = np.ones((1, 1, 1), np.float32) if energy is None else np.ascontiguousarray(energy, np.float32)
        _circular_mean(fields, share, weights.bias, weights.weight, lower, fraction, length, result)
    else:
        weighted_mean(fields, share, weights.bias, weights.weight, lower, fraction, result)
    return result


def without_course(
    forecasts: Array, course: Array | None, lead_bins: tuple[float, ...], leads: Leads, hours: Leads
) -> Array:
    """Forecasts (source, lead, place) without what of their biases follows the sun; themselves where nothing does.

    course: (2, source, lead_bin, place), see `Weights`; leads: (lead,) hours that the biases are of; hours: (lead,) of
    the day in UTC.
    """
    if course is None:
        return forecasts
    result, angle = np.array(forecasts, np.float32), np.deg2rad(15 * np.asarray(hours, np.float64))
    lower, fraction = lead_position(lead_bins, leads)
    wave = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    take_off(result, np.ascontiguousarray(course), lower, fraction, *wave)
    return result


@njit(parallel=True, cache=True)
def _circular_mean(
    forecasts: Array,
    taper: Array,
    bias: Array,
    weight: Array,
    lower: NDArray[np.int64],
    fraction: Array,
    energy: Array,
    result: Array,
) -> None:
    sources, leads, places = forecasts.shape
    own = energy.shape[0] == sources and energy.shape[2] == places
    last = bias.shape[1] - 1
    for place in prange(places):
        for lead in range(leads):
            low, high, part = lower[lead], min(lower[lead] + 1, last), fraction[lead]
            east = north = norm = 0.0
            for source in range(sources):
                value = forecasts[source, lead, place]
                if np.isnan(value):
                    continue
                share = taper[source, lead] * (
                    (1 - part) * weight[source, low, place] + part * weight[source, high, place]
                )
                length = energy[source, lead, place] if own else energy[0, 0, 0]
                share *= length if length > 0 else np.float32(LEAST_ENERGY)
                angle = np.deg2rad(value - ((1 - part) * bias[source, low, place] + part * bias[source, high, place]))
                east += share * np.sin(angle)
                north += share * np.cos(angle)
                norm += share
            result[lead, place] = np.rad2deg(np.arctan2(east, north)) % 360 if norm > 0 else np.nan


def range_taper(last_lead: float, leads: Leads, hours: float = 6) -> Array:
    """(lead,) 1 until `hours` before a source's last lead, then down to a trace at it: no step where a source ends."""
    return np.clip((last_lead - leads + 0.5) / hours, 0.02, 1).astype(np.float32)


def handed_over(before: Array, after: Array, share: Array, *, circular: bool) -> Array:
    """`before` by its `share` and `after` by the rest, where one has no value the other alone; of directions
    (`circular`) the one that has the larger share."""
    share = np.where(share < 0.5, 0, 1) if circular else share
    mixed = before * share + after * (1 - share)
    return np.where(np.isnan(before), after, np.where(np.isnan(after), before, mixed)).astype(np.float32)


def angular_error(forecast: Array, truth: Array) -> Array:
    """Forecast minus truth of directions in degrees, within -180 to 180."""
    return ((forecast - truth + 180) % 360 - 180).astype(np.float32)


def simple_blends(
    values: NDArray[np.floating], mean_square: NDArray[np.float64], *, circular: bool
) -> NDArray[np.float64]:
    """(3, place) what a blend must beat: equal weights, the source best in the past, inverse mean square error.

    values: (source, place), NaN where a source is absent: the others share its weight, the next best stands in.
    mean_square: (source,) as known beforehand; one without history (NaN) counts as the worst known. `circular`:
    directions in degrees. NaN where no source is.
    """
    worst = np.nanmax(mean_square) if np.isfinite(mean_square).any() else 1.0
    known = np.where(np.isnan(mean_square), worst, mean_square)
    result = np.empty((3, values.shape[1]))
    _simple_blends(np.ascontiguousarray(values), known, circular, result)
    return result


@njit(parallel=True, cache=True, error_model="numpy")
def _simple_blends(values: Array, known: Leads, circular: bool, result: Leads) -> None:
    """Fill `result` (3, place); see `simple_blends`."""
    count, inverse = len(known), 1 / np.maximum(known, 1e-12)
    for place in prange(values.shape[1]):
        best = -1
        for source in range(count):
            if not np.isnan(values[source, place]) and (best < 0 or known[source] < known[best]):
                best = source
        for row in range(3):
            east = north = total = 0.0
            for source in range(count):
                value = np.float64(values[source, place])
                share = 1.0 if row == 0 else np.float64(source == best) if row == 1 else inverse[source]
                if np.isnan(value):
                    continue
                if circular:
                    east, north = east + share * np.sin(np.deg2rad(value)), north + share * np.cos(np.deg2rad(value))
                else:
                    east, total = east + share * value, total + share
            result[row, place] = np.rad2deg(np.arctan2(east, north)) % 360 if circular else east / total
