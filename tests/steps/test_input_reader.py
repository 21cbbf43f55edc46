"""The quick reader of the input store sees what zarr and xarray see."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pipeline.grid import Grid
from pipeline.parameters import parameter
from pipeline.steps.input_reader import InputRun
from pipeline.steps.input_store import InputWriter
from pipeline.store import Store

GRID = Grid(30)
NAMES = ("temperature_2m", "precipitation", "wind_gust")


def test_it_reads_what_xarray_reads() -> None:
    store, leads = Store.open("memory://"), [0, 3, 6]
    writer = InputWriter(store, "run.zarr", GRID, leads, NAMES, ["forecast", "spread"])
    values = np.random.default_rng(0).uniform(250, 300, (3, 84)).astype(np.float32)
    writer.write(parameter("temperature_2m"), "forecast", values, np.zeros(3))
    writer.write(parameter("precipitation"), "forecast", values / 300, np.array([0.0, 3.0, 3.0]))
    writer.close(np.linspace(0, 1, 84, dtype=np.float32), {})
    data = xr.open_zarr(store.zarr("run.zarr"), consolidated=False)
    run = InputRun(store.child("run.zarr"))
    assert list(run.rows) == data["parameter"].values.tolist()
    assert {"forecast", "spread"} <= run.arrays
    np.testing.assert_array_equal(run.leads, data["lead_time"])
    np.testing.assert_array_equal(run.interval_hours, data["interval_hours"])
    np.testing.assert_array_equal(run.coverage, data["coverage"].values.ravel())
    for name in NAMES:
        expected = data["forecast"].sel(parameter=name).values.reshape(3, -1)
        np.testing.assert_array_equal(run.read("forecast", name), expected)
    assert np.isnan(run.read("spread", "temperature_2m")).all()


def test_a_run_of_lead_zero_alone_is_read() -> None:
    """Zarr does not write a chunk of zeros."""
    store = Store.open("memory://")
    writer = InputWriter(store, "run.zarr", GRID, [0], NAMES, ["forecast"])
    writer.close(np.ones(84, np.float32), {})
    assert InputRun(store.child("run.zarr")).leads.tolist() == [0]
