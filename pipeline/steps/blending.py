"""Blend: one parameter on some cells and leads, from the inputs and weights of an hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import INTERVAL_KINDS, Parameter, blended
from pipeline.science import amounts
from pipeline.science.blend import blend, range_taper, without_course
from pipeline.science.weights import Weights
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.inputs import GLOBAL_ROLES, TRUTH_HOURS, sources_of
from pipeline.steps.learn import read_correction, read_weights
from pipeline.steps.numbered import at_hours
from pipeline.steps.plausible import leave_out
from pipeline.steps.runs import Contribution, coverage, holds, reaches, valid_hours
from pipeline.steps.served import serving
from pipeline.steps.wave_energy import energy_at_leads

Array = NDArray[np.float32]


def available(deployment: Deployment, hour: Cycle) -> list[Parameter]:
    """Blended parameters that a model has from pole to pole, in the order of the catalogue; others would leave cells
    empty."""
    found = serving(deployment, hour)
    runs = {name: found[name] for name in _global_models(deployment) if name in found}
    runs = {name: part for name, part in runs.items() if reaches(deployment, part, 90)}
    return [row for row in blended().values() if _contributions(deployment, runs, row)]


def lost(deployment: Deployment, hour: Cycle) -> list[str]:
    """Blended parameters that configured global models deliver, and no run that serves the hour has."""
    there, usual = {row.name for row in available(deployment, hour)}, {*_global_models(deployment)}
    return [name for name, row in blended().items() if name not in there and usual & {*sources_of(deployment, row)}]


def _global_models(deployment: Deployment) -> list[str]:
    return [name for name in deployment.config.sources if SOURCES[name].role in GLOBAL_ROLES]


def blend_parameter(
    deployment: Deployment,
    hour: Cycle,
    row: Parameter,
    leads: NDArray[np.int64],
    cells: slice,
    *,
    chance: bool = False,
    runs: Mapping[str, Contribution] | None = None,
) -> Array:
    """(lead, place) the blend of one parameter on the flattened `cells`.

    `chance`: small amounts stay, for a distribution's centre. `runs`: what serves the hour, if known. A source that was
    configured after the hour's weights were fitted is not among them.
    Where no source reaches a lead, the nearest lead stands in. Raises ValueError for a cell without any value.
    """
    known = read_weights(deployment, hour, row.name, cells)
    parts = _contributions(deployment, serving(deployment, hour) if runs is None else runs, row)
    parts = [part for part in parts if part.source in known.sources]
    covered = np.stack([coverage(deployment, part)[cells] for part in parts])
    weights = tile_weights(known, [part.source for part in parts], covered, slice(None))
    forecasts = np.empty((len(parts), len(leads), covered.shape[1]), np.float32)
    for part, out in zip(parts, forecasts, strict=True):
        out[:] = at_hours(deployment, part, row, hour, leads.tolist(), cells)
    taper = np.stack([_taper(deployment, part, row, hour, leads) for part in parts])
    leave_out(deployment, hour, row, weights.sources, forecasts, leads, cells)
    correction = read_correction(deployment, hour, row.name, cells)
    ends = amounts.interval_ends(hour.init_time.hour, leads, TRUTH_HOURS)
    if correction is not None:
        forecasts = amounts.mapped(forecasts, amounts.for_sources(correction, weights.sources), ends)
    forecasts = without_course(forecasts, weights.course, weights.lead_bins, leads, day_hours(row, hour, leads))
    energy = energy_at_leads(deployment, parts, row, hour, leads, cells)
    result = blend(forecasts, weights, leads, taper, circular=row.blend == "circular", energy=energy)
    result = bridge(row, result)
    np.clip(result, row.minimum, row.maximum, out=result)
    if correction is not None:
        result = np.clip(amounts.expected(result, correction, ends, dry=not chance), row.minimum, row.maximum)
    return result


def _contributions(deployment: Deployment, runs: Mapping[str, Contribution], row: Parameter) -> list[Contribution]:
    parts = [runs[name] for name in sources_of(deployment, row) if name in runs]
    return [part for part in parts if holds(deployment, part, row)]


def _taper(deployment: Deployment, part: Contribution, row: Parameter, hour: Cycle, leads: NDArray[np.int64]) -> Array:
    """(lead,) a source's share as it nears its own last lead; whole where it reaches the hour's last."""
    known = valid_hours(deployment, part, row)
    last = known[-1] if len(known) else -1.0
    return np.ones(len(leads), np.float32) if last >= leads[-1] else range_taper(last, leads)


def tile_weights(weights: Weights, names: Sequence[str], covered: Array, cells: slice) -> Weights:
    """The weights of the named sources on the flattened `cells`, times `covered` (source, cell), feathered edges."""
    chosen = [weights.sources.index(name) for name in names]
    return Weights(
        tuple(names), weights.lead_bins, np.ascontiguousarray(weights.bias[..., cells][chosen]),
        weights.weight[..., cells][chosen] * covered[:, None], weights.error_variance[:, cells],
        weights.spread_factor[:, cells], None if weights.course is None else weights.course[:, chosen][..., cells],
    )  # fmt: skip


def day_hours(row: Parameter, hour: Cycle, leads: NDArray[np.integer]) -> NDArray[np.float64]:
    """(lead,) hour of the day in UTC that a value is for, of what is given over an hour its middle."""
    return np.asarray(hour.init_time.hour + leads - (0.5 if row.kind in INTERVAL_KINDS else 0.0), np.float64)


def bridge(row: Parameter, values: Array) -> Array:
    """Leads that no source reaches take the nearest lead that one does; an error where there is none at all."""
    bridged = nearest_lead(values)
    empty = np.isnan(bridged[0])
    if empty.any():
        raise ValueError(
            f"{row.name}: no source has a value at any lead in {int(empty.sum())} cells; "
            "remove it or add a global source"
        )
    return bridged


def nearest_lead(values: Array) -> Array:
    """`values` (lead, cell) where leads without a value take the nearest with one, NaN in cells that have none."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    good = ~missing
    alike = bool((good == good[:, :1]).all())  # mostly a lead is missing everywhere or nowhere
    good = good[:, :1] if alike else good
    index = np.arange(len(values))[:, None]
    before = np.maximum.accumulate(np.where(good, index, -1), axis=0)
    after = np.minimum.accumulate(np.where(good, index, len(values))[::-1], axis=0)[::-1]
    nearest = np.where((before >= 0) & ((after >= len(values)) | (index - before <= after - index)), before, after)
    nearest = np.minimum(nearest, len(values) - 1)
    return values[nearest[:, 0]] if alike else np.take_along_axis(values, nearest, axis=0)
