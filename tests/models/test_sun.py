"""Where the sun stands, against pvlib; and that a model which is told of it knows the hour."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from models.sun import CHANNELS, at, channels, cosine_zenith

LATITUDE, LONGITUDE = np.array([66.5, 45.0, 0.0, -30.0, -75.0]), np.arange(0, 360, 30.0)


def test_the_sun_stands_where_pvlib_has_it() -> None:
    solarposition = pytest.importorskip("pvlib.solarposition")
    times = pd.date_range("2025-01-05", periods=60, freq="149h")
    found = cosine_zenith(times.values, LATITUDE, LONGITUDE)
    for row, latitude in enumerate(LATITUDE):
        for column, longitude in enumerate(LONGITUDE):
            zenith = solarposition.get_solarposition(times.tz_localize("UTC"), latitude, longitude)["zenith"]
            np.testing.assert_allclose(found[:, row, column], np.cos(np.deg2rad(zenith)), atol=0.08)  # mean solar time


def test_a_step_is_told_of_its_beginning_and_its_end() -> None:
    when = datetime(2025, 9, 5, 18)
    told = channels(at(when, 6), 6, LATITUDE, LONGITUDE)
    assert told.shape == (1, CHANNELS, 5, 12)
    ends = [
        cosine_zenith(np.array([time], "datetime64[s]"), LATITUDE, LONGITUDE)[0]
        for time in ("2025-09-06T00", "2025-09-06T06")
    ]
    np.testing.assert_allclose(told[0], ends, atol=1e-6)
