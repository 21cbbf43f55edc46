"""Verify: once valid times have passed, score the published hour, every source and the simple blends on the same cells.

`run` at an hour scores the forecasts of earlier hours whose truth has come meanwhile; each is scored once a lead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scores.continuous import quantile_score
from scores.probability import brier_score

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.science.blend import angular_error
from pipeline.science.scores import ScoreRecord, score
from pipeline.science.skill import diagonal, from_dataset
from pipeline.steps import Deployment
from pipeline.steps.inputs import sources_of, truth, truth_delay_hours, verified

Array = NDArray[np.float32]
Float = NDArray[np.float64]

BLOCK_DEGREES = 15
"""Neighbouring cells err alike: the bootstrap draws boxes of this size."""


@dataclass(frozen=True)
class Pairs:
    """One parameter at one lead of one hour on the cells where all is known: errors (system, cell)."""

    systems: tuple[str, ...]
    errors: Float
    truth: Float
    cells: NDArray[np.intp]


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """Earlier published hours that have a lead whose truth can be known by this hour."""
    known = hour - truth_delay_hours(deployment)
    first = min(deployment.config.learning.lead_hours)
    names = sorted(deployment.store.list_folders("forecast"))
    return [name for name in names if Cycle.parse(name) + first <= known and _manifest(deployment, Cycle.parse(name))]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Score one published hour at every lead whose truth has come by `hour`; write scores.json and calibration.json."""
    scored = Cycle.parse(shard)
    known = hour - truth_delay_hours(deployment)
    records: list[ScoreRecord] = []
    calibration: list[dict[str, object]] = []
    best = _open(deployment, paths.forecast(scored, "best.zarr"))
    probability = _open(deployment, paths.forecast(scored, "probability.zarr"))
    for row in blended().values():
        for lead in deployment.config.learning.lead_hours:
            if row.name not in best or lead > deployment.config.last_lead_hours or scored + lead > known:
                continue
            pairs = pair(deployment, row, scored, lead, best)
            if pairs is None:
                continue
            quantiles = _quantiles(probability, row, lead, pairs.cells)
            crps = None if quantiles is None else _crps(quantiles, probability["quantile"].values, pairs.truth)
            records += score_pairs(deployment, row, lead, pairs, crps)
            calibration += calibrate(probability, row, lead, pairs, quantiles)
    deployment.store.write(paths.scores(scored, "scores.json"), _dump(records))
    deployment.store.write(paths.scores(scored, "calibration.json"), _dump(calibration))


def pair(deployment: Deployment, row: Parameter, scored: Cycle, lead: int, best: xr.Dataset) -> Pairs | None:
    """Errors of every global source, of the simple blends and of the published forecast, on the cells they share."""
    analysis = truth(deployment, row, scored + lead)
    if analysis is None:
        return None
    observed, interval = analysis
    names, fields = [], []
    for name in sources_of(deployment, row):
        field = verified(deployment, name, row, scored, lead, interval)
        if field is not None and np.isfinite(field).mean() > 0.5 * np.isfinite(observed).mean():
            names.append(name)
            fields.append(field)
    if not names:
        return None
    ours = _ours(best, row, lead, interval)
    stack = np.stack([*fields, ours])
    cells = np.flatnonzero(np.isfinite(observed) & np.isfinite(stack).all(axis=0))
    values, seen = stack[:, cells].astype(np.float64), observed[cells].astype(np.float64)
    simple = _simple_blends(deployment, row, scored, lead, names, values[:-1])
    values = np.concatenate([values[:-1], simple, values[-1:]])
    errors = (
        angular_error(values.astype(np.float32), seen.astype(np.float32)) if row.kind == "direction" else values - seen
    )
    return Pairs(
        (*names, "equal_weights", "best_source", "inverse_mse", "hourcast"), errors.astype(np.float64), seen, cells
    )


def _ours(best: xr.Dataset, row: Parameter, lead: int, interval: int) -> Array:
    if not interval:
        return best[row.name].sel(lead_time=lead).values.reshape(-1)
    hours = best[row.name].sel(lead_time=slice(lead - interval + 1, lead)).values.reshape(interval, -1)
    combine = {"interval_maximum": np.max, "interval_minimum": np.min}.get(row.kind, np.mean)
    return np.asarray(combine(hours, axis=0), np.float32)


def _simple_blends(
    deployment: Deployment, row: Parameter, scored: Cycle, lead: int, names: list[str], values: Float
) -> Float:
    """Equal weights, the source best in the past, inverse mean square error, as known at the scored hour."""
    mean_square = np.ones(len(names))
    data = _open(deployment, paths.skill(row.name, scored))
    skill = from_dataset(data)
    own, lead_bin = diagonal(len(skill.sources)), skill.lead_bins.index(lead)
    for index, name in enumerate(names):
        at = skill.sources.index(name)
        weight = float(skill.presence[at, lead_bin].sum(dtype=np.float64))
        square = float(skill.product[own[at], lead_bin].sum(dtype=np.float64))
        mean_square[index] = square / weight if weight else np.nan
    mean_square = np.where(np.isnan(mean_square), np.nanmax(mean_square, initial=1.0), mean_square)
    shares = [np.ones(len(names)), np.arange(len(names)) == mean_square.argmin(), 1 / np.maximum(mean_square, 1e-12)]
    normed = [np.asarray(share, np.float64) / np.sum(share) for share in shares]
    if row.kind == "direction":
        angle = np.deg2rad(values)
        return np.stack(
            [np.rad2deg(np.arctan2(share @ np.sin(angle), share @ np.cos(angle))) % 360 for share in normed]
        )
    return np.stack([share @ values for share in normed])


def score_pairs(
    deployment: Deployment, row: Parameter, lead: int, pairs: Pairs, crps: Float | None
) -> list[ScoreRecord]:
    """One record a system, cells weighted by their area; ours with the CRPS of its quantiles where it has them."""
    columns = deployment.grid.shape[1]
    area = np.repeat(deployment.grid.cell_area, columns)[pairs.cells]
    latitude, longitude = deployment.grid.places
    boxes = np.floor((90 - latitude[pairs.cells]) / BLOCK_DEGREES) * 1000 + np.floor(
        longitude[pairs.cells] / BLOCK_DEGREES
    )
    return [
        score(
            row.name,
            lead,
            system,
            pairs.errors[index],
            boxes.astype(np.int64),
            crps if system == "hourcast" else None,
            area,
        )
        for index, system in enumerate(pairs.systems)
    ]


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


def _manifest(deployment: Deployment, hour: Cycle) -> bool:
    return deployment.store.exists(paths.forecast(hour, "manifest.json"))


def _open(deployment: Deployment, key: str) -> xr.Dataset:
    return xr.open_zarr(deployment.store.zarr(key), consolidated=False, chunks=None, decode_timedelta=False)


def _dump(records: object) -> bytes:
    return (json.dumps(records, indent=1) + "\n").encode()
