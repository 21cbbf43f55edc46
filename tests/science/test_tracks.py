"""Known vortices are found, followed and told apart, wherever they go."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.grid import Grid, unit_vectors
from pipeline.science.tracks import Fix, centres, link, track

LEADS = list(range(0, 121, 6))
Floats = NDArray[np.float64]


def vortices(grid: Grid, *paths: tuple[Floats, Floats, float, float]) -> tuple[Floats, Floats]:
    """Pressure and wind (lead, latitude, longitude) of vortices: latitude and longitude by lead, depth, wind."""
    points = unit_vectors(*grid.places)
    north = np.repeat(np.sin(np.deg2rad(grid.latitude)), grid.shape[1])
    pressure = np.tile(101300 + 300 * north, (len(LEADS), 1))
    wind = np.full(pressure.shape, 4.0)
    for latitude, longitude, depth, strength in paths:
        centre = unit_vectors(latitude, longitude)
        angle = np.arccos(np.clip(centre @ points.T, -1, 1))
        shape = np.exp(-0.5 * (angle * 6371 / 450) ** 2)
        pressure -= depth * shape
        wind += strength * shape
    return pressure.reshape(-1, *grid.shape), wind.reshape(-1, *grid.shape)


def separation(fix: Fix, latitude: float, longitude: float) -> float:
    """Degrees between a fix and a place."""
    a = unit_vectors(np.array([fix.latitude, latitude]), np.array([fix.longitude, longitude]))
    return float(np.rad2deg(np.arccos(np.clip(a[0] @ a[1], -1, 1))))


LEAD = np.array(LEADS, float)
PATHS = {
    "westward across the date line": (12 + 0.10 * LEAD, -165 - 0.25 * LEAD),
    "eastward across Greenwich": (-40 - 0.02 * LEAD, -15 + 0.30 * LEAD),
    "around the pole": (np.full(LEAD.shape, 84.0), 30 + 2.5 * LEAD),
}


@pytest.mark.parametrize("resolution", [3.0, 1.5])
@pytest.mark.parametrize("path", PATHS)
def test_one_vortex_is_one_track_along_its_path(path: str, resolution: float) -> None:
    latitude, longitude = PATHS[path]
    grid = Grid(resolution)
    found = track(*vortices(grid, (latitude, longitude, 4000, 30)), LEADS, grid)
    assert len(found) == 1
    assert [fix.lead_hours for fix in found[0]] == LEADS
    errors = [separation(fix, *place) for fix, *place in zip(found[0], latitude, longitude, strict=True)]
    assert max(errors) < 0.35 * resolution
    assert all(-180 <= fix.longitude < 180 for fix in found[0])
    assert min(fix.pressure for fix in found[0]) == pytest.approx(97300, abs=450)
    assert max(fix.wind for fix in found[0]) == pytest.approx(34, abs=2.5)


@pytest.mark.parametrize(
    ("resolution", "radius", "share"), [(3, 60, 0.2), (3, 160, 0.13), (1, 60, 0.08), (1, 160, 0.04)]
)
def test_a_narrow_vortex_is_found_between_grid_points(resolution: float, radius: float, share: float) -> None:
    grid, random, errors = Grid(resolution), np.random.default_rng(0), []
    places = unit_vectors(*grid.places)
    for latitude, longitude in zip(random.uniform(8, 45, 30), random.uniform(-180, 180, 30), strict=True):
        centre = unit_vectors(np.array([latitude]), np.array([longitude]))[0]
        angle = 6371 * np.arccos(np.clip(places @ centre, -1, 1)) + 1e-3
        depth = 4000 * (1 - np.exp(-((radius / angle) ** 1.3))) * np.clip(1 - angle / 1100, 0, 1)  # Holland 1980
        pressure = 101300 - depth + 3e4 * ((places - centre) @ random.normal(0, 0.05, 3))  # on a sloping field
        found = centres(pressure.reshape(grid.shape), np.full(grid.shape, 20.0), 0, grid)
        errors.append(min(separation(fix, latitude, longitude) for fix in found))
    assert np.mean(errors) < share * resolution


def test_two_vortices_that_pass_each_other_keep_their_names() -> None:
    grid = Grid(1.5)
    one = (20 + 0.0 * LEAD, 140 + 0.25 * LEAD, 4000, 30)
    other = (32 + 0.0 * LEAD, 170 - 0.25 * LEAD, 3000, 20)
    found = track(*vortices(grid, one, other), LEADS, grid)
    assert len(found) == 2
    assert np.ptp([fix.latitude for fix in found[0]]) < 2
    assert np.ptp([fix.latitude for fix in found[1]]) < 2
    assert found[0][0].pressure < found[1][0].pressure


def test_what_is_weak_open_or_short_is_no_cyclone() -> None:
    grid = Grid(3)
    weak = (20 + 0.0 * LEAD, 140 + 0.2 * LEAD, 150, 30)
    calm = (-20 + 0.0 * LEAD, 140 + 0.2 * LEAD, 2500, 3)
    pressure, wind = vortices(grid, weak, calm)
    assert track(pressure, wind, LEADS, grid) == []
    strong = vortices(grid, (20 + 0.0 * LEAD, 140 + 0.2 * LEAD, 4000, 30))
    assert track(strong[0][:4], strong[1][:4], LEADS[:4], grid) == []
    assert len(track(strong[0][:5], strong[1][:5], LEADS[:5], grid)) == 1


def test_a_missing_time_is_bridged_and_high_ground_left_out() -> None:
    grid = Grid(3)
    pressure, wind = vortices(grid, (20 + 0.0 * LEAD, 140 + 0.2 * LEAD, 4000, 30))
    pressure[7] = np.nan
    found = track(pressure, wind, LEADS, grid)
    assert [len(one) for one in found] == [len(LEADS) - 1]
    assert track(pressure, wind, LEADS, grid, altitude=np.full(grid.shape, 3000.0)) == []


def test_plain_and_missing_fields_have_no_centres() -> None:
    grid = Grid(3)
    assert centres(np.full(grid.shape, 101300.0), np.zeros(grid.shape), 0, grid) == []
    assert centres(np.full(grid.shape, np.nan), np.zeros(grid.shape), 0, grid) == []


def test_nothing_moves_faster_than_a_cyclone_can() -> None:
    here, near, far = (Fix(hour, 10, 179 + step, 99000, 20) for hour, step in ((0, 0), (6, 6.5), (6, 7.5)))
    assert [len(one) for one in link([[here], [near]], [0, 6])] == [2]
    assert [len(one) for one in link([[here], [far]], [0, 6])] == [1, 1]
    assert link([[], []], [0, 6]) == []


def test_what_stands_still_does_not_leap() -> None:
    still = [[Fix(hour, 20, -60, 99000, 20)] for hour in (0, 6, 12)]
    near, far = Fix(24, 26, -60, 99000, 20), Fix(24, 30, -60, 99000, 20)  # the second would be 26 m/s for 12 hours
    leads = [0, 6, 12, 18, 24]
    assert [len(one) for one in link([*still, [], [near]], leads)] == [4]
    assert [len(one) for one in link([*still, [], [far]], leads)] == [3, 1]
