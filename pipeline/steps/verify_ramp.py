"""Does the ramp pay? The blend with and without it, at stations that it has not seen.

Both before consistency, which moves a wind's vector and speed by a per cent or two at every lead, ramp or not: two
forecasts that are compared differ in one thing. What was published is held against stations in `verify_stations`.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.science.ramp_length import at_leads
from pipeline.science.ramp_structure import STRUCTURES
from pipeline.science.resampling import drawn_rmse, interval
from pipeline.steps import Deployment, ramp_history
from pipeline.steps.assimilation import stations_of
from pipeline.steps.observe import read_parquet
from pipeline.store import arrays as store_arrays

Float = NDArray[np.float64]

GROSS = 5.0
"""Median absolute deviations (as a standard deviation) of the unramped blend's error beyond which a report is no
truth."""
BLOCK_DEGREES = 15.0
"""Neighbouring stations err alike: the bootstrap draws boxes of this size."""


class RampRecord(TypedDict):
    """One line of ramp.json: root mean square errors at `n` withheld stations with and without the ramp, in the
    parameter's units, and the 95 % interval of the first less the second."""

    parameter: str
    lead_time_hours: int
    n: int
    rmse: float
    rmse_without_ramp: float
    difference_low: float
    difference_high: float


def score_ramp(deployment: Deployment, scored: Cycle, hour: Cycle) -> list[RampRecord]:
    """One record an observed parameter and lead until the ramp's end whose stations have reported by `hour`."""
    store, key = deployment.store, paths.forecast(scored, "increments.zarr")
    ramped = store_arrays.read(store, key) if store.exists(f"{key}/zarr.json") else {}
    said = {
        name: read_parquet(store, ramp_history.said(scored, name))
        for name in STRUCTURES
        if name in ramped and store.exists(ramp_history.said(scored, name))
    }
    records = []
    for lead in range(deployment.config.ramp_hours + 1 if said else 0):
        if scored + lead > hour or not store.exists(paths.observations(scored + lead)):
            continue
        table = read_parquet(store, paths.observations(scored + lead))
        for name, then in said.items():
            if str(lead) in then:
                rows = table[table["withheld"] & (table["parameter"] == name)]
                pairs = rows.merge(then[["network", "station", str(lead), "increment"]], on=["network", "station"])
                factor = at_leads(np.asarray(ramped[name].attrs["ramp_factor"]), np.array([lead]))
                records += compare(name, lead, pairs, float(factor[0]))
    return records


def compare(name: str, lead: int, pairs: pd.DataFrame, factor: float) -> list[RampRecord]:
    """The record of one parameter and lead, none without stations.

    pairs: observations (station,) with a column named as the lead, what the unramped blend said there, and `increment`,
    of which `factor` acts at that lead.
    """
    stations = stations_of(pairs)
    without = pairs[str(lead)].to_numpy(float) - stations.value
    errors = np.stack([without + factor * pairs["increment"].to_numpy(float), without])
    errors, place = errors[:, np.isfinite(errors).all(axis=0)], np.isfinite(errors).all(axis=0)
    if not errors.size:
        return []
    centred = np.abs(errors[1] - np.median(errors[1]))
    true = centred <= GROSS * 1.4826 * np.median(centred) + stations.error[place]
    boxes = np.floor(np.stack([stations.latitude, stations.longitude % 360])[:, place][:, true] / BLOCK_DEGREES)
    errors = errors[:, true]
    with_ramp, unramped = np.sqrt((errors**2).mean(axis=1))
    number = (boxes[0] * 1000 + boxes[1]).astype(np.int64)
    draws = drawn_rmse(errors, np.zeros_like(number), number)
    low, high = interval(draws[:, 0] - draws[:, 1]).tolist()
    return [
        RampRecord(
            parameter=name, lead_time_hours=lead, n=errors.shape[1], rmse=float(with_ramp),
            rmse_without_ramp=float(unramped), difference_low=low, difference_high=high,
        )
    ]  # fmt: skip
