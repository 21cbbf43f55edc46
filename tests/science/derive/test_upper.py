"""Levels, layers, stability and storms against MetPy, by worked examples and by what physics demands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science.derive import humidity as derive_humidity
from pipeline.science.derive import isotherms as derive_isotherms
from pipeline.science.derive import levels as derive_levels
from pipeline.science.derive import stability as derive_stability
from pipeline.science.derive import storms as derive_storms
from pipeline.science.derive import thermo
from pipeline.science.derive import upper as derive_upper
from pipeline.science.derive.catalogue import FORMULAS
from tests.science.referee import agrees

Array = NDArray[np.float32]
Referee = dict[str, NDArray[np.float64]]
ZERO = 273.15
COLUMNS = 30


def array(*values: float) -> Array:
    return np.array(values, np.float32)


def profiles() -> Referee:
    """Plausible columns from the ground up: the ground, then 925 to 250 hPa."""
    rng = np.random.default_rng(11)
    pressure = np.repeat(np.array([99000.0, 92500, 85000, 70000, 50000, 25000])[:, None], COLUMNS, 1)
    pressure[0] += rng.uniform(-3000, 4000, COLUMNS)
    warm, lapse = rng.uniform(285, 305, COLUMNS), rng.uniform(5.5, 7.5, COLUMNS)
    height = np.array([0.0, 750, 1500, 3050, 5700, 10600])[:, None] + rng.uniform(-30, 30, (6, COLUMNS))
    height[0] = rng.uniform(0, 300, COLUMNS)
    temperature = warm - lapse * height / 1000 + rng.normal(0, 0.5, (6, COLUMNS))
    return {
        "pressure": pressure,
        "height": height,
        "temperature": temperature,
        "dew_point": temperature - rng.gamma(2, 3, (6, COLUMNS)) - 0.1,
        "eastward": np.linspace(0, 30, 6)[:, None] + rng.normal(0, 5, (6, COLUMNS)),
        "northward": np.linspace(5, 0, 6)[:, None] + rng.normal(0, 5, (6, COLUMNS)),
        "cape": rng.uniform(0, 4000, COLUMNS),
        "helicity": rng.uniform(-100, 400, COLUMNS),
        "shear": rng.uniform(5, 35, COLUMNS),
        "cloud": rng.uniform(500, 2500, COLUMNS),
    }


@pytest.fixture(scope="module")
def referee(tmp_path_factory: pytest.TempPathFactory) -> Referee:
    pytest.importorskip("importlib.metadata").version("MetPy")
    folder = tmp_path_factory.mktemp("metpy")
    given_ = profiles()
    np.savez(folder / "in.npz", **given_)
    script = Path(__file__).with_name("metpy_referee_upper.py")
    subprocess.run([sys.executable, script, folder / "in.npz", folder / "out.npz"], check=True)
    return {f"given_{name}": values for name, values in given_.items()} | dict(np.load(folder / "out.npz"))


def test_metpy_agrees_on_levels(referee: Referee) -> None:
    t, td, p = (referee[f"given_{name}"].astype(np.float32) for name in ("temperature", "dew_point", "pressure"))
    vapour = thermo.saturation_vapour_pressure(td)
    ratio = derive_humidity.humidity_mixing_ratio_2m(vapour, p)
    virtual = derive_humidity.virtual_temperature_2m(t, ratio)
    equivalent = thermo.equivalent_potential(t, td, p)
    level = np.concatenate([
        derive_levels.specific_humidity_at(td[k : k + 1], pressure=100.0 * hpa)
        for k, hpa in enumerate((990, 925, 850, 700, 500, 250))
    ])  # fmt: skip
    lifted = derive_humidity.lifting_condensation_pressure(thermo.condensation_temperature(t, td), t, p)
    table = (
        ("vapour_pressure_850hpa", "vapour", derive_levels.vapour_pressure_at(td), 0.001, 0),
        ("virtual_potential_temperature_2m", "theta_v", derive_humidity.virtual_potential_temperature_2m(virtual, p),
         0, 0.03),
        ("wet_bulb_potential_temperature_2m", "theta_w", derive_humidity.wet_bulb_potential_temperature_2m(equivalent),
         0, 0.06),
        ("lifting_condensation_pressure", "condensation_pressure", lifted, 0.006, 0),  # against an iterated temperature
        ("ice_saturation", "ice", thermo.ice_saturation(t), 0.015, 0),  # Murphy and Koop against Ambaum
        ("pressure_altitude", "standard_height", derive_humidity.pressure_altitude(p), 0.0006, 0.1),
        ("upward_air_velocity_700hpa", "rising",
         derive_levels.upward_air_velocity_700hpa(np.full_like(t, -2.0), t), 0.001, 0),
    )  # fmt: skip
    for name, theirs, found, relative, absolute in table:
        agrees(name, found, referee[theirs], by="MetPy", rtol=relative, atol=absolute)
    for k, hpa in enumerate((925, 850, 700, 500, 250), start=1):
        agrees(f"specific_humidity_{hpa}hpa", level[k], referee["specific_humidity"][k], by="MetPy", rtol=0.002)
        theta = derive_levels.potential_temperature_at(t[k], pressure=100.0 * hpa)
        agrees(f"potential_temperature_{hpa}hpa", theta, referee["theta"][k], by="MetPy", atol=0.01)
        wet = derive_levels.equivalent_potential_temperature_at(t[k], td[k], pressure=100.0 * hpa)
        agrees(f"equivalent_potential_temperature_{hpa}hpa", wet, referee["theta_e"][k], by="MetPy", rtol=0.001)
    altitude = np.full_like(p[0], 500)
    back = derive_humidity.altimeter_setting(referee["station_pressure"].astype(np.float32), altitude)
    agrees("altimeter_setting", back, p[0], by="MetPy", atol=40)  # Smithsonian's formula with its 0.3 hPa


def test_metpy_agrees_on_storms(referee: Referee) -> None:
    names = ("height", "eastward", "northward", "temperature")
    z, u, v, t = ([row[None] for row in referee[f"given_{name}"].astype(np.float32)] for name in names)
    storm = tuple(referee[f"right_{way}"].astype(np.float32)[None] for way in "uv")
    for depth in (1, 3):
        found = thermo.helicity(z, u, v, storm, 1000 * depth)
        agrees(f"storm_relative_helicity_0_{depth}km", found[0], referee[f"helicity_{depth}"], by="MetPy", atol=0.02)
        height = {1: derive_isotherms.wind_1000m, 3: derive_isotherms.wind_3000m}[depth]
        call = getattr(derive_storms, f"bulk_wind_shear_0_{depth}km")
        shear = call(u[0], v[0], height(*z, *u), height(*z, *v))
        theirs = referee[f"shear_{depth}"]  # between levels by the logarithm of pressure
        agrees(f"bulk_wind_shear_0_{depth}km", shear[0], theirs, by="MetPy", atol=0.35)
    mean = derive_isotherms.mean_wind_0_6km(*z, *u), derive_isotherms.mean_wind_0_6km(*z, *v)
    low = derive_isotherms.mean_wind_0_500m(*z, *u), derive_isotherms.mean_wind_0_500m(*z, *v)
    deep = (
        derive_isotherms.deep_shear(mean[0], low[0], *z, *u),
        derive_isotherms.deep_shear(mean[1], low[1], *z, *v),
    )
    length = derive_storms.storm_depth_shear(*deep)
    right = (
        derive_storms.eastward_motion_of_right_mover(mean[0], deep[1], length),
        derive_storms.northward_motion_of_right_mover(mean[1], deep[0], length),
    )
    left = (
        derive_storms.eastward_motion_of_left_mover(mean[0], deep[1], length),
        derive_storms.northward_motion_of_left_mover(mean[1], deep[0], length),
    )
    names = (("mean", "mean_wind_0_6km", mean), ("right", "motion_of_right_mover", right),
             ("left", "motion_of_left_mover", left))  # fmt: skip
    for name, ours, found in names:
        for way, long, part in zip("uv", ("eastward", "northward"), found, strict=True):  # MetPy weights by pressure
            agrees(f"{long}_{ours}", part[0], referee[f"{name}_{way}"], by="MetPy", atol=2.6)
    both = [np.subtract(a, b) for a, b in zip(right, left, strict=True)]
    np.testing.assert_allclose(np.hypot(*both), 15, rtol=1e-4)  # twice 7.5 m s-1 across the shear
    np.testing.assert_allclose(both[0] * deep[0] + both[1] * deep[1], 0, atol=0.01)
    cape, helicity, shear, cloud = (referee[f"given_{name}"] for name in ("cape", "helicity", "shear", "cloud"))
    supercell = derive_storms.supercell_composite_parameter(cape, helicity, shear)
    agrees("supercell_composite_parameter", supercell, referee["supercell"], by="MetPy", rtol=1e-5)
    tornado = derive_storms.significant_tornado_parameter(cape, cloud, helicity, shear)
    agrees("significant_tornado_parameter", tornado, referee["tornado"], by="MetPy", rtol=1e-5, atol=1e-6)
    vertical = derive_stability.vertical_totals_index(t[2], t[4])[0]
    agrees("vertical_totals_index", vertical, referee["vertical_totals"], by="MetPy", atol=0.01)
    td = referee["given_dew_point"].astype(np.float32)
    cross = derive_stability.cross_totals_index(td[2], t[4][0])
    agrees("cross_totals_index", cross, referee["cross_totals"], by="MetPy", atol=0.01)


def test_metpy_agrees_on_downdrafts_roughly(referee: Referee) -> None:
    p, t, td = (referee[f"given_{name}"].astype(np.float32) for name in ("pressure", "temperature", "dew_point"))
    aloft = thermo.equivalent_potential(t[3], td[3], 70000.0)
    found = derive_stability.downdraft_convective_available_potential_energy(t[0], p[0], t[1], t[2], t[3], aloft)
    least = thermo.equivalent_potential(t[4], td[4], 50000.0) > aloft  # MetPy's comes from the least of 700 to 500
    assert least.sum() > 5
    dcape = "downdraft_convective_available_potential_energy"
    agrees(dcape, found[least], referee["dcape"][least], by="MetPy", atol=120)
    assert np.corrcoef(found[least], referee["dcape"][least])[0, 1] > 0.98


def test_downdraft_against_a_fine_integral() -> None:
    p = np.array([98000.0], np.float32)
    env = {70000.0: 278.0, 85000.0: 289.0, 92500.0: 294.5, 98000.0: 299.0}
    equivalent = thermo.equivalent_potential(array(278.0), array(270.0), 70000.0)
    levels = np.linspace(70000, 98000, 2801)
    air = np.interp(np.log(levels), np.log(list(env)), list(env.values()))
    parcel = thermo.saturated_parcel(np.full(2801, equivalent[0]), levels)
    fine = np.trapezoid(287.05 * (air - parcel), np.log(levels))
    found = derive_stability.downdraft_convective_available_potential_energy(
        array(299), p, array(294.5), array(289), array(278), equivalent
    )
    assert found[0] == pytest.approx(fine, rel=0.03)


def test_layers_of_a_worked_sounding() -> None:
    np.testing.assert_allclose(derive_levels.turning_between(array(350, 10, 90), array(20, 350, 270)), [30, -20, 180])
    theta, z = (array(300), array(306)), (array(1500), array(3000))
    square = derive_levels.buoyancy_frequency_squared(*theta, *z)
    assert square[0] == pytest.approx(9.80665 / 303 * 6 / 1500, rel=1e-5)
    ratio = derive_levels.richardson_number(square, array(15), *z)
    assert ratio[0] == pytest.approx(square[0] / 0.01**2, rel=1e-5)
    turbulence = derive_levels.colson_panofsky(array(20), array(0.25))
    assert turbulence[0] == pytest.approx((20 * 1.943844) ** 2 * 0.5, rel=1e-5)
    assert derive_levels.lapse_rate_between(array(290), array(280), *z)[0] == pytest.approx(10 / 1.5, rel=1e-5)
    assert derive_levels.shear_between(array(0), array(0), array(3), array(4))[0] == pytest.approx(5)
    assert derive_levels.mean_humidity(array(0.3), array(0.6), array(0.9))[0] == pytest.approx(0.6)
    assert derive_levels.difference(array(1500), array(5600))[0] == 4100
    cold = derive_levels.standard_deviation_at(array(252.0), altitude=derive_levels.STANDARD[500])
    assert cold[0] == pytest.approx(252 - 251.9, abs=0.1)  # ICAO: -21.2 degC at 500 hPa
    assert derive_levels.dew_point_depression_at(array(280), array(275))[0] == 5
    ice = derive_levels.humidity_over_ice_at(array(233.15), array(0.7))
    assert ice[0] == pytest.approx(0.7 * 18.91 / 12.84, rel=0.01)  # saturation at -40 degC, WMO tables
    wet = derive_levels.wet_bulb_temperature_at(array(280), thermo.saturation_vapour_pressure(array(280)), pressure=7e4)
    assert wet[0] == pytest.approx(280, abs=0.005)


def test_stability_of_a_worked_sounding() -> None:
    t8, t7, t5 = array(17 + ZERO), array(7 + ZERO), array(-10.5 + ZERO)
    dry = array(6.0)
    assert derive_stability.boyden_index(array(3000), t7)[0] == pytest.approx(93, abs=1e-3)
    assert derive_stability.jefferson_index(array(18 + ZERO), t5, dry)[0] == pytest.approx(
        28.8 + 10.5 - 3 - 8, abs=1e-3
    )
    for vertical, less in ((26, 0), (24, 2), (21, 6)):
        assert derive_stability.s_index(array(50), dry, array(vertical))[0] == 44 - less
    assert derive_stability.thompson_index(array(35), array(-4))[0] == 39
    low = thermo.equivalent_potential(t8, array(14 + ZERO), 85000.0)
    assert derive_stability.bradbury_index(low, thermo.wet_bulb_potential(low))[0] == 0
    fall = derive_stability.potential_instability_index(array(340), array(320), array(750), array(5750))
    assert fall[0] == pytest.approx(4)
    assert derive_stability.humidity_index(array(3), array(6), array(12))[0] == 21
    assert derive_stability.best_lifted_index(array(-2), array(-3), array(1))[0] == -3
    same = derive_stability.lifted_index_925hpa(array(295), array(290), t5)
    assert same[0] == derive_upper.lifted_index(array(295), array(290), array(92500), t5)[0]
    deep = derive_stability.deep_convective_index(t8, array(14 + ZERO), array(-4))
    assert deep[0] == pytest.approx(35, abs=1e-3)
    assert derive_stability.equivalent_potential_temperature_drop(array(345), array(325), array(330))[0] == 20
    assert derive_stability.dry_microburst_index(array(8), array(2), array(5))[0] == 5
    assert derive_stability.warm_cloud_depth(array(4200), array(900), array(100))[0] == 3200


def test_microburst_gusts_of_a_worked_example() -> None:
    # McCann (1994): 5 [4 * 1 * (7.5^2 - 30 + 12 - 2 * 5)]^0.5 knots with the melting level at 4 km over the ground
    found = derive_stability.wind_index(
        array(0), array(4000), array(ZERO + 30), array(0.012), array(0.005), array(0.005), array(3000), array(5600)
    )
    knots = 5 * np.sqrt(4 * (7.5**2 - 30 + 12 - 10))
    assert found[0] == pytest.approx(knots * 0.514444, rel=1e-4)
    assert derive_stability.convective_gust(found, array(20))[0] == pytest.approx(0.6 * found[0] + 10, rel=1e-5)
    assert derive_stability.convective_gust(array(0), array(20))[0] == 0
    q = [array(0.012), array(0.010), array(0.008), array(0.004)]
    mean = derive_stability.mean_mixing_ratio_0_1km(array(0), array(500), array(1500), array(3000), *q)
    assert mean[0] == pytest.approx(0.01025 / (1 - 0.01025), rel=1e-4)  # 0.0055 and 0.00475 of two halves


def test_storm_indices_of_worked_examples() -> None:
    assert derive_storms.energy_helicity_index_0_1km(array(2000), array(160))[0] == pytest.approx(2)
    assert derive_storms.energy_helicity_index_0_3km(array(1600), array(200))[0] == pytest.approx(2)
    hail = derive_storms.significant_hail_parameter(
        array(3000), array(0.0125), array(7.5), array(ZERO - 15), array(25), array(3800), array(100)
    )
    assert hail[0] == pytest.approx(3000 * 12.5 * 7.5 * 15 * 25 / 42e6, rel=1e-4)
    weak = derive_storms.significant_hail_parameter(
        array(650), array(0.0125), array(2.9), array(ZERO - 15), array(25), array(1300), array(100)
    )
    assert weak[0] == pytest.approx(650 * 12.5 * 2.9 * 15 * 25 / 42e6 / 8, rel=1e-4)
    assert derive_storms.bulk_richardson_shear(array(13), array(4), array(7), array(-4))[0] == pytest.approx(50)
    assert derive_storms.bulk_richardson_number(array(2000), array(50))[0] == 40
    assert derive_storms.craven_brooks_index(array(1000), array(20))[0] == 20000
    assert derive_storms.lapse_rate_0_3km(array(300), array(279))[0] == 7
    assert derive_storms.low_energy_severe_index(array(26), array(5.2), array(5.6))[0] == pytest.approx(1)
    derecho = derive_storms.derecho_composite_parameter(
        array(980), array(2000), array(20 * 0.514444), array(16 * 0.514444), array(0)
    )
    assert derecho[0] == pytest.approx(1, rel=1e-5)
    flashes = derive_storms.lightning_flash_rate(array(2000), array(10))
    assert flashes[0] == pytest.approx(1.3e-11 * 2000 * 10 / 3600 * 1e6 * 3600, rel=1e-5)
    shear = derive_storms.bulk_wind_shear_0_6km(array(0), array(0), array(12), array(9))
    assert shear[0] == pytest.approx(15)


def test_helicity_is_mirrored_by_the_equator() -> None:
    rng = np.random.default_rng(3)
    z = [np.full((1, 50), height, np.float32) for height in (100, 750, 1500, 3000, 5600, 10500)]
    u, v = ([rng.normal(8, 8, (1, 50)).astype(np.float32) for _ in range(6)] for _ in range(2))
    right = tuple(rng.normal(8, 8, (1, 50)).astype(np.float32) for _ in range(2))
    left = tuple(rng.normal(8, 8, (1, 50)).astype(np.float32) for _ in range(2))
    north = derive_storms.storm_relative_helicity_0_3km(*z, *u, *v, *right, *left, latitude=np.full(50, 40, np.float32))
    np.testing.assert_array_equal(north, derive_storms.storm_relative_helicity_0_3km(*z, *u, *v, *right, *left))
    turned = ([-part for part in v], (left[0], -left[1]), (right[0], -right[1]))
    south = derive_storms.storm_relative_helicity_0_3km(
        *z, *u, *turned[0], *turned[1], *turned[2], latitude=np.full(50, -40, np.float32)
    )
    np.testing.assert_allclose(south, north, atol=0.01)
    low = derive_storms.storm_relative_helicity_0_1km(*z, *u, *v, *right, *left)
    np.testing.assert_allclose(low, thermo.helicity(z, u, v, right, 1000))


def test_heights_between_levels() -> None:
    z = [array(height, height) for height in (0, 800, 1500, 3000, 5600, 10500)]
    z[0] = array(0, 900)  # the second place lies above the lowest level
    t = [array(a, b) for a, b in ((20, 15), (12, 99), (5, 9), (-8, -2), (-22, -20), (-50, -50))]
    kelvin = [part + np.float32(ZERO) for part in t]
    np.testing.assert_allclose(
        derive_isotherms.minus_10_level_altitude(*z, *kelvin), [3000 + 2600 * 2 / 14, 3000 + 2600 * 8 / 18], rtol=1e-5
    )
    np.testing.assert_allclose(
        derive_isotherms.minus_20_level_altitude(*z, *kelvin), [3000 + 2600 * 12 / 14, 5600], rtol=1e-5
    )
    np.testing.assert_allclose(derive_isotherms.temperature_3000m(*z, *t)[0], -8, atol=1e-4)
    np.testing.assert_allclose(
        derive_isotherms.wind_1000m(*z, *t), [12 - 7 * 200 / 700, 9 - 11 * 400 / 1500], rtol=1e-5
    )
    np.testing.assert_allclose(derive_isotherms.wind_6000m(*z, *t)[0], -22 - 28 * 400 / 4900, rtol=1e-5)
    wet = [part - np.float32(1) for part in kelvin[:5]]
    snow, melting = (
        derive_isotherms.snow_level_altitude(*z[:5], *wet),
        derive_isotherms.wet_bulb_freezing_level_altitude(*z[:5], *wet),
    )
    np.testing.assert_allclose(melting, [1500 + 1500 * 4 / 13, 1500 + 1500 * 8 / 11], rtol=1e-5)
    assert (snow < melting).all()


def test_vapour_transport_and_rivers() -> None:
    east = derive_upper.eastward_water_vapour_transport(array(30), array(20), array(20), array(20))
    north = derive_upper.northward_water_vapour_transport(array(30), array(10), array(20), array(0))
    assert east[0] == pytest.approx(600)
    assert north[0] == pytest.approx(30 * (4.5 + 7))
    length = derive_upper.integrated_water_vapour_transport(east, north)
    assert length[0] == pytest.approx(np.hypot(600, 345), rel=1e-5)
    river = derive_upper.atmospheric_river_category(array(249, 250, 600, 999, 1000, 1300))
    np.testing.assert_array_equal(river, [0, 1, 2, 3, 4, 5])


SPEED = st.floats(-60, 60, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(SPEED, min_size=6, max_size=6), st.lists(SPEED, min_size=6, max_size=6), SPEED, SPEED)
def test_helicity_does_not_depend_on_who_looks(u: list[float], v: list[float], x: float, y: float) -> None:
    """A wind and a storm that both move along change nothing; no shear, no helicity."""
    z = [array(height) for height in (0, 750, 1500, 3000, 5600, 10500)]
    still = thermo.helicity(z, [array(a) for a in u], [array(a) for a in v], (array(0), array(0)), 3000)
    moved = thermo.helicity(z, [array(a + x) for a in u], [array(a + y) for a in v], (array(x), array(y)), 3000)
    np.testing.assert_allclose(moved, still, atol=0.5)
    assert thermo.helicity(z, [array(x)] * 6, [array(y)] * 6, (array(3), array(4)), 3000)[0] == pytest.approx(
        0, abs=0.01
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(SPEED, min_size=6, max_size=6), st.floats(0, 2500, width=32))
def test_means_and_heights_stay_within_the_profile(values: list[float], ground: float) -> None:
    z = [array(ground), *(array(height) for height in (750, 1500, 3000, 5600, 10500))]
    for found in (
        thermo.mean_below(z, [array(a) for a in values], 6000),
        thermo.at_height(z, [array(a) for a in values], 3000),
    ):
        assert min(values) - 1e-3 <= found[0] <= max(values) + 1e-3


def test_every_level_has_its_formulas() -> None:
    for name in ("specific_humidity", "potential_temperature", "wind_speed", "dew_point_temperature"):
        assert all(f"{name}_{level}hpa" in FORMULAS for level in derive_levels.LEVELS)
