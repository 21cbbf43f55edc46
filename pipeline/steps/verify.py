"""Verify: once valid times have passed, score the published hour, every source and the simple blends on the same cells.

`run` at an hour scores the forecasts of earlier hours whose truth has come meanwhile; each is scored once a lead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scores.continuous import quantile_score
from scores.probability import brier_score

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.science.blend import angular_error, simple_blends
from pipeline.science.scores import ScoreRecord, score
from pipeline.science.skill import from_dataset, mean_square
from pipeline.steps import Deployment
from pipeline.steps.hindcast import Hindcast, blend_fields, hindcasts
from pipeline.steps.inputs import sources_of, truth, truth_delay_hours, verified
from pipeline.steps.verify_stations import score_stations

Array = NDArray[np.float32]
Float = NDArray[np.float64]

LATE_HOURS = 48
"""How long after its last lead an hour is scored again, for a late analysis or an hour that was missed."""
BLOCK_DEGREES = 15
"""Neighbouring cells err alike: the bootstrap draws boxes of this size."""


Scored = tuple[list[ScoreRecord], list[dict[str, object]]]
Ours = Callable[[Mapping[str, Array], int], Array]


@dataclass(frozen=True)
class Pairs:
    """One parameter at one lead of one hour on the cells where all is known: errors (system, cell)."""

    hour: Cycle
    systems: tuple[str, ...]
    errors: Float
    truth: Float
    cells: NDArray[np.intp]


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """Earlier published hours with a lead whose truth can have come by this hour, and not all of it days ago."""
    known, leads = hour - truth_delay_hours(deployment), deployment.config.learning.lead_hours
    earlier = {name: Cycle.parse(name) for name in sorted(deployment.store.list_folders("forecast"))}
    return [
        name
        for name, cycle in earlier.items()
        if cycle + min(leads) <= known <= cycle + (max(leads) + LATE_HOURS)
        and deployment.store.exists(paths.forecast(cycle, "manifest.json"))
    ]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Score one published hour at every lead whose truth has come by `hour`; write its scores."""
    scored = Cycle.parse(shard)
    write(deployment, scored, [score_parameter(deployment, name, scored, hour) for name in blended()])
    write_stations(deployment, scored, hour)


def write_stations(deployment: Deployment, scored: Cycle, hour: Cycle) -> None:
    """Score one published hour at the stations that have reported by `hour`; write observations.json."""
    records = score_stations(deployment, scored, hour, _open(deployment, paths.forecast(scored, "best.zarr")))
    deployment.store.write(paths.scores(scored, "observations.json"), (json.dumps(records, indent=1) + "\n").encode())


def write(deployment: Deployment, scored: Cycle, parts: Iterable[Scored]) -> None:
    """Store the records of all parameters of a published hour."""
    parts = list(parts)
    for name, column in (("scores.json", 0), ("calibration.json", 1)):
        records = [record for part in parts for record in part[column]]
        deployment.store.write(paths.scores(scored, name), (json.dumps(records, indent=1) + "\n").encode())


def score_parameter(
    deployment: Deployment, name: str, scored: Cycle, hour: Cycle, past: Sequence[Cycle] = ()
) -> Scored:
    """Score records and calibration records of one parameter of the hour `scored`, as known at `hour`.

    `past`: earlier hours that are scored with it, as the blend would have been then (without ramp and consistency).
    """
    row, known = blended()[name], hour - truth_delay_hours(deployment)
    best = _open(deployment, paths.forecast(scored, "best.zarr"))
    probability = _open(deployment, paths.forecast(scored, "probability.zarr"))
    leads = [lead for lead in deployment.config.learning.lead_hours if lead <= deployment.config.last_lead_hours]
    leads = [lead for lead in leads if name in best and scored + lead <= known]
    if not leads:
        return [], []
    earlier = list(hindcasts(deployment, row, past))
    known_errors = mean_square(from_dataset(_open(deployment, paths.skill(name, scored))))
    records: list[ScoreRecord] = []
    calibration: list[dict[str, object]] = []
    for position, lead in enumerate(leads):
        ours = partial(_ours, best, row, lead)
        pairs = pair(deployment, row, scored, lead, known_errors[:, position], ours)
        if pairs is None:
            continue
        more = [_earlier_pair(deployment, row, hindcast, lead, position) for hindcast in earlier]
        quantiles = _quantiles(probability, row, lead, pairs.cells)
        crps = None if quantiles is None else _crps(quantiles, probability["quantile"].values, pairs.truth)
        alike = [part for part in more if part is not None and part.systems == pairs.systems]
        records += score_pairs(deployment, row, lead, [*alike, pairs], crps)
        calibration += calibrate(probability, row, lead, pairs, quantiles)
    return records, calibration


def _earlier_pair(deployment: Deployment, row: Parameter, hindcast: Hindcast, lead: int, position: int) -> Pairs | None:
    def ours(fields: Mapping[str, Array], interval: int) -> Array:
        return blend_fields(deployment, row, hindcast, lead, fields)

    return pair(deployment, row, hindcast.hour, lead, hindcast.mean_square[:, position], ours)


def pair(
    deployment: Deployment, row: Parameter, scored: Cycle, lead: int, mean_square: Float, ours: Ours
) -> Pairs | None:
    """Errors of every global source, of the simple blends and of ours, on the cells they share.

    `mean_square`: (source,) as known at the scored hour, for the simple blends.
    """
    analysis = truth(deployment, row, scored + lead)
    if analysis is None:
        return None
    observed, interval = analysis
    sources = sources_of(deployment, row)
    found = {name: verified(deployment, name, row, scored, lead, interval) for name in sources}
    fields = {name: field for name, field in found.items() if field is not None}
    everywhere = np.isfinite(observed).mean()
    names = [name for name, field in fields.items() if np.isfinite(field).mean() > 0.5 * everywhere]
    if not names:
        return None
    stack = np.stack([*(fields[name] for name in names), ours(fields, interval)])
    cells = np.flatnonzero(np.isfinite(observed) & np.isfinite(stack).all(axis=0))
    values, seen = stack[:, cells].astype(np.float64), observed[cells].astype(np.float64)
    known = mean_square[[sources.index(name) for name in names]]
    values = np.concatenate(
        [values[:-1], simple_blends(values[:-1], known, circular=row.kind == "direction"), values[-1:]]
    )
    errors = values - seen
    if row.kind == "direction":
        errors = angular_error(values.astype(np.float32), seen.astype(np.float32)).astype(np.float64)
    return Pairs(scored, (*names, "equal_weights", "best_source", "inverse_mse", "hourcast"), errors, seen, cells)


def _ours(best: xr.Dataset, row: Parameter, lead: int, fields: Mapping[str, Array], interval: int) -> Array:
    if not interval:
        return np.asarray(best[row.name].sel(lead_time=lead).values.reshape(-1))
    hours = best[row.name].sel(lead_time=slice(lead - interval + 1, lead)).values.reshape(interval, -1)
    combine = {"interval_maximum": np.max, "interval_minimum": np.min}.get(row.kind, np.mean)
    return np.asarray(combine(hours, axis=0), np.float32)


def score_pairs(
    deployment: Deployment, row: Parameter, lead: int, parts: Sequence[Pairs], crps: Float | None
) -> list[ScoreRecord]:
    """One record a system over all hours of `parts`, cells weighted by area.

    `crps`: (cell,) of our quantiles for the last of the parts, which then alone counts in it.
    """
    area = np.repeat(deployment.grid.cell_area, deployment.grid.shape[1])
    weight = np.concatenate([area[part.cells] for part in parts])
    blocks = np.concatenate([_boxes(deployment, part) for part in parts])
    errors = np.concatenate([part.errors for part in parts], axis=1)
    records = [
        score(row.name, lead, system, errors[index], blocks, None, weight)
        for index, system in enumerate(parts[-1].systems)
    ]
    if crps is not None:
        records[-1]["crps"] = float(np.average(crps, weights=area[parts[-1].cells]))
    return records


def _boxes(deployment: Deployment, part: Pairs) -> NDArray[np.int64]:
    """(cell,) number of the box and hour that a pair belongs to, for the bootstrap."""
    latitude, longitude = (axis[part.cells] for axis in deployment.grid.places)
    boxes = np.floor((90 - latitude) / BLOCK_DEGREES) * 100 + np.floor(longitude / BLOCK_DEGREES)
    hours = round(Cycle.parse("1970-01-01T00").lead_hours(part.hour.init_time))
    return boxes.astype(np.int64) + 10_000 * hours


def _crps(quantiles: Float, levels: Float, observed: Float) -> Float:
    """(cell,) CRPS as twice the quantile score integrated over the levels (Gneiting and Ranjan 2011)."""
    edges = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    total = np.zeros(len(observed))
    for values, level, width in zip(quantiles, levels, np.diff(edges), strict=True):
        loss = quantile_score(
            xr.DataArray(values, dims="cell"), xr.DataArray(observed, dims="cell"), level, preserve_dims="all"
        )
        total += 2 * width * loss.values
    return total


def calibrate(
    probability: xr.Dataset, row: Parameter, lead: int, pairs: Pairs, quantiles: Float | None
) -> list[dict[str, object]]:
    """How often the truth fell between the published quantiles, and the Brier score of each threshold."""
    if quantiles is None:
        return []
    counts = np.bincount((pairs.truth[None] > quantiles).sum(axis=0), minlength=len(quantiles) + 1)
    record: dict[str, object] = {
        "parameter": row.name, "lead_time_hours": lead, "levels": probability["quantile"].values.tolist(),
        "quantile_histogram": (counts / counts.sum()).round(5).tolist(),
        "skill": float(np.sqrt((pairs.errors[-1] ** 2).mean())),
        "spread": float(np.sqrt((((quantiles[-1] - quantiles[0]) / 3.29) ** 2).mean())),
    }  # fmt: skip
    if row.thresholds and f"{row.name}_exceedance" in probability:
        chance = (
            probability[f"{row.name}_exceedance"]
            .sel(lead_time=lead)
            .values.reshape(len(row.thresholds), -1)[:, pairs.cells]
        )
        record["thresholds"] = list(row.thresholds)
        record["brier"] = [
            float(
                brier_score(
                    xr.DataArray(chance[index].clip(0, 1)), xr.DataArray((pairs.truth > threshold).astype(float))
                )
            )
            for index, threshold in enumerate(row.thresholds)
        ]
    return [record]


def _quantiles(probability: xr.Dataset, row: Parameter, lead: int, cells: NDArray[np.intp]) -> Float | None:
    if f"{row.name}_quantile" not in probability or (row.kind != "instantaneous" and row.kind != "vector_component"):
        return None
    values = probability[f"{row.name}_quantile"].sel(lead_time=lead).values
    return values.reshape(len(values), -1)[:, cells].astype(np.float64)


def _open(deployment: Deployment, key: str) -> xr.Dataset:
    return xr.open_zarr(deployment.store.zarr(key), consolidated=False, chunks=None, decode_timedelta=False)
