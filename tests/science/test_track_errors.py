"""Along and across a track, known by geometry, and real forecasts of a real storm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.products.storm_files import read_atcf
from pipeline.science.track_errors import mean_errors, missing_wind, spread_and_error, track_errors
from pipeline.science.tracks import Fix

DEGREE = 6371 * np.pi / 180  # km
EAST = tuple(Fix(6.0 * k, 0.0, 170.0 + k if k <= 10 else -190.0 + k, 98_000, 30.0) for k in range(20))


@pytest.mark.parametrize(
    ("north", "east", "along", "across"), [(0, 1, 1, 0), (0, -2, -2, 0), (1, 0, 0, -1), (-1, 0, 0, 1)]
)
def test_a_displaced_forecast_is_ahead_or_beside(north: float, east: float, along: float, across: float) -> None:
    [error] = track_errors((Fix(60.0, north, (180 + east + 180) % 360 - 180, 98_000, 25.0),), EAST)
    assert error.along == pytest.approx(along * DEGREE, abs=0.01)
    assert error.across == pytest.approx(across * DEGREE, abs=0.01)  # right of a track to the east is south
    assert error.distance == pytest.approx(DEGREE * np.hypot(north, east), abs=0.01)
    assert error.wind == -5.0


def test_the_best_track_may_begin_before_the_forecast() -> None:
    [error] = track_errors((Fix(6.0, 0.0, 175.0, 98_000, 30.0),), EAST, offset_hours=24.0)
    assert error.distance == pytest.approx(0, abs=0.1)


def test_missing_wind_is_what_forecasts_lacked_where_enough_say_so() -> None:
    weak = tuple(Fix(fix.lead_hours, fix.latitude, fix.longitude, fix.pressure, 22.0) for fix in EAST)
    errors = [track_errors(weak, EAST) for _ in range(5)] + [track_errors(weak[:2], EAST)]
    assert missing_wind(errors)[12.0] == pytest.approx(8.0)
    assert missing_wind(errors, fewest=6).keys() == {0.0, 6.0}


def test_spread_and_error_of_members_about_the_truth() -> None:
    members = {k: ((Fix(6.0, north, 171.0, 98_000, 30.0)),) for k, north in enumerate((1.0, 3.0))}
    spread, error = spread_and_error(members, EAST)[6.0]
    assert spread == pytest.approx(np.sqrt(2) * DEGREE, rel=1e-3)
    assert error == pytest.approx(2 * DEGREE, rel=1e-3)


@pytest.mark.realdata
def test_official_forecasts_of_a_real_storm_err_more_with_lead(realdata: Path) -> None:
    decks = read_atcf((realdata / "tc/storm-archive/2004/CHARLEY/nhc-archive/aal032004.dat").read_text())
    analyses = {
        deck.start: deck.track[-1] for deck in decks if deck.technique == "CARQ" and deck.track[-1].lead_hours == 0
    }
    first = min(analyses)
    best = tuple(
        Fix((when - first).total_seconds() / 3600, fix.latitude, fix.longitude, fix.pressure, fix.wind)
        for when, fix in sorted(analyses.items())
    )
    forecasts = [deck for deck in decks if deck.technique == "OFCL"]
    errors = [
        track_errors(deck.track, best, offset_hours=(deck.start - first).total_seconds() / 3600) for deck in forecasts
    ]
    mean = mean_errors(errors)
    assert 50 < mean[24.0].distance < 250
    assert mean[12.0].distance < mean[24.0].distance < mean[48.0].distance
    for one in (error for several in errors for error in several):
        assert np.hypot(one.along, one.across) == pytest.approx(one.distance, rel=1e-6)
