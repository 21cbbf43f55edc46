"""What the ramp remembers from hour to hour: the stations' biases, and how long increments paid."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.science import ramp_length, station_bias
from pipeline.science.ramp_length import RampSums
from pipeline.steps import Deployment
from pipeline.steps.observe import read_parquet


@dataclass(frozen=True)
class History:
    """Residuals by station (see `station_bias`) and sums at withheld stations (see `ramp_length`), as of an hour."""

    record: pd.DataFrame
    sums: RampSums


def before(deployment: Deployment, name: str, hour: Cycle) -> History:
    """What the newest earlier hour knew of a parameter, aged to `hour`; nothing if there is none."""
    earlier = sorted(Cycle.parse(folder) for folder in deployment.store.list_folders("stations"))
    for cycle in reversed([cycle for cycle in earlier if cycle < hour]):
        if deployment.store.exists(_sums(cycle, name)):
            hours = cycle.lead_hours(hour.init_time)
            known = json.loads(deployment.store.read(_sums(cycle, name)))
            sums = RampSums(*(np.asarray(known[part], float) for part in ("count", "square", "product")))
            record = read_parquet(deployment.store, _record(cycle, name)).set_index("station")
            longer = ramp_length.of_leads(sums, deployment.config.ramp_hours)
            return History(station_bias.decay(record, hours), ramp_length.decay(longer, hours))
    return History(station_bias.zero(), ramp_length.zero(deployment.config.ramp_hours))


def write(deployment: Deployment, name: str, hour: Cycle, history: History) -> None:
    """Keep what is known as of `hour`; the sums come last and mean complete."""
    buffer = io.BytesIO()
    history.record.reset_index().to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    deployment.store.write(_record(hour, name), buffer.getvalue())
    sums = {part: values.tolist() for part, values in vars(history.sums).items()}
    deployment.store.write(_sums(hour, name), json.dumps(sums).encode())


def absorb(deployment: Deployment, name: str, hour: Cycle, table: pd.DataFrame, sums: RampSums) -> RampSums:
    """The sums with every pair that the good rows of this hour's `table` verify, of this and of earlier hours."""
    good = table.loc[table["flag"] == "", ["network", "station", "value"]]
    for lead in range(len(sums.count)):
        key = said(hour - lead, name)
        if deployment.store.exists(key):
            then = read_parquet(deployment.store, key)
            if str(lead) in then:
                pairs = then[then["withheld"]].merge(good, on=["network", "station"], suffixes=("_then", ""))
                departure = pairs["value"].to_numpy(float) - pairs[str(lead)].to_numpy(float)
                sums = ramp_length.update(sums, lead, pairs["increment"].to_numpy(float), departure)
    return sums


def said(hour: Cycle, name: str) -> str:
    """The table of what the blend said at the stations before the ramp, by lead, and of the increment there."""
    return paths.stations(hour, f"{name}.parquet")


def _record(hour: Cycle, name: str) -> str:
    return paths.stations(hour, f"{name}_bias.parquet")


def _sums(hour: Cycle, name: str) -> str:
    return paths.stations(hour, f"{name}_ramp.json")
