"""Derived parameters: the chain as a whole, bounds, missing values, MetPy and published tables as referees."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science.derive import aviation as derive_aviation
from pipeline.science.derive import comfort as derive_comfort
from pipeline.science.derive import fire as derive_fire
from pipeline.science.derive import gradients as derive_gradients
from pipeline.science.derive import humidity as derive_humidity
from pipeline.science.derive import isotherms as derive_isotherms
from pipeline.science.derive import land as derive_land
from pipeline.science.derive import marine as derive_marine
from pipeline.science.derive import past as derive_past
from pipeline.science.derive import thermo
from pipeline.science.derive import upper as derive_upper
from pipeline.science.derive import weather as derive_weather
from pipeline.science.derive import wind as derive_wind
from pipeline.science.derive.catalogue import FORMULAS, derive, possible
from tests.science.referee import agrees

Array = NDArray[np.float32]
ZERO = 273.15
STEPS = {
    "cosine_of_zenith", "local_noon", "eastward_deep_shear", "northward_deep_shear", "eastward_mean_wind_0_500m",
    "northward_mean_wind_0_500m", "storm_depth_shear", "temperature_3000m", "diffuse_fraction", "lifted_index_925hpa",
    "contrail_threshold_temperature_250hpa", "condensation_temperature_2m", "density_speed_factor",
    "growing_season_begins", "chill_season_begins", "snow_season_begins", "pressure_velocity_at_ground",
    "phase_energies",
}  # fmt: skip
"""Formulas that only others need; nobody asks for their values."""


def array(*values: float) -> Array:
    return np.array(values, np.float32)


def anything(leads: int = 30, places: int = 500) -> dict[str, Array]:
    """Every blended parameter anywhere within its bounds, however senseless together."""
    rng = np.random.default_rng(6)
    shape = (leads, places)
    fields = {
        name: np.float32(row.minimum) + np.float32(row.maximum - row.minimum) * rng.random(shape, np.float32)
        for name, row in parameters.blended().items()
    }
    fields["toa_incoming_shortwave_flux"] = np.clip(rng.normal(0, 600, shape), 0, 1400).astype(np.float32)
    fields["latitude"] = rng.uniform(-90, 90, places).astype(np.float32)
    fields["day_of_year"] = np.broadcast_to((200 + np.arange(leads, dtype=np.float32) / 24)[:, None], shape).copy()
    return fields | turning(rng, shape)


def turning(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, Array]:
    """What follows from neighbours, anywhere within its bounds."""
    rows = {name: parameters.derived()[name] for name in derive_gradients.NAMES}
    return {name: rng.uniform(row.minimum, row.maximum, shape).astype(np.float32) for name, row in rows.items()}


def test_every_row_has_a_formula_and_every_formula_a_row() -> None:
    rows, blended = set(parameters.derived()), set(parameters.blended())
    given = {"toa_incoming_shortwave_flux", "surface_altitude", "latitude", "day_of_year", *derive_gradients.NAMES}
    assert set(FORMULAS) - rows == {"surface_altitude", *STEPS}  # a field of the ground, not of the forecast
    assert rows - set(FORMULAS) == {"toa_incoming_shortwave_flux", *derive_gradients.NAMES}
    assert not rows & blended
    assert len(rows) + len(blended) >= 350
    known = blended | given
    for name, formula in FORMULAS.items():
        assert known.issuperset(formula.inputs), f"{name} needs {set(formula.inputs) - known} before it"
        known.add(name)


def test_every_row_is_whole() -> None:
    for row in parameters.derived().values():
        assert row.minimum < row.maximum
        assert 0 < row.precision < row.maximum - row.minimum
        assert row.source
        assert row.long_name
        assert row.units
        assert not row.thresholds, "distributions are of what is blended"
        assert not row.probabilistic


def test_finite_in_finite_out_within_bounds_and_without_a_warning() -> None:
    fields = anything()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = derive(fields)
    assert set(found) == set(parameters.derived())
    for name, row in parameters.derived().items():
        assert found[name].dtype == np.float32
        assert found[name].shape == (30, 500)
        assert np.isfinite(found[name]).all(), name
        assert found[name].min() >= np.float32(row.minimum), name
        assert found[name].max() <= np.float32(row.maximum), name


def test_the_corners_of_the_bounds_are_finite_too() -> None:
    rng = np.random.default_rng(8)
    fields = {}
    fields["latitude"] = np.linspace(-90, 90, 4000).astype(np.float32)
    fields["day_of_year"] = np.full((6, 4000), 366.9, np.float32)
    fields |= turning(rng, (6, 4000))
    for name, row in parameters.blended().items():
        corners = [row.minimum, row.maximum, min(max(0.0, row.minimum), row.maximum)]
        fields[name] = rng.choice(corners, (6, 4000)).astype(np.float32)
    for flux, altitude in ((0.0, 0.0), (1e-6, 8000.0), (1400.0, -400.0)):
        fields["toa_incoming_shortwave_flux"] = np.full((6, 4000), flux, np.float32)
        fields["surface_altitude"] = np.full(4000, altitude, np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, values in derive(fields).items():
                assert np.isfinite(values).all(), name


def test_what_cannot_be_derived_is_absent() -> None:
    fields = {name: values for name, values in anything(2, 3).items() if name.endswith("_2m")}
    found = derive(fields)
    assert "relative_humidity_2m" in found
    assert "wet_bulb_temperature_2m" not in found
    assert set(found) == set(possible(fields))
    sun = derive({"toa_incoming_shortwave_flux": np.ones((2, 3), np.float32)})
    assert list(sun) == possible(sun) == ["toa_incoming_shortwave_flux", "solar_elevation"]
    assert derive({}) == {}


def test_missing_in_is_missing_out() -> None:
    fields = anything(4, 6)
    for name in fields:
        fields[name][..., 2] = np.nan
    fields["significant_wave_height"][:, 4] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = derive(fields)
    for name, values in found.items():
        assert np.isnan(values[:, 2]).all(), name
        assert np.isfinite(np.delete(values, (2, 4), axis=1)).all(), name
    assert np.isnan(found["sea_state"][:, 4]).all()
    assert np.isfinite(found["beaufort_wind_force"][:, 4]).all()


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.science.derive.catalogue.BLOCK", 32768)
    fields = anything(30, 1500)
    whole, part = derive(fields), derive({name: values[..., 1090:1100] for name, values in fields.items()})
    for name in whole:
        np.testing.assert_array_equal(whole[name][:, 1090:1100], part[name], err_msg=name)


def test_memory_of_an_earlier_call_is_used_again() -> None:
    fields = anything(5, 300)
    fresh = derive(fields)
    spare = derive(anything(5, 300) | {"temperature_2m": np.full((5, 300), 280, np.float32)})
    spare["beaufort_wind_force"] = spare["beaufort_wind_force"][:, :7]  # of another shape: left alone
    again = derive(fields, spare)
    for name, values in fresh.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)
    assert again["heat_index"] is spare["heat_index"]
    assert again["beaufort_wind_force"].shape == (5, 300)


@pytest.fixture(scope="module")
def referee(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NDArray[np.float64]]:
    pytest.importorskip("importlib.metadata").version("MetPy")
    folder = tmp_path_factory.mktemp("metpy")
    rng = np.random.default_rng(7)
    temperature = rng.uniform(233, 318, 2000)
    given = {
        "temperature": temperature,
        "dew_point": np.maximum(temperature - rng.gamma(1.5, 6, 2000), 205),
        "pressure": rng.uniform(60000, 105000, 2000),
        "wind": rng.uniform(0.1, 30, 2000),
    }
    np.savez(folder / "in.npz", **given)
    script = Path(__file__).with_name("metpy_referee.py")
    subprocess.run([sys.executable, script, folder / "in.npz", folder / "out.npz"], check=True)
    return {f"given_{k}": v.astype(np.float32) for k, v in given.items()} | dict(np.load(folder / "out.npz"))


def test_metpy_agrees(referee: dict[str, NDArray[np.float64]]) -> None:
    t, td, p, v = (referee[f"given_{name}"] for name in ("temperature", "dew_point", "pressure", "wind"))
    vapour = derive_humidity.vapour_pressure_2m(td)
    humidity = derive_humidity.relative_humidity_2m(t, vapour)
    ratio = derive_humidity.humidity_mixing_ratio_2m(vapour, p)
    virtual = derive_humidity.virtual_temperature_2m(t, ratio)
    equivalent = thermo.equivalent_potential(t, td, p)
    low = thermo.equivalent_potential(t, td, 85000.0)
    few = slice(0, 40)
    table = (
        ("vapour_pressure_2m", "saturation", thermo.saturation_vapour_pressure(t), 0.001, 0),
        ("relative_humidity_2m", "humidity", humidity, 0.001, 0),
        ("dew_point_temperature_850hpa", "dew_point", thermo.dew_point(t, humidity), 0, 0.4),  # MetPy: Bolton's inverse
        ("humidity_mixing_ratio_2m", "ratio", ratio, 0.002, 0),
        ("air_density_2m", "density", derive_humidity.air_density_2m(virtual, p), 1e-4, 0),
        ("virtual_temperature_2m", "virtual", virtual, 0, 0.02),
        ("potential_temperature_2m", "potential", derive_humidity.potential_temperature_2m(t, p), 0, 0.01),
        ("equivalent_potential_temperature_2m", "equivalent", equivalent, 0.001, 0),
        ("wet_bulb_potential_temperature_850hpa", "wet_bulb_potential", thermo.wet_bulb_potential(low), 0, 0.05),
        ("wet_bulb_temperature_2m", "wet_bulb", thermo.wet_bulb(t, vapour, p)[few], 0, 0.6),  # its is adiabatic
        ("lifted_index", "lifted", thermo.lifted(t, td, p, 50000.0)[few], 0, 0.8),  # its pseudoadiabat is integrated
        ("condensation_temperature_2m", "condensation", thermo.condensation_temperature(t, td), 0, 0.4),
        ("wind_from_direction_10m", "direction", thermo.wind_from(v, v[::-1]), 0, 0.01),
    )
    for name, theirs, found, relative, absolute in table:
        agrees(name, found, referee[theirs], by="MetPy", rtol=relative, atol=absolute)
    np.testing.assert_allclose(thermo.dew_point(t, humidity), td, atol=0.005)
    cold = (t < ZERO + 9.9) & (v > 1.4)
    chill = np.minimum(referee["chill"], t)
    agrees("wind_chill", derive_comfort.wind_chill(t, v)[cold], chill[cold], by="MetPy", atol=0.01)
    warm = t > ZERO + 5
    apart = np.abs(derive_comfort.heat_index(t, humidity) - referee["heat_index"])[warm]
    assert np.quantile(apart, 0.98) < 0.05
    assert apart.max() < 1.0  # where one has already switched to the full regression


def test_wet_bulb_solves_the_psychrometric_equation() -> None:
    t, depression = np.meshgrid(np.linspace(190, 325, 80), np.linspace(0, 60, 40))
    temperature = t.astype(np.float32)
    vapour = thermo.saturation_vapour_pressure((t - depression).astype(np.float32))
    for pressure in (50000.0, 101325.0):
        found = thermo.wet_bulb(temperature, vapour, pressure).astype(np.float64)
        finer = found + 0.005
        assert (_psychrometer(found - 0.005, t, vapour, pressure) <= 0).all()
        assert (_psychrometer(finer, t, vapour, pressure) >= 0).all()


def _psychrometer(
    wet: NDArray[np.float64], dry: NDArray[np.float64], vapour: NDArray[np.floating], pressure: float
) -> NDArray[np.float64]:
    constant = 6.53e-4 * (1 + 9.44e-4 * (wet - ZERO)) * pressure
    return thermo.saturation_vapour_pressure(wet) - constant * (dry - wet) - vapour


def test_saturated_parcel_keeps_its_equivalent_potential_temperature() -> None:
    temperature = np.linspace(215, 290, 60).astype(np.float32)
    equivalent = thermo.equivalent_potential(temperature, temperature, 50000.0)
    np.testing.assert_allclose(thermo.saturated_parcel(equivalent, 50000.0), temperature, atol=0.02)


@pytest.mark.parametrize(
    ("fahrenheit", "percent", "expected"),
    [(80, 40, 80), (86, 90, 105), (90, 60, 100), (94, 75, 124), (100, 40, 109), (110, 40, 136), (104, 55, 137)],
)
def test_heat_index_of_the_weather_service_table(fahrenheit: float, percent: float, expected: float) -> None:
    found = derive_comfort.heat_index(array((fahrenheit - 32) / 1.8 + ZERO), array(percent / 100))
    assert (found[0] - ZERO) * 1.8 + 32 == pytest.approx(expected, abs=1.1)


@pytest.mark.parametrize(
    ("celsius", "kmh", "expected"), [(0, 20, -5.2), (-10, 30, -19.5), (-25, 50, -42.1), (-40, 10, -51.1), (5, 60, -1.8)]
)
def test_wind_chill_of_the_canadian_table(celsius: float, kmh: float, expected: float) -> None:
    found = derive_comfort.wind_chill(array(celsius + ZERO), array(kmh / 3.6))
    assert found[0] - ZERO == pytest.approx(expected, abs=0.6)


def test_comfort_of_published_examples() -> None:
    vapour = thermo.saturation_vapour_pressure(array(15 + ZERO))
    assert derive_comfort.humidex(array(30 + ZERO), vapour)[0] - ZERO == pytest.approx(34, abs=0.5)  # Canadian table
    at = derive_comfort.apparent_temperature(array(25 + ZERO), array(1500), array(3))
    assert at[0] - ZERO == pytest.approx(25 + 0.33 * 15 - 2.1 - 4, abs=0.01)
    hot = derive_comfort.wet_bulb_globe_temperature(array(35 + ZERO), array(0.5), array(2), array(800))
    assert 30 < hot[0] - ZERO < 34


def test_wind_of_published_tables() -> None:
    force = derive_wind.beaufort_wind_force(array(0.2, 0.3, 5.4, 5.5, 17.1, 17.2, 32.6, 32.7))
    np.testing.assert_array_equal(force, [0, 1, 3, 4, 7, 8, 11, 12])
    direction = thermo.wind_from(array(0, 0, -5, 5, 0), array(0, -5, 0, 5, 5))
    np.testing.assert_allclose(direction, [0, 0, 90, 225, 180], atol=1e-4)
    alpha = derive_wind.wind_profile_exponent(array(5, 0.5), array(5 * 10**0.2, 3))
    np.testing.assert_allclose(alpha, [0.2, 1 / 7], rtol=1e-5)
    power = derive_wind.wind_turbine_capacity_factor(array(2, 12.6, 26), array(1.2386, 1.2386, 1.2386))
    np.testing.assert_allclose(power, [0, 1, 0], atol=1e-3)


def test_standard_atmosphere() -> None:
    altitude = derive_humidity.surface_altitude(array(288.15 - 6.5), array(89874.6), array(101325))
    assert altitude[0] == pytest.approx(1000, abs=2)
    assert derive_humidity.density_altitude(array(1.225, 1.11164)) == pytest.approx([0, 1000], abs=2)
    assert derive_humidity.lifting_condensation_level(array(300), array(290))[0] == pytest.approx(1250, abs=40)


def test_stability_of_a_worked_sounding() -> None:
    t8, t7, t5 = array(17 + ZERO), array(7 + ZERO), array(-10.5 + ZERO)
    d8, d7 = array(14 + ZERO), array(1 + ZERO)
    assert derive_upper.k_index(t8, t5, d8, t7, d7)[0] == pytest.approx(17 + 10.5 + 14 - 6, abs=1e-3)
    totals = derive_upper.total_totals_index(t8, t5, d8)
    assert totals[0] == pytest.approx(52, abs=1e-3)
    sweat = derive_upper.sweat_index(d8, totals, array(15), array(25), array(180), array(240))
    expected = 12 * 14 + 20 * 3 + 2 * 15 * 1.943844 + 25 * 1.943844 + 125 * (np.sin(np.deg2rad(60)) + 0.2)
    assert sweat[0] == pytest.approx(expected, abs=0.1)
    assert derive_fire.haines_index_middle(t8, t7, t8 - array(5 + ZERO))[0] == 4


def test_freezing_level_is_the_highest_crossing_above_ground() -> None:
    heights = [array(z, z) for z in (0, 750, 1500, 3000, 5600, 10500)]
    temperatures = [array(a, b) for a, b in ((-2, -2), (4, -3), (2, -4), (-7, -9), (-20, -20), (-50, -50))]
    profile = [*heights, *(t + np.float32(ZERO) for t in temperatures)]
    found = derive_isotherms.freezing_level_altitude(*profile)
    np.testing.assert_allclose(found, [1500 + 1500 * 2 / 9, 0], atol=0.2)
    high = [array(1800, 1800), *profile[1:]]
    np.testing.assert_allclose(derive_isotherms.freezing_level_altitude(*high), [1800, 1800], atol=0.5)


def test_pressure_tendency_and_sums_over_the_past() -> None:
    pressure = (np.arange(6, dtype=np.float32) ** 2)[:, None] * 10 + 100000
    np.testing.assert_allclose(derive_past.pressure_tendency_3h(pressure)[:, 0], [30, 30, 60, 90, 150, 210])
    assert derive_past.pressure_tendency_3h(pressure[:1])[0, 0] == 0
    rain = np.arange(1, 7, dtype=np.float32)[:, None]
    np.testing.assert_allclose(derive_past.precipitation_3h(rain)[:, 0], [1, 3, 6, 9, 12, 15])
    np.testing.assert_allclose(derive_past.precipitation_24h(rain)[:, 0], np.cumsum(rain[:, 0]))


def test_sky_and_aviation() -> None:
    index = derive_weather.clear_sky_index(array(0, 600, 150), array(0, 750, 750))
    np.testing.assert_allclose(index, [0, 0.8, 0.2], rtol=1e-6)
    seconds = derive_weather.sunshine_duration(array(1, 0.3, 1), array(900, 900, 10))
    np.testing.assert_allclose(seconds, [3600, 0, 0])
    category = derive_aviation.flight_category(array(20000, 800, 600, 100), array(20000, 20000, 2000, 9000))
    np.testing.assert_array_equal(category, [0, 1, 2, 3])
    ceiling = derive_weather.cloud_ceiling(array(500, 500, 500), array(0.9, 0.1, 0), array(0, 0.8, 0), array(1, 1, 0))
    np.testing.assert_array_equal(ceiling, [500, 3500, 20000])
    code = derive_weather.weather_code(
        array(0, 1, 1, 1, 1), array(0, 0, 3, 1, 9), array(0, 0, 1, 5, 1), array(0, 0.7, 0, 0, 0), array(0, 0, 0, 0, 1)
    )
    np.testing.assert_array_equal(code, [0, 45, 63, 73, 95])


def test_evapotranspiration_of_the_fao_example() -> None:
    # FAO-56 example 19 (N'Diaye, Senegal): 0.63 mm/h at 14-15 h, <0.01 at 2-3 h. Net radiation 1.749 and -0.100 MJ.
    temperature, deficit = array(38 + ZERO, 28 + ZERO), array(3180, 380)
    for hour, (shortwave, net, wind, expected) in enumerate(((680.6, 1.749, 3.3, 0.63), (0.0, -0.100, 1.9, 0.0))):
        t = temperature[hour : hour + 1]
        longwave = net / 0.0036 - 0.77 * shortwave + thermo.STEFAN_BOLTZMANN * float(t[0]) ** 4
        found = derive_land.reference_evapotranspiration(
            t, deficit[hour : hour + 1], array(wind / 0.748), array(101300), array(shortwave), array(longwave)
        )
        assert found[0] == pytest.approx(expected, abs=0.02)


def test_albedo_knows_land_sea_snow_and_ice() -> None:
    air = array(280, 280, 280, 280)
    land, snow, ice = array(1, 1, 0, 0), array(0, 0.2, 5, np.nan), array(np.nan, 1, 0, 1)
    np.testing.assert_allclose(derive_land.surface_albedo(air, land, snow, ice), [0.2, 0.7, 0.07, 0.6], rtol=1e-6)
    np.testing.assert_allclose(derive_land.surface_albedo(air), 0.2)


def test_fire_and_degree_hours() -> None:
    moisture = derive_land.fine_fuel_moisture(array(310.93), array(0.05))  # 100 degF, 5 %
    assert moisture[0] == pytest.approx(0.01 * (0.03229 + 0.281073 * 5 - 0.000578 * 5 * 100), abs=1e-4)
    assert derive_land.fosberg_fire_weather_index(array(0.0), array(13.41))[0] == pytest.approx(100, abs=0.5)
    np.testing.assert_allclose(derive_land.heating_degree(array(ZERO + 6, ZERO + 20)), [0.5, 0], atol=1e-5)
    np.testing.assert_array_equal(derive_land.chill_hour(array(ZERO - 1, ZERO + 3, ZERO + 8)), [0, 1, 0])


def test_sea() -> None:
    np.testing.assert_array_equal(derive_marine.sea_state(array(0, 0.1, 0.3, 2.5, 2.6, 15)), [0, 1, 2, 4, 5, 9])
    assert derive_marine.wave_length(array(10))[0] == pytest.approx(156.1, abs=0.1)
    assert derive_marine.maximum_wave_height(array(4), array(8))[0] == pytest.approx(4 * 1.748, abs=0.02)
    assert derive_marine.wave_power(array(2), array(10))[0] == pytest.approx(0.49 * 4 * 9 * 1000, rel=0.02)
    ice = derive_marine.freezing_spray_predictor(array(ZERO - 10, ZERO + 5), array(15, 15), array(ZERO, ZERO + 8))
    np.testing.assert_allclose(ice, [15 * 8.3 / (1 + 0.3 * 1.7), 0], rtol=1e-3)
