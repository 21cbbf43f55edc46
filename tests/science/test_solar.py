"""The sun against a published position, a fine numerical integral and what everyone knows."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from pipeline.science import solar
from tests.science.referee import agrees


def test_position_of_the_solar_position_algorithm_example() -> None:
    # Reda and Andreas (2004), NREL/TP-560-34302, table A5.1: zenith angle 50.11162 degrees.
    days = (datetime(2003, 10, 17, 19, 30, 30) - datetime(2000, 1, 1, 12)).total_seconds() / 86400
    declination, transit, _ = solar._position(np.array([days]))
    phi, angle = np.deg2rad(39.742476), transit[0] + np.deg2rad(-105.1786)
    cosine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    assert np.rad2deg(np.arccos(cosine[0])) == pytest.approx(50.11162, abs=0.03)


def test_hourly_means_equal_a_fine_integral() -> None:
    rng = np.random.default_rng(4)
    latitude, longitude = rng.uniform(-90, 90, 50), rng.uniform(-180, 360, 50)
    start = datetime(2026, 1, 31, 6)
    found = solar.sun(latitude, longitude, start, -5, 30)
    minutes = (np.arange(-6 * 240, 30 * 240) + 0.5) / 240
    days = (start - datetime(2000, 1, 1, 12)).total_seconds() / 86400 + minutes / 24
    declination, transit, _ = solar._position(days)
    phi, angle = np.deg2rad(latitude), transit[:, None] + np.deg2rad(longitude)
    cosine = np.sin(declination)[:, None] * np.sin(phi) + np.cos(declination)[:, None] * np.cos(phi) * np.cos(angle)
    expected = np.maximum(cosine, 0).reshape(36, 240, 50).mean(axis=1)
    np.testing.assert_allclose(found.cosine, expected, atol=2e-4)
    assert found.cosine.dtype == np.float32


def test_the_solar_position_algorithm_agrees_on_hourly_means() -> None:
    pvlib = pytest.importorskip("pvlib")
    places = [(51.5, -0.1), (-33.9, 151.2), (0.3, 32.6), (78.2, 15.6), (64.1, -51.7)]
    start = datetime(2026, 4, 17, 12)
    latitude, longitude = np.array(places).T
    found = solar.sun(latitude, longitude, start, 1, 24).flux(1, 24)
    times = pd.date_range(start, periods=24 * 60, freq="min", tz="UTC") + pd.Timedelta("30s")
    zeniths = [pvlib.solarposition.spa_python(times, *place)["zenith"] for place in places]
    cosine = np.maximum(np.cos(np.deg2rad(np.stack(zeniths, axis=1))), 0).reshape(24, 60, -1).mean(axis=1)
    extra = pvlib.irradiance.get_extra_radiation(times, method="nrel", solar_constant=1361.0, epoch_year=2026)
    expected = np.asarray(extra).reshape(24, 60).mean(axis=1)[:, None] * cosine
    agrees("toa_incoming_shortwave_flux", found, expected, by="pvlib, NREL's position", atol=0.5)


def test_polar_night_midnight_sun_and_distance() -> None:
    january = solar.sun(np.array([85.0, -85.0, 0.0]), np.zeros(3), datetime(2026, 1, 3), 1, 24)
    assert (january.cosine[:, 0] == 0).all()
    assert (january.cosine[:, 1] > 0.2).all()
    assert (january.cosine[:, 2] > 0).sum() in (12, 13, 14)
    assert january.distance[0] == pytest.approx(1.034, abs=0.001)


def test_hours_outside_are_refused() -> None:
    found = solar.sun(np.zeros(1), np.zeros(1), datetime(2026, 1, 3), 1, 24)
    assert found.hours(3, 5).shape == (3, 1)
    with pytest.raises(ValueError, match="within 1 to 24"):
        found.hours(0, 5)
