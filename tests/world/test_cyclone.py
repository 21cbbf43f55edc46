"""The cyclone is where its track says, as strong as it says, and models misplace it as stated."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from pipeline.grid import unit_vectors
from pipeline.world import cyclone, ensemble, errors
from pipeline.world.forecasts import Run, instant
from pipeline.world.grids import native_grid
from pipeline.world.state import World

LIVE = datetime(2025, 8, 8)


def kilometres(one: cyclone.Vortex, other: cyclone.Vortex) -> float:
    north = one.latitude - other.latitude
    east = (one.longitude - other.longitude) * np.cos(np.deg2rad(one.latitude))
    return float(np.hypot(north, east) * cyclone.KILOMETRES_PER_DEGREE)


def test_the_analysis_has_its_lowest_pressure_and_strongest_wind_at_the_true_place(world: World) -> None:
    when = LIVE
    run = Run("gdas", when, date(2025, 8, 8))
    fields = instant(world, run, when)
    truth = cyclone.true_vortex(LIVE, when)
    assert truth is not None
    near = np.hypot(run.grid.latitude - truth.latitude, run.grid.longitude - truth.longitude) < 8
    lowest = np.flatnonzero(near)[np.argmin(fields["pressure_at_sea_level"][near])]
    assert abs(run.grid.latitude[lowest] - truth.latitude) <= 1.3
    assert abs(run.grid.longitude[lowest] - truth.longitude) <= 1.3
    assert fields["wind_speed_10m"][near].max() > 30
    assert fields["significant_wave_height"][near].max() > 7


def test_winds_turn_against_the_clock_in_the_north_and_blow_inwards() -> None:
    vortex = cyclone.Vortex(25.0, 290.0, 45.0)
    east_of_it = cyclone.imprint(vortex, np.array([25.0]), np.array([292.0]))
    assert east_of_it.north[0] > 20
    assert east_of_it.east[0] < 0
    mirrored = cyclone.imprint(cyclone.Vortex(-25.0, 290.0, 45.0), np.array([-25.0]), np.array([292.0]))
    assert mirrored.north[0] < -20


def test_the_vortex_fades_and_leaves_the_rest_of_the_world_alone() -> None:
    grid = native_grid("gfs")
    mark = cyclone.imprint(cyclone.Vortex(25.0, 290.0, 45.0), grid.latitude, grid.longitude)
    distance = np.hypot(grid.latitude[mark.index] - 25, (grid.longitude[mark.index] - 290) * np.cos(np.deg2rad(25)))
    assert distance.max() < 12
    assert 0.03 * mark.index.size < 10
    edge = distance > 9
    assert np.hypot(mark.east, mark.north)[edge].max() < 6
    assert mark.pressure_deficit.max() > 30 * mark.pressure_deficit[distance > 9].max()


def test_across_the_date_line() -> None:
    mark = cyclone.imprint(cyclone.Vortex(20.0, 359.5, 40.0), np.array([20.0, 20.0]), np.array([1.0, 180.0]))
    assert mark.index.tolist() == [0]


def test_each_member_has_one_cyclone_and_their_mean_a_wider_one(world: World) -> None:
    when = LIVE + timedelta(hours=24)
    mean = Run("gefs_mean", LIVE - timedelta(hours=6), date(2025, 8, 8))
    columns = ("pressure_at_sea_level", "eastward_wind_10m", "northward_wind_10m")
    members = ensemble.members(world, mean, when, columns)
    published = instant(world, mean, when, columns)["pressure_at_sea_level"]
    truth = cyclone.true_vortex(LIVE, when)
    assert truth is not None
    near = np.hypot(mean.grid.latitude - truth.latitude, mean.grid.longitude - truth.longitude) < 12
    depths = [101000 - fields["pressure_at_sea_level"][near].min() for fields in members.values()]
    deficit = cyclone.AIR_DENSITY * np.e * truth.maximum_wind**2 / cyclone.HOLLAND_B
    assert max(depths) < 1.6 * deficit
    average = np.mean([fields["pressure_at_sea_level"] for fields in members.values()], axis=0)
    np.testing.assert_allclose(average, published, atol=30)
    assert 101000 - published[near].min() < np.mean(depths)


def test_there_is_none_before_it_forms_nor_after_its_track() -> None:
    assert cyclone.true_vortex(LIVE, LIVE - timedelta(days=8)) is None
    assert cyclone.true_vortex(LIVE, LIVE + timedelta(days=9)) is None
    for hours in range(-160, 198, 6):
        now, later = (cyclone.true_vortex(LIVE, LIVE + timedelta(hours=hours + more)) for more in (0, 6))
        if now and later:
            assert kilometres(now, later) < 420


def test_the_best_track_is_where_the_cyclone_is() -> None:
    track = cyclone.best_track(LIVE)
    assert track[0].lead_hours < -150
    assert track[-1].lead_hours > 150
    (now,) = (fix for fix in track if fix.lead_hours == 0)
    assert (now.latitude, now.longitude, now.wind) == (23.0, -68.0, 48.0)
    assert now.pressure == pytest.approx(101_000 - 1.15 * np.e / 1.3 * 48**2)


def test_members_turn_as_slowly_as_real_storms_do() -> None:
    """Second differences of 6-hourly places have a root mean square of 49 km in 1,233 triples of real best tracks."""
    turns = []
    for member in range(31):
        found = [
            cyclone.forecast_vortex(
                20250905, "gefs", LIVE.date(), LIVE, LIVE + timedelta(hours=lead), lead_hours=lead, member=member
            )
            for lead in range(0, 97, 6)
        ]
        places = unit_vectors(*(np.array([getattr(v, name) for v in found]) for name in ("latitude", "longitude")))
        turns.append(6371 * np.linalg.norm(np.diff(places, 2, axis=0), axis=1))
    assert 25 < np.sqrt(np.mean(np.square(turns))) < 100


def test_track_errors_grow_and_differ_between_models_and_members() -> None:
    day = date(2025, 8, 8)
    start = LIVE - timedelta(hours=6)

    def error(source: str, lead: int, seed: int, member: int | None = None) -> float:
        when = start + timedelta(hours=lead)
        found = cyclone.forecast_vortex(seed, source, day, LIVE, when, lead_hours=lead, member=member)
        truth = cyclone.true_vortex(LIVE, when)
        assert found is not None
        assert truth is not None
        return kilometres(found, truth)

    mean = {lead: np.mean([error("ifs", lead, seed) for seed in range(40)]) for lead in (12, 54, 102)}
    assert mean[12] < mean[54] < mean[102]
    expected = np.sqrt(np.pi / 2) * errors.SIZES["ifs"][0] * errors.CYCLONE_POSITION[1] * (102 / 120) ** 0.8
    assert mean[102] == pytest.approx(expected, rel=0.35)
    assert error("ifs", 54, 1) != error("gfs", 54, 1)
    assert len({round(error("gefs", 54, 1, member)) for member in range(31)}) > 20
