"""What must hold in any plausible weather: bounds unforced, parts like the whole, more of this never less of that."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import parameters
from pipeline.science.derive.catalogue import FORMULAS, derive
from pipeline.science.derive.gradients import NAMES
from tests.science.plausible import Array, plausible, unbounded

RISES = {
    "absolute_humidity_2m": "vapour_pressure_2m", "air_density_2m": "surface_pressure",
    "angstrom_index": "relative_humidity_2m", "atmospheric_river_category": "integrated_water_vapour_transport",
    "beaufort_wind_force": "wind_speed_10m", "build_up_index": "drought_code",
    "chandler_burning_index": "temperature_2m", "clear_sky_longwave_flux": "vapour_pressure_2m",
    "clothing_insulation": "wind_speed_10m", "cloud_okta": "total_cloud_cover",
    "contrail_threshold_temperature_250hpa": "relative_humidity_250hpa", "cooling_degree": "temperature_2m",
    "daily_severity_rating": "fire_weather_index", "downdraft_convective_available_potential_energy": "temperature_2m",
    "equivalent_potential_temperature_2m": "dew_point_temperature_2m",
    "feels_like_temperature": "heat_index wind_chill", "fire_weather_index": "build_up_index initial_spread_index",
    "forest_fire_danger_index": "wind_speed_10m", "fosberg_fire_weather_index": "wind_speed_10m",
    "frost_point_temperature_2m": "vapour_pressure_2m", "frostbite_time": "temperature_2m",
    "globe_temperature": "mean_radiant_temperature", "growing_degree": "temperature_2m",
    "heat_index": "relative_humidity_2m", "hot_dry_windy_index": "wind_speed_10m", "humidex": "vapour_pressure_2m",
    "ice_accretion": "freezing_rain", "icing_potential_850hpa": "relative_humidity_850hpa",
    "ignition_probability": "temperature_2m", "immersion_survival_time": "sea_surface_temperature",
    "initial_spread_index": "wind_speed_10m fine_fuel_moisture_code", "k_index": "dew_point_temperature_850hpa",
    "line_rating": "wind_speed_10m", "maximum_crest_height": "significant_wave_height",
    "maximum_wave_height": "significant_wave_height", "mean_radiant_temperature": "surface_downwelling_longwave_flux",
    "open_water_evaporation": "wind_speed_10m surface_downwelling_shortwave_flux",
    "photovoltaic_power_ratio": "surface_downwelling_shortwave_flux",
    "photovoltaic_power_ratio_tilted": "plane_of_array_irradiance", "radar_reflectivity": "rainfall",
    "rain_kinetic_energy": "rainfall", "reference_evapotranspiration": "vapour_pressure_deficit_2m",
    "relative_humidity_2m": "vapour_pressure_2m", "rime_ice_load": "wind_speed_10m",
    "sea_latent_heat_flux": "sea_surface_temperature", "sea_sensible_heat_flux": "sea_surface_temperature",
    "sharples_fuel_moisture_index": "relative_humidity_2m",
    "significant_hail_parameter": "convective_available_potential_energy",
    "significant_tornado_parameter": "storm_relative_helicity_0_1km", "snow_water_equivalent": "snow_depth",
    "snowmelt": "temperature_2m", "stokes_drift_speed": "significant_wave_height",
    "tall_reference_evapotranspiration": "vapour_pressure_deficit_2m surface_downwelling_shortwave_flux",
    "thunderstorm_likelihood": "convective_precipitation",
    "universal_thermal_climate_index": "temperature_2m mean_radiant_temperature",
    "vapour_pressure_2m": "dew_point_temperature_2m", "vapour_pressure_deficit_2m": "temperature_2m",
    "vessel_icing": "freezing_spray_predictor", "wave_length": "primary_wave_period",
    "wave_power": "significant_wave_height",
    "wet_bulb_globe_temperature_iso7243": "wet_bulb_temperature_2m globe_temperature",
    "wet_bulb_potential_temperature_2m": "equivalent_potential_temperature_2m",
    "wet_bulb_temperature_2m": "vapour_pressure_2m temperature_2m", "wind_chill": "temperature_2m",
    "wind_driven_rain": "rainfall", "wind_power_density_100m": "wind_speed_100m", "wind_stress": "wind_speed_10m",
    "wind_turbine_capacity_factor": "air_density_2m",
}  # fmt: skip
FALLS = {
    "apparent_temperature": "wind_speed_10m", "chandler_burning_index": "relative_humidity_2m",
    "clothing_insulation": "temperature_2m", "colour_state": "visibility",
    "dead_fuel_moisture": "vapour_pressure_deficit_2m", "density_altitude": "air_density_2m",
    "flight_category": "visibility", "fog_likelihood": "visibility",
    "forest_fire_danger_index": "relative_humidity_2m", "fosberg_fire_weather_index": "fine_fuel_moisture",
    "freezing_spray_predictor": "temperature_2m", "frostbite_time": "wind_speed_10m",
    "heating_degree": "temperature_2m", "ignition_probability": "fine_fuel_moisture",
    "lifted_index": "temperature_2m", "lifting_condensation_level": "dew_point_temperature_2m",
    "line_rating": "temperature_2m", "photovoltaic_power_ratio": "temperature_2m",
    "relative_humidity_2m": "temperature_2m", "sheep_chill_index": "temperature_2m",
    "showalter_index": "dew_point_temperature_850hpa", "snow_probability": "temperature_2m",
    "total_totals_index": "temperature_500hpa", "ultraviolet_index": "low_cloud_cover",
    "wind_chill": "wind_speed_10m", "work_capacity": "wet_bulb_globe_temperature_iso7243",
}  # fmt: skip
WAYS = [
    (name, of, way)
    for table, way in ((RISES, 1), (FALLS, -1))
    for name, all_of in table.items()
    for of in all_of.split()
]
SEEDS = st.integers(0, 1000)


@cache
def weather(seed: int) -> dict[str, Array]:
    """All fields and results of one plausible world."""
    return unbounded(plausible(seed, 300))


@settings(max_examples=6)
@given(SEEDS)
def test_bounds_are_wide_enough_for_what_the_formulas_say(seed: int) -> None:
    found = unbounded(plausible(seed))
    for name, row in parameters.derived().items():
        if name in found:
            rounding = row.precision + 1e-6 * abs(row.maximum)
            assert found[name].min() >= row.minimum - rounding, name
            assert found[name].max() <= row.maximum + rounding, name


@settings(max_examples=4)
@given(SEEDS, st.integers(1, 39))
def test_parts_of_the_world_are_as_in_the_whole(seed: int, cut: int) -> None:
    fields = plausible(seed, 40)
    whole = derive(fields)
    assert whole.keys() >= parameters.derived().keys() - set(NAMES)
    parts = [
        derive({name: field[..., part] for name, field in fields.items()}) for part in (slice(cut), slice(cut, 40))
    ]
    for name, field in whole.items():
        np.testing.assert_array_equal(field, np.concatenate([part[name] for part in parts], axis=1), err_msg=name)


@pytest.mark.parametrize(("name", "argument", "way"), WAYS, ids=[f"{name}-{of}" for name, of, _ in WAYS])
def test_more_of_the_one_is_never_less_of_the_other(name: str, argument: str, way: int) -> None:
    formula, fields, row = FORMULAS[name], weather(7), parameters.catalogue().get(name)
    rows = parameters.catalogue()
    least = fields[argument]
    step = np.random.default_rng(1).random(least.shape, np.float32) * np.float32(0.5 * least.std() + 1e-3)
    more = least + step
    if argument in rows:
        more = np.minimum(more, np.float32(rows[argument].maximum))
    extra = {other: fields[other] for other in formula.optional if other in fields}
    before, after = (
        formula.compute(*(changed if other == argument else fields[other] for other in formula.inputs), **extra)
        for changed in (least, more)
    )
    rounding = (row.precision if row else 0.01) + 1e-5 * np.abs(before)
    assert (way * (after - before) >= -rounding).all()
    assert (way * (after - before) > 0).any(), "nothing changed"


def test_heat_is_felt_more_the_hotter_it_is() -> None:
    """In the range of the Weather Service's chart; where its two formulas meet, near 80 degF, it is known to jump."""
    kelvin = np.linspace(27.5, 43.3, 300, dtype=np.float32)[:, None] + np.float32(273.15)
    felt = FORMULAS["heat_index"].compute(kelvin, np.linspace(0.4, 1, 13, dtype=np.float32)[None] + 0 * kelvin)
    assert (np.diff(felt, axis=0) > 0).all()


def test_more_sun_draws_more_water_by_day() -> None:
    """At sunrise the share of heat that the ground takes changes at once, by FAO-56's own rule."""
    fields = dict(weather(7))
    sun = fields["surface_downwelling_shortwave_flux"]
    found = [
        FORMULAS["reference_evapotranspiration"].compute(
            *((np.maximum(sun, 2) + more if name.endswith("shortwave_flux") else fields[name]) for name in
              FORMULAS["reference_evapotranspiration"].inputs)
        )
        for more in (0, 20, 200)
    ]  # fmt: skip
    assert (np.diff(found, axis=0) >= -1e-6).all()
    assert (found[2] > found[0]).mean() > 0.5
