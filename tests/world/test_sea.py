"""Swells, currents and soil of the truth, and how models number swells."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np

from models.dycore import RESTART_TIME
from pipeline.world.forecasts import Run, instant, ranked
from pipeline.world.geography import geography
from pipeline.world.interpolate import LATITUDE
from pipeline.world.state import World, grow
from pipeline.world.waves import SWELLS
from tests.world.conftest import DAYS, toy_nature


def test_a_world_that_grows_with_the_run_is_the_one_of_the_whole_run(tmp_path: Path) -> None:
    kept = []
    for name, done in (("whole", [DAYS]), ("growing", [0, 1, 1, 4, DAYS])):
        toy_nature(tmp_path / name, DAYS)
        times = list(grow(tmp_path / name, done))
        assert times == [RESTART_TIME + timedelta(days=DAYS)], "not before its climatology"
        kept.append([(tmp_path / name / file).read_bytes() for file in ("waves.npy", "climate.npy")])
    assert kept[0] == kept[1]


def test_models_number_swells_by_height_and_keep_each_whole() -> None:
    heights = np.array([[1.0, 3.0], [2.0, 1.0], [0.5, 2.0]], np.float32)
    fields = {name: heights[k] + 10 * part for k, names in enumerate(SWELLS) for part, name in enumerate(names)}
    found = ranked(fields)
    for part in range(3):
        values = np.stack([found[names[part]] for names in SWELLS]) - 10 * part
        np.testing.assert_array_equal(values, [[2, 3], [1, 2], [0.5, 1]])


def test_swells_are_three_within_all_waves(world: World) -> None:
    when = world.live - timedelta(hours=24)
    truth, sea = world.fields(when), geography().sea
    parts = np.sqrt(sum(truth[names[0]].astype(float) ** 2 for names in (*SWELLS, ("wind_wave_height",))))
    assert (parts <= truth["significant_wave_height"] + 0.1)[sea].all()
    periods = [truth[names[1]][sea].mean() for names in SWELLS]
    assert periods == sorted(periods), "the older, the longer"
    analysis = instant(world, Run("gdas_wave", when, when.date()), when)
    heights = [analysis[names[0]] for names in SWELLS]
    assert (heights[0] >= heights[1]).all()
    assert (heights[1] >= heights[2]).all()


def test_the_wind_drives_currents_to_its_right_in_the_north(world: World) -> None:
    truth = world.fields(world.live)
    east, north = truth["eastward_wind_10m"], truth["northward_wind_10m"]
    turned = east * truth["northward_sea_water_velocity"] - north * truth["eastward_sea_water_velocity"]
    rows = (LATITUDE > 25) & (LATITUDE < 80)
    strong = np.hypot(east, north)[rows] > 5
    assert (turned[rows][strong] < 0).mean() > 0.95


def test_soil_changes_less_the_deeper(world: World) -> None:
    day = [world.fields(world.live - timedelta(hours=back)) for back in range(0, 24, 6)]
    land = geography().land > 0.9
    spread = [
        np.std([fields[f"soil_temperature_{layer}"][land] for fields in day], axis=0).mean()
        for layer in ("0_10cm", "10_40cm", "40_100cm", "100_200cm")
    ]
    assert spread == sorted(spread, reverse=True)
    for fields in day:
        assert (fields["runoff"] <= fields["precipitation"] + 1e-6).all()


def test_the_skin_of_open_water_is_warmest_in_the_afternoon_by_little(world: World) -> None:
    """Models tell the sea's temperature as that of its skin; so do buoys, as water."""
    day = [world.fields(world.live - timedelta(hours=back)) for back in range(0, 24, 6)]
    water = (geography().land < 0.01) & (geography().ice < 0.01)
    skin = np.stack([fields["skin_temperature"][water] for fields in day])
    assert 0.1 < np.ptp(skin, axis=0).mean() < 0.6
    for fields in day:
        np.testing.assert_allclose(
            fields["sea_surface_temperature"][water], fields["skin_temperature"][water], atol=0.2
        )
