"""The upper air: levels, stability, severe weather."""

from __future__ import annotations

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.thermo import FREEZING, Field

KNOTS = 1.943844  # in a m s-1


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


def wet_bulb_potential_temperature_850hpa(equivalent_potential_temperature_850hpa: Field) -> Field:
    """K: Davies-Jones (2008), eq. 3.8; the dry potential temperature's own value below -100 degC."""
    return thermo.wet_bulb_potential(equivalent_potential_temperature_850hpa)


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
    shear = veers * (125 * (np.sin(np.deg2rad(turn)) + np.float32(0.2)))
    return moist + 20 * np.maximum(total_totals_index - 49, 0) + 2 * low + high + shear


def maximum_updraft_speed(convective_available_potential_energy: Field) -> Field:
    """m s-1: all of the energy into vertical motion, an upper bound. Emanuel (1994)."""
    return np.sqrt(2 * np.maximum(convective_available_potential_energy, 0))


def wmaxshear(maximum_updraft_speed: Field, bulk_wind_shear_10m_500hpa: Field) -> Field:
    """m2 s-2: updraft times shear, severe above some 500. Taszarek et al. (2020)."""
    return maximum_updraft_speed * bulk_wind_shear_10m_500hpa


def moisture_flux_850hpa(humidity_mixing_ratio_850hpa: Field, wind_speed_850hpa: Field) -> Field:
    """m s-1: specific humidity times wind."""
    return humidity_mixing_ratio_850hpa / (1 + humidity_mixing_ratio_850hpa) * wind_speed_850hpa


def _transport(vapour: Field, *wind: Field) -> Field:
    """One component of the transport, wind at 925, 850 and 700 hPa.

    The weights are the shares of the layers in an exponential vapour profile of scale height 2 km: an estimate.
    """
    low, middle, high = wind
    return vapour * (np.float32(0.45) * low + np.float32(0.35) * middle + np.float32(0.20) * high)


def eastward_water_vapour_transport(
    precipitable_water: Field, eastward_wind_925hpa: Field, eastward_wind_850hpa: Field, eastward_wind_700hpa: Field
) -> Field:
    """kg m-1 s-1: column vapour times the wind, weighted 0.45, 0.35, 0.20 at 925, 850 and 700 hPa: an estimate."""
    return _transport(precipitable_water, eastward_wind_925hpa, eastward_wind_850hpa, eastward_wind_700hpa)


def northward_water_vapour_transport(
    precipitable_water: Field, northward_wind_925hpa: Field, northward_wind_850hpa: Field, northward_wind_700hpa: Field
) -> Field:
    """kg m-1 s-1: column vapour times the wind, weighted 0.45, 0.35, 0.20 at 925, 850 and 700 hPa: an estimate."""
    return _transport(precipitable_water, northward_wind_925hpa, northward_wind_850hpa, northward_wind_700hpa)


def integrated_water_vapour_transport(
    eastward_water_vapour_transport: Field, northward_water_vapour_transport: Field
) -> Field:
    """kg m-1 s-1: length of the transport. Ralph et al. (2019) rank atmospheric rivers by it."""
    return thermo.length(eastward_water_vapour_transport, northward_water_vapour_transport)


def atmospheric_river_category(integrated_water_vapour_transport: Field) -> Field:
    """0 none, then 1 from 250, 2 from 500, 3 from 750, 4 from 1000, 5 from 1250 kg m-1 s-1, as in 24 to 48 hours.

    Ralph et al. (2019), whose scale goes up by one where it lasts 48 hours and down where not 24.
    """
    return thermo.category(integrated_water_vapour_transport, 250, 500, 750, 1000, 1250)


FORMULAS = (
    thickness_1000_500hpa,
    thickness_850_500hpa,
    thickness_850_700hpa,
    lapse_rate_850_500hpa,
    lapse_rate_700_500hpa,
    humidity_mixing_ratio_850hpa,
    wet_bulb_potential_temperature_850hpa,
    k_index,
    total_totals_index,
    showalter_index,
    lifted_index,
    sweat_index,
    maximum_updraft_speed,
    wmaxshear,
    moisture_flux_850hpa,
    eastward_water_vapour_transport,
    northward_water_vapour_transport,
    integrated_water_vapour_transport,
    atmospheric_river_category,
)
