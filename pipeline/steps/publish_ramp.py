"""What explains the first hours of an hour goes into it: the ramp's increments and its stations."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import blended
from pipeline.steps import Deployment
from pipeline.steps.observe import read_parquet, to_parquet
from pipeline.store import arrays as store_arrays


def publish_ramp(deployment: Deployment, hour: Cycle) -> dict[str, list[str]]:
    """Write increments.zarr and observations.parquet from what ramp has left; returns the parameters in each.

    An increment's attribute `ramp_factor` is what part of it acts at each lead, hourly from 0, none beyond. Empty for
    an hour without observations: nothing is written then.
    """
    store = deployment.store
    names = [name for name in blended() if store.exists(f"{paths.work(hour, f'increments/{name}.zarr')}/zarr.json")]
    if not names:
        return {}
    fields = {name: store_arrays.read(store, paths.work(hour, f"increments/{name}.zarr"))[name] for name in names}
    attributes = {"Conventions": "CF-1.11", "title": f"Increments of the observation ramp of {hour}"}
    key = paths.forecast(hour, "increments.zarr")
    store_arrays.write(store, key, xr.Dataset(fields, attrs=attributes))
    checked = {name: paths.work(hour, f"observations/{name}.parquet") for name in names}
    observed = [name for name in names if store.exists(checked[name])]
    tables = [read_parquet(store, checked[name]) for name in observed]
    store.write(paths.forecast(hour, "observations.parquet"), to_parquet(pd.concat(tables, ignore_index=True)))
    return {"increments": names, "observations": observed}
