"""Strikes and landfalls of tracks whose answers are known by geometry."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.grid import Grid
from pipeline.science.strike import (
    genesis,
    hourly,
    landfall,
    landfalls,
    strike_probability,
    summary,
    with_wind_corrected,
)
from pipeline.science.tracks import Fix, Track

GRID = Grid(1)


def along_the_equator(first: float, last: float, hours: int = 48, wind: float = 30.0) -> Track:
    """A cyclone that moves evenly from one longitude to another."""
    leads = np.arange(0, hours + 1, 6.0)
    return tuple(
        Fix(float(lead), 0.0, float((first + (last - first) * lead / hours + 180) % 360 - 180), 98_000.0, wind)
        for lead in leads
    )


def test_between_fixes_it_moves_evenly_also_across_the_date_line() -> None:
    found = hourly(along_the_equator(170, 194))
    assert len(found) == 49
    assert (found[25].longitude + 360) % 360 == pytest.approx(182.5)


def test_a_strike_is_within_120_km_of_the_path_and_no_further() -> None:
    probability = strike_probability({0: [along_the_equator(100, 120)]}, GRID)
    hit = probability[:, 110] > 0
    assert GRID.latitude[hit].tolist() == [1, 0, -1]  # 111 km; 2 degrees are 222 km
    assert not probability[:, 100 - 3].any()
    assert probability[90, 99] == 1  # 111 km before the start


def test_probability_is_the_share_of_all_members_once_each() -> None:
    hit, miss = along_the_equator(100, 120), along_the_equator(200, 220)
    probability = strike_probability({0: [hit, hit], 1: [miss], 2: [], 3: [hit]}, GRID)
    assert probability[90, 110] == pytest.approx(0.5)
    assert probability[90, 210] == pytest.approx(0.25)
    with pytest.raises(ValueError, match="at least one member"):
        strike_probability({}, GRID)


def test_landfall_is_the_first_crossing_from_sea_to_land() -> None:
    land = np.zeros(GRID.shape)
    land[:, 110:130] = 1
    fix = landfall(along_the_equator(100, 124), land, GRID)
    assert fix is not None
    assert fix.lead_hours == pytest.approx(19, abs=1)  # half a degree an hour, half land at 109.5
    assert fix.longitude == pytest.approx(109.5, abs=0.5)
    assert landfall(along_the_equator(112, 120), land, GRID) is None  # it begins on land
    assert landfall(along_the_equator(40, 60), land, GRID) is None


def test_the_summary_of_landfalls_counts_members_without_one() -> None:
    land = np.zeros(GRID.shape)
    land[:, 110:130] = 1
    tracks = {0: along_the_equator(100, 124), 1: along_the_equator(98, 122), 2: along_the_equator(40, 60)}
    found = summary(landfalls(tracks, land, GRID), members=4)
    assert found.probability == 0.5
    assert found.lead_hours == pytest.approx(21, abs=1)
    assert found.spread_hours == pytest.approx(2, abs=0.5)
    assert found.longitude == pytest.approx(109.5, abs=0.6)
    assert summary([], members=4).lead_hours is None


def test_genesis_is_the_first_tropical_storm() -> None:
    growing = tuple(Fix(6.0 * k, 12.0, -40.0 - k, 100_000, 10.0 + 3 * k) for k in range(6))
    assert [fix.lead_hours for fix in genesis({0: [growing]})[0]] == [18.0]
    assert genesis({0: [along_the_equator(0, 5, wind=8)]}) == {0: []}


def test_wind_is_corrected_by_what_was_missing_at_its_lead() -> None:
    track = with_wind_corrected(along_the_equator(0, 10), {0.0: 0.0, 24.0: 6.0})
    assert [track[k].wind for k in (0, 2, 4, 8)] == pytest.approx([30, 33, 36, 36])
