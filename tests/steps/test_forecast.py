"""The forecast of a tile: the same bits however the hour is cut, and no more of an input read than the tile needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.parameters import parameter
from pipeline.steps import Deployment, forecast, input_store, learn
from pipeline.steps.input_reader import InputRun
from pipeline.steps.input_store import InputWriter
from pipeline.store import Store
from tests.tiny_deployment import HOUR, tiny


@pytest.fixture
def learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A tiny deployment whose inputs lie in one chunk a tile, with its weights."""
    monkeypatch.setattr(input_store, "CHUNK_BYTES", 1)
    deployment = Deployment.open(Config.read(tiny(tmp_path, "store")))
    for shard in learn.shards(deployment, HOUR):
        learn.run(deployment, HOUR, shard)
    return deployment


def _made(deployment: Deployment, tile_rows: int) -> xr.Dataset:
    config = deployment.config.model_copy(update={"tile_rows": tile_rows})
    cut = replace(deployment, config=config)
    for shard in forecast.shards(cut, HOUR):
        forecast.run(cut, HOUR, shard)
    return xr.open_zarr(cut.store.zarr(paths.forecast(HOUR, "best.zarr"))).load()


def test_the_same_bits_for_any_tiles_and_threads(learnt: Deployment) -> None:
    whole = _made(learnt, 7)
    assert np.isfinite(whole["temperature_2m"]).all()
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        xr.testing.assert_identical(_made(learnt, 2), whole)
    finally:
        numba.set_num_threads(threads)
    xr.testing.assert_identical(_made(learnt, 3), whole)


def test_a_tile_reads_its_own_chunks_only() -> None:
    store, row = Store.open("memory://"), parameter("temperature_2m")
    grid = Deployment(Config(store="memory://", grid_resolution=0.5, sources={"gfs": {}}), store).grid
    leads, values = list(range(0, 24, 3)), np.zeros((8, grid.places[0].size), np.float32)
    values += np.arange(values.shape[1]) % 100
    writer = InputWriter(store, "run.zarr", grid, leads, [row.name], ["forecast"], tile_rows=16)
    writer.write(row, "forecast", values, np.zeros(8))
    writer.close(np.ones(values.shape[1], np.float32), {})
    chunks = {name.key for name in store.list("run.zarr/forecast/c")}
    run = InputRun(store.child("run.zarr"))
    np.testing.assert_array_equal(run.read("forecast", row.name), values)
    rows = slice(100, 112)
    store.delete("run.zarr/forecast/c/0/0/0/0")
    np.testing.assert_array_equal(run.read("forecast", row.name, rows), values[:, 100 * 720 : 112 * 720])
    assert writer.rows % 16 == 0
    assert len(chunks) == -(-grid.shape[0] // writer.rows)
