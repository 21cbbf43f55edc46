"""The observe, ramp and tracks stages on a tiny store."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.observations.report import Observation
from pipeline.parameters import parameter
from pipeline.science import station_bias
from pipeline.science.ramp_structure import STRUCTURES
from pipeline.steps import Deployment, assimilation, observe, ramp, ramp_history, tracks
from pipeline.store import Store

HOUR = Cycle.parse("2026-01-31T12")
TABLE = "".join(f"K{i:03d};--;---;Station {i};;Nowhere;6;{i % 80:02d}-30N;{i:03d}-15W;;;24;0;P\n" for i in range(100))


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    settings = {
        "store": f"file://{tmp_path}/store", "grid_resolution": 5, "last_lead_hours": 24, "synthetic": True,
        "sources": {"gfs": {}, "gefs": {}}, "observations": {"endpoint": f"file://{tmp_path}/world"},
    }  # fmt: skip
    return Deployment.open(Config.model_validate(settings))


def write_reports(folder: Path, temperature: int = 12) -> None:
    Store.open(f"file://{folder}/world/observations").write("metar/nsd_cccc.txt", TABLE.encode())
    reports = "".join(f"2026/01/31 12:00\nK{i:03d} 311155Z 18010KT {temperature}/08\n\n" for i in range(100))
    reports = reports.replace(f"K042 311155Z 18010KT {temperature}/", "K042 311155Z 18010KT 48/")
    Store.open(f"file://{folder}/world/observations").write("metar/20260131/12Z.TXT", reports.encode())


def test_observe_writes_the_same_table_and_record_each_time(deployment: Deployment, tmp_path: Path) -> None:
    write_reports(tmp_path)
    assert observe.shards(deployment, HOUR) == ["all"]
    observe.run(deployment, HOUR, "all")
    first = deployment.store.read(paths.observations(HOUR)), deployment.store.read(observe.record_key(HOUR))
    observe.run(deployment, HOUR, "all")
    assert first == (deployment.store.read(paths.observations(HOUR)), deployment.store.read(observe.record_key(HOUR)))
    table = observe.read_parquet(deployment.store, paths.observations(HOUR))
    assert set(table["station"]) == {f"K{i:03d}" for i in range(100)}
    record = json.loads(first[1])
    assert record["metar"]["status"] == "complete"
    assert record["metar"]["stations"] == 100
    assert record["metar"]["problems"][0]["examples"] == ["metar/20260131/11Z.TXT"]
    assert record["ndbc"]["status"] == "missing"


def test_no_observations_are_a_recorded_degradation_and_no_increment(deployment: Deployment) -> None:
    observe.run(deployment, HOUR, "all")
    record = json.loads(deployment.store.read(observe.record_key(HOUR)))
    assert {network["status"] for network in record.values()} == {"missing"}
    assert ramp.shards(deployment, HOUR) == []


def test_ramp_draws_the_blend_to_good_stations(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(tmp_path)
    observe.run(deployment, HOUR, "all")
    shape = deployment.grid.shape
    nothing = (("latitude", "longitude"), np.zeros(shape, np.float32))
    xr.Dataset({"surface_altitude": nothing, "land_area_fraction": nothing}).to_zarr(
        deployment.store.zarr(paths.static_fields()), consolidated=False, zarr_format=3
    )
    monkeypatch.setattr(ramp, "available", lambda *_: [parameter("temperature_2m")])
    monkeypatch.setattr(
        ramp, "unramped", lambda deployment, hour, name, leads: np.full((len(leads), *shape), 284.0, np.float32)
    )
    learnt = SimpleNamespace(error_variance=np.ones((4, shape[0] * shape[1]), np.float32))
    monkeypatch.setattr(ramp, "read_weights", lambda *_: learnt)
    assert ramp.shards(deployment, HOUR) == ["temperature_2m"]
    ramp.run(deployment, HOUR, "temperature_2m")
    data = xr.open_zarr(
        deployment.store.zarr(paths.work(HOUR, "increments/temperature_2m.zarr")), consolidated=False
    ).load()
    increment = data["temperature_2m"].sel(latitude=20, longitude=340).item()
    assert 0.5 < increment < 1.3  # 12 degrees and 24 m of height are 285.3 K
    assert data["temperature_2m"].sel(latitude=-60, longitude=100).item() == 0
    checked = observe.read_parquet(deployment.store, paths.work(HOUR, "observations/temperature_2m.parquet"))
    assert checked.loc[checked["flag"] != "", "station"].tolist() == ["K042"]
    found = ramp.read(deployment, HOUR, "temperature_2m")
    assert found is not None
    assert found.increment.shape == (shape[0] * shape[1],)
    assert found.factor[0] == 1
    assert found.factor[-1] == 0
    assert len(found.factor) == deployment.config.ramp_hours + 1
    assert ramp.read(deployment, HOUR, "pressure_at_sea_level") is None
    first = deployment.store.read(ramp_history.said(HOUR, "temperature_2m"))
    ramp.run(deployment, HOUR, "temperature_2m")
    assert deployment.store.read(ramp_history.said(HOUR, "temperature_2m")) == first
    history = ramp_history.before(deployment, "temperature_2m", HOUR + 1)
    assert history.sums.count[0] == pytest.approx(checked["withheld"].sum(), rel=0.01)
    assert not history.sums.count[1:].any()
    assert ramp_history.before(deployment, "temperature_2m", HOUR).record.empty  # nothing of the hour itself


def test_withheld_stations_and_the_land_do_not_take_part() -> None:
    grid = Deployment.open(
        Config.model_validate({"store": "memory://", "grid_resolution": 5, "sources": {"gfs": {}}})
    ).grid
    rows = [Observation(name, "ndbc", 10.0, longitude, 0.0, HOUR.init_time, "significant_wave_height", 4.0)
            for name, longitude in (("used", 20.0), ("kept", 200.0))]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(Observation._fields)).assign(error=0.2, withheld=[False, True], flag="")
    field = np.full(grid.shape, 3.5, np.float32)
    field[:, 5:] = np.where(np.arange(5, 72) < 60, 3.5, np.nan)
    blend = assimilation.Background(field, np.ones(grid.shape), np.zeros(grid.shape), np.zeros(grid.shape))
    result = assimilation.assimilate("significant_wave_height", table, blend, grid, station_bias.zero())
    checked, increment = result.table, result.increment
    assert checked["departure"].tolist() == [0.5, 0.5]
    assert increment[16, 4] > 0.3
    assert increment[16, 40] == 0
    assert not increment[:, 60:].any()


def test_the_next_hours_learn_from_withheld_stations_how_long_an_increment_lasts(deployment: Deployment) -> None:
    """The blend errs by 2 K as long as told; what is left of the increment at each lead is found out."""
    stations = [f"K{i:03d}" for i in range(60)]
    said = pd.DataFrame({"network": "metar", "station": stations, "withheld": np.arange(60) % 2 == 0, "flag": ""})
    said = said.assign(value=282.0, increment=-2.0, **{str(lead): 284.0 for lead in range(7)})
    deployment.store.write(ramp_history.said(HOUR, "temperature_2m"), observe.to_parquet(said))
    sums = ramp_history.before(deployment, "temperature_2m", HOUR).sums
    for lead, value in enumerate((282.0, 282.5, 284.0)):
        now = pd.DataFrame({"network": "metar", "station": stations, "value": value, "flag": ["bad", *[""] * 59]})
        sums = ramp_history.absorb(deployment, "temperature_2m", HOUR + lead, now, sums)
    assert sums.count[:4].tolist() == [29, 29, 29, 0]
    np.testing.assert_allclose(sums.product[:3] / sums.square[:3], [1, 0.75, 0])


def test_relative_error_is_one_in_the_median_and_bounded() -> None:
    relative = assimilation.relative_error(np.array([[1.0, 4.0, 16.0], [np.nan, 0.0, 1e6]]))
    np.testing.assert_allclose(relative, [[0.3162, 0.6325, 1.265], [1, 1, 4]], rtol=1e-3)
    assert (assimilation.relative_error(np.full((2, 2), np.nan)) == 1).all()


def test_what_was_learnt_of_the_error_counts_unless_it_cannot_be_meant() -> None:
    structure = STRUCTURES["pressure_at_sea_level"]
    assert assimilation.usual_error(np.array([90.0**2, 90.0**2, np.nan]), structure) == pytest.approx(90)
    assert assimilation.usual_error(np.ones(3), structure) is None  # 1 Pa: nothing has been learnt
    assert assimilation.usual_error(np.full(3, np.nan), structure) is None


def test_tracks_of_every_member(deployment: Deployment) -> None:
    grid, leads = deployment.grid, np.arange(-6, 49, 6)
    latitude, longitude = np.meshgrid(grid.latitude, grid.longitude, indexing="ij")
    pressure = np.stack([
        101000 - 4000 * np.exp(-((latitude - 20) ** 2 + (longitude - 150 - lead / 4) ** 2) / 60) for lead in leads
    ]) + latitude  # fmt: skip
    members = np.stack([pressure, np.full_like(pressure, 101000)]).astype(np.float32)
    dims = ("number", "lead_time", "latitude", "longitude")
    assert tracks.shards(deployment, HOUR) == []
    xr.Dataset(
        {"pressure_at_sea_level": (dims, members), "wind_speed_10m": (dims, np.full_like(members, 15))},
        {"number": [1, 2], "lead_time": leads, "latitude": grid.latitude, "longitude": grid.longitude},
    ).to_zarr(deployment.store.zarr(paths.ensemble(HOUR, "gefs")), consolidated=False, zarr_format=3)
    flat = (dims[2:], np.zeros(grid.shape))
    xr.Dataset({"surface_altitude": flat, "land_area_fraction": flat}).to_zarr(
        deployment.store.zarr(paths.static_fields()), consolidated=False, zarr_format=3
    )
    deployment.store.write(paths.input_record("gefs", HOUR), b"{}")
    assert tracks.shards(deployment, HOUR) == ["gefs"]
    tracks.run(deployment, HOUR, "gefs")
    collection = json.loads(deployment.store.read(paths.tracks(HOUR, "gefs.geojson")))
    assert collection["members"] == [1, 2]
    (feature,) = collection["features"]
    assert feature["properties"]["number"] == 1
    assert feature["properties"]["lead_time"][0] == 0
    assert feature["properties"]["latitude"] == pytest.approx([20] * 9, abs=1)
