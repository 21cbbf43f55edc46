"""Fire weather against xclim, the season printed with the standard, and what a state that is carried on must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science.derive import fire as derive_fire
from pipeline.science.derive import fire_codes as derive_fire_codes
from pipeline.science.derive import thermo
from pipeline.science.derive.catalogue import derive
from tests.science.referee import agrees, xclim

Array = NDArray[np.float32]
ZERO = 273.15
STANDARD = (  # Van Wagner and Pickett (1985), test data from 13 April on: weather, then FFMC DMC DC ISI BUI FWI
    (17.0, 42, 25, 0.0, 87.7, 8.5, 19.0, 10.9, 8.5, 10.1),
    (20.0, 21, 25, 2.4, 86.2, 10.4, 23.6, 8.8, 10.4, 9.3),
    (8.5, 40, 17, 0.0, 87.0, 11.8, 26.1, 6.5, 11.7, 7.6),
    (6.5, 25, 6, 0.0, 88.8, 13.2, 28.2, 4.9, 13.1, 6.2),
    (13.0, 34, 24, 0.0, 89.1, 15.4, 31.5, 12.6, 15.3, 14.8),
)


def array(*values: float) -> Array:
    return np.array(values, np.float32)


def test_the_standards_own_season() -> None:
    fine, duff, drought = array(85), array(6), array(15)
    month = np.float32(100)  # of April
    north = array(46)
    for celsius, percent, wind, rain, *expected in STANDARD:
        weather = (array(celsius), array(percent))
        fine = derive_fire_codes.step_fine_fuel(fine, *weather, array(wind), array(rain))
        hours = derive_fire_codes.day_length(north, np.full(1, month))
        duff = derive_fire_codes.step_duff(duff, *weather, array(rain), hours)
        factor = derive_fire_codes.drought_factor(north, np.full(1, month))
        drought = derive_fire_codes.step_drought(drought, array(celsius), array(rain), factor)
        spread = derive_fire.spread_index(fine, array(wind / 3.6))
        built = derive_fire.build_up_index(duff, drought)
        index = derive_fire.fire_weather_index(spread, built)
        for found, printed in zip((fine, duff, drought, spread, built, index), expected, strict=True):
            assert found[0] == pytest.approx(printed, abs=0.06)
    rating = derive_fire.daily_severity_rating(array(10.1))
    assert rating[0] == pytest.approx(0.0272 * 10.1**1.77, rel=1e-5)


def test_xclim_agrees_on_a_day_of_anything() -> None:
    codes = xclim("xclim.indices.fire._cffwis")
    rng = np.random.default_rng(41)
    n = 4000
    t, h, w = rng.uniform(-5, 45, n), rng.uniform(3, 100, n), rng.uniform(0, 80, n)
    rain = np.where(rng.random(n) < 0.5, 0, rng.gamma(1, 8, n))
    fine, duff, drought = rng.uniform(0, 101, n), rng.uniform(0, 300, n), rng.uniform(0, 900, n)
    latitude, month = rng.uniform(-60, 70, n), rng.integers(1, 13, n)
    day = ((month - 0.5) * 365.25 / 12).astype(np.float32)
    wide = [field.astype(np.float32) for field in (t, h, w, rain, fine, duff, drought, latitude)]
    t4, h4, w4, p4, f4, d4, c4, l4 = wide
    found = derive_fire_codes.step_fine_fuel(f4, t4, h4, w4, p4)
    expected = codes._fine_fuel_moisture_code(t, rain, w, h, fine)
    agrees("fine_fuel_moisture_code", found, expected, by="xclim", atol=0.02)
    hours = derive_fire_codes.day_length(l4, day)
    found = derive_fire_codes.step_duff(d4, t4, h4, p4, hours)
    expected = codes._duff_moisture_code(t, rain, h, month, latitude, duff)
    agrees("duff_moisture_code", found, expected, by="xclim", rtol=5e-4, atol=0.03)
    factor = derive_fire_codes.drought_factor(l4, day)
    found = derive_fire_codes.step_drought(c4, t4, p4, factor)
    expected = codes._drought_code(t, rain, month, latitude, drought)
    agrees("drought_code", found, expected, by="xclim", rtol=2e-4, atol=0.05)
    spread = derive_fire.spread_index(f4, w4 / np.float32(3.6))
    agrees("initial_spread_index", spread, codes.initial_spread_index(w, fine), by="xclim", rtol=2e-4, atol=1e-4)
    built = derive_fire.build_up_index(d4, c4)
    agrees("build_up_index", built, codes.build_up_index(duff, drought), by="xclim", rtol=2e-4, atol=1e-3)
    index = derive_fire.fire_weather_index(spread, built)
    expected = codes.fire_weather_index(spread.astype(float), built.astype(float))
    agrees("fire_weather_index", index, expected, by="xclim", rtol=1e-3, atol=1e-3)
    rating = derive_fire.daily_severity_rating(index)
    agrees("daily_severity_rating", rating, codes.daily_severity_rating(index), by="xclim", rtol=1e-4)
    danger = derive_fire.fire_danger_category(array(1, 6, 12, 22, 40, 60))
    np.testing.assert_array_equal(danger, range(6))


def weather(leads: int, places: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    hour = np.arange(leads)[:, None] + rng.integers(0, 24, places)
    sun = np.maximum(np.cos((hour - 12) * np.pi / 12), 0)
    t = 290 + 8 * sun + rng.normal(0, 2, (leads, places))
    fields = {
        "temperature_2m": t,
        "dew_point_temperature_2m": t - rng.gamma(2, 4, (leads, places)),
        "wind_speed_10m": rng.gamma(2, 2, (leads, places)),
        "precipitation": np.where(rng.random((leads, places)) < 0.1, rng.gamma(1, 2, (leads, places)), 0),
        "toa_incoming_shortwave_flux": 1200 * sun,
        "latitude": rng.uniform(-60, 60, places),
        "day_of_year": np.broadcast_to(150 + np.arange(leads)[:, None] / 24, (leads, places)),
    }
    return {name: values.astype(np.float32) for name, values in fields.items()}


STATES = (
    "precipitation_since_noon", "fine_fuel_moisture_code", "duff_moisture_code", "drought_code", "initial_spread_index",
    "nesterov_index", "growing_degree_sum_base0", "growing_degree_sum_base5", "growing_degree_sum_base10",
    "chill_unit_sum", "chill_hour_sum", "leaf_wetness_duration",
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 70), st.integers(0, 1000))
def test_a_state_handed_on_goes_on_as_if_nothing_had_been(cut: int, seed: int) -> None:
    fields = weather(72, 40, seed)
    whole = derive(fields)
    assert set(STATES) <= set(whole)
    later = {name: values[cut:] if values.ndim == 2 else values for name, values in fields.items()}
    later |= {f"{name}_start": whole[name][cut] for name in STATES}
    rest = derive(later)
    last = 71 - cut  # whose noon only the hour after it would show
    for name in (*STATES, "fire_weather_index", "daily_severity_rating"):
        np.testing.assert_allclose(rest[name][:last], whole[name][cut:-1], rtol=2e-5, atol=1e-4, err_msg=name)


def test_a_season_of_noons_is_the_same_as_daily_steps() -> None:
    fields = weather(24 * 6, 10, 5)
    found = derive(fields)
    noon = derive_fire_codes.local_noon(fields["toa_incoming_shortwave_flux"])
    assert (noon.sum(axis=0) >= 5).all()
    humidity = found["relative_humidity_2m"]
    for place in range(10):
        code, since = np.array([85.0]), 0
        for lead in np.flatnonzero(noon[:, place]):
            rain = fields["precipitation"][max(since, 0) + 1 : lead + 1, place].sum(dtype=np.float64)
            at = (slice(lead, lead + 1), place)
            code = derive_fire_codes.step_fine_fuel(
                code, fields["temperature_2m"][at] - ZERO, 100 * humidity[at], 3.6 * fields["wind_speed_10m"][at], rain
            )
            since = lead
        assert found["fine_fuel_moisture_code"][-1, place] == pytest.approx(float(code[0]), abs=0.02)


def test_no_fire_spreads_under_snow() -> None:
    fields = weather(48, 12, 8)
    snow = np.zeros((48, 12), np.float32)
    snow[:, :4] = 0.5
    free, covered = derive(fields), derive(fields | {"snow_depth": snow})
    for name in ("initial_spread_index", "fire_weather_index", "daily_severity_rating", "fire_danger_category"):
        assert (covered[name][:, :4] == 0).all(), name
        np.testing.assert_array_equal(covered[name][:, 4:], free[name][:, 4:], err_msg=name)
    assert (free["fire_weather_index"][:, :4] > 0).any()


def test_noon_is_once_a_day_and_never_at_the_edge() -> None:
    flux = np.array([5, 3, 0, 0, 2, 7, 7, 3, 0, 0, 4, 9], np.float32)[:, None]
    np.testing.assert_array_equal(np.flatnonzero(derive_fire_codes.local_noon(flux)), [5])
    np.testing.assert_array_equal(derive_fire_codes.local_noon(flux[:1]), 0)


def test_haines_of_the_published_table() -> None:
    dry = array(3, 8, 15)
    low = derive_fire.haines_index_low(
        array(290, 290, 290), array(95000, 95000, 95000), array(288, 288, 288), array(287.5, 285, 281), dry
    )
    np.testing.assert_array_equal(low, [2, 4, 6])
    middle = derive_fire.haines_index_middle(array(280, 280, 280), array(276, 272, 265), dry)
    np.testing.assert_array_equal(middle, [2, 4, 6])
    high = derive_fire.haines_index_high(array(280, 280, 280), array(265, 260, 255), array(10, 17, 25))
    np.testing.assert_array_equal(high, [2, 4, 6])
    all_ = derive_fire.haines_index(array(2, 2, 2), array(4, 4, 4), array(6, 6, 6), array(100, 600, 1500))
    np.testing.assert_array_equal(all_, [2, 4, 6])
    # Mills and McCaw (2010): CA = (T850 - T700) / 2 - 2, CB = (T850 - Td850) / 3 - 1, halved above 5
    found = derive_fire.continuous_haines_index(array(295, 295), array(279, 279), array(12, 27))
    np.testing.assert_allclose(found, [6 + 3, 6 + 6.5])


def test_the_other_countries_indices() -> None:
    # Noble et al. (1980) at 38 degC, 15 %, 40 km/h and a drought factor of 10
    expected = 2 * np.exp(-0.45 + 0.987 * np.log(10) - 0.0345 * 15 + 0.0338 * 38 + 0.0234 * 40)
    found = derive_fire.forest_fire_danger_index(array(38 + ZERO), array(0.15), array(40 / 3.6))
    assert found[0] == pytest.approx(expected, rel=1e-4)
    assert derive_fire.angstrom_index(array(27 + ZERO), array(0.4))[0] == pytest.approx(2, abs=1e-4)
    moisture = derive_fire.sharples_fuel_moisture_index(array(30 + ZERO), array(0.2))
    assert moisture[0] == pytest.approx(7.5, abs=1e-4)
    assert derive_fire.sharples_fire_danger_index(array(30 / 3.6), moisture)[0] == pytest.approx(4, rel=1e-4)
    fuel = derive_fire.dead_fuel_moisture(array(0, 2000))
    np.testing.assert_allclose(fuel, [0.5834, (5.43 + 52.91 * np.exp(-1.28)) / 100], rtol=1e-4)
    # Schroeder (1969) at 35 degC and 4 %: heat of ignition 167.1 cal/g, 72.5 % of firebrands kindle
    likely = derive_fire.ignition_probability(array(308.15, 308.15, 308.15), array(0.04, 0.09, 0.15))
    assert (np.diff(likely) < 0).all()
    assert likely[0] == pytest.approx(0.725, abs=0.005)
    flags = derive_fire.red_flag_conditions(array(0.15, 0.3, 0.15), array(8, 8, 8), array(295, 295, 270))
    np.testing.assert_array_equal(flags, [1, 0, 0])


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 101, width=32), st.floats(-10, 45, width=32), st.floats(1, 95, width=32), st.floats(0, 60, width=32)
)
def test_rain_and_humidity_never_dry_the_fuel(code: float, celsius: float, percent: float, rain: float) -> None:
    wind = array(10)
    dry = derive_fire_codes.step_fine_fuel(array(code), array(celsius), array(percent), wind, array(0))
    wet = derive_fire_codes.step_fine_fuel(array(code), array(celsius), array(percent), wind, array(rain))
    damp = derive_fire_codes.step_fine_fuel(array(code), array(celsius), array(percent + 5), wind, array(0))
    assert wet[0] <= dry[0] + 0.01
    assert damp[0] <= dry[0] + 0.05
    assert 0 <= dry[0] <= 101
    saturation = thermo.saturation_vapour_pressure(array(celsius + ZERO))
    assert derive_fire.dead_fuel_moisture(saturation)[0] <= derive_fire.dead_fuel_moisture(saturation / 2)[0]
