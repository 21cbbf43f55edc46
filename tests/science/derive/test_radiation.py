"""Radiation and solar power against pvlib, published values and what physics demands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science.derive import energy as derive_energy
from pipeline.science.derive import radiation as derive_radiation
from tests.science.referee import agrees

Array = NDArray[np.float32]
ZERO = 273.15
PLACES = 4000
pvlib = pytest.importorskip("pvlib")


def array(*values: float) -> Array:
    return np.array(values, np.float32)


@pytest.fixture(scope="module")
def sky() -> dict[str, Array]:
    """A sun and a sky anywhere, by true geometry."""
    rng = np.random.default_rng(31)
    day, latitude, hour = rng.integers(1, 366, PLACES), rng.uniform(-65, 65, PLACES), rng.uniform(-np.pi, np.pi, PLACES)
    declination = pvlib.solarposition.declination_spencer71(day)
    zenith = pvlib.solarposition.solar_zenith_analytical(np.deg2rad(latitude), hour, declination)
    cosine = np.maximum(np.cos(zenith), 0)
    top = 1361 * cosine * (pvlib.irradiance.get_extra_radiation(day, method="spencer") / 1366.1)
    fields = {
        "day": day, "latitude": latitude, "hour": hour, "declination": declination, "cosine": cosine, "top": top,
        "global": top * rng.uniform(0.02, 0.82, PLACES),
    }  # fmt: skip
    return {name: np.asarray(values, np.float32) for name, values in fields.items()}


def split(sky: dict[str, Array]) -> tuple[Array, Array, Array]:
    """Cosine of zenith, diffuse, direct."""
    cosine = derive_radiation.cosine_of_zenith(sky["top"], sky["day"])
    clearness = derive_radiation.clearness_index(sky["global"], sky["top"])
    share = derive_radiation.diffuse_fraction(clearness)
    diffuse = derive_radiation.diffuse_horizontal_irradiance(sky["global"], share)
    return cosine, diffuse, derive_radiation.direct_normal_irradiance(sky["global"], diffuse, cosine)


def test_pvlib_agrees_on_direct_and_diffuse(sky: dict[str, Array]) -> None:
    cosine, diffuse, direct = split(sky)
    np.testing.assert_allclose(cosine, sky["cosine"], atol=1e-5)
    elevation = derive_radiation.solar_elevation(cosine)
    up = sky["cosine"] > 0.1
    agrees("solar_elevation", elevation, np.rad2deg(np.arcsin(sky["cosine"])), by="pvlib", atol=0.03)
    zenith = np.rad2deg(np.arccos(sky["cosine"].astype(np.float64)))
    expected = pvlib.irradiance.erbs(sky["global"].astype(float), zenith, sky["day"].astype(float))
    agrees("diffuse_horizontal_irradiance", diffuse[up], expected["dhi"][up], by="pvlib", atol=5)  # of 1366 W m-2
    agrees("direct_normal_irradiance", direct[up], expected["dni"][up], by="pvlib", atol=12)
    assert np.abs(direct - expected["dni"])[up].mean() < 2


def test_pvlib_agrees_on_the_tilted_panel(sky: dict[str, Array]) -> None:
    cosine, diffuse, direct = split(sky)
    albedo = np.float32(0.2)
    found = derive_energy.plane_of_array_irradiance(
        direct, diffuse, albedo * sky["global"], cosine, sky["latitude"], sky["day"]
    )
    tilt = derive_energy.best_tilt(sky["latitude"])
    np.testing.assert_allclose(derive_energy.best_tilt(array(10, -30, 60)), [8.7, 25.9, 45], rtol=1e-5)
    phi, declination, hour = (sky[name].astype(float) for name in ("latitude", "declination", "hour"))
    phi = np.deg2rad(phi)
    zenith = np.rad2deg(np.arccos(sky["cosine"].astype(float)))
    azimuth = np.rad2deg(
        np.arctan2(np.sin(hour), np.cos(hour) * np.sin(phi) - np.tan(declination) * np.cos(phi))
    ) + 180  # fmt: skip
    expected = pvlib.irradiance.get_total_irradiance(
        tilt.astype(float), np.where(phi >= 0, 180, 0), zenith, azimuth, direct.astype(float),
        sky["global"].astype(float), diffuse.astype(float), albedo=0.2, model="isotropic",
    )["poa_global"]  # fmt: skip
    up = sky["cosine"] > 0.1
    agrees("plane_of_array_irradiance", found[up], expected[up], by="pvlib", atol=1.5)
    wind = np.full_like(found, 4)
    cell = derive_energy.photovoltaic_cell_temperature(np.full_like(found, 290), found, wind)
    theirs = pvlib.temperature.faiman(found.astype(float), 290 - ZERO, wind_speed=0.748 * 4)
    agrees("photovoltaic_cell_temperature", cell - ZERO, theirs, by="pvlib", atol=0.01)
    ratio = derive_energy.photovoltaic_power_ratio_tilted(found, cell)
    theirs = pvlib.pvsystem.pvwatts_dc(found.astype(float), cell.astype(float) - ZERO, 1.0, -0.004)
    agrees("photovoltaic_power_ratio_tilted", ratio, np.maximum(theirs, 0), by="pvlib", atol=1e-4)


def test_declination_and_distance() -> None:
    days = np.arange(1, 366, dtype=np.float32)
    np.testing.assert_allclose(
        derive_energy.declination(days), pvlib.solarposition.declination_spencer71(days.astype(float)), atol=1e-5
    )
    expected = pvlib.irradiance.get_extra_radiation(days.astype(float), method="spencer", solar_constant=1)
    np.testing.assert_allclose(derive_radiation.sun_distance_factor(days), expected, atol=1e-5)


def test_long_wave_of_a_clear_sky() -> None:
    # Prata (1996): 15 degC and 10 hPa are 1.61 cm of water, an emissivity of 1 - 2.61 exp(-2.46)
    flux = derive_radiation.clear_sky_longwave_flux(array(288.15), array(1000))
    assert flux[0] / (5.670374e-8 * 288.15**4) == pytest.approx(
        1 - 2.6137 * np.exp(-np.sqrt(1.2 + 3 * 1.6137)), abs=1e-3
    )
    assert derive_radiation.cloud_longwave_effect(array(340), flux)[0] == pytest.approx(340 - flux[0])
    assert derive_radiation.sky_temperature(array(5.670374e-8 * 260**4))[0] == pytest.approx(260, abs=0.01)
    assert derive_radiation.cloud_shortwave_effect(array(300), array(800))[0] == -500
    assert derive_radiation.surface_upwelling_shortwave_flux(array(500), array(0.2))[0] == pytest.approx(100)


def test_ultraviolet_index_of_published_examples() -> None:
    clear = derive_radiation.clear_sky_ultraviolet_index(array(1.0, 0.5, 0.0, 1.0), array(0, 0, 0, 2000))
    np.testing.assert_allclose(clear, [12.5, 12.5 * 0.5**2.42, 0, 14.0], atol=1e-3)
    none, all_ = array(0), array(1)
    index = [
        derive_radiation.ultraviolet_index(array(10), *covers)[0]
        for covers in ((none, none, none), (all_, none, none), (none, all_, none), (none, none, all_))
    ]
    np.testing.assert_allclose(index, [10, 2, 5, 9], rtol=1e-5)
    half = derive_radiation.ultraviolet_index(array(10), array(5.5 / 8), none, none)
    assert half[0] == pytest.approx(5, rel=1e-5)
    np.testing.assert_allclose(derive_radiation.ultraviolet_exposure_time(array(10, 0)), [1000, 86400])


def test_light() -> None:
    assert derive_radiation.photosynthetic_photon_flux(array(1000))[0] == pytest.approx(2.1e-3)
    np.testing.assert_allclose(derive_radiation.illuminance(array(900, 100), array(0.0, 1.0)), [94500, 12000])


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1, width=32))
def test_diffuse_is_a_share(clearness: float) -> None:
    found = derive_radiation.diffuse_fraction(array(clearness, min(clearness + 0.05, 1)))
    assert 0.1 < found[0] <= 1
    assert found[1] <= found[0] + 0.01


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1, width=32), st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_cloud_never_adds_to_the_ultraviolet(low: float, medium: float, high: float) -> None:
    assert 0 <= derive_radiation.ultraviolet_index(array(9), array(low), array(medium), array(high))[0] <= 9
