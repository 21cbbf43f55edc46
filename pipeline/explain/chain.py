"""The chain of one number: every step of the forecast taken again at one cell, from what was published with the hour.

The sources' own values come from their runs in the input store, which keeps them for as long as they are learnt from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.explain.published import (
    NAN,
    At,
    between,
    clusters,
    contributions,
    guard,
    left_out,
    quantiles,
    skill,
    stations,
    why_absent,
)
from pipeline.parameters import Parameter, blended, parameter
from pipeline.products.explanation import Chain, Link
from pipeline.science import amounts
from pipeline.science.amounts import Correction
from pipeline.science.blend import blend, lead_position, range_taper, without_course
from pipeline.science.consistency import MEETINGS, RULES
from pipeline.science.consistency_ties import GROUPS
from pipeline.science.ramp_length import at_leads
from pipeline.science.weights import Weights
from pipeline.steps.blending import bridge, day_hours, tile_weights
from pipeline.steps.forecast import consistent, surroundings
from pipeline.steps.inputs import TRUTH_HOURS
from pipeline.steps.numbered import at_hours
from pipeline.steps.runs import Contribution, apart, coverage, holds, kept, valid_hours
from pipeline.steps.wave_energy import energy_at_leads

Array = NDArray[np.float32]

_OBEYED = (*MEETINGS, *RULES)


@dataclass(frozen=True)
class Ingredients:
    """What one parameter is blended from at a cell: weights times coverage, forecasts (source, lead, 1), taper.

    mapped: the forecasts, or of amounts what their mapping makes of them; correction: of amounts; energy: of the waves
    that a direction is of, (source, lead, 1).
    """

    weights: Weights
    forecasts: Array
    taper: Array
    mapped: Array
    correction: Correction | None
    energy: Array | None


def chain(at: At, row: Parameter) -> Chain:
    """The chain of a blended parameter. FileNotFoundError once a run it was made from is gone."""
    names = [name for name in blended() if name in related(row.name) and name in at.best]
    parts = {name: ingredients(at, blended()[name]) for name in names}
    means = {name: _mean(blended()[name], at, part) for name, part in parts.items()}
    expected = {name: _expected(blended()[name], at, part, means[name]) for name, part in parts.items()}
    added = {name: _increments(at, name) for name in names}
    ramped = {name: _ramped(blended()[name], mean, *added[name]) for name, mean in expected.items()}
    corrected, counts = consistent(ramped, surroundings(at.deployment, at.hour, at.leads, at.cells))
    before, after = float(ramped[row.name][at.index, 0]), float(corrected[row.name][at.index, 0])
    increment, factor = added[row.name]
    mean, forecast = (float(field[row.name][at.index, 0]) for field in (means, expected))
    return Chain(
        amount=parts[row.name].correction is not None, clusters=clusters(at, row.name), guard=guard(at, row.name),
        links=_links(at, row.name, parts[row.name]), blend=mean, expected=forecast, ramp=increment,
        ramp_factor=float(factor[at.index]), stations=stations(at, row.name) if increment else (),
        ramped=before, consistent=after,
        rules=_rules(row.name, counts) if before != after else (),
        expected_error=between(at, f"{row.name}_expected_error", at.lead),
        spread_factor=between(at, f"{row.name}_spread_factor", at.lead), quantiles=quantiles(at, row.name),
    )  # fmt: skip


def related(name: str) -> set[str]:
    """The parameters that consistency may change this one by, itself among them."""
    found, waiting = {name}, [name]
    while waiting:
        target = waiting.pop()
        tied = [group.errors.keys() for group in GROUPS if target in group.errors]
        inputs = {other for rule in _OBEYED if target in rule.targets for other in rule.inputs}.union(*tied) - found
        found |= inputs
        waiting += inputs
    return found


def _rules(name: str, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Names of the rules that changed something here and that may change the parameter."""
    mine = {"within bounds", *(rule.name for rule in _OBEYED if name in rule.targets)}
    mine |= {group.name for group in GROUPS if name in group.errors}
    return tuple(rule for rule, count in counts.items() if count and rule in mine)


def ingredients(at: At, row: Parameter) -> Ingredients:
    """What the parameter was blended from at the cell."""
    for part in contributions(at).values():
        _check_kept(at, part)
    parts = [part for part in contributions(at).values() if holds(at.deployment, part, row)]
    names = tuple(str(name) for name in at.weights["source"].values)
    bins = tuple(float(lead) for lead in at.weights["lead_bin"].values)
    weight, error, spread = (
        np.ascontiguousarray(at.weights[f"{row.name}_{part}"].values[..., None], np.float32)
        for part in ("weight", "expected_error", "spread_factor")
    )
    correction = _correction(at, row)
    bias = np.zeros_like(weight) if correction else at.weights[f"{row.name}_bias"].values[..., None].astype(np.float32)
    course = None
    if f"{row.name}_course" in at.weights:
        course = at.weights[f"{row.name}_course"].values[..., None].astype(np.float32)
    fitted = Weights(names, bins, bias, weight, error**2, spread, course)
    covered = np.stack([coverage(at.deployment, part)[at.cells] for part in parts])
    forecasts = np.stack([at_hours(at.deployment, part, row, at.hour, at.leads.tolist(), at.cells) for part in parts])
    for index, part in enumerate(parts):
        forecasts[index, np.isin(at.leads, list(left_out(at, row.name, part.source)))] = np.nan
    taper = np.stack([_taper(at, part, row) for part in parts])
    used = tile_weights(fitted, [part.source for part in parts], covered, slice(None))
    mapped = without_course(forecasts, used.course, bins, at.leads, day_hours(row, at.hour, at.leads))
    if correction is not None:
        mapped = amounts.mapped(forecasts, amounts.for_sources(correction, used.sources), _ends(at))
    energy = energy_at_leads(at.deployment, parts, row, at.hour, at.leads, at.cells)
    return Ingredients(used, forecasts, taper, mapped, correction, energy)


def _correction(at: At, row: Parameter) -> Correction | None:
    """What was done to an amount at the cell; None of another parameter."""
    name = row.name
    if f"{name}_mapping" not in at.weights:
        return None
    tables = {table: at.weights[f"{name}_{table}"].variable for table in amounts.TABLES}
    shares = xr.Variable(("cluster", "place"), at.weights[f"{name}_membership"].values[:, None].astype(np.float32))
    coordinates = {axis: at.weights[axis].values for axis in ("source", "lead_bin")}
    return amounts.from_tables(xr.Dataset(tables | {"membership": shares}, coordinates))


def _ends(at: At) -> NDArray[np.int64]:
    return amounts.interval_ends(at.hour.init_time.hour, at.leads, TRUTH_HOURS)


def _check_kept(at: At, part: Contribution) -> None:
    for run in filter(None, (part.cycle, part.longer)):
        if not kept(at.deployment.store, part.source, run):
            raise FileNotFoundError(
                f"the run {run} of {part.source} is no longer kept; {at.hour} can be explained while its inputs are"
            )


def _taper(at: At, part: Contribution, row: Parameter) -> Array:
    known = valid_hours(at.deployment, part, row)
    last = known[-1] if len(known) else -1.0
    return np.ones(len(at.leads), np.float32) if last >= at.leads[-1] else range_taper(last, at.leads)


def _mean(row: Parameter, at: At, part: Ingredients) -> Array:
    """(lead, 1) the weighted mean as the forecast made it."""
    circular = row.blend == "circular"
    result = blend(part.mapped, part.weights, at.leads, part.taper, circular=circular, energy=part.energy)
    return np.clip(bridge(row, result), row.minimum, row.maximum)


def _expected(row: Parameter, at: At, part: Ingredients, mean: Array) -> Array:
    """(lead, 1) the blend: the mean, or of amounts what it lets expect."""
    if part.correction is None:
        return mean
    return np.clip(amounts.expected(mean, part.correction, _ends(at)), row.minimum, row.maximum)


def _increments(at: At, name: str) -> tuple[float, Array]:
    """What the observations add here at lead 0, and the part of it at each lead; 0 where none were used."""
    if name not in at.manifest["parameters"].get("increments", []):
        return 0.0, np.zeros(len(at.leads), np.float32)
    held = at.published("increments.zarr")[name]
    return float(held.values), at_leads(np.asarray(held.attrs["ramp_factor"]), at.leads.astype(np.float64))


def _ramped(row: Parameter, values: Array, increment: float, factor: Array) -> Array:
    return np.clip(values + factor[:, None] * np.float32(increment), row.minimum, row.maximum) if increment else values


def _stand_in(part: Ingredients, index: int) -> int:
    """The lead whose values were used for lead `index`: the nearest that a source reaches."""
    reached = np.atleast_1d(np.isfinite(part.forecasts[:, :, 0]).any(axis=0))
    return int(np.argmin(np.where(reached, np.abs(np.arange(len(reached)) - index), len(reached))))


def _links(at: At, name: str, part: Ingredients) -> tuple[Link, ...]:
    """Every source that the parameter is blended from, those of most weight first."""
    index = _stand_in(part, at.index)
    lower, fraction = lead_position(part.weights.lead_bins, at.leads[index : index + 1])
    low, high, share = lower[0], min(lower[0] + 1, len(part.weights.lead_bins) - 1), fraction[0]
    weight = (
        part.taper[:, index] * ((1 - share) * part.weights.weight[:, low] + share * part.weights.weight[:, high])[:, 0]
    )
    bias = ((1 - share) * part.weights.bias[:, low] + share * part.weights.bias[:, high])[:, 0]
    values = part.forecasts[:, index, 0]
    weight = np.where(np.isfinite(values), weight, 0)
    weight = weight / max(float(weight.sum()), 1e-12)
    corrected = part.mapped[:, index, 0] - bias
    if part.correction is None:
        bias = values - corrected
    else:
        bias = np.divide(corrected, values, out=np.ones_like(values), where=values > 0)
    corrected = corrected % 360 if blended()[name].blend == "circular" else corrected
    found = {
        source: (float(values[k]), float(bias[k]), float(corrected[k]), float(weight[k]))
        for k, source in enumerate(part.weights.sources)
    }
    fitted = at.weights[f"{name}_weight"].max("lead_bin").values > 0
    links = [
        _link(at, name, str(source), found.get(str(source), (NAN, NAN, NAN, 0.0)), int(at.leads[index]))
        for source, known in zip(at.weights["source"].values, fitted, strict=True)
        if known or str(source) in found
    ]
    return tuple(sorted(links, key=lambda link: -link.weight))


def _link(at: At, name: str, source: str, part: tuple[float, float, float, float], lead: int) -> Link:
    record, weight = at.manifest["sources"][source], part[3]
    rmse, sample = skill(at, name, source)
    note = why_absent(at, name, source, lead) if not weight else ""
    if weight and not sample:
        note = "new source, prior weight"
    covered = float(at.weights["coverage"].sel(source=source))
    if weight and covered < 1:
        note = "; ".join(filter(None, [note, f"edge of its region, counts {covered:.0%}"]))
    title, number = str(record["title"]), list(at.manifest["sources"]).index(source)
    return Link(source, number, title, *_run(at, name, source, lead), *part, rmse, sample, note)


def _run(at: At, name: str, source: str, lead: int) -> tuple[str, int | None]:
    """Cycle and age of the run that a source's value is of, or most of it; of one that has not arrived "" and None."""
    part = contributions(at).get(source)
    if part is None:
        return "", None
    newest, longer = apart(part)
    last = valid_hours(at.deployment, newest, parameter(name)).max(initial=-1)
    said = longer if longer and range_taper(last, np.array([lead]))[0] < 0.5 else newest
    return str(said.cycle), said.age_hours
