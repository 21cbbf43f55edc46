"""The blend: bias removed, weighted, summed over the sources present, in one pass over memory."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.weights import Weights

Array = NDArray[np.float32]
Leads = NDArray[np.floating] | NDArray[np.integer]

WET_AMOUNT = 0.05
"""kg m-2 in an hour from which a source counts as wet."""
WET_SHARE = 0.3
"""Weight of the wet sources below which the blend stays dry: a mean of displaced showers drizzles everywhere."""


def lead_position(lead_bins: tuple[float, ...], leads: Leads) -> tuple[NDArray[np.int64], Array]:
    """Lower bin and fraction towards the next for every lead; constant outside the bins."""
    position = np.interp(leads, lead_bins, np.arange(len(lead_bins)))
    lower = np.minimum(position.astype(np.int64), max(len(lead_bins) - 2, 0))
    return lower, (position - lower).astype(np.float32)


def blend(
    forecasts: Array,
    weights: Weights,
    leads: Leads,
    presence: Array | None = None,
    *,
    circular: bool = False,
) -> Array:
    """(lead, place) weighted mean over sources of the bias-corrected forecasts, renormalised over those present.

    forecasts: (source, lead, place), NaN where a source has no value; leads: (lead,) hours.
    presence: (source, lead, place) or broadcastable, 0 to 1, multiplies the weights (edges of regions and ranges).
    circular: values are directions in degrees, averaged as unit vectors.
    NaN where no source has a value; `require_complete` says where that is an error.
    """
    lower, fraction = lead_position(weights.lead_bins, leads)
    share = np.ones((1, 1, 1), np.float32) if presence is None else np.asarray(presence, np.float32)
    share = np.ascontiguousarray(share)
    kernel = _circular_mean if circular else _weighted_mean
    return kernel(
        np.ascontiguousarray(forecasts, np.float32), share, weights.bias, weights.weight, lower, fraction, weights.ratio
    )


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc", "arcp"})
def _weighted_mean(
    forecasts: Array,
    presence: Array,
    bias: Array,
    weight: Array,
    lower: NDArray[np.int64],
    fraction: Array,
    ratio: bool,
) -> Array:
    sources, leads, places = forecasts.shape
    step = (presence.shape[0] > 1, presence.shape[1] > 1, presence.shape[2] > 1)
    result = np.empty((leads, places), np.float32)
    last = bias.shape[1] - 1
    block = 4096
    blocks = (places + block - 1) // block
    for task in prange(leads * blocks):
        lead, start = task // blocks, (task % blocks) * block
        stop = min(start + block, places)
        low, high, part = lower[lead], min(lower[lead] + 1, last), fraction[lead]
        total = np.zeros(stop - start, np.float32)
        norm = np.zeros(stop - start, np.float32)
        for source in range(sources):
            for place in range(start, stop):
                value = forecasts[source, lead, place]
                factor = presence[source * step[0], lead * step[1], place * step[2]]
                share = factor * ((1 - part) * weight[source, low, place] + part * weight[source, high, place])
                shift = (1 - part) * bias[source, low, place] + part * bias[source, high, place]
                corrected = value * shift if ratio else value - shift
                good = value == value
                total[place - start] += share * corrected if good else np.float32(0)
                norm[place - start] += share if good else np.float32(0)
        for place in range(start, stop):
            mass = norm[place - start]
            result[lead, place] = total[place - start] / mass if mass > 0 else np.float32(np.nan)
    return result


@njit(parallel=True, cache=True)
def _circular_mean(
    forecasts: Array,
    presence: Array,
    bias: Array,
    weight: Array,
    lower: NDArray[np.int64],
    fraction: Array,
    ratio: bool,
) -> Array:
    sources, leads, places = forecasts.shape
    step = (presence.shape[0] > 1, presence.shape[1] > 1, presence.shape[2] > 1)
    result = np.empty((leads, places), np.float32)
    last = bias.shape[1] - 1
    for place in prange(places):
        for lead in range(leads):
            low, high, part = lower[lead], min(lower[lead] + 1, last), fraction[lead]
            east = north = norm = 0.0
            for source in range(sources):
                value = forecasts[source, lead, place]
                if np.isnan(value):
                    continue
                factor = presence[source * step[0], lead * step[1], place * step[2]]
                share = factor * ((1 - part) * weight[source, low, place] + part * weight[source, high, place])
                angle = np.deg2rad(value - ((1 - part) * bias[source, low, place] + part * bias[source, high, place]))
                east += share * np.sin(angle)
                north += share * np.cos(angle)
                norm += share
            result[lead, place] = np.rad2deg(np.arctan2(east, north)) % 360 if norm > 0 else np.nan
    return result


def dry_unless_agreed(
    amount: Array, forecasts: Array, weights: Weights, leads: Leads, presence: Array | None = None
) -> Array:
    """`amount` (lead, place) with zero where the wet sources weigh less than WET_SHARE."""
    wet = np.where(np.isnan(forecasts), np.nan, forecasts >= WET_AMOUNT).astype(np.float32)
    plain = Weights(
        weights.sources, weights.lead_bins, np.ones_like(weights.bias), weights.weight,
        weights.error_variance, weights.spread_factor, ratio=True,
    )  # fmt: skip
    return np.where(blend(wet, plain, leads, presence) < WET_SHARE, np.float32(0), amount)


def range_taper(last_lead: float, leads: Leads, hours: float = 6) -> Array:
    """(lead,) 1 until `hours` before a source's last lead, then down to a trace at it: no step where a source ends."""
    return np.clip((last_lead - leads + 0.5) / hours, 0.02, 1).astype(np.float32)


def angular_error(forecast: Array, truth: Array) -> Array:
    """Forecast minus truth of directions in degrees, within -180 to 180."""
    return ((forecast - truth + 180) % 360 - 180).astype(np.float32)
