"""The plan of fine runs: hazards of the ensembles found, priced, ranked, and started within the budget alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from models.namelists_wrf import WrfRun
from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.nest_plan import hazards
from pipeline.parameters import blended, derived, parameter
from pipeline.products import layout
from pipeline.products.tracks import feature_collection
from pipeline.science.tracks import Fix
from pipeline.steps import Deployment, nests

HOUR = Cycle.parse("2026-01-31T05")
GRID = Grid(2.5)
LEADS = range(0, 49)
STORM = (16.0, 300.0)
GALE = (52.5, 10.0)
FIRE = (-32.5, 150.0)


def deployment(folder: Path, **settings: Any) -> Deployment:
    return Deployment.open(Config.model_validate({
        "store": f"file://{folder}/store", "synthetic": True, "grid_resolution": 2.5, "last_lead_hours": LEADS[-1],
        "sources": {"gfs": {}}, "nests": {"budget_dollars": 100, **settings},
    }))  # fmt: skip


def publish(found: Deployment) -> None:
    """Land east of Greenwich, with a gale on the second day; the same over the sea, a cyclone on both days, and by the
    best forecast fire weather on the first."""
    store, row = found.store, parameter("wind_gust")
    key = paths.forecast(HOUR, "probability.zarr")
    template = layout.probability(HOUR, GRID, LEADS, [row], [0.5], tile_rows=GRID.shape[0], synthetic=True)
    layout.create(store, key, template)
    chance = np.zeros((len(row.thresholds), len(LEADS), *GRID.shape), np.float32)
    for latitude, longitude in (GALE, (GALE[0], 190.0)):
        near = np.ix_(abs(GRID.latitude - latitude) < 4, abs(GRID.longitude - longitude) < 6)
        chance[row.thresholds.index(24.5), 30][near] = 0.5
    layout.write_tile(store, key, {"wind_gust_exceedance": chance}, slice(0, GRID.shape[0]))
    fire, key = parameter("fosberg_fire_weather_index"), paths.forecast(HOUR, "best.zarr")
    layout.create(store, key, layout.best(HOUR, GRID, LEADS, [fire], tile_rows=GRID.shape[0], synthetic=True))
    index = np.full((len(LEADS), *GRID.shape), 30, np.float32)
    index[12][np.ix_(abs(GRID.latitude - FIRE[0]) < 4, abs(GRID.longitude - FIRE[1]) < 4)] = 60
    layout.write_tile(store, key, {fire.name: index}, slice(0, GRID.shape[0]))
    land = np.broadcast_to(GRID.longitude < 180, GRID.shape).astype(float)
    ground = {"surface_altitude": np.zeros(GRID.shape), "land_area_fraction": land}
    static = xr.Dataset({name: (("latitude", "longitude"), values) for name, values in ground.items()})
    static.to_zarr(store.zarr(paths.static_fields()), consolidated=False)
    tracks = {
        member: [tuple(Fix(lead, STORM[0], STORM[1] - lead / 4, 97000, 40) for lead in range(0, 49, 6))]
        if member
        else []
        for member in range(4)
    }
    collection = feature_collection(tracks, HOUR, "gefs", synthetic=True)
    store.write(paths.tracks(HOUR, "gefs.geojson"), json.dumps(collection).encode())


def planned(folder: Path, **settings: Any) -> dict[str, Any]:
    found = deployment(folder, **settings)
    publish(found)
    nests.run(found, HOUR, *nests.shards(found, HOUR))
    plan: dict[str, Any] = json.loads(found.store.read(paths.nests(HOUR)))
    return plan


def test_each_hazard_has_a_run_where_and_when_it_is_foreseen(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    found = {(tuple(one["hazards"]), one["lead_hours"][0]): one for one in plan["candidates"]}
    assert set(found) == {
        (("tropical_cyclone",), 0), (("tropical_cyclone",), 24), (("strong_wind",), 24), (("extreme_fire_weather",), 0),
    }  # fmt: skip
    gale, storm = found[("strong_wind",), 24], found[("tropical_cyclone",), 24]
    assert gale["run"]["centre_latitude"] == pytest.approx(GALE[0], abs=0.1)
    assert gale["run"]["centre_longitude"] == pytest.approx(GALE[1], abs=0.1)
    assert -70 < storm["run"]["centre_longitude"] < -60
    cells = 3 * 5 * 2.5**2 * 111.19**2 * np.cos(np.deg2rad(GALE[0]))
    assert gale["hazards"]["strong_wind"] == pytest.approx(0.5 * cells, rel=0.02)
    assert plan["unknown"] == ["heavy_rain"]
    cells = 3 * 3 * 2.5**2 * 111.19**2 * np.cos(np.deg2rad(FIRE[0]))
    assert found[("extreme_fire_weather",), 0]["hazards"]["extreme_fire_weather"] == pytest.approx(cells, rel=0.02)


def test_a_run_begins_before_its_day_and_is_one_that_wrf_can_make(tmp_path: Path) -> None:
    for one in planned(tmp_path)["candidates"]:
        run = WrfRun.model_validate(one["run"])
        first, last = (HOUR.init_time.timestamp() + 3600 * lead for lead in one["lead_hours"])
        assert run.start.timestamp() <= max(first - 6 * 3600, HOUR.init_time.timestamp())
        assert run.start.hour % 3 == 0
        assert run.end.timestamp() >= last
        assert run.nx * run.spacing_m > 300_000
        assert one["dollars"][1] <= one["dollars"][0] <= one["dollars"][2]


def test_the_budget_is_kept_and_every_choice_is_explained(tmp_path: Path) -> None:
    rich = planned(tmp_path / "rich")["candidates"]
    assert all(one["chosen"] for one in rich)
    worth = [one["value"] / one["dollars"][0] for one in rich]
    assert worth == sorted(worth, reverse=True)
    limit = rich[0]["dollars"][2] + 0.01
    poor = planned(tmp_path / "poor", budget_dollars=limit)["candidates"]
    assert [one["name"] for one in poor] == [one["name"] for one in rich]
    assert [one["chosen"] for one in poor] == [True, False, False, False]
    assert sum(one["dollars"][2] for one in poor if one["chosen"]) <= limit
    assert "of the budget" in poor[1]["decision"]
    late = planned(tmp_path / "late", deadline_hours=0.01)["candidates"]
    assert not any(one["chosen"] for one in late)
    assert all("the deadline is 0.01 h" in one["decision"] for one in late)


def test_without_a_budget_there_is_no_shard(tmp_path: Path) -> None:
    found = deployment(tmp_path)
    off = Deployment(found.config.model_copy(update={"nests": None}), found.store)
    assert nests.shards(off, HOUR) == []


def test_what_the_table_names_is_published() -> None:
    for row in hazards():
        if row.parameter in blended():
            assert row.threshold in parameter(row.parameter).thresholds
            assert parameter(row.parameter).probabilistic
        else:
            assert row.parameter == nests.STRIKE or row.parameter in derived()
