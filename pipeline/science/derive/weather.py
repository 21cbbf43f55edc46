"""Weather as people name it: rain and snow, sun, clouds, fog, thunder, the weather code."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.math import elementwise, f4, kernel
from pipeline.science.derive.thermo import Field, ramp
from pipeline.science.registers import full_width

WET = 0.1  # kg m-2 in an hour: the least that is reported as precipitation
UNLIMITED = 20000.0  # m, ceiling of a sky without broken cloud
_EIGHTH, _HALF = np.float32(0.125), np.nextafter(np.float32(0.5), np.float32(1))  # of the sky; more than half


def rainfall(precipitation: Field, snowfall: Field) -> Field:
    """kg m-2 in the past hour: what does not fall as snow."""
    return np.maximum(precipitation - snowfall, 0)


def snow_to_liquid_ratio(
    temperature_2m: Field, temperature_925hpa: Field, temperature_850hpa: Field, temperature_700hpa: Field
) -> Field:
    """1: depth of fresh snow over its water, from the warmest air below 500 hPa; 3 to 30. Kuchera and Parker (2006)."""
    warmest = np.maximum(
        np.maximum(temperature_2m, temperature_925hpa), np.maximum(temperature_850hpa, temperature_700hpa)
    )
    excess = warmest - np.float32(271.16)
    return np.clip(12 - excess - np.maximum(excess, 0), 3, 30)


def fresh_snow(snowfall: Field, snow_to_liquid_ratio: Field) -> Field:
    """m in the past hour, uncompacted."""
    return snowfall * snow_to_liquid_ratio / 1000


def clear_sky_flux(toa_incoming_shortwave_flux: Field, surface_altitude: Field) -> Field:
    """W m-2 on the ground under a clear sky. FAO-56 (Allen et al. 1998), eq. 37."""
    return (0.75 + 2e-5 * np.clip(surface_altitude, 0, 6000)) * toa_incoming_shortwave_flux


def clear_sky_index(surface_downwelling_shortwave_flux: Field, clear_sky_flux: Field) -> Field:
    """1: flux over that of a clear sky, 0 at night and with the sun within some 1 degree of the horizon."""
    day = clear_sky_flux > 20
    return surface_downwelling_shortwave_flux / np.maximum(clear_sky_flux, 20) * day


def sunshine_duration(clear_sky_index: Field, toa_incoming_shortwave_flux: Field) -> Field:
    """s in the past hour: FAO-56's (1998, eq. 35) Angstrom relation turned round, for a sun above some 2 degrees."""
    fraction = np.clip((0.75 * clear_sky_index - 0.25) / 0.50, 0, 1)
    return 3600 * fraction * ramp(toa_incoming_shortwave_flux, 20, 60)


@kernel
def lowest_layer(condensation: Any, layers: Any, least: Any, out: Any) -> None:
    """m above the ground of the lowest of three layers that covers at least so much."""
    full_width()
    low, medium, high = layers
    for i in range(len(out)):
        base = f4(8000.0) if high[i] >= least else f4(UNLIMITED)
        base = f4(3500.0) if medium[i] >= least else base
        out[i] = min(max(condensation[i], f4(30.0)), f4(2000.0)) if low[i] >= least else base


def cloud_base_height(
    lifting_condensation_level: Field, low_cloud_cover: Field, medium_cloud_cover: Field, high_cloud_cover: Field
) -> Field:
    """m above the surface of the lowest cloud layer of an eighth or more; 20000 without.

    Low cloud at the condensation level within 30 to 2000 m, medium at 3500 m, high at 8000 m: an estimate.
    """
    layers = (low_cloud_cover, medium_cloud_cover, high_cloud_cover)
    return elementwise(
        lambda base, *flat: lowest_layer(base, flat[:3], _EIGHTH, flat[3]), lifting_condensation_level, *layers
    )


def cloud_ceiling(
    lifting_condensation_level: Field, low_cloud_cover: Field, medium_cloud_cover: Field, high_cloud_cover: Field
) -> Field:
    """m above the surface of the lowest layer of more than half; 20000 without. Heights as `cloud_base_height`."""
    layers = (low_cloud_cover, medium_cloud_cover, high_cloud_cover)
    return elementwise(
        lambda base, *flat: lowest_layer(base, flat[:3], _HALF, flat[3]), lifting_condensation_level, *layers
    )


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
    code = thermo.category(total_cloud_cover, 0.125, 0.5, 0.875)
    code[fog_likelihood >= 0.6] = 45
    (wet,) = np.nonzero((precipitation_type > 0).reshape(-1))
    amount, kind = precipitation.reshape(-1)[wet], precipitation_type.reshape(-1)[wet]
    strength = thermo.category(amount, 0.3, 2.5, 7.6).astype(np.intp)
    snow = thermo.category(amount, 0.5, 2.0).astype(np.intp)
    code.reshape(-1)[wet] = _CODES[kind.astype(np.intp), np.where(kind == 5, snow, strength)]
    code[thunderstorm_likelihood >= 0.5] = 95
    return code


_CODES = np.zeros((9, 4), np.float32)
"""By precipitation type and strength, of which snow has three and the others from drizzle on four."""
_CODES[1], _CODES[3], _CODES[5], _CODES[7], _CODES[8] = (51, 61, 63, 65), (66, 66, 67, 67), (71, 73, 75, 75), 68, 79


FORMULAS = (
    rainfall,
    snow_to_liquid_ratio,
    fresh_snow,
    clear_sky_flux,
    clear_sky_index,
    sunshine_duration,
    cloud_base_height,
    cloud_ceiling,
    fog_likelihood,
    thunderstorm_likelihood,
    weather_code,
)
