"""The plain formulas, one worked value each, by arithmetic apart from ours."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.science.derive import comfort as derive_comfort
from pipeline.science.derive import humidity as derive_humidity
from pipeline.science.derive import isotherms as derive_isotherms
from pipeline.science.derive import land as derive_land
from pipeline.science.derive import levels as derive_levels
from pipeline.science.derive import marine as derive_marine
from pipeline.science.derive import past as derive_past
from pipeline.science.derive import thermo
from pipeline.science.derive import upper as derive_upper
from pipeline.science.derive import weather as derive_weather
from pipeline.science.derive import wind as derive_wind

ZERO = 273.15


def a(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


HEIGHTS = (1500, 3000, 5600)  # m, of 850, 700 and 500 hPa
CASES = (
    (derive_humidity.absolute_humidity_2m, (a(293.15), a(1169.5)), 1169.5 / (461.5 * 293.15)),
    (derive_humidity.dew_point_depression_2m, (a(293.15), a(288.15)), 5),
    (derive_humidity.vapour_pressure_deficit_2m, (a(293.15), a(1168.5)), 2337.0 - 1168.5),
    (derive_humidity.equivalent_potential_temperature_2m, (a(293.15), a(288.15), a(100000)), 323.6),
    (derive_comfort.feels_like_temperature, (a(305), a(310), a(305)), 310),
    (derive_comfort.feels_like_temperature, (a(270), a(270), a(262)), 262),
    (derive_comfort.feels_like_temperature, (a(290), a(295), a(280)), 290),
    (derive_comfort.discomfort_index, (a(ZERO + 30), a(0.5)), ZERO + 30 - 0.55 * 0.5 * 15.5),
    (derive_wind.wind_from_direction_10m, (a(-5), a(0)), 90),
    (derive_wind.wind_from_direction_100m, (a(0), a(5)), 180),
    (derive_wind.gust_factor, (a(15), a(10)), 1.5),
    (derive_wind.wind_warning_category, (a(18),), 2),
    (derive_wind.wind_shear_10m_100m, (a(1), a(2), a(4), a(6)), 5),
    (derive_wind.bulk_wind_shear_10m_500hpa, (a(0), a(0), a(12), a(16)), 20),
    (derive_wind.wind_power_density_100m, (a(10), a(1.2)), 0.5 * 0.989 * 1.2 * 1000),
    (derive_wind.wind_stress, (a(10), a(1.2)), 1.2 * 1.2e-3 * 100),
    (derive_wind.wind_stress, (a(20), a(1.2)), 1.2 * 1.79e-3 * 400),
    (derive_wind.ventilation_index, (a(1000), a(4), a(6)), 5000),
    (derive_levels.dew_point_at, (a(280), a(1)), 280),
    (derive_upper.thickness_1000_500hpa, (a(5600), a(100)), 5500),
    (derive_upper.thickness_850_500hpa, (a(5600), a(1500)), 4100),
    (derive_upper.thickness_850_700hpa, (a(3000), a(1500)), 1500),
    (derive_upper.lapse_rate_850_500hpa, (a(285), a(256), a(4000)), 7.25),
    (derive_upper.lapse_rate_700_500hpa, (a(275), a(256), a(3000), a(5500)), 7.6),
    *((derive_levels.lapse_rate_from_ground,
       (a(300 - 6.5e-3 * ground), a(ground), *(a(300 - 6.5e-3 * z) for z in HEIGHTS), *(a(z) for z in HEIGHTS)), 6.5)
      for ground in (0, 1400, 1600, 2900, 4800)),
    (derive_upper.humidity_mixing_ratio_850hpa, (a(283.15),), 0.622 * 1228 / (85000 - 1228)),
    (derive_upper.wet_bulb_potential_temperature_850hpa, (a(320),), 288.7),
    (derive_upper.maximum_updraft_speed, (a(1800),), 60),
    (derive_upper.wmaxshear, (a(60), a(20)), 1200),
    (derive_upper.moisture_flux_850hpa, (a(0.01), a(20)), 0.01 / 1.01 * 20),
    (derive_weather.snow_to_liquid_ratio, (a(268), a(266), a(264), a(260)), 12 + 3.16),
    (derive_weather.snow_to_liquid_ratio, (a(273.16), a(266), a(264), a(260)), 12 - 2 * 2),
    (derive_weather.fresh_snow, (a(5), a(12)), 0.06),
    (derive_weather.clear_sky_flux, (a(1000), a(1000)), 770),
    (derive_weather.cloud_base_height, (a(700), a(0.5), a(0), a(1)), 700),
    (derive_weather.cloud_base_height, (a(700), a(0), a(0.5), a(1)), 3500),
    (derive_weather.cloud_base_height, (a(700), a(0), a(0), a(0.5)), 8000),
    (derive_weather.cloud_base_height, (a(700), a(0), a(0.1), a(0)), 20000),
    (derive_weather.fog_likelihood, (a(0.99), a(1), a(500)), 1),
    (derive_weather.fog_likelihood, (a(1.0), a(1), a(20000)), 0.5),
    (derive_weather.thunderstorm_likelihood, (a(1000), a(1)), 0.5),
    (derive_land.surface_net_longwave_flux, (a(300), a(380)), -80),
    (derive_land.surface_net_shortwave_flux, (a(500), a(0.2)), 400),
    (derive_land.surface_net_radiation, (a(400), a(-80)), 320),
    (derive_land.growing_degree, (a(ZERO + 22),), 0.5),
    (derive_land.growing_degree, (a(ZERO + 38),), 20 / 24),
    (derive_land.frost_category, (a(ZERO - 5), a(ZERO - 6)), 3),
    (derive_land.frost_category, (a(ZERO + 2), a(ZERO - 1)), 1),
    (derive_land.leaf_wetness, (a(0.95), a(0)), 1),
    (derive_land.leaf_wetness, (a(0.5), a(0)), 0),
    (derive_land.hot_dry_windy_index, (a(2000), a(5)), 10000),
    (derive_land.photovoltaic_power_ratio, (a(800), a(ZERO + 20)), 0.8 * (1 - 0.004 * 19)),
    (derive_land.chandler_burning_index, (a(ZERO + 30), a(0.2)),
     ((110 - 1.373 * 20) - 0.54 * (10.2 - 30)) * 124 * 10 ** (-0.0142 * 20) / 60),
    (derive_marine.wave_steepness, (a(2), a(10)), 2 / 156.13),
    (derive_marine.swell_energy_fraction, (a(2), a(1)), 0.25),
    (derive_marine.wave_age, (a(10), a(12)), 15.61 / 12),
    # 12 s, 2.5 m: 1200 * 2.5 * (2.5 / 224.8)^4.5; and a calm sea, as smooth as air's viscosity makes it
    (derive_marine.sea_surface_roughness_length, (a(2.5), a(12), a(10)), 3000 * (2.5 / 224.83) ** 4.5 + 4.62e-6),
    (derive_marine.sea_surface_roughness_length, (a(0), a(5), a(2)), 0.11 * 1.5e-5 / (2 / 28)),
    (derive_marine.drag_coefficient_with_waves, (a(1.85e-4),), 1.348e-3),
    (derive_marine.drag_coefficient_with_waves, (a(3.35e-3),), 2.5e-3),  # Donelan et al. 2004, figure 2
    (derive_marine.wind_speed_10m_over_waves, (a(20), a(1e-3)), 20 * 4 / 5),
    (derive_marine.friction_velocity_with_waves, (a(10), a(1.6e-3)), 0.4),
    (derive_marine.sea_air_temperature_difference, (a(285), a(280)), 5),
)  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "inputs", "expected"), CASES, ids=[f"{case[0].__name__}-{k}" for k, case in enumerate(CASES)]
)
def test_a_worked_value(formula: object, inputs: tuple[NDArray[np.float32], ...], expected: float) -> None:
    assert callable(formula)
    assert float(np.squeeze(formula(*inputs))) == pytest.approx(expected, rel=2e-3, abs=1e-6)


def test_windows_of_few_hours() -> None:
    hours = np.arange(30, dtype=np.float32)[:, None]
    for name, length in (("precipitation_6h", 6), ("snowfall_24h", 24), ("fresh_snow_24h", 24)):
        assert getattr(derive_past, name)(hours)[29, 0] == sum(range(30 - length, 30))
    for name, length in (("pressure_tendency_1h", 1), ("pressure_tendency_6h", 6), ("pressure_tendency_24h", 24)):
        assert getattr(derive_past, name)(hours)[29, 0] == length


def test_parcel_indices_agree_with_a_parcel_lifted_by_hand() -> None:
    """A saturated parcel of 15 degC at 850 hPa is at some -11 degC at 500 (any tephigram: theta-w 20.5 degC)."""
    t, dew = a(ZERO + 15), a(ZERO + 15)
    showalter = derive_upper.showalter_index(t, dew, a(ZERO - 11))
    target = float(thermo.equivalent_potential(t, dew, 85000.0)[0])
    grid = np.linspace(250, 275, 25001).astype(np.float32)
    at_500 = grid[np.abs(thermo.equivalent_potential(grid, grid, 50000.0) - target).argmin()]
    assert showalter[0] == pytest.approx(ZERO - 11 - float(at_500), abs=0.01)
    z = [a(height) for height in (0, 500, 1500, 3000, 5600, 10500)]
    u = [a(value) for value in (0, 10, 10, 10, 10, 10)]
    assert derive_isotherms.mean_wind_0_500m(*z, *u)[0] == pytest.approx(5)
    assert math.isclose(derive_upper.lifted_index(t, dew, a(85000), a(ZERO - 11))[0], showalter[0])
