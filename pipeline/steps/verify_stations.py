"""Scores at stations: what every source, the simple blends and the published hour said where somebody measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter, parameter
from pipeline.science.ramp import departures
from pipeline.science.ramp_structure import STRUCTURES, Stations
from pipeline.science.scores import ScoreRecord, score
from pipeline.steps import Deployment
from pipeline.steps.inputs import sources_of, verified
from pipeline.steps.learn import places
from pipeline.steps.observe import read_parquet
from pipeline.steps.published import arrays_of, at_leads, last_lead

Array = NDArray[np.float32]

GROSS = 5.0
"""Median absolute deviations (as a standard deviation) of the equal-weight mean beyond which a report is no truth."""


def score_stations(deployment: Deployment, scored: Cycle, hour: Cycle) -> list[ScoreRecord]:
    """One record a parameter, lead and system on identical stations; leads without a table of observations have none.

    The blend is the published one, also over its first hours, where it has seen the stations that are not `withheld`:
    `hourcast_withheld` is its score at those that it has not.
    """
    altitude = places(deployment).altitude.reshape(deployment.grid.shape).astype(np.float32)
    best = arrays_of(deployment, scored, "best.zarr")
    last = min(last_lead(deployment, scored), round(scored.lead_hours(hour.init_time)))
    records: list[ScoreRecord] = []
    for lead in deployment.config.learning.lead_hours:
        key = paths.observations(scored + lead)
        if lead > last or not deployment.store.exists(key):
            continue
        table = read_parquet(deployment.store, key)
        for name in sorted(set(table["parameter"]) & set(STRUCTURES) & best):
            row = parameter(name)
            found = {
                source: verified(deployment, source, row, scored, lead, 0) for source in sources_of(deployment, row)
            }
            fields = {source: field for source, field in found.items() if field is not None}
            fields["hourcast"] = at_leads(deployment, scored, "best.zarr", name, [lead])[0]
            rows = table[table["parameter"] == name]
            records += _score(row, lead, rows, fields, deployment.grid, altitude)
    return records


def _score(
    row: Parameter, lead: int, table: pd.DataFrame, fields: Mapping[str, Array], grid: Grid, altitude: Array
) -> list[ScoreRecord]:
    columns = ("latitude", "longitude", "elevation", "value", "error")
    stations = Stations(*(table[column].to_numpy(float) for column in columns))
    lapse_rate = STRUCTURES[row.name].lapse_rate
    errors = {
        name: -departures(field.reshape(grid.shape), grid, stations, altitude=altitude, lapse_rate=lapse_rate)
        for name, field in fields.items()
    }
    everywhere = {name: error for name, error in errors.items() if np.isfinite(error).mean() > 0.5}
    sources = [name for name in everywhere if name != "hourcast"]
    if not sources or "hourcast" not in everywhere:
        return []
    everywhere["equal_weights"] = np.mean([everywhere[name] for name in sources], axis=0)
    everywhere["hourcast"] = everywhere.pop("hourcast")  # last, as in every list of systems
    usable = np.isfinite(np.stack(list(everywhere.values()))).all(axis=0)
    centred = everywhere["equal_weights"] - np.median(everywhere["equal_weights"][usable])
    usable &= np.abs(centred) <= GROSS * 1.4826 * np.median(np.abs(centred[usable])) + stations.error
    withheld = usable & table["withheld"].to_numpy(bool)
    block = np.arange(len(table))
    records = [score(row.name, lead, name, error[usable], block[usable]) for name, error in everywhere.items()]
    if withheld.any():
        ours = everywhere["hourcast"][withheld]
        records.append(score(row.name, lead, "hourcast_withheld", ours, block[withheld]))
    return records
