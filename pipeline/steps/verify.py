"""Verify: once valid times have passed, score the published hour, every source and the simple blends on the same cells.

`run` at an hour scores the forecasts of earlier hours whose truth has come meanwhile; each is scored once a lead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.config import LATE_HOURS
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.steps import Deployment, skill_store
from pipeline.steps.calibration import CalibrationRecord, calibrate
from pipeline.steps.hindcast import Hindcast, blend_fields, hindcast
from pipeline.steps.inputs import components, sources_of, truth_delay_hours
from pipeline.steps.numbered import as_true
from pipeline.steps.published import arrays_of, at_leads, last_lead
from pipeline.steps.stability import StabilityRecord, stability
from pipeline.steps.verify_pairs import ComparedRecord, Pairs, pair, score_pairs, score_vectors
from pipeline.steps.verify_ramp import score_ramp
from pipeline.steps.verify_stations import score_stations

Array = NDArray[np.float32]
Scored = tuple[list[ComparedRecord], list[CalibrationRecord], list[StabilityRecord]]


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """Earlier published hours with a lead whose truth can have come since the hour published before this one.

    And once more LATE_HOURS after that, for what came late. After a longer pause what came before them is left.
    """
    earlier = sorted(map(Cycle.parse, deployment.store.list_folders("forecast")), reverse=True)
    before = next((cycle for cycle in earlier if cycle < hour and _is_published(deployment, cycle)), hour - 1)
    ages = [lead + late for lead in deployment.config.learning.lead_hours for late in (0, LATE_HOURS)]
    since, until = (time - truth_delay_hours(deployment) for time in (max(before, hour - LATE_HOURS), hour))
    due = [cycle for cycle in earlier[::-1] if any(since < cycle + age <= until for age in ages)]
    return [str(cycle) for cycle in due if _is_published(deployment, cycle)]


def _is_published(deployment: Deployment, cycle: Cycle) -> bool:
    return deployment.store.exists(paths.forecast(cycle, "manifest.json"))


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Score one published hour at every lead whose truth has come by `hour`; write its scores."""
    scored = Cycle.parse(shard)
    write(deployment, scored, [score_parameter(deployment, name, scored, hour) for name in names()])
    write_stations(deployment, scored, hour)


def write_stations(deployment: Deployment, scored: Cycle, hour: Cycle) -> None:
    """Score one published hour at the stations that have reported by `hour`; write observations.json and ramp.json."""
    for name, score_at in (("observations.json", score_stations), ("ramp.json", score_ramp)):
        records = score_at(deployment, scored, hour)
        deployment.store.write(paths.scores(scored, name), (json.dumps(records, indent=1) + "\n").encode())


def write(deployment: Deployment, scored: Cycle, parts: Iterable[Scored]) -> None:
    """Store the records of all parameters of a published hour."""
    parts = list(parts)
    for column, name in enumerate(("scores.json", "calibration.json", "stability.json")):
        records = [record for part in parts for record in part[column]]
        deployment.store.write(paths.scores(scored, name), (json.dumps(records, indent=1) + "\n").encode())


def names() -> list[str]:
    """Parameters to score, in the order of the catalogue; a vector under its eastward component."""
    return [name for name in blended() if not name.startswith("northward_")]


def score_parameter(
    deployment: Deployment, name: str, scored: Cycle, hour: Cycle, past: Sequence[Cycle] = ()
) -> Scored:
    """Records of scores, calibration and stability of one of `names` of the hour `scored`, as known at `hour`.

    A vector gives records of both components and, as `wind_vector_...`, of itself.
    `past`: earlier hours that are scored with it, as the blend would have been with what was learnt then (without ramp
    and consistency); FileNotFoundError where nothing was.
    """
    records: list[ComparedRecord] = []
    calibration: list[CalibrationRecord] = []
    steady: list[StabilityRecord] = []
    rows = components(blended()[name])
    found = [_pairs(deployment, row, scored, hour, past) for row in rows]
    for row, by_lead in zip(rows, found, strict=True):
        steady += stability(deployment, row, scored, by_lead, partial(_ours, deployment))
        reliable = calibrate(deployment, row, scored, {lead: parts[-1] for lead, parts in by_lead.items()})
        calibration += reliable
        crps = {record["lead_time_hours"]: record["crps"] for record in reliable}
        for lead, parts in by_lead.items():
            records += score_pairs(deployment, row.name, lead, parts)
            records[-1]["crps"] = crps.get(lead, records[-1]["crps"])
    if len(rows) > 1:
        vector = name.replace("eastward_wind", "wind_vector").replace("eastward_", "vector_")
        for lead in sorted(found[0].keys() & found[1].keys()):
            records += score_vectors(deployment, vector, lead, found[0][lead], found[1][lead])
    return records, calibration, steady


def _pairs(
    deployment: Deployment, row: Parameter, scored: Cycle, hour: Cycle, past: Sequence[Cycle]
) -> dict[int, list[Pairs]]:
    """By lead the pairs of every hour that can be scored together: those of `past`, and last of the published hour."""
    known = hour - truth_delay_hours(deployment)
    best = arrays_of(deployment, scored, "best.zarr")
    last = last_lead(deployment, scored)
    leads = [lead for lead in deployment.config.learning.lead_hours if lead <= last]
    leads = [lead for lead in leads if row.name in best and scored + lead <= known]
    if not leads:
        return {}
    earlier = [hindcast(deployment, row, hour) for hour in past]
    known_errors = skill_store.mean_square(deployment, row.name, scored, sources_of(deployment, row), leads)
    found: dict[int, list[Pairs]] = {}
    for position, lead in enumerate(leads):
        now = pair(
            deployment,
            row,
            scored,
            lead,
            known_errors[:, position],
            partial(_numbered, deployment, scored, row, lead),
        )
        if now is None:
            continue
        more = [_earlier_pair(deployment, row, then, lead, position) for then in earlier]
        alike = [part for part in more if part is not None and part.systems == now.systems]
        found[lead] = [*alike, now]
    return found


def _earlier_pair(deployment: Deployment, row: Parameter, then: Hindcast, lead: int, position: int) -> Pairs | None:
    def ours(fields: Mapping[str, Array], interval: int) -> Array:
        return blend_fields(deployment, row, then, lead, fields, interval)

    return pair(deployment, row, then.hour, lead, then.mean_square[:, position], ours)


def _numbered(
    deployment: Deployment, scored: Cycle, row: Parameter, lead: int, fields: Mapping[str, Array], interval: int
) -> Array:
    """`_ours`, a swell under the number that it has in the truth."""
    best = arrays_of(deployment, scored, "best.zarr")

    def said(of: Parameter) -> Array | None:
        return _ours(deployment, scored, of, lead, fields, interval) if of.name in best else None

    return as_true(deployment, row, scored + lead, said)


def _ours(
    deployment: Deployment, hour: Cycle, row: Parameter, lead: int, fields: Mapping[str, Array], interval: int
) -> Array:
    """(place,) what a published hour says of a parameter over the `interval` hours before a lead, or at it."""
    values = at_leads(deployment, hour, "best.zarr", row.name, range(lead - max(interval, 1) + 1, lead + 1))
    combine = {"interval_maximum": np.max, "interval_minimum": np.min}.get(row.kind, np.mean)
    return np.asarray(combine(values, axis=0) if interval else values[0], np.float32)
