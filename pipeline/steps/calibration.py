"""Calibration: are the published distributions reliable and sharp, against the raw members and against EMOS?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scores.probability import crps_for_ensemble, rank_histogram

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.products import layout
from pipeline.science.emos import fit_emos, predict_emos
from pipeline.science.scores import gaussian_crps, quantile_crps
from pipeline.steps import Deployment
from pipeline.steps.ensembles import ensemble_variance, open_ensemble
from pipeline.steps.inputs import sources_of, truth, truth_delay_hours
from pipeline.steps.numbered import verified
from pipeline.steps.published import arrays_of, at_leads
from pipeline.steps.served import ensembles
from pipeline.steps.verify_pairs import Pairs

Array = NDArray[np.float32]
Float = NDArray[np.float64]

MOST_CELLS = 20_000
"""Cells looked at, evenly spread: enough for every figure, few enough to hold all members and a month of sources."""
KINDS = ("instantaneous", "vector_component", "fraction")
"""The truth of all others is of several hours, of which no quantiles are published."""
RELIABILITY_EDGES = np.array([0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1])
"""Of forecast probability: tenths around the round figures, narrower at the certain ends."""
NORMAL_90 = 3.29
"""Standard deviations between the 5 % and 95 % quantiles of a normal distribution."""


class Reliability(TypedDict):
    """Of one threshold, by bin of forecast probability that occurred: means, observed frequency, share of the cells."""

    probability: list[float]
    frequency: list[float]
    share: list[float]


class CalibrationRecord(TypedDict, total=False):
    """One parameter at one lead, cells weighted by area. `raw`: members as they came; `emos`: see `science.emos`.

    quantile_histogram: how often the truth fell between the quantiles at `levels`; coverage_90: between the outermost
    of them; skill, spread: root mean square error of our forecast and standard deviation of its distribution; crps:
    ours, of the raw members fair to their number (Ferro 2014), and of EMOS; rank_histogram: of the truth among the
    raw members; brier, brier_raw, reliability: one for each of `thresholds`.
    """

    parameter: str
    lead_time_hours: int
    n: int
    levels: list[float]
    quantile_histogram: list[float]
    coverage_90: float
    skill: float
    spread: float
    crps: float
    crps_raw: float
    crps_emos: float
    skill_raw: float
    spread_raw: float
    members: int
    rank_histogram: list[float]
    thresholds: list[float]
    brier: list[float]
    brier_raw: list[float]
    reliability: list[Reliability]


@dataclass(frozen=True)
class Sample:
    """Some cells of a lead: which, their truth, our error and their weight (by area, mean 1)."""

    cells: NDArray[np.intp]
    truth: Float
    error: Float
    weight: Float


def calibrate(
    deployment: Deployment, row: Parameter, scored: Cycle, pairs: Mapping[int, Pairs]
) -> list[CalibrationRecord]:
    """Records of one parameter of the hour `scored`; none without published quantiles.

    pairs: by lead, those of the scored hour.
    """
    key, likely = "probability.zarr", arrays_of(deployment, scored, "probability.zarr")
    if f"{row.name}_quantile" not in likely or row.kind not in KINDS or not pairs:
        return []
    members = raw_members(deployment, row, scored, list(pairs))
    levels = layout.read_coordinate(deployment.store, paths.forecast(scored, key), "quantile").astype(np.float64)
    records = []
    for lead, part in pairs.items():
        sample = thinned(deployment, part)
        said = {
            part: at_leads(deployment, scored, key, f"{row.name}_{part}", [lead])[:, 0, sample.cells].astype(np.float64)
            for part in ("quantile", "exceedance")
            if f"{row.name}_{part}" in likely
        }
        record = of_quantiles(said, levels, row, lead, sample)
        if lead in members:
            record |= against_members(members[lead][:, sample.cells].astype(np.float64), row, sample)
        record |= against_emos(deployment, row, scored, lead, sample)
        records.append(record)
    return records


def thinned(deployment: Deployment, pairs: Pairs) -> Sample:
    """At most MOST_CELLS of the cells."""
    chosen = slice(None, None, -(-len(pairs.cells) // MOST_CELLS))
    cells = pairs.cells[chosen]
    area = np.repeat(deployment.grid.cell_area, deployment.grid.shape[1])[cells]
    return Sample(cells, pairs.truth[chosen], pairs.errors[-1][chosen], area / area.mean())


def of_quantiles(
    said: Mapping[str, Float], levels: Float, row: Parameter, lead: int, sample: Sample
) -> CalibrationRecord:
    """What the published `quantile` (level, cell) and probabilities of `exceedance` (threshold, cell) are worth."""
    quantiles = said["quantile"]
    histogram = quantile_histogram(quantiles, sample.truth, sample.weight)
    crps = quantile_crps(quantiles, levels, sample.truth, minimum=row.minimum, maximum=row.maximum)
    record = CalibrationRecord(
        parameter=row.name, lead_time_hours=lead, n=len(sample.truth), levels=levels.tolist(),
        quantile_histogram=histogram.round(5).tolist(), coverage_90=round(float(histogram[1:-1].sum()), 5),
        skill=_root(sample.error**2, sample), spread=_root(((quantiles[-1] - quantiles[0]) / NORMAL_90) ** 2, sample),
        crps=_mean(crps, sample),
    )  # fmt: skip
    if row.thresholds and "exceedance" in said:
        chances = said["exceedance"].clip(0, 1)
        happened = [sample.truth > threshold for threshold in row.thresholds]
        record["thresholds"] = list(row.thresholds)
        record["brier"] = [_mean((p - o) ** 2, sample) for p, o in zip(chances, happened, strict=True)]
        record["reliability"] = [reliability(p, o, sample.weight) for p, o in zip(chances, happened, strict=True)]
    return record


def quantile_histogram(quantiles: Float, observed: Float, weight: Float) -> Float:
    """(level + 1,) how often the truth fell between the quantiles (level, cell); where it is equal to several, as at a
    bound, it is shared by the intervals that it may belong to."""
    last = len(quantiles)
    lowest, highest = (quantiles < observed).sum(axis=0), (quantiles <= observed).sum(axis=0)
    place = np.arange(last + 1)[:, None]
    share = ((place >= lowest) & (place <= highest)) / (highest - lowest + 1)
    return np.asarray((share * weight).sum(axis=1) / weight.sum())


def reliability(chance: Float, happened: NDArray[np.bool_], weight: Float) -> Reliability:
    """How often it happened where it was forecast with about the same probability."""
    bins = np.clip(np.digitize(chance, RELIABILITY_EDGES) - 1, 0, len(RELIABILITY_EDGES) - 2)
    mass, forecast, seen = (
        np.bincount(bins, weight * values, len(RELIABILITY_EDGES) - 1)
        for values in (np.ones_like(chance), chance, happened)
    )
    used = mass > 0
    return Reliability(
        probability=(forecast[used] / mass[used]).round(4).tolist(),
        frequency=(seen[used] / mass[used]).round(4).tolist(),
        share=(mass[used] / mass.sum()).round(4).tolist(),
    )


def raw_members(deployment: Deployment, row: Parameter, scored: Cycle, leads: Sequence[int]) -> dict[int, Array]:
    """By lead (number, place) all ensembles' members as they came, where there are any."""
    found: dict[int, list[Array]] = {}
    for name in ensembles(deployment, scored):
        data = open_ensemble(deployment, scored, name)
        known = data["lead_time"].values.tolist()
        chosen = [lead for lead in leads if lead in known] if row.name in data else []
        if chosen:
            values = data[row.name].isel(lead_time=[known.index(lead) for lead in chosen]).values
            for lead, fields in zip(chosen, np.moveaxis(values, 1, 0), strict=True):
                found.setdefault(lead, []).append(fields.reshape(len(fields), -1))
    return {lead: np.concatenate(parts) for lead, parts in found.items()}


def against_members(members: Float, row: Parameter, sample: Sample) -> CalibrationRecord:
    """What the raw members (number, cell) are worth; nothing where one of them is missing somewhere."""
    if not np.isfinite(members).all() or len(members) < 2:
        return {}
    cast, seen = xr.DataArray(members, dims=("number", "cell")), xr.DataArray(sample.truth, dims="cell")
    weight = xr.DataArray(sample.weight, dims="cell")
    ranks = rank_histogram(cast, seen, "number", weights=weight)
    record = CalibrationRecord(
        members=len(members), skill_raw=_root((members.mean(axis=0) - sample.truth) ** 2, sample),
        spread_raw=_root(members.var(axis=0, ddof=1), sample),
        crps_raw=float(crps_for_ensemble(cast, seen, "number", method="fair", weights=weight)),
        rank_histogram=np.asarray(ranks.values, np.float64).round(5).tolist(),
    )  # fmt: skip
    if row.thresholds:
        shares = [((members > t).mean(axis=0), sample.truth > t) for t in row.thresholds]
        record["brier_raw"] = [_mean((p - o) ** 2, sample) for p, o in shares]
    return record


def against_emos(deployment: Deployment, row: Parameter, scored: Cycle, lead: int, sample: Sample) -> CalibrationRecord:
    """The reference fitted to the month before and applied to the scored hour; nothing without a past."""
    sources = sources_of(deployment, row)
    latest = scored - truth_delay_hours(deployment)
    starts = [start for start in deployment.learning_starts(scored) if start + lead <= latest]
    cases = [_case(deployment, row, sources, start, lead, sample.cells) for start in [*starts, scored]]
    today, past = cases[-1], [case for case in cases[:-1] if case is not None]
    if today is None or not past:
        return {}
    used = [index for index in range(len(sources)) if all(np.isfinite(case[0][index]).all() for case in [*past, today])]
    if not used:
        return {}
    regime = _regimes(deployment, row, scored, sample.cells)
    forecasts = np.concatenate([case[0][used] for case in past], axis=1)
    spread, seen = (np.concatenate([case[place] for case in past]) for place in (1, 2))
    emos = fit_emos(forecasts, spread, seen, np.tile(regime, len(past)))
    mean, deviation = predict_emos(emos, today[0][used], today[1], regime)
    return CalibrationRecord(crps_emos=_mean(gaussian_crps(mean - sample.truth, deviation), sample))


def _case(
    deployment: Deployment, row: Parameter, sources: Sequence[str], start: Cycle, lead: int, cells: NDArray[np.intp]
) -> tuple[Float, Float, Float] | None:
    """Forecasts (source, cell), ensemble variance and truth (cell,) of one start; None without a truth."""
    analysis = truth(deployment, row, start + lead)
    if analysis is None:
        return None
    observed, interval = analysis
    nothing = np.full(observed.shape, np.nan, np.float32)
    found = [verified(deployment, name, row, start, lead, interval) for name in sources]
    fields = np.stack([nothing if field is None else field for field in found])
    variance = ensemble_variance(deployment, row, start, lead, interval)
    spread = np.zeros(len(cells)) if variance is None else np.nan_to_num(variance[cells]).astype(np.float64)
    return fields[:, cells].astype(np.float64), spread, observed[cells].astype(np.float64)


def _regimes(deployment: Deployment, row: Parameter, scored: Cycle, cells: NDArray[np.intp]) -> NDArray[np.intp]:
    """(cell,) the cluster that each cell belongs to most; all the same one where none was published."""
    key = paths.forecast(scored, "weights.zarr")
    name = f"{row.name}_membership"
    if not deployment.store.exists(f"{key}/{name}/zarr.json"):
        return np.zeros(len(cells), np.intp)
    values = layout.read_tile(deployment.store, key, name, slice(None))
    return np.asarray(values.reshape(len(values), -1)[:, cells].argmax(axis=0), np.intp)


def _mean(values: Any, sample: Sample) -> float:
    return float(np.average(values, weights=sample.weight))


def _root(squares: Float, sample: Sample) -> float:
    return float(np.sqrt(_mean(squares, sample)))
