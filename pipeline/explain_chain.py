"""The chain of one number: every step of the forecast taken again at one cell, from what was published with the hour.

The sources' own values come from their runs in the input store, which keeps them for as long as they are learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import unit_vectors
from pipeline.parameters import Parameter, blended
from pipeline.products.explanation import Chain, Link, Station
from pipeline.products.point import EARTH_RADIUS_KM
from pipeline.science.blend import blend, dry_unless_agreed, lead_position, range_taper
from pipeline.science.consistency import MEETINGS, RULES
from pipeline.science.consistency_ties import GROUPS
from pipeline.science.ramp_length import at_leads
from pipeline.science.weights import Weights
from pipeline.steps import Deployment
from pipeline.steps.blending import bridge, tile_weights
from pipeline.steps.forecast import consistent
from pipeline.steps.inputs import Contribution, at_hours, coverage, holds, native
from pipeline.steps.observe import read_parquet

Array = NDArray[np.float32]

STATIONS_SHOWN = 5
_OBEYED = (*MEETINGS, *RULES)
NAN = float("nan")


@dataclass(frozen=True)
class At:
    """A lead of a published hour and a cell of its grid."""

    deployment: Deployment
    hour: Cycle
    lead: int
    row: int
    column: int

    def published(self, name: str) -> xr.Dataset:
        """One of the hour's Zarrs at the cell."""
        store = self.deployment.store.zarr(paths.forecast(self.hour, name))
        data = xr.open_zarr(store, consolidated=False, chunks=None, decode_timedelta=False)
        return data.isel(latitude=self.row, longitude=self.column)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The hour's provenance."""
        content: dict[str, Any] = json.loads(self.deployment.store.read(paths.forecast(self.hour, "manifest.json")))
        return content

    @cached_property
    def best(self) -> xr.Dataset:
        """The forecast here."""
        return self.published("best.zarr")

    @cached_property
    def weights(self) -> xr.Dataset:
        """The weights here."""
        return self.published("weights.zarr")

    @cached_property
    def leads(self) -> NDArray[np.int64]:
        """(lead,) all leads of the hour."""
        return self.best["lead_time"].values.astype(np.int64)

    @property
    def index(self) -> int:
        """Which of the leads it is."""
        return int(np.flatnonzero(self.leads == self.lead)[0])

    @property
    def cells(self) -> slice:
        """The cell among the flattened ones of the grid."""
        first = self.row * self.deployment.grid.shape[1] + self.column
        return slice(first, first + 1)


@dataclass(frozen=True)
class Ingredients:
    """What one parameter is blended from at a cell: weights times coverage, forecasts (source, lead, 1), taper."""

    weights: Weights
    forecasts: Array
    taper: Array


def chain(at: At, row: Parameter) -> Chain:
    """The chain of a blended parameter. FileNotFoundError once a run it was made from is gone."""
    names = [name for name in blended() if name in related(row.name) and name in at.best]
    parts = {name: ingredients(at, blended()[name]) for name in names}
    means = {name: _blend(at, blended()[name], part) for name, part in parts.items()}
    added = {name: _increments(at, name) for name in names}
    ramped = {name: _ramped(blended()[name], mean, *added[name]) for name, mean in means.items()}
    corrected, counts = consistent(at.deployment, at.hour, ramped, at.leads, at.cells)
    before, after = float(ramped[row.name][at.index, 0]), float(corrected[row.name][at.index, 0])
    increment, factor = added[row.name]
    return Chain(
        ratio=parts[row.name].weights.ratio, clusters=_clusters(at, row.name),
        links=_links(at, row.name, parts[row.name], _stand_in(parts[row.name], at.index)),
        blend=float(means[row.name][at.index, 0]), ramp=increment, ramp_factor=float(factor[at.index]),
        stations=_stations(at, row.name) if increment else (), ramped=before, consistent=after,
        rules=_rules(row.name, counts) if before != after else (),
        expected_error=_between(at, f"{row.name}_expected_error", at.lead),
        spread_factor=_between(at, f"{row.name}_spread_factor", at.lead), quantiles=_quantiles(at, row.name),
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


def contributions(at: At) -> dict[str, Contribution]:
    """The runs that were used, by source."""
    columns = (at.weights[part].values for part in ("source", "source_cycle", "source_age"))
    return {
        str(name): Contribution(str(name), Cycle.parse(str(cycle)), int(age))
        for name, cycle, age in zip(*columns, strict=True)
        if cycle
    }


def ingredients(at: At, row: Parameter) -> Ingredients:
    """What the parameter was blended from at the cell."""
    for part in contributions(at).values():
        _check_kept(at, part)
    parts = [part for part in contributions(at).values() if holds(at.deployment, part, row)]
    names = tuple(str(name) for name in at.weights["source"].values)
    bins = tuple(float(lead) for lead in at.weights["lead_bin"].values)
    maps = {part: at.weights[f"{row.name}_{part}"] for part in ("bias", "weight", "expected_error", "spread_factor")}
    arrays = [np.ascontiguousarray(field.values[..., None], np.float32) for field in maps.values()]
    ratio = maps["bias"].attrs["correction"] == "factor"
    fitted = Weights(names, bins, arrays[0], arrays[1], arrays[2] ** 2, arrays[3], ratio)
    covered = np.stack([coverage(at.deployment, part)[at.cells] for part in parts])
    forecasts = [at_hours(at.deployment, part, row, at.hour, at.leads.tolist(), at.cells) for part in parts]
    taper = np.stack([_taper(at, part, row) for part in parts])
    used = tile_weights(fitted, [part.source for part in parts], covered, slice(None))
    return Ingredients(used, np.stack(forecasts), taper)


def _check_kept(at: At, part: Contribution) -> None:
    if not at.deployment.store.exists(paths.input_record(part.source, part.cycle)):
        raise FileNotFoundError(
            f"the run {part.cycle} of {part.source} is no longer kept; {at.hour} can be explained while its inputs are"
        )


def _taper(at: At, part: Contribution, row: Parameter) -> Array:
    found = native(at.deployment, part.source, part.cycle, row, at.hour)
    last = found.valid_hours[-1] if found is not None and len(found.valid_hours) else -1.0
    return np.ones(len(at.leads), np.float32) if last >= at.leads[-1] else range_taper(last, at.leads)


def _blend(at: At, row: Parameter, part: Ingredients) -> Array:
    """(lead, 1) the blend as the forecast made it."""
    result = blend(part.forecasts, part.weights, at.leads, part.taper, circular=row.blend == "circular")
    if row.blend == "precipitation":
        result = dry_unless_agreed(result, part.forecasts, part.weights, at.leads, part.taper)
    return np.clip(bridge(row, result), row.minimum, row.maximum)


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


def _links(at: At, name: str, part: Ingredients, index: int) -> tuple[Link, ...]:
    """Every source that the parameter is blended from, those of most weight first."""
    lower, fraction = lead_position(part.weights.lead_bins, at.leads[index : index + 1])
    low, high, share = lower[0], min(lower[0] + 1, len(part.weights.lead_bins) - 1), fraction[0]
    weight = (
        part.taper[:, index] * ((1 - share) * part.weights.weight[:, low] + share * part.weights.weight[:, high])[:, 0]
    )
    bias = ((1 - share) * part.weights.bias[:, low] + share * part.weights.bias[:, high])[:, 0]
    values = part.forecasts[:, index, 0]
    weight = np.where(np.isfinite(values), weight, 0)
    weight = weight / max(float(weight.sum()), 1e-12)
    corrected = values * bias if part.weights.ratio else values - bias
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
    rmse, sample = _skill(at, name, source)
    note = _why_absent(at, name, source, lead) if not weight else ""
    if weight and not sample:
        note = "new source, prior weight"
    covered = float(at.weights["coverage"].sel(source=source))
    if weight and covered < 1:
        note = "; ".join(filter(None, [note, f"edge of its region, counts {covered:.0%}"]))
    title, cycle = str(record["title"]), str(record["cycle"] or "")
    number = list(at.manifest["sources"]).index(source)
    return Link(source, number, title, cycle, record["age_hours"], *part, rmse, sample, note)


def _skill(at: At, name: str, source: str) -> tuple[float, float]:
    """The source's error here with its bias removed, and the pairs it is known from; NaN and 0 without history."""
    shares = at.weights[f"{name}_membership"].values
    rmse, sample = (at.weights[f"{name}_cluster_{part}"].sel(source=source).values for part in ("rmse", "sample"))
    weight, bins = sample * shares / max(float(shares.sum()), 1e-9), at.weights["lead_bin"].values
    pairs = float(np.interp(at.lead, bins, weight.sum(axis=1)))
    square = float(np.interp(at.lead, bins, (weight * np.nan_to_num(rmse) ** 2).sum(axis=1)))
    return (float(np.sqrt(square / pairs)), pairs) if pairs else (NAN, 0.0)


def _why_absent(at: At, name: str, source: str, lead: int) -> str:
    record, last = at.manifest["sources"][source], int(at.weights[f"{name}_last_lead"].sel(source=source))
    if not record["cycle"]:
        return (
            "quarantined: its files could not be used" if record["quarantined"] else "late: no usable run had arrived"
        )
    if not float(at.weights["coverage"].sel(source=source)):
        return "does not cover this place"
    if last < 0:
        return "its run does not hold this"
    return f"its run ends at {last} h" if lead > last else "weighs nothing here"


def _clusters(at: At, name: str) -> tuple[tuple[int, float], ...]:
    """Number and share of the clusters the place belongs to, the largest first."""
    shares = at.weights[f"{name}_membership"].values
    order = np.argsort(-shares)
    return tuple((int(number), float(shares[number])) for number in order if shares[number] >= 0.01)


def _stations(at: At, name: str) -> tuple[Station, ...]:
    """The nearest stations whose observations went into the increment."""
    table = read_parquet(at.deployment.store, paths.forecast(at.hour, "observations.parquet"))
    table = table[(table["parameter"] == name) & (table["flag"] == "") & ~table["withheld"].astype(bool)]
    table = table[np.isfinite(table["departure"])]
    here = unit_vectors(np.array([float(at.best["latitude"])]), np.array([float(at.best["longitude"])]))[0]
    there = unit_vectors(table["latitude"].to_numpy(float), table["longitude"].to_numpy(float))
    distance = EARTH_RADIUS_KM * np.arccos(np.clip(there @ here, -1, 1))
    nearest = np.argsort(distance, kind="stable")[:STATIONS_SHOWN]
    return tuple(
        Station(str(one["station"]), str(one["network"]), float(away), float(one["value"]), float(one["departure"]))
        for (_, one), away in zip(table.iloc[nearest].iterrows(), distance[nearest], strict=True)
    )


def _between(at: At, name: str, lead: int) -> float:
    """A published figure (lead_bin,) at a lead."""
    return float(np.interp(lead, at.weights["lead_bin"].values, at.weights[name].values))


def _quantiles(at: At, name: str) -> tuple[tuple[float, float], ...]:
    """(level, value) of the published distribution; empty where there is none."""
    if f"{name}_quantile" not in at.manifest["parameters"].get("probability", []):
        return ()
    values = at.published("probability.zarr")[f"{name}_quantile"].sel(lead_time=at.lead)
    return tuple(zip(values["quantile"].values.tolist(), values.values.tolist(), strict=True))
