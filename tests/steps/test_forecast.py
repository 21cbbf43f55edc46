"""The forecast of a tile: the same bits however the hour is cut, and no more of an input read than the tile needs."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
import xarray as xr
import yaml
from zarr.codecs import ZstdCodec

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.runner.pool import Pool
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment, forecast, input_store, learn
from pipeline.steps.ingest import live_leads
from pipeline.steps.input_reader import InputRun
from pipeline.steps.input_store import InputWriter
from pipeline.steps.plausible import left_out
from pipeline.store import Store
from tests import tiny_deployment
from tests.tiny_deployment import HOUR, LAST_LEAD, NAMES, write_configuration, write_inputs

ZARRS = ("best.zarr", "probability.zarr")
ABSURD_ROWS = slice(1, 4)
ALOFT = ("eastward_wind_850hpa", "northward_wind_850hpa", "temperature_850hpa")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A tiny deployment with its weights, in one chunk a tile: an ensemble with a gap, and a source that is absurd on
    some latitudes and at all leads."""
    folder = tmp_path_factory.mktemp("forecast")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(input_store, "CHUNK_BYTES", 1)
        patch.setitem(tiny_deployment.BIAS, "aifs", 0.5)
        patch.setattr(tiny_deployment, "NAMES", (*NAMES, *ALOFT))
        path = write_configuration(folder, folder / "store")
        settings = yaml.safe_load(path.read_text())
        settings["sources"] |= {name: tiny_deployment.feed(name, folder) for name in ("aifs", "gefs")}
        path.write_text(yaml.safe_dump(settings))
        deployment = Deployment.open(Config.read(path))
        write_inputs(deployment)
        _make_absurd(deployment, "aifs")
    _write_members(deployment)
    for shard in learn.shards(deployment, HOUR):
        learn.run(deployment, HOUR, shard)
    return deployment


def _make_absurd(deployment: Deployment, name: str) -> None:
    """Write the live run of a source anew, its temperature in other units on ABSURD_ROWS."""
    source = SOURCES[name]
    cycle = due_cycles(source, HOUR)[0]
    key, leads = paths.input_zarr(name, cycle), live_leads(deployment, source, cycle, HOUR)
    run = InputRun(deployment.store.child(key))
    fields = {part: run.read("forecast", part).copy() for part in run.rows}
    fields[NAMES[0]].reshape(len(leads), *deployment.grid.shape)[:, ABSURD_ROWS] -= 273.15
    writer = InputWriter(deployment.store, key, deployment.grid, leads, tuple(fields), ["forecast"])
    for part, values in fields.items():
        writer.write(parameter(part), "forecast", values, np.zeros(len(leads)))
    writer.close(np.ones(values.shape[1], np.float32), {"synthetic": True})


def _write_members(deployment: Deployment) -> None:
    dims, leads = ("number", "lead_time", "latitude", "longitude"), np.arange(0, LAST_LEAD + 1, 6, dtype=np.int32)
    shape = (4, len(leads), *deployment.grid.shape)
    values = np.random.default_rng(0).normal(280, 2, shape).astype(np.float32)
    with_gap = values.copy()
    with_gap[1, 1, 4, 5] = np.nan
    data = xr.Dataset({NAMES[0]: (dims, values), NAMES[1]: (dims, with_gap)}, {"lead_time": leads})
    stored = {name: {"chunks": (1, *shape[1:]), "compressors": ZstdCodec(level=1)} for name in NAMES[:2]}
    key = deployment.store.zarr(paths.ensemble(HOUR, "gefs"))
    data.to_zarr(key, consolidated=False, zarr_format=3, encoding=stored)
    deployment.store.write(paths.input_record("gefs", HOUR), b"{}")


def _cut(deployment: Deployment, tile_rows: int) -> Deployment:
    """The same with other tiles, and nothing made of them yet."""
    deployment.store.delete(paths.forecast(HOUR, ""))
    return replace(deployment, config=deployment.config.model_copy(update={"tile_rows": tile_rows}))


def _made(deployment: Deployment, tile_rows: int) -> list[xr.Dataset]:
    cut = _cut(deployment, tile_rows)
    for shard in forecast.shards(cut, HOUR):
        forecast.run(cut, HOUR, shard)
    return [xr.open_zarr(cut.store.zarr(paths.forecast(HOUR, zarr))).load() for zarr in ZARRS]


def test_the_same_bits_for_any_tiles_and_threads(learnt: Deployment) -> None:
    whole = _made(learnt, 7)
    assert np.isfinite(whole[0]["temperature_2m"]).all()
    assert np.isfinite(whole[1]["dew_point_temperature_2m_quantile"]).all()
    assert (whole[0]["relative_vorticity_850hpa"].std("latitude") > 0).all(), "rows of other tiles take part in it"
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        again = _made(learnt, 2)
    finally:
        numba.set_num_threads(threads)
    for cut in (again, _made(learnt, 3)):
        for part, expected in zip(cut, whole, strict=True):
            xr.testing.assert_identical(part, expected)


def test_the_same_bytes_for_any_number_of_workers(learnt: Deployment) -> None:
    found = []
    for workers in (1, 2):
        cut = _cut(learnt, 2)
        pool = Pool(workers, [forecast.__name__])
        try:
            shards = forecast.shards(cut, HOUR)[:: 1 if workers == 1 else -1]
            for future in [pool.submit(forecast.run, cut, HOUR, shard) for shard in shards]:
                future.result()
        finally:
            pool.close()
        keys = [item.key for zarr in ZARRS for item in cut.store.list(paths.forecast(HOUR, zarr))]
        found.append({key: cut.store.read(key) for key in keys})
    assert found[0] == found[1]
    assert sum("temperature_2m_quantile/c/" in key for key in found[0]) == 2 * 4


def test_a_source_that_is_absurd_somewhere_is_left_out_there(learnt: Deployment) -> None:
    best = _made(learnt, 7)[0]["temperature_2m"].values
    latitudes = learnt.grid.latitude[[ABSURD_ROWS.start, ABSURD_ROWS.stop - 1]].tolist()
    expected = {"parameter": "temperature_2m", "leads": list(range(LAST_LEAD + 1)), "latitudes": latitudes}
    (noted,) = left_out(learnt, HOUR)["aifs"]
    assert noted.items() > expected.items()
    assert left_out(learnt, HOUR).keys() == {"aifs"}
    assert best.min() > 260, "a third of 273 K less would show"


def test_a_tile_reads_its_own_chunks_only() -> None:
    store, row = Store.open("memory://"), parameter("temperature_2m")
    grid = Deployment(Config(store="memory://", grid_resolution=0.5, sources={"gfs": {}}), store).grid
    leads, values = list(range(0, 24, 3)), np.zeros((8, grid.places[0].size), np.float32)
    values += np.arange(values.shape[1]) % 100
    writer = InputWriter(store, "run.zarr", grid, leads, [row.name], ["forecast"], tile_rows=16)
    writer.write(row, "forecast", values, np.zeros(8))
    writer.close(np.ones(values.shape[1], np.float32), {})
    chunks = {name.key for name in store.list("run.zarr/forecast") if "/c." in name.key}
    run = InputRun(store.child("run.zarr"))
    np.testing.assert_array_equal(run.read("forecast", row.name), values)
    rows = slice(100, 112)
    store.delete("run.zarr/forecast/c.0.0.0.0")
    np.testing.assert_array_equal(run.read("forecast", row.name, rows), values[:, 100 * 720 : 112 * 720])
    assert writer.rows % 16 == 0
    assert len(chunks) == -(-grid.shape[0] // writer.rows)


def test_the_day_of_the_year_is_that_of_the_valid_time(learnt: Deployment) -> None:
    leads = np.arange(4)
    around = forecast.surroundings(learnt, Cycle.parse("2024-12-31T22"), leads, slice(0, 5))
    expected = [366 + 22 / 24, 366 + 23 / 24, 1, 1 + 1 / 24]
    np.testing.assert_allclose(around["day_of_year"], np.broadcast_to(np.array(expected)[:, None], (4, 5)), rtol=1e-6)
