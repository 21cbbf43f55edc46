"""The wind's profile, humidity, aviation and the sky: worked examples of papers and standards."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.science.derive import aviation as derive_aviation
from pipeline.science.derive import humidity as derive_humidity
from pipeline.science.derive import profile as derive_profile
from pipeline.science.derive import sky as derive_sky
from pipeline.science.derive import thermo

Array = NDArray[np.float32]
ZERO = 273.15


def array(*values: float) -> Array:
    return np.array(values, np.float32)


def test_hub_winds_follow_the_power_law() -> None:
    for height, formula in (
        (80, derive_profile.wind_speed_80m), (120, derive_profile.wind_speed_120m),
        (160, derive_profile.wind_speed_160m), (200, derive_profile.wind_speed_200m),
    ):  # fmt: skip
        found = formula(array(9.0), array(0.2))
        assert found[0] == pytest.approx(9 * (height / 100) ** 0.2, rel=1e-5)
    turn = derive_profile.wind_turning_10m_100m(array(350, 10), array(10, 350))
    np.testing.assert_allclose(turn, [20, -20])
    for height, formula in (
        (80, derive_profile.wind_from_direction_80m), (120, derive_profile.wind_from_direction_120m),
        (160, derive_profile.wind_from_direction_160m), (200, derive_profile.wind_from_direction_200m),
    ):  # fmt: skip
        found = formula(array(355), array(40))
        assert found[0] == pytest.approx((355 + 40 * math.log10(height / 100)) % 360, abs=0.01)
    density = derive_profile.air_density_100m(array(1.225), array(288.15))
    assert density[0] == pytest.approx(1.2135, abs=0.0005)  # ICAO at 98 m
    equal = derive_profile.density_corrected_wind_speed_100m(
        array(10), derive_profile.density_speed_factor(array(1.225 / 8))
    )
    assert equal[0] == pytest.approx(5, rel=1e-5)
    np.testing.assert_allclose(derive_profile.turbulence_intensity_10m(array(1.6, 3.0), array(8, 0.5)), [0.2, 0])


def test_logarithmic_profile_gives_its_roughness_back() -> None:
    roughness = np.array([0.001, 0.03, 0.5], np.float32)
    low, high = 0.4 / 0.4 * np.log(10 / roughness), 0.4 / 0.4 * np.log(100 / roughness)
    found = derive_profile.surface_roughness_length(low, high)
    np.testing.assert_allclose(found, roughness, rtol=1e-3)
    np.testing.assert_allclose(derive_profile.friction_velocity(low, found), 0.4, rtol=1e-3)
    number = derive_profile.surface_richardson_number(array(290), array(295), array(5))
    assert number[0] == pytest.approx(9.80665 * 10 * (290 + 0.0196 - 295) / (290 * 25), rel=1e-4)


def test_pasquill_classes_of_the_table() -> None:
    wind = array(1, 2.5, 4, 5.5, 7)
    rows = {
        (1000, 0.0): [1, 1, 2, 3, 3],
        (800, 0.0): [1, 2, 2, 3, 4],
        (300, 0.0): [2, 3, 3, 4, 4],
        (0, 0.9): [6, 5, 4, 4, 4],
        (0, 0.1): [6, 6, 5, 4, 4],
    }
    for (sun, cloud), expected in rows.items():
        found = derive_profile.stability_class(wind, np.full(5, sun, np.float32), np.full(5, cloud, np.float32))
        np.testing.assert_array_equal(found, expected)


def test_mixing_and_pressure_of_wind() -> None:
    found = derive_profile.transport_wind_speed(array(4, 4), array(6, 6), array(12, 12), array(100, 2000))
    np.testing.assert_allclose(found, [5, 9])
    assert derive_profile.gust_pressure(array(40), array(1.25))[0] == pytest.approx(1000)


def test_humidity_of_worked_examples() -> None:
    frost = derive_humidity.frost_point_temperature_2m(thermo.ice_saturation(array(253.15, 233.15)))
    np.testing.assert_allclose(frost, [253.15, 233.15], atol=0.05)
    over_ice = derive_humidity.relative_humidity_over_ice_2m(
        array(253.15), thermo.saturation_vapour_pressure(array(253.15))
    )
    assert over_ice[0] == pytest.approx(125.4 / 103.2, rel=0.005)  # WMO tables at -20 degC
    assert derive_humidity.wet_bulb_depression_2m(array(300), array(293))[0] == 7
    # ASHRAE: 25 degC and 10 g/kg, 50.6 kJ/kg
    assert derive_humidity.specific_enthalpy_2m(array(298.15), array(0.010))[0] == pytest.approx(50625, rel=0.001)
    assert derive_humidity.standard_atmosphere_deviation_2m(array(288.15), array(1000))[0] == pytest.approx(
        6.5, abs=1e-3
    )


def test_altimeter_setting_and_pressure_altitude_of_the_standard_atmosphere() -> None:
    np.testing.assert_allclose(derive_humidity.pressure_altitude(array(101325, 89874.6)), [0, 1000], atol=2)
    np.testing.assert_allclose(derive_humidity.altimeter_setting(array(89874.6), array(1000)), 101325, atol=15)


def test_contrails_of_appleman_and_schumann() -> None:
    # Schumann (1996): at 250 hPa and an efficiency of 0.3 some -41.8 degC in saturated, -53 in dry air
    found = derive_aviation.contrail_threshold_temperature_250hpa(array(0, 0.3, 0.6, 0.9, 1)) - ZERO
    assert found[-1] == pytest.approx(-41.8, abs=0.4)
    assert found[0] == pytest.approx(-52.5, abs=1.5)
    assert (np.diff(found) > 0).all()
    slope = 1.25 * 1004 * 25000 / (0.622 * 43.2e6 * 0.7)
    warmer = np.linspace(215, 245, 6001)
    full = thermo.saturation_vapour_pressure(warmer.astype(np.float32)).astype(np.float64)
    for humidity in (0.3, 0.6, 0.9, 0.97, 0.99, 0.998):  # the mixing line touches saturation
        threshold = derive_aviation.contrail_threshold_temperature_250hpa(array(humidity))[0]
        vapour = humidity * np.interp(threshold, warmer, full)
        line = vapour + slope * (warmer - threshold)
        assert (line - full).max() / slope == pytest.approx(0, abs=0.03)  # K
    damp = derive_aviation.contrail_threshold_temperature_250hpa(np.linspace(0, 1, 1001).astype(np.float32))
    assert (np.diff(damp) >= 0).all()
    assert np.diff(damp[:-5]).max() < 0.1
    forms = derive_aviation.contrail_formation_250hpa(array(225, 240), array(230, 230))
    np.testing.assert_array_equal(forms, [1, 0])
    np.testing.assert_array_equal(
        derive_aviation.contrail_persistence_250hpa(array(1, 1, 0), array(1.1, 0.9, 1.2)), [1, 0, 0]
    )


def test_icing_shear_and_ceilings() -> None:
    cold = array(*(ZERO + c for c in (1, -2, -8, -18.5, -30)))
    np.testing.assert_allclose(
        derive_aviation.icing_potential_at(cold, array(1, 1, 1, 1, 1)), [0, 0.5, 1, 0.5, 0], atol=1e-4
    )
    assert derive_aviation.icing_potential_at(array(ZERO - 8), array(0.825))[0] == pytest.approx(0.5, abs=1e-4)
    assert derive_aviation.icing_potential(array(0.1), array(0.4), array(0.3), array(0))[0] == pytest.approx(0.4)
    carburettor = derive_aviation.carburettor_icing(array(*(ZERO + c for c in (40, 35, 25, 10))), array(1, 15, 8, 2))
    np.testing.assert_array_equal(carburettor, [0, 1, 2, 3])
    unit = 0.514444 / 30.48 * 90
    shear = derive_aviation.low_level_wind_shear_category(array(4 * unit, 6 * unit, 10 * unit, 14 * unit))
    np.testing.assert_array_equal(shear, [0, 1, 2, 3])
    thermal = derive_aviation.thermal_index_850hpa(array(285), array(300))
    assert thermal[0] == pytest.approx(285 - 300 * 0.85**0.2857, abs=1e-3)
    state = derive_aviation.colour_state(array(3000, 500, 3000, 50), array(10000, 10000, 3000, 10000))
    np.testing.assert_array_equal(state, [0, 1, 3, 6])


def test_sky_of_published_tables() -> None:
    okta = derive_sky.cloud_okta(array(0, 0.03, 0.4, 0.97, 1))
    np.testing.assert_array_equal(okta, [0, 1, 3, 7, 8])
    np.testing.assert_array_equal(derive_sky.sky_condition(array(0, 2, 4, 7, 8)), range(5))
    cover = derive_sky.convective_cloud_cover(array(0, 1, 100))
    np.testing.assert_allclose(cover, [0, 0.247 + 0.126 * math.log(24), 0.8], atol=2e-3)
    index = derive_sky.fog_stability_index(array(2), array(285), array(283), array(5.14444))
    assert index[0] == pytest.approx(4 + 4 + 10, rel=1e-4)
    fog = derive_sky.freezing_fog(array(200, 200, 5000), array(0.98, 0.98, 0.98), array(270, 275, 270), array(0, 0, 0))
    np.testing.assert_array_equal(fog, [1, 0, 0])


def test_cloud_tops_by_layer() -> None:
    z, rh = [array(1500), array(3000), array(5600), array(10400)], [array(0.9), array(0.5), array(0.4), array(0.7)]
    heights = [
        derive_sky.cloud_top_altitude(array(high), array(medium), array(low), *rh, *z, array(100))[0]
        for high, medium, low in ((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0))
    ]
    np.testing.assert_allclose(heights, [100, 1500, 4300, 10400])
    t = [array(280 - 6.5 * k) for k in range(6)]
    warm = derive_sky.cloud_top_temperature(array(1500), array(100), array(750), *z, *t)
    assert warm[0] == pytest.approx(267, abs=1e-3)


def test_what_falls() -> None:
    assert derive_sky.stratiform_precipitation(array(5), array(2))[0] == 3
    np.testing.assert_allclose(derive_sky.convective_fraction(array(5, 0), array(2, 0)), [0.4, 0])
    kinds = array(1, 3, 8)
    np.testing.assert_array_equal(derive_sky.freezing_rain(array(2, 2, 2), kinds), [0, 2, 0])
    np.testing.assert_array_equal(derive_sky.ice_pellets(array(2, 2, 2), kinds), [0, 0, 2])
    # Jones (1998): 10 mm at 5 m/s; fall 10, blown 3.6 * 5 * 0.067 * 10^0.846 = 8.46; 13.1 / (0.9 pi) mm
    ice = derive_sky.ice_accretion(array(10, 0), array(5, 5))
    np.testing.assert_allclose(ice, [math.hypot(10, 18 * 0.067 * 10**0.846) / (900 * math.pi), 0], rtol=1e-4)
    reflectivity = derive_sky.radar_reflectivity(array(10), array(0))
    assert reflectivity[0] == pytest.approx(39.0, abs=0.05)  # Marshall and Palmer at 10 mm/h
    energy = derive_sky.rain_kinetic_energy(array(20))
    hectare = 1e4  # m2; RUSLE says 0.29 MJ ha-1 mm-1
    assert energy[0] == pytest.approx(0.29e6 / hectare * (1 - 0.72 * math.exp(-1)) * 20, rel=1e-5)
    assert energy[0] < 20 * 9.2**2 / 2  # of the largest drops, which fall no faster than 9.2 m/s


def test_snow_and_frost() -> None:
    blows = derive_sky.blowing_snow(array(263, 263, 274), array(9, 7, 20), array(0.2, 0.2, 0.2), array(0, 0, 0))
    np.testing.assert_array_equal(blows, [1, 0, 0])
    afloat = {"land_area_fraction": array(1, 0, 0), "sea_ice_fraction": array(0, 0, 0.9)}
    drift = derive_sky.blowing_snow(array(263, 263, 263), array(15, 15, 15), array(1, 1, 1), array(1, 1, 1), **afloat)
    np.testing.assert_array_equal(drift, [1, 0, 1])
    wild = derive_sky.blizzard(array(20, 20), array(300, 2000), array(1, 1), array(0, 0))
    np.testing.assert_array_equal(wild, [1, 0])
    depth = np.array([0.01, 0.5, 1, 3, 10])
    classes = (  # Sturm et al. (2010), table 4: alpine, maritime, prairie, tundra, taiga
        (0.5975, 0.2237, 0.0012, 0.0038), (0.5979, 0.2578, 0.0010, 0.0038), (0.5940, 0.2332, 0.0016, 0.0031),
        (0.3630, 0.2425, 0.0029, 0.0049), (0.2170, 0.2170, 0, 0),
    )  # fmt: skip
    density = [most - (most - first) * np.exp(-k1 * 100 * depth - k2 * 32) for most, first, k1, k2 in classes]
    water = derive_sky.snow_water_equivalent(depth.astype(np.float32))
    np.testing.assert_allclose(water, 1000 * np.mean(density, axis=0) * depth, rtol=0.02)
    assert derive_sky.roof_snow_load(array(100))[0] == pytest.approx(0.8 * 980.665, rel=1e-4)
    melt = derive_sky.snowmelt(array(ZERO + 5, ZERO + 5, ZERO - 1), array(0, 4, 4), array(100, 0.3, 100))
    np.testing.assert_allclose(melt, [5 * 3.5 / 24, 0.3, 0], rtol=1e-4)
    white = derive_sky.hoar_frost(array(268, 268, 274), array(270, 260, 275))
    np.testing.assert_array_equal(white, [1, 0, 0])
    slip = derive_sky.slippery_surface(array(270, 270, 275), array(1, 0, 1), array(0, 1, 0))
    np.testing.assert_array_equal(slip, [1, 1, 0])
