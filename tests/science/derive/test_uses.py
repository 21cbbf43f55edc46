"""Crops, energy and the sea: worked examples, other codes and what physics demands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science.derive import crops as derive_crops
from pipeline.science.derive import energy as derive_energy
from pipeline.science.derive import land as derive_land
from pipeline.science.derive import marine as derive_marine
from pipeline.science.derive import profile as derive_profile
from pipeline.science.derive import sea as derive_sea
from pipeline.science.derive import sky as derive_sky
from pipeline.science.derive import thermo

Array = NDArray[np.float32]
ZERO = 273.15


def array(*values: float) -> Array:
    return np.array(values, np.float32)


def test_crops_of_published_tables() -> None:
    # Richardson et al. (1974): units by temperature
    units = derive_crops.chill_unit(array(*(ZERO + c for c in (1, 2, 5, 10, 14, 17, 20))))
    np.testing.assert_array_equal(units, [0, 0.5, 1, 0.5, 0, -0.5, -1])
    np.testing.assert_allclose(derive_crops.growing_degree_base0(array(ZERO + 12)), 0.5, rtol=1e-4)
    np.testing.assert_allclose(derive_crops.growing_degree_base5(array(ZERO + 17)), 0.5, rtol=1e-4)
    # Brown and Bootsma (1993): 25 and 12 degC make 23.0 + 6.8
    corn = derive_crops.corn_heat_unit_24h(array(ZERO + 25), array(ZERO + 12))
    assert corn[0] == pytest.approx(((3.33 * 15 - 0.084 * 225) + 1.8 * 7.6) / 2, rel=1e-4)
    assert derive_crops.temperature_humidity_index(array(ZERO + 30), array(0.6))[0] == pytest.approx(
        86 - 0.22 * 28, abs=1e-2
    )
    load = derive_crops.heat_load_index(array(0.5), array(ZERO + 40), array(2 / 0.748))
    assert load[0] == pytest.approx(8.62 + 19 + 62 - 1 + math.exp(0.4), abs=0.01)
    cool = derive_crops.heat_load_index(array(0.5), array(ZERO + 20), array(2 / 0.748))
    assert cool[0] == pytest.approx(10.66 + 14 + 26 - 2, abs=0.01)
    chill = derive_crops.sheep_chill_index(array(ZERO + 5), array(10), array(20))
    expected = (11.7 + 3.1 * math.sqrt(5.3)) * 35 + 481 + 418 * (1 - math.exp(-0.8))
    assert chill[0] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_array_equal(derive_crops.frozen_soil(array(272, 274)), [1, 0])
    spray = derive_crops.spray_window(array(5, 9, 5, 5), array(2, 2, 8, 2), array(0, 0, 0, 1))
    np.testing.assert_array_equal(spray, [2, 1, 0, 0])


def test_reference_evapotranspiration_of_alfalfa_and_open_water() -> None:
    # ASCE-EWRI (2005), hourly: the equation by hand at 30 degC, 40 %, 800 and 350 W m-2, 3 m/s at 2 m, 101.3 kPa
    t, p, wind = 30.0, 101300.0, 3 / 0.748
    es = float(thermo.saturation_vapour_pressure(array(t + ZERO))[0]) / 1000
    deficit = es * 0.6
    net = (0.77 * 800 + 350 - 5.670374e-8 * (t + ZERO) ** 4) * 0.0036
    slope, gamma = 4098 * es / (t + 237.3) ** 2, 0.665e-6 * p
    tall = (0.408 * slope * 0.96 * net + gamma * 66 / (t + ZERO) * 3 * deficit) / (slope + gamma * (1 + 0.25 * 3))
    arguments = (array(t + ZERO), array(1000 * deficit), array(wind), array(p), array(800), array(350))
    assert derive_crops.tall_reference_evapotranspiration(*arguments)[0] == pytest.approx(tall, rel=1e-3)
    water = (0.92 * 800 + 350 - 5.670374e-8 * (t + ZERO) ** 4) * 0.0036
    aired = 6.43 / 24 * (1 + 0.536 * 3) * deficit
    expected = (slope * water + gamma * aired) / (2.45 * (slope + gamma))
    assert derive_crops.open_water_evaporation(*arguments)[0] == pytest.approx(expected, rel=1e-3)


def test_season_sums_blight_and_wet_leaves() -> None:
    hour = np.full((50, 1), 0.5, np.float32)
    never = np.zeros_like(hour)
    total = derive_crops.growing_degree_sum_base10(hour, never, array(100))
    np.testing.assert_allclose(total[[0, 49], 0], [100, 124.5])
    np.testing.assert_allclose(derive_crops.growing_degree_sum_base0(hour, never)[49, 0], 24.5)
    np.testing.assert_allclose(derive_crops.growing_degree_sum_base5(hour, never)[49, 0], 24.5)
    np.testing.assert_allclose(derive_crops.chill_hour_sum(hour, never)[49, 0], 24.5)
    np.testing.assert_allclose(derive_crops.fresh_snow_sum(hour, never, array(2))[49, 0], 26.5)
    units = derive_crops.chill_unit_sum(np.array([[0], [1], [-1], [-1], [1]], np.float32), never[:5], array(0.5))
    np.testing.assert_allclose(units[:, 0], [0.5, 1.5, 0.5, 0, 1])
    wet = derive_crops.leaf_wetness_duration(np.array([[1], [1], [0], [1]], np.float32))
    np.testing.assert_allclose(wet[:, 0], [3600, 7200, 0, 3600])
    warm = np.full((60, 2), ZERO + 14, np.float32)
    warm[20, 1] = ZERO + 8
    humid = np.where(np.arange(60)[:, None] % 24 < 7, 0.95, 0.5).astype(np.float32) + 0 * warm
    risk = derive_crops.late_blight_risk(warm, humid)
    np.testing.assert_array_equal(risk[[10, 47, 59]], [[0, 0], [1, 0], [1, 0]])


def test_a_season_begins_at_its_hemispheres_date_with_nothing() -> None:
    latitude = array(50, 0, -30)
    for begins, first in (
        (derive_crops.growing_season_begins, (1, 1, 182)),
        (derive_crops.chill_season_begins, (274, 274, 91)),
        (derive_crops.snow_season_begins, (182, 182, 1)),
    ):
        days = np.repeat((1 + np.arange(365 * 24) / 24).astype(np.float32)[:, None], 3, axis=1)
        found = begins(latitude, days)
        assert [float(days[np.flatnonzero(found[:, place]), place].item()) for place in range(3)] == list(first)
    hour = np.full((6, 2), 0.5, np.float32)
    begun = np.zeros_like(hour)
    begun[[0, 3], [1, 0]] = 1
    total = derive_crops.growing_degree_sum_base0(hour, begun, array(10, 10))
    np.testing.assert_allclose(total[:, 0], [10, 10.5, 11, 0, 0.5, 1])
    np.testing.assert_allclose(total[:, 1], [0, 0.5, 1, 1.5, 2, 2.5])
    units = derive_crops.chill_unit_sum(hour, begun, array(10, 10))
    np.testing.assert_allclose(units, total)


def test_turbines_by_class() -> None:
    density = array(1, 1, 1, 1)
    speed = array(2, 10, 20, 25.5)
    for formula, at_ten in (
        (derive_energy.wind_turbine_capacity_factor_class1, 0.6732),
        (derive_energy.wind_turbine_capacity_factor_class2, 0.8554),
        (derive_energy.wind_turbine_capacity_factor_class3, 0.9178),
        (derive_energy.wind_turbine_capacity_factor_offshore, 0.6623),
    ):
        np.testing.assert_allclose(formula(speed, density), [0, at_ten, 1, 0], atol=1e-4)
    factor = derive_profile.density_speed_factor(array(1.0))
    thin = derive_energy.power_of(array(10), factor, "class 2")
    corrected = 10 * (1 / 1.225) ** (1 / 3)
    assert thin[0] == pytest.approx(np.interp(corrected, range(28), derive_energy.CURVES["class 2"]), abs=1e-4)
    for formula in (derive_energy.wind_power_density_80m, derive_energy.wind_power_density_120m):
        assert formula(array(10), array(1.2))[0] == pytest.approx(600)
    np.testing.assert_allclose(derive_energy.heating_degree_base15p5(array(ZERO + 3.5)), 0.5, rtol=1e-4)
    np.testing.assert_allclose(derive_energy.cooling_degree_base22(array(ZERO + 34)), 0.5, rtol=1e-4)


def test_line_rating_of_the_standards_example() -> None:
    # IEEE 738 (2012), annex: Drake at 100 degC in 40 degC air, 0.61 m/s across, 22.44 W/m of sun: 1025 A
    found = derive_energy.ampacity(
        array(40), array(0.61), array(22.44 / 0.02814), array(0), limit=100.0, resistance=9.390e-5, angle=90.0
    )
    assert found[0] == pytest.approx(1025, abs=4)
    calm = derive_energy.line_rating(array(ZERO + 35), array(0.5), array(900), array(0))
    windy = derive_energy.line_rating(array(ZERO + 35), array(8), array(900), array(0))
    assert 300 < calm[0] < 900 < windy[0]


def test_ice_and_rain_on_structures() -> None:
    # Finstad et al. (1988) by hand at 10 m/s: K 0.871, phi 269, A 0.317, B 0.751, C 0.0449, 25.7 %
    share = derive_energy.collision_efficiency(array(5, 10, 20), array(1.3, 1.3, 1.3))
    assert share[1] == pytest.approx(0.257, abs=0.002)
    assert (np.diff(share) > 0).all()
    rime = derive_energy.rime_ice_load(
        array(268, 275, 268), array(100, 100, 2000), array(10, 10, 10), array(1.3, 1.3, 1.3)
    )
    water = (3.912 / (144.7e-3 * 100)) ** (1 / 0.88) * 1e-3
    assert rime[0] == pytest.approx(float(share[1]) * water * 10 * 0.03 * 3600, rel=1e-3)
    np.testing.assert_array_equal(rime[1:], 0)
    wet = derive_energy.wet_snow_load(array(ZERO + 1, ZERO - 2), array(ZERO + 0.4, ZERO - 3), array(4, 4), array(5, 5))
    assert wet[0] == pytest.approx(0.03 * math.hypot(4, 4 * 5 / 1.7) / 5, rel=1e-4)
    assert wet[1] == 0
    assert derive_energy.wind_driven_rain(array(5), array(10))[0] == pytest.approx(2 / 9 * 10 * 5 ** (8 / 9), rel=1e-4)


def test_water_is_as_its_skin_and_freezes_under_ice() -> None:
    skin, ice = array(290, 290, 290, 260, 260), array(0, 0.5, 1, 0, 1)
    air = np.full_like(skin, 280)
    found = derive_marine.sea_surface_temperature(skin, ice, air)
    np.testing.assert_allclose(found, [290, 271.35 + 18.65 / 2, 271.35, 271.35, 271.35], rtol=1e-6)
    coast = derive_marine.sea_surface_temperature(skin[:3], 0 * ice[:3], air[:3], array(0, 0.3, 1))
    np.testing.assert_allclose(coast, [290, 287, 280], rtol=1e-6)


def test_water_that_evaporates_and_flows() -> None:
    """2.45 MJ evaporate a kilogram (FAO-56, chapter 1): 680.6 W for an hour; 3, 4 and 5 make a right angle."""
    np.testing.assert_allclose(derive_land.evaporation(array(680.5556, -68.05556)), [1, -0.1], rtol=1e-5)
    assert derive_sea.sea_water_speed(array(0.3), array(-0.4))[0] == pytest.approx(0.5)


def test_sea_of_published_examples() -> None:
    assert derive_sea.mean_wave_steepness(array(2), array(8))[0] == pytest.approx(2 / (1.5613 * 64), rel=1e-3)
    assert derive_sea.wave_group_speed(array(10))[0] == pytest.approx(7.80, abs=0.01)
    assert derive_sea.orbital_speed(array(2), array(10))[0] == pytest.approx(0.628, abs=1e-3)
    # a regular wave of 2 a^2 = Hs^2 / 4: omega k a^2
    omega = 2 * math.pi / 8
    assert derive_sea.stokes_drift_speed(array(3), array(8))[0] == pytest.approx(omega**3 / 9.80665 * 9 / 8, rel=1e-4)
    length = derive_sea.swell_length(array(12))
    assert length[0] == pytest.approx(224.8, abs=0.1)
    assert derive_sea.swell_steepness(array(2), array(12))[0] == pytest.approx(2 / 224.8, rel=1e-3)
    assert derive_sea.swell_power(array(2), array(12))[0] == pytest.approx(490.6 * 4 * 12, rel=0.01)
    state = derive_sea.swell_state(array(0, 1, 1, 3, 3, 5, 5), array(50, 50, 300, 50, 150, 50, 300))
    np.testing.assert_array_equal(state, [0, 1, 2, 3, 4, 6, 8])
    np.testing.assert_allclose(derive_sea.wind_wave_angle(array(350, 90), array(10, 300)), [20, 150])
    assert derive_sea.whitecap_fraction(array(10))[0] == pytest.approx(0.0099, abs=2e-4)
    # Forristall (2000): linear sea, crests of Rayleigh; steep ones are higher
    flat = derive_sea.maximum_crest_height(array(4), array(30))
    assert flat[0] == pytest.approx(4 * 0.3536 * math.sqrt(math.log(120)), rel=0.03)
    assert derive_sea.maximum_crest_height(array(4), array(7))[0] > 4 * 0.3536 * math.sqrt(math.log(3600 / 7))


def test_sea_ice_and_icing() -> None:
    predictor = array(0, 10, 30, 60, 100)
    np.testing.assert_array_equal(derive_sea.vessel_icing_category(predictor), range(5))
    rate = derive_sea.vessel_icing(array(22.4, 53.3)) * 100  # cm: NCEP's limits 0.7 and 2.0 (light, moderate)
    np.testing.assert_allclose(rate, [0.77, 2.55], atol=0.05)
    assert derive_sea.vessel_icing(array(3000))[0] < 0.1  # m an hour: an extrapolated cubic makes metres of it
    flags = derive_sea.small_craft_advisory(array(12, 5, 5), array(1, 3, 1))
    np.testing.assert_array_equal(flags, [1, 1, 0])
    ice = derive_sea.sea_ice_category(array(0, 0.05, 0.2, 0.5, 0.8, 0.95, 1))
    np.testing.assert_array_equal(ice, range(7))
    for formula in (
        derive_sea.dew_point_sea_surface_difference, derive_sea.sea_surface_850hpa_difference,
        derive_sea.sea_surface_500hpa_difference,
    ):  # fmt: skip
        assert formula(array(283), array(280))[0] == 3
    hours = derive_sea.immersion_survival_time(array(ZERO, ZERO + 10)) / 3600
    np.testing.assert_allclose(hours, [(15 + 7.2 / 0.0785) / 60, (15 + 7.2 / 0.0445) / 60], rtol=1e-4)


def test_heat_fluxes_of_the_open_sea() -> None:
    sensible = derive_sea.sea_sensible_heat_flux(array(290, 285), array(285, 290), array(10, 10), array(1.2, 1.2))
    np.testing.assert_allclose(sensible, [1.2 * 1004 * 1.13e-3 * 50, -1.2 * 1004 * 0.66e-3 * 50], rtol=1e-4)
    vapour = 0.98 * 1937.0  # Pa at 17 degC
    humid = 0.622 * vapour / (101325 - 0.378 * vapour)
    latent = derive_sea.sea_latent_heat_flux(array(290.15), array(0.008), array(101325), array(10), array(1.2))
    assert latent[0] == pytest.approx(1.2 * 2.5e6 * 1.15e-3 * 10 * (humid - 0.008), rel=0.01)


POSITIVE = st.floats(0, 40, width=32)


@settings(max_examples=80, deadline=None)
@given(POSITIVE, POSITIVE, st.floats(250, 310, width=32), st.floats(250, 310, width=32))
def test_monotonic_where_physics_is(less: float, more: float, warm: float, other: float) -> None:
    low, high = sorted((less, more))
    cold, hot = sorted((warm, other))
    pair = array(low, high)
    same = array(1, 1)
    for turbine, last in derive_energy.CUT_OUT.items():
        power = derive_energy.power_of(np.minimum(pair, np.float32(last)), same, turbine)
        assert power[0] <= power[1] + 1e-6
    for formula in (derive_sea.whitecap_fraction, derive_sky.rain_kinetic_energy):
        found = formula(pair)
        assert found[0] <= found[1] * (1 + 1e-6)
    for formula in (
        derive_crops.growing_degree_base0,
        derive_crops.growing_degree_base5,
        derive_energy.cooling_degree_base22,
    ):
        found = formula(array(cold, hot))
        assert found[0] <= found[1]
    rating = derive_energy.line_rating(array(cold, hot), array(3, 3), array(500, 500), array(0, 0))
    assert rating[0] >= rating[1]
