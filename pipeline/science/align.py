"""From a source's own valid times to every hour, each parameter in its own way.

Everything is matched by valid time: hours are counted from the hour being produced, so a source's native lead less
its age. Instants are interpolated; an interval's mean, sum, maximum or minimum is kept whatever shape it gets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import TimeMethod
from pipeline.science import align_kernels as kernels
from pipeline.science.align_plan import Intervals, instants, intervals
from pipeline.science.solar import Sun

Hours = Sequence[float] | NDArray[np.float64]
OVER_INTERVALS = ("accumulation", "solar", "maximum", "minimum")


def to_hours(
    values: NDArray[np.float32],
    valid_hours_in: Hours,
    hours_out: Hours,
    method: TimeMethod,
    *,
    interval_hours: Hours | None = None,
    cos_zenith: Sun | None = None,
    reference: NDArray[np.float32] | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Values at each hour of `hours_out`, or over the hour that ends there; NaN where the source does not reach.

    values: (lead, ..., place) at ascending `valid_hours_in`, NaN where missing; a wholly missing lead is bridged from
    the leads on both sides of it. Returns (lead_out, ..., place). `interval_hours`: (lead,) length of the interval
    that ends at each lead, 0 for an instant. `out`: (lead_out, place) contiguous, filled instead of
    a new array. By method:
    linear, nearest; circular: degrees along the shorter arc;
    accumulation: hourly rates, linear within an interval between what its neighbours allow (van Leer 1977), whose
    mean over each interval is kept exactly, never beyond the neighbouring intervals' rates;
    solar: clearness (flux over cosine of the zenith angle) is interpolated, each interval's mean kept, nothing at
    night; needs `cos_zenith`, which covers the intervals;
    maximum, minimum: never beyond an interval's extreme, which at least one of its hours attains: that of the
    greatest `reference` (lead_out, ..., place), an instantaneous field, or of the neighbouring intervals' trend.
    For an interval method whose source has only instants: linear for extremes, the middle of the hour for means.
    Raises ValueError for hours not ascending, overlapping intervals or fractions of an hour in an interval.
    """
    hours_in, hours = np.asarray(valid_hours_in, np.float64), np.asarray(hours_out, np.float64)
    lengths = np.zeros(len(hours_in)) if interval_hours is None else np.asarray(interval_hours, np.float64)
    if len(hours_in) != len(values) or len(lengths) != len(values) or (np.diff(hours_in) <= 0).any():
        raise ValueError(f"expected one ascending valid hour (and interval) a lead; found {list(hours_in)}")
    fields = np.ascontiguousarray(values, np.float32).reshape(len(values), -1)
    kept = kernels.any_finite(fields)
    whole = method in OVER_INTERVALS and bool((lengths[kept] > 0).any())
    if whole:
        kept &= lengths > 0
    if out is None:
        out = np.empty((len(hours), fields.shape[1]), np.float32)
    if whole or method == "solar" or not kept.any():  # else every hour is written
        out[:] = np.nan
    if kept.any() and len(hours):
        fields, hours_in, lengths = fields if kept.all() else fields[kept], hours_in[kept], lengths[kept]
        if method == "solar":
            _solar(fields, hours_in, lengths, hours, cos_zenith, out)
        elif whole:
            guess = None if reference is None else np.ascontiguousarray(reference, np.float32).reshape(out.shape)
            _over_intervals(fields, intervals(hours_in, lengths, hours), method, guess, out)
        else:
            plan = instants(hours_in, hours, method)
            interpolate = kernels.circular if method == "circular" else kernels.linear
            interpolate(fields, plan.before, plan.after, plan.weight, out)
    return out.reshape(len(hours), *values.shape[1:])


def _over_intervals(
    fields: NDArray[np.float32],
    plan: Intervals,
    method: TimeMethod,
    reference: NDArray[np.float32] | None,
    out: NDArray[np.float32],
) -> None:
    kernels.linear(fields, plan.bridge.before, plan.bridge.after, plan.bridge.weight, out)
    if method == "accumulation":
        kernels.conserve(fields, plan.owner, plan.offset, plan.distance, out)
        return
    trend, sign = plan.trend, np.float32(1 if method == "maximum" else -1)
    if reference is not None:
        kernels.extreme(fields, plan.owner, np.arange(len(out)), reference, sign, out)
        return
    guess = np.empty((len(trend.before), fields.shape[1]), np.float32)
    kernels.linear(fields, trend.before, trend.after, trend.weight, guess)
    kernels.extreme(fields, plan.trend_owner, plan.trend_target, guess, sign, out)


def _solar(
    fields: NDArray[np.float32],
    hours_in: NDArray[np.float64],
    lengths: NDArray[np.float64],
    hours: NDArray[np.float64],
    sun: Sun | None,
    out: NDArray[np.float32],
) -> None:
    if sun is None:
        raise ValueError("expected cos_zenith with the method solar; found none: make it with solar.sun")
    if fields.shape[1] != sun.cosine.shape[1]:
        raise ValueError(f"expected the sun at {fields.shape[1]} places, as the values; found {sun.cosine.shape[1]}")
    first, last = hours_in - 1, hours_in + 1
    if (lengths > 0).any():
        first, last = hours_in - lengths, hours_in
        known = (first >= sun.first_hour - 1) & (last < sun.first_hour + len(sun.cosine))
        wanted = (hours.max() > first) & (hours.min() <= last)
        if (wanted & ~known).any():
            sun.hours(int(first[wanted].min()) + 1, int(last[wanted].max()))
        if not known.any():
            return
        fields, first, last = np.ascontiguousarray(fields[known]), first[known], last[known]
        plan = intervals(last, last - first, hours)
        between, rows = plan.trend, (plan.trend_owner, plan.trend_target, plan.trend_hour)
    else:
        between = instants(hours_in, hours, "solar")
        rows = (np.where(between.before < 0, -1, -2), np.arange(len(hours)), hours)
    shape = (between.before, between.after, between.weight)
    kernels.sunny(fields, first, last, rows, shape, sun.cosine, sun.first_hour, out)
