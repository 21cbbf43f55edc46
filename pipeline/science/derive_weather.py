"""Weather as people name it: sums, rain and snow, sun, clouds, fog, aviation, the weather code."""

from __future__ import annotations

import numpy as np

from pipeline.science.derive_thermo import FREEZING, Field, ramp

WET = 0.1  # kg m-2 in an hour: the least that is reported as precipitation
UNLIMITED = 20000.0  # m, ceiling of a sky without broken cloud
FEET, MILE = 0.3048, 1609.344  # m


def _past_sum(amount: Field, hours: int) -> Field:
    """Sum over the past hours; in the first hours of the forecast over those there are."""
    total = np.cumsum(amount, axis=0, dtype=np.float64)
    if len(total) > hours:
        total[hours:] -= total[:-hours].copy()
    return np.maximum(total, 0).astype(np.float32)


def precipitation_3h(precipitation: Field) -> Field:
    """kg m-2 in the past 3 hours, at shorter leads since the start."""
    return _past_sum(precipitation, 3)


def precipitation_6h(precipitation: Field) -> Field:
    """kg m-2 in the past 6 hours, at shorter leads since the start."""
    return _past_sum(precipitation, 6)


def precipitation_24h(precipitation: Field) -> Field:
    """kg m-2 in the past 24 hours, at shorter leads since the start."""
    return _past_sum(precipitation, 24)


def rainfall(precipitation: Field, snowfall: Field) -> Field:
    """kg m-2 in the past hour: what does not fall as snow."""
    return np.maximum(precipitation - snowfall, 0)


def snowfall_24h(snowfall: Field) -> Field:
    """kg m-2 of water in the past 24 hours, at shorter leads since the start."""
    return _past_sum(snowfall, 24)


def snow_to_liquid_ratio(
    temperature_2m: Field, temperature_925hpa: Field, temperature_850hpa: Field, temperature_700hpa: Field
) -> Field:
    """1: depth of fresh snow over its water, from the warmest air below 500 hPa; 3 to 30. Kuchera and Parker (2006)."""
    warmest = np.maximum(
        np.maximum(temperature_2m, temperature_925hpa), np.maximum(temperature_850hpa, temperature_700hpa)
    )
    excess = warmest - 271.16
    return np.clip(12 - np.where(excess > 0, 2, 1) * excess, 3, 30)


def fresh_snow(snowfall: Field, snow_to_liquid_ratio: Field) -> Field:
    """m in the past hour, uncompacted."""
    return snowfall * snow_to_liquid_ratio / 1000


def fresh_snow_24h(fresh_snow: Field) -> Field:
    """m in the past 24 hours without settling, at shorter leads since the start."""
    return _past_sum(fresh_snow, 24)


def precipitation_type(
    precipitation: Field,
    snowfall: Field,
    temperature_2m: Field,
    temperature_925hpa: Field,
    temperature_850hpa: Field,
    geopotential_height_925hpa: Field,
    surface_altitude: Field,
) -> Field:
    """GRIB2 code table 4.201: 0 none, 1 rain, 3 freezing rain, 5 snow, 7 rain and snow, 8 ice pellets.

    Frost at 2 m under air above 1 degC at 925 (if above ground) or 850 hPa makes freezing rain, above 0 degC ice
    pellets; otherwise the share of snow decides, at a quarter and three quarters. After Bourgouin (2000), simplified.
    """
    buried = geopotential_height_925hpa <= surface_altitude
    aloft = np.maximum(np.where(buried, temperature_850hpa, temperature_925hpa), temperature_850hpa)
    share = snowfall / np.maximum(precipitation, WET)
    kind = np.where(share >= 0.75, 5, np.where(share > 0.25, 7, 1))
    frost = (temperature_2m <= FREEZING) & (share < 0.75)
    kind = np.where(frost & (aloft > FREEZING), np.where(aloft > FREEZING + 1, 3, 8), kind)
    return np.where(precipitation < WET, 0, kind).astype(np.float32)


def clear_sky_flux(toa_incoming_shortwave_flux: Field, surface_altitude: Field) -> Field:
    """W m-2 on the ground under a clear sky. FAO-56 (Allen et al. 1998), eq. 37."""
    return (0.75 + 2e-5 * np.clip(surface_altitude, 0, 6000)) * toa_incoming_shortwave_flux


def clear_sky_index(surface_downwelling_shortwave_flux: Field, clear_sky_flux: Field) -> Field:
    """1: flux over that of a clear sky, 0 at night and with the sun within some 1 degree of the horizon."""
    day = clear_sky_flux > 20
    return np.where(day, surface_downwelling_shortwave_flux / np.where(day, clear_sky_flux, 1), 0)


def sunshine_duration(clear_sky_index: Field, toa_incoming_shortwave_flux: Field) -> Field:
    """s in the past hour: FAO-56's (1998, eq. 35) Angstrom relation turned round, for a sun above some 2 degrees."""
    fraction = np.clip((0.75 * clear_sky_index - 0.25) / 0.50, 0, 1)
    return 3600 * fraction * ramp(toa_incoming_shortwave_flux, 20, 60)


def cloud_base_height(lifting_condensation_level: Field, low_cloud_cover: Field, medium_cloud_cover: Field) -> Field:
    """m above the surface of the lowest cloud layer of an eighth or more.

    Low cloud at the condensation level within 30 to 2000 m, medium at 3500 m, else high at 8000 m: an estimate.
    """
    base = np.clip(lifting_condensation_level, 30, 2000)
    return np.where(low_cloud_cover >= 0.125, base, np.where(medium_cloud_cover >= 0.125, 3500, 8000))


def cloud_ceiling(
    lifting_condensation_level: Field, low_cloud_cover: Field, medium_cloud_cover: Field, high_cloud_cover: Field
) -> Field:
    """m above the surface of the lowest layer of more than half; 20000 without. Heights as `cloud_base_height`."""
    base = np.clip(lifting_condensation_level, 30, 2000)
    high = np.where(high_cloud_cover > 0.5, 8000, UNLIMITED)
    return np.where(low_cloud_cover > 0.5, base, np.where(medium_cloud_cover > 0.5, 3500, high))


def flight_category(cloud_ceiling: Field, visibility: Field) -> Field:
    """0 VFR, 1 MVFR, 2 IFR, 3 LIFR by ceiling and visibility. FAA and U.S. NWS instruction 10-813."""
    sky = 0 + (cloud_ceiling <= 3000 * FEET) + (cloud_ceiling < 1000 * FEET) + (cloud_ceiling < 500 * FEET)
    air = 0 + (visibility <= 5 * MILE) + (visibility < 3 * MILE) + (visibility < MILE)
    return np.maximum(sky, air).astype(np.float32)


def fog_likelihood(relative_humidity_2m: Field, wind_speed_10m: Field, visibility: Field) -> Field:
    """1: an index, not a calibrated probability.

    The greater of poor visibility (0 at 2 km, 1 at 500 m) with air above 90 % humidity, and of saturation (0 at 95,
    1 at 100 %) in light wind (1 below 2, 0 above 6 m s-1), which counts a half. After Croft et al. (1997).
    """
    seen = ramp(visibility, 2000, 500) * ramp(relative_humidity_2m, 0.88, 0.92)
    ready = 0.5 * ramp(relative_humidity_2m, 0.95, 1.0) * ramp(wind_speed_10m, 6, 2)
    return np.maximum(seen, ready)


def thunderstorm_likelihood(convective_available_potential_energy: Field, convective_precipitation: Field) -> Field:
    """1: an index, not a calibrated probability: convective rain times the root of its energy over 1000 J kg-1.

    After McCaul et al. (2009) and Romps et al. (2014): lightning goes with CAPE times precipitation.
    """
    strength = np.sqrt(np.maximum(convective_available_potential_energy, 0) / 1000)
    return np.clip(strength * convective_precipitation / 2, 0, 1)


def weather_code(
    total_cloud_cover: Field,
    precipitation: Field,
    precipitation_type: Field,
    fog_likelihood: Field,
    thunderstorm_likelihood: Field,
) -> Field:
    """WMO code table 4677, main codes: 0 to 3 sky, 45 fog, 51 drizzle, 61 63 65 rain, 66 67 freezing rain,
    68 rain and snow, 71 73 75 snow, 79 ice pellets, 95 thunderstorm.
    """
    sky = np.searchsorted(np.array([0.125, 0.5, 0.875], np.float32), total_cloud_cover, side="right")
    code = np.where(fog_likelihood >= 0.6, 45, sky)
    strength = np.searchsorted(np.array([2.5, 7.6], np.float32), precipitation, side="right")
    rain = np.where(precipitation < 0.3, 51, 61 + 2 * strength)
    snow = 71 + 2 * np.searchsorted(np.array([0.5, 2.0], np.float32), precipitation, side="right")
    for kind, value in ((1, rain), (3, 66 + np.minimum(strength, 1)), (5, snow), (7, 68), (8, 79)):
        code = np.where(precipitation_type == kind, value, code)
    return np.where(thunderstorm_likelihood >= 0.5, 95, code).astype(np.float32)


FORMULAS = (
    precipitation_3h,
    precipitation_6h,
    precipitation_24h,
    rainfall,
    snowfall_24h,
    snow_to_liquid_ratio,
    fresh_snow,
    fresh_snow_24h,
    precipitation_type,
    clear_sky_flux,
    clear_sky_index,
    sunshine_duration,
    cloud_base_height,
    cloud_ceiling,
    flight_category,
    fog_likelihood,
    thunderstorm_likelihood,
    weather_code,
)
