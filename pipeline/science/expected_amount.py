"""From the blend of amounts to the amount to expect: the value of least square error, as often wet as is observed.

A mean of sources that disagree about where it rains is wet too often and drizzles; at long leads its maxima are chance.
What came on average when the blend said so much corrects both, as far as past pairs tell. Restoring the maxima of the
sources by matching probabilities (Ebert 2001) would serve frequencies, but it costs square error, and the distribution
states them better. Only the lower end is matched in frequency: the smallest amounts become dry, at next to no cost.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.science.blend import WET_AMOUNT, Leads, lead_position
from pipeline.science.quantile_mapping import THRESHOLDS, TIME_SCALE_DAYS

Array = NDArray[np.float32]
Float = NDArray[np.float64]

CLASS_PRIOR = 50.0
"""Pairs that the line of least squares through zero counts for in the mean of a class, and equality in that line."""
FORGOTTEN = 1e-6
"""Weight of pairs so old that rounding has the better of them."""
CURVE_LIMITS = (0.2, 2.5)
"""Bounds of expected / blended amount."""


@dataclass(frozen=True)
class Response:
    """What came when the blend said so much: weighted sums (lead_bin, class), class 0 below the least wet amount."""

    lead_bins: tuple[float, ...]
    pairs: Float
    blended: Float
    observed: Float
    wet: Float


@dataclass(frozen=True)
class Curve:
    """Expected amount by lead bin at `amount` (lead_bin, node), and the blend (lead_bin,) below which it is dry."""

    lead_bins: tuple[float, ...]
    amount: Float
    expected: Float
    driest: Float


SUMS = tuple(field.name for field in fields(Response))[1:]


def zero(lead_bins: tuple[float, ...]) -> Response:
    """The state that knows nothing."""
    return Response(lead_bins, *(np.zeros((len(lead_bins), len(THRESHOLDS) + 1)) for _ in SUMS))


def update(state: Response, lead_bin: int, blend: Array, observed: Array, worth: Float) -> None:
    """Add one verified blend, in place.

    blend, observed: (place,) kg m-2, NaN where absent; worth: (place,) how many pairs each counts for.
    """
    both = np.isfinite(blend) & np.isfinite(observed)
    said, seen, weight = (values[both].astype(np.float64) for values in (blend, observed, worth))
    column = np.searchsorted(THRESHOLDS, said, side="right")
    parts = (np.ones_like(said), said, seen, (seen >= WET_AMOUNT).astype(np.float64))
    for name, values in zip(SUMS, parts, strict=True):
        getattr(state, name)[lead_bin] += np.bincount(column, weight * values, minlength=len(THRESHOLDS) + 1)


def decay(state: Response, elapsed_hours: float) -> Response:
    """The state with every sum faded by the hours that went by."""
    scale = np.exp(-elapsed_hours / (24 * TIME_SCALE_DAYS))
    return replace(state, **{name: getattr(state, name) * scale for name in SUMS})


def align_leads(state: Response, lead_bins: tuple[float, ...]) -> Response:
    """The same knowledge for another list of lead bins: new ones start from nothing, left ones are dropped."""
    result = zero(lead_bins)
    for index, lead in enumerate(lead_bins):
        if lead in state.lead_bins:
            for name in SUMS:
                getattr(result, name)[index] = getattr(state, name)[state.lead_bins.index(lead)]
    return result


def merge(first: Response, second: Response) -> Response:
    """The state that has seen what both have seen, both decayed to the same time."""
    if first.lead_bins != second.lead_bins:
        raise ValueError("responses merge only with the same lead bins")
    return replace(first, **{name: getattr(first, name) + getattr(second, name) for name in SUMS})


def fit(state: Response) -> Curve:
    """The expected amount for every blended amount: monotone, through zero, the blend itself without history."""
    from scipy.optimize import isotonic_regression  # a third of what publication would import, which fits nothing

    nodes = np.concatenate([[0.0], THRESHOLDS])
    amount = np.tile(nodes, (len(state.lead_bins), 1))
    expected, driest = amount.copy(), np.full(len(state.lead_bins), WET_AMOUNT)
    for index in range(len(state.lead_bins)):
        pairs, blended, observed, wet = (getattr(state, name)[index] for name in SUMS)
        if pairs[1:].sum() <= FORGOTTEN:
            continue
        centre = np.where(pairs > FORGOTTEN, blended / np.maximum(pairs, FORGOTTEN), nodes)
        slope = np.clip((centre @ observed + 1e-6) / (centre @ blended + 1e-6), *CURVE_LIMITS)
        slope = 1 + (slope - 1) * pairs[1:].sum() / (pairs[1:].sum() + CLASS_PRIOR)
        mean = (observed + CLASS_PRIOR * slope * centre) / (pairs + CLASS_PRIOR)
        mean = isotonic_regression(mean, weights=pairs + CLASS_PRIOR).x
        amount[index] = np.concatenate([[0.0], centre[1:]])
        expected[index] = np.concatenate([[0.0], np.clip(mean[1:], *(np.array(CURVE_LIMITS)[:, None] * centre[1:]))])
        beyond = pairs[::-1].cumsum()[::-1][1:]
        level = np.interp(-wet.sum(), -beyond, np.log(THRESHOLDS)) - np.log(WET_AMOUNT)
        driest[index] = WET_AMOUNT * np.exp(level * beyond[0] / (beyond[0] + CLASS_PRIOR))
    return Curve(state.lead_bins, amount, np.maximum.accumulate(expected, axis=1), driest)


def apply(blend: Array, curve: Curve, leads: Leads, *, dry: bool = True) -> Array:
    """(lead, place) the amount to expect where the blend (lead, place) says so much, in kg m-2; NaN stays.

    leads: (lead,) hours; between lead bins the expected amounts are interpolated. Above the last node the ratio stays.
    `dry`: small amounts become 0.
    """
    lower, fraction = lead_position(curve.lead_bins, leads)
    result = np.where(np.isnan(blend), blend, np.float32(0))
    for lead, (low, part) in enumerate(zip(lower, fraction, strict=True)):
        high = min(low + 1, len(curve.lead_bins) - 1)
        driest = (1 - part) * curve.driest[low] + part * curve.driest[high]
        wet = np.flatnonzero(blend[lead] >= driest if dry else blend[lead] > 0)
        said = blend[lead, wet]
        result[lead, wet] = (1 - part) * _read(curve, low, said) + part * _read(curve, high, said)
    return result


def _read(curve: Curve, lead_bin: int, said: Array) -> Float:
    amount, expected = curve.amount[lead_bin], curve.expected[lead_bin]
    return np.interp(said, amount, expected) * np.maximum(said / amount[-1], 1)


def to_dataset(state: Response) -> xr.Dataset:
    """The state as a dataset that `from_dataset` reads back unchanged."""
    return xr.Dataset(
        {name: (("lead_bin", "class"), getattr(state, name)) for name in SUMS},
        {"lead_bin": np.asarray(state.lead_bins, np.float64)},
    )


def from_dataset(dataset: xr.Dataset) -> Response:
    """The state that `to_dataset` made."""
    bins = tuple(float(lead) for lead in dataset["lead_bin"].values)
    return Response(bins, *(dataset[name].values for name in SUMS))
