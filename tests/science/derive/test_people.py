"""What weather does to people, against thermofeel, pythermalcomfort and published tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science.derive import comfort as derive_comfort
from pipeline.science.derive import people as derive_people
from pipeline.science.derive import thermo
from tests.science.referee import agrees

Array = NDArray[np.float32]
ZERO = 273.15
PLACES = 3000


def array(*values: float) -> Array:
    return np.array(values, np.float32)


@pytest.fixture(scope="module")
def weather() -> dict[str, Array]:
    """Anything within what the indices are made for."""
    rng = np.random.default_rng(21)
    celsius = rng.uniform(-40, 45, PLACES)
    dew_point = np.minimum(celsius - rng.gamma(1.5, 5, PLACES), 28)
    cosine = np.maximum(rng.uniform(-0.5, 1, PLACES), 0)
    sun = 1000 * cosine * rng.uniform(0.3, 1, PLACES)
    fields = {
        "t": celsius + ZERO,
        "td": dew_point + ZERO,
        "wind": rng.uniform(0.5, 17, PLACES),
        "cosine": cosine,
        "global": sun,
        "diffuse": sun * rng.uniform(0.15, 1, PLACES),
        "down": 5.67e-8 * (celsius + ZERO - rng.uniform(2, 25, PLACES)) ** 4,
        "up": 5.67e-8 * (celsius + ZERO + rng.uniform(-3, 12, PLACES)) ** 4,
        "albedo": rng.uniform(0.1, 0.8, PLACES),
    }
    return {name: values.astype(np.float32) for name, values in fields.items()}


def beam(w: dict[str, Array]) -> Array:
    return np.where(w["cosine"] > 0.05, (w["global"] - w["diffuse"]) / np.maximum(w["cosine"], 0.05), 0)


def radiant(w: dict[str, Array]) -> Array:
    return derive_people.mean_radiant_temperature(
        w["down"], w["up"], w["diffuse"], w["albedo"] * w["global"], beam(w), w["cosine"]
    )


def test_thermofeel_agrees_on_radiation(weather: dict[str, Array]) -> None:
    thermofeel = pytest.importorskip("thermofeel")
    w = {name: values.astype(np.float64) for name, values in weather.items()}
    expected = thermofeel.calculate_mean_radiant_temperature(
        w["global"], (1 - w["albedo"]) * w["global"], beam(w), w["down"], w["global"] - w["diffuse"],
        w["down"] - w["up"], w["cosine"],
    )  # fmt: skip
    found = radiant(weather)
    # thermofeel's Stefan-Boltzmann constant has three digits
    agrees("mean_radiant_temperature", found, expected, by="thermofeel", atol=0.03)
    globe = derive_people.globe_temperature(weather["t"], found, weather["wind"])
    expected = thermofeel.calculate_bgt(w["t"], found.astype(np.float64), w["wind"])
    agrees("globe_temperature", globe, expected, by="thermofeel", atol=0.01)


def test_two_libraries_agree_on_the_universal_index(weather: dict[str, Array]) -> None:
    thermofeel = pytest.importorskip("thermofeel")
    t, wind = weather["t"], weather["wind"]
    mean = np.clip(radiant(weather), t - 29.9, t + 69.9)
    vapour = thermo.saturation_vapour_pressure(weather["td"])
    found = derive_people.universal_thermal_climate_index(t, wind, mean, vapour)
    wide = [field.astype(np.float64) for field in (t, wind, mean, vapour)]
    expected = thermofeel.calculate_utci(t2_k=wide[0], va=wide[1], mrt=wide[2], ehPa=wide[3] / 100)
    agrees("universal_thermal_climate_index", found, expected, by="thermofeel", atol=0.02)
    models = pytest.importorskip("pythermalcomfort.models")
    few = slice(0, 300)
    humidity = np.clip(100 * vapour / thermo.saturation_vapour_pressure(t), 0, 100)
    theirs = models.utci(
        tdb=wide[0][few] - ZERO, tr=wide[2][few] - ZERO, v=wide[1][few], rh=humidity[few].astype(float),
        limit_inputs=False, round_output=False,
    ).utci  # fmt: skip
    name = "universal_thermal_climate_index"
    agrees(name, found[few] - ZERO, theirs, by="pythermalcomfort", atol=0.1)  # its saturation pressure is another
    category = derive_people.thermal_stress_category(
        array(*(ZERO + c for c in (-41, -30, -20, -5, 5, 20, 30, 35, 40, 50)))
    )
    np.testing.assert_array_equal(category, np.arange(10))


def test_thermofeel_agrees_on_simple_indices(weather: dict[str, Array]) -> None:
    thermofeel = pytest.importorskip("thermofeel")
    t, wind = weather["t"], weather["wind"]
    humidity = np.clip(thermo.saturation_vapour_pressure(weather["td"]) / thermo.saturation_vapour_pressure(t), 0, 1)
    net = derive_people.normal_effective_temperature(t, humidity, wind)
    percent = 100 * humidity.astype(np.float64)
    expected = thermofeel.calculate_normal_effective_temperature(t.astype(np.float64), wind.astype(np.float64), percent)
    agrees("normal_effective_temperature", net, expected, by="thermofeel", atol=0.01)
    simmer = derive_people.summer_simmer_index(t, humidity)
    warm = t > ZERO + 22
    expected = thermofeel.calculate_summer_simmer_index(t.astype(np.float64), percent)
    agrees("summer_simmer_index", simmer[warm], expected[warm], by="thermofeel", atol=0.01)
    np.testing.assert_array_equal(simmer[~warm], t[~warm])
    strain = derive_people.relative_strain_index(t, thermo.saturation_vapour_pressure(weather["td"]))
    expected = thermofeel.calculate_relative_strain_index(t.astype(np.float64), percent)
    hot = (t > ZERO + 21) & (weather["td"] < ZERO + 27)
    agrees("relative_strain_index", strain[hot], expected[hot], by="thermofeel", rtol=0.01)


def test_wet_bulb_globe_temperatures_of_iso_7243() -> None:
    t, wet, globe = array(30 + ZERO), array(24 + ZERO), array(45 + ZERO)
    sun = derive_people.wet_bulb_globe_temperature_iso7243(wet, globe, t)
    assert sun[0] - ZERO == pytest.approx(28.8, abs=1e-3)
    assert derive_people.wet_bulb_globe_temperature_shade(wet, t)[0] - ZERO == pytest.approx(25.8, abs=1e-3)
    flags = derive_people.heat_flag(array(*(ZERO + (f - 32) / 1.8 for f in (77, 79, 83, 86, 89, 91))))
    np.testing.assert_array_equal(flags, range(6))
    models = pytest.importorskip("pythermalcomfort.models")
    assert sun[0] - ZERO == pytest.approx(models.wbgt(twb=24, tg=45, tdb=30, with_solar_load=True).wbgt, abs=0.05)
    # Foster et al. (2021), table: some 50 % of capacity is left at 45.3 degC
    assert derive_people.work_capacity(array(45.33 + ZERO))[0] == pytest.approx(0.5, abs=1e-4)
    assert derive_people.work_capacity(array(35 + ZERO))[0] == pytest.approx(1 / (1 + (45.33 / 35) ** -4.30), rel=1e-4)


def test_heat_categories_of_the_weather_service() -> None:
    found = derive_people.heat_index_category(array(*(ZERO + (f - 32) / 1.8 for f in (79, 81, 91, 104, 126))))
    np.testing.assert_array_equal(found, range(5))


@pytest.mark.parametrize(
    ("celsius", "kmh", "chill", "least", "most"),
    [
        (-20, 30, -33, 10, 30),
        (-25, 40, -41, 5, 10),
        (-30, 30, -45, 5, 10),
        (-40, 40, -61, 2, 5),
        (-45, 60, -71, 2, 2.5),
    ],
)
def test_frostbite_of_the_canadian_hazard_table(
    celsius: float, kmh: float, chill: float, least: float, most: float
) -> None:
    """Environment Canada: wind chill -28 to -39 freezes skin in 10 to 30 minutes, -40 to -47 in 5 to 10, and so on."""
    assert derive_comfort.wind_chill(array(celsius + ZERO), array(kmh / 3.6))[0] - ZERO == pytest.approx(chill, abs=1)
    minutes = derive_people.frostbite_time(array(celsius + ZERO), array(kmh / 3.6))[0] / 60
    assert least <= minutes <= most
    exact = (-24.5 * (0.667 * kmh + 4.8) + 2111) * (-4.8 - celsius) ** -1.668
    assert minutes == pytest.approx(max(exact, 2), rel=1e-3)


def test_clothing_of_a_walker() -> None:
    # Burton and Edholm: I = (33 - T) / (0.155 H) - 1 / (0.61 + 1.9 sqrt v) in clo
    clo = derive_people.clothing_insulation(array(ZERO), array(1.0))[0] / 0.155
    assert clo == pytest.approx(33 / (0.155 * 87) - 1 / (0.61 + 1.9), rel=1e-4)
    assert derive_people.clothing_insulation(array(ZERO + 40), array(1.0))[0] == 0


CELSIUS = st.floats(-50, 50, width=32)
WIND = st.floats(0, 30, width=32)


@settings(max_examples=80, deadline=None)
@given(CELSIUS, CELSIUS, WIND)
def test_the_globe_is_between_air_and_surroundings(air: float, around: float, wind: float) -> None:
    found = derive_people.globe_temperature(array(air + ZERO), array(around + ZERO), array(wind))[0] - ZERO
    assert min(air, around) - 0.02 <= found <= max(air, around) + 0.02


@settings(max_examples=80, deadline=None)
@given(st.integers(-15, 45), WIND, st.floats(0, 600, width=32), st.floats(0, 400, width=32))  # colder it turns over
def test_more_radiation_warms(air: float, wind: float, diffuse: float, more: float) -> None:
    base = array(5.67e-8 * (air + ZERO) ** 4)
    mean = [
        derive_people.mean_radiant_temperature(base, base, array(sun), array(0), array(0), array(0.5))
        for sun in (diffuse, diffuse + more)
    ]
    assert mean[1][0] >= mean[0][0]
    vapour = array(500)
    index = [derive_people.universal_thermal_climate_index(array(air + ZERO), array(wind), m, vapour)[0] for m in mean]
    assert index[1] >= index[0] - 0.3  # the polynomial is not quite monotonic
