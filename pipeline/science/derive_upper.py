"""The upper air: levels, stability, severe weather."""

from __future__ import annotations

import numpy as np

from pipeline.science import derive_thermo as thermo
from pipeline.science.derive_thermo import FREEZING, Field

KNOTS = 1.943844  # in a m s-1


def dew_point_at(temperature: Field, relative_humidity: Field) -> Field:
    """K at a pressure level: Bolton (1980) and one Newton step on Ambaum (2020)."""
    return np.minimum(thermo.dew_point(temperature, relative_humidity), temperature)


def wind_speed_at(eastward: Field, northward: Field) -> Field:
    """m s-1: length of the vector."""
    return np.hypot(eastward, northward)


def geopotential_height_1000hpa(pressure_at_sea_level: Field, temperature_2m: Field, surface_altitude: Field) -> Field:
    """m: hypsometric from sea level, temperature reduced by the standard lapse rate. ICAO (1993)."""
    sea_level = temperature_2m + thermo.LAPSE_RATE * surface_altitude
    return thermo.DRY_GAS / thermo.GRAVITY * sea_level * np.log(pressure_at_sea_level / 100000)


def thickness_1000_500hpa(geopotential_height_500hpa: Field, geopotential_height_1000hpa: Field) -> Field:
    """m: difference of geopotential heights."""
    return geopotential_height_500hpa - geopotential_height_1000hpa


def thickness_850_500hpa(geopotential_height_500hpa: Field, geopotential_height_850hpa: Field) -> Field:
    """m: difference of geopotential heights."""
    return geopotential_height_500hpa - geopotential_height_850hpa


def thickness_850_700hpa(geopotential_height_700hpa: Field, geopotential_height_850hpa: Field) -> Field:
    """m: difference of geopotential heights; tells rain from snow."""
    return geopotential_height_700hpa - geopotential_height_850hpa


def lapse_rate_850_500hpa(temperature_850hpa: Field, temperature_500hpa: Field, thickness_850_500hpa: Field) -> Field:
    """K km-1, positive where it cools upwards."""
    return (temperature_850hpa - temperature_500hpa) / np.maximum(thickness_850_500hpa, 100) * 1000


def lapse_rate_700_500hpa(
    temperature_700hpa: Field,
    temperature_500hpa: Field,
    geopotential_height_700hpa: Field,
    geopotential_height_500hpa: Field,
) -> Field:
    """K km-1, positive where it cools upwards."""
    depth = np.maximum(geopotential_height_500hpa - geopotential_height_700hpa, 100)
    return (temperature_700hpa - temperature_500hpa) / depth * 1000


def humidity_mixing_ratio_850hpa(dew_point_temperature_850hpa: Field) -> Field:
    """kg kg-1 of dry air. WMO-No. 8, annex 4.A."""
    return thermo.mixing_ratio(thermo.saturation_vapour_pressure(dew_point_temperature_850hpa), 85000.0)


def potential_temperature_850hpa(temperature_850hpa: Field) -> Field:
    """K: brought dry-adiabatically to 1000 hPa."""
    return temperature_850hpa * np.float32((100 / 85) ** thermo.KAPPA)


def equivalent_potential_temperature_850hpa(temperature_850hpa: Field, dew_point_temperature_850hpa: Field) -> Field:
    """K: Bolton (1980), eq. 39."""
    return thermo.equivalent_potential(temperature_850hpa, dew_point_temperature_850hpa, 85000.0)


def wet_bulb_potential_temperature_850hpa(equivalent_potential_temperature_850hpa: Field) -> Field:
    """K: Davies-Jones (2008), eq. 3.8; the dry potential temperature's own value below -100 degC."""
    x = equivalent_potential_temperature_850hpa / np.float32(FREEZING)
    numerator = 7.101574 + x * (-20.68208 + x * (16.11182 + x * (2.574631 - 5.205688 * x)))
    denominator = 1 + x * (-3.552497 + x * (3.781782 + x * (-0.6899655 - 0.5929340 * x)))
    cold = equivalent_potential_temperature_850hpa < 173.15
    moist = equivalent_potential_temperature_850hpa - np.exp(numerator / np.where(cold, 1, denominator))
    return np.where(cold, equivalent_potential_temperature_850hpa, moist)


def k_index(
    temperature_850hpa: Field,
    temperature_500hpa: Field,
    dew_point_temperature_850hpa: Field,
    temperature_700hpa: Field,
    dew_point_temperature_700hpa: Field,
) -> Field:
    """K, in Celsius degrees as usual. George (1960)."""
    moisture = dew_point_temperature_850hpa - FREEZING - (temperature_700hpa - dew_point_temperature_700hpa)
    return temperature_850hpa - temperature_500hpa + moisture


def total_totals_index(
    temperature_850hpa: Field, temperature_500hpa: Field, dew_point_temperature_850hpa: Field
) -> Field:
    """K. Miller (1972), AWS TR 200."""
    return temperature_850hpa + dew_point_temperature_850hpa - 2 * temperature_500hpa


def showalter_index(temperature_850hpa: Field, dew_point_temperature_850hpa: Field, temperature_500hpa: Field) -> Field:
    """K: 500 hPa less a parcel lifted from 850 hPa. Showalter (1953); parcel by Bolton (1980)."""
    parcel = thermo.lifted(temperature_850hpa, dew_point_temperature_850hpa, 85000.0, 50000.0)
    return temperature_500hpa - parcel


def lifted_index(
    temperature_2m: Field, dew_point_temperature_2m: Field, surface_pressure: Field, temperature_500hpa: Field
) -> Field:
    """K: 500 hPa less a parcel lifted from the surface. Galway (1956); parcel by Bolton (1980)."""
    parcel = thermo.lifted(temperature_2m, dew_point_temperature_2m, surface_pressure, 50000.0)
    return temperature_500hpa - parcel


def sweat_index(
    dew_point_temperature_850hpa: Field,
    total_totals_index: Field,
    wind_speed_850hpa: Field,
    wind_speed_500hpa: Field,
    wind_from_direction_850hpa: Field,
    wind_from_direction_500hpa: Field,
) -> Field:
    """1: severe weather threat. Miller (1972), AWS TR 200."""
    low, high = wind_speed_850hpa * KNOTS, wind_speed_500hpa * KNOTS
    moist = 12 * np.maximum(dew_point_temperature_850hpa - FREEZING, 0)
    turn = wind_from_direction_500hpa - wind_from_direction_850hpa
    veers = (wind_from_direction_850hpa >= 130) & (wind_from_direction_850hpa <= 250) & (turn > 0)
    veers &= (wind_from_direction_500hpa >= 210) & (wind_from_direction_500hpa <= 310) & (low >= 15) & (high >= 15)
    shear = np.where(veers, 125 * (np.sin(np.deg2rad(turn)) + 0.2), 0)
    return moist + 20 * np.maximum(total_totals_index - 49, 0) + 2 * low + high + shear


def _highest_crossing(heights: tuple[Field, ...], temperatures: tuple[Field, ...]) -> Field:
    """Height (m) of the highest 0 degC crossing over linear segments; the lowest height where all is frozen."""
    ground, surface = heights[0], temperatures[0]
    found = np.broadcast_to(ground, surface.shape)
    z, t = ground, surface
    for height, temperature in zip(heights[1:], temperatures[1:], strict=True):
        buried = height <= ground
        above, colder = np.where(buried, ground, height), np.where(buried, surface, temperature)
        crosses = (t >= FREEZING) & (colder < FREEZING)
        fall = np.where(crosses, t - colder, 1)
        found = np.where(crosses, z + (t - FREEZING) / fall * (above - z), found)
        z, t = above, colder
    return found + 0 * (surface + t)


def freezing_level_altitude(
    surface_altitude: Field,
    temperature_2m: Field,
    geopotential_height_925hpa: Field,
    temperature_925hpa: Field,
    geopotential_height_850hpa: Field,
    temperature_850hpa: Field,
    geopotential_height_700hpa: Field,
    temperature_700hpa: Field,
    geopotential_height_500hpa: Field,
    temperature_500hpa: Field,
    geopotential_height_250hpa: Field,
    temperature_250hpa: Field,
) -> Field:
    """m above sea level of the highest 0 degC crossing, linear between levels; the surface where all is frozen."""
    heights = (
        surface_altitude, geopotential_height_925hpa, geopotential_height_850hpa, geopotential_height_700hpa,
        geopotential_height_500hpa, geopotential_height_250hpa,
    )  # fmt: skip
    temperatures = (
        temperature_2m, temperature_925hpa, temperature_850hpa, temperature_700hpa, temperature_500hpa,
        temperature_250hpa,
    )  # fmt: skip
    return _highest_crossing(heights, temperatures)


def wet_bulb_freezing_level_altitude(
    surface_altitude: Field,
    wet_bulb_temperature_2m: Field,
    geopotential_height_925hpa: Field,
    temperature_925hpa: Field,
    dew_point_temperature_925hpa: Field,
    geopotential_height_850hpa: Field,
    temperature_850hpa: Field,
    dew_point_temperature_850hpa: Field,
    geopotential_height_700hpa: Field,
    temperature_700hpa: Field,
    dew_point_temperature_700hpa: Field,
    geopotential_height_500hpa: Field,
    temperature_500hpa: Field,
) -> Field:
    """m above sea level of the highest 0 degC crossing of the wet bulb (dry at 500 hPa), near where snow melts."""
    levels = (
        (temperature_925hpa, dew_point_temperature_925hpa, 92500.0),
        (temperature_850hpa, dew_point_temperature_850hpa, 85000.0),
        (temperature_700hpa, dew_point_temperature_700hpa, 70000.0),
    )
    wet = [thermo.wet_bulb(t, thermo.saturation_vapour_pressure(td), p) for t, td, p in levels]
    heights = (
        surface_altitude, geopotential_height_925hpa, geopotential_height_850hpa, geopotential_height_700hpa,
        geopotential_height_500hpa,
    )  # fmt: skip
    return _highest_crossing(heights, (wet_bulb_temperature_2m, *wet, np.minimum(temperature_500hpa, wet[-1])))


def maximum_updraft_speed(convective_available_potential_energy: Field) -> Field:
    """m s-1: all of the energy into vertical motion, an upper bound. Emanuel (1994)."""
    return np.sqrt(2 * np.maximum(convective_available_potential_energy, 0))


def wmaxshear(maximum_updraft_speed: Field, bulk_wind_shear_10m_500hpa: Field) -> Field:
    """m2 s-2: updraft times shear, severe above some 500. Taszarek et al. (2020)."""
    return maximum_updraft_speed * bulk_wind_shear_10m_500hpa


def moisture_flux_850hpa(humidity_mixing_ratio_850hpa: Field, wind_speed_850hpa: Field) -> Field:
    """m s-1: specific humidity times wind."""
    return humidity_mixing_ratio_850hpa / (1 + humidity_mixing_ratio_850hpa) * wind_speed_850hpa


def haines_index(
    surface_altitude: Field,
    temperature_850hpa: Field,
    temperature_700hpa: Field,
    temperature_500hpa: Field,
    dew_point_temperature_850hpa: Field,
    dew_point_temperature_700hpa: Field,
) -> Field:
    """2 to 6, growth of plume fires: the middle variant up to 914 m of altitude, above it the high. Haines (1988)."""
    high = surface_altitude > 914.4
    lapse = np.where(high, temperature_700hpa - temperature_500hpa, temperature_850hpa - temperature_700hpa)
    dryness = np.where(
        high, temperature_700hpa - dew_point_temperature_700hpa, temperature_850hpa - dew_point_temperature_850hpa
    )
    stability = 1.0 + (lapse >= np.where(high, 18, 6)) + (lapse >= np.where(high, 22, 11))
    moisture = 1.0 + (dryness >= np.where(high, 15, 6)) + (dryness >= np.where(high, 21, 13))
    return (stability + moisture).astype(np.float32)


def integrated_water_vapour_transport(
    precipitable_water: Field,
    eastward_wind_925hpa: Field,
    northward_wind_925hpa: Field,
    eastward_wind_850hpa: Field,
    northward_wind_850hpa: Field,
    eastward_wind_700hpa: Field,
    northward_wind_700hpa: Field,
) -> Field:
    """kg m-1 s-1: column vapour times the wind, weighted 0.45, 0.35, 0.20 at 925, 850 and 700 hPa.

    The weights are the shares of the layers in an exponential vapour profile of scale height 2 km: an estimate.
    """
    east = 0.45 * eastward_wind_925hpa + 0.35 * eastward_wind_850hpa + 0.20 * eastward_wind_700hpa
    north = 0.45 * northward_wind_925hpa + 0.35 * northward_wind_850hpa + 0.20 * northward_wind_700hpa
    return precipitable_water * np.hypot(east, north)


def pressure_tendency_3h(pressure_at_sea_level: Field) -> Field:
    """Pa in the past 3 hours; in the first hours the change since the start, scaled to 3 hours. WMO-No. 8."""
    hours = min(3, len(pressure_at_sea_level) - 1)
    if hours == 0:
        return np.zeros_like(pressure_at_sea_level)
    change = np.empty_like(pressure_at_sea_level)
    change[hours:] = (pressure_at_sea_level[hours:] - pressure_at_sea_level[:-hours]) * (3 / hours)
    for k in range(1, hours):
        change[k] = (pressure_at_sea_level[k] - pressure_at_sea_level[0]) * (3 / k)
    change[0] = change[min(1, hours)]
    return change


SURFACE = (pressure_tendency_3h, geopotential_height_1000hpa)
FORMULAS = (
    thickness_1000_500hpa,
    thickness_850_500hpa,
    thickness_850_700hpa,
    lapse_rate_850_500hpa,
    lapse_rate_700_500hpa,
    humidity_mixing_ratio_850hpa,
    potential_temperature_850hpa,
    equivalent_potential_temperature_850hpa,
    wet_bulb_potential_temperature_850hpa,
    k_index,
    total_totals_index,
    showalter_index,
    lifted_index,
    sweat_index,
    freezing_level_altitude,
    wet_bulb_freezing_level_altitude,
    maximum_updraft_speed,
    wmaxshear,
    moisture_flux_850hpa,
    haines_index,
    integrated_water_vapour_transport,
)
