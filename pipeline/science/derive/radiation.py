"""Radiation: direct and diffuse sun, ultraviolet, light for plants and people, the sky's own heat."""

from __future__ import annotations

import numpy as np

from pipeline.science.derive.thermo import STEFAN_BOLTZMANN, Field

SOLAR_CONSTANT = 1361.0  # W m-2, Kopp and Lean (2011)
LOWEST_COSINE = 0.065  # of the sun's zenith angle that a flux is divided by, some 3.7 degrees of elevation


def sun_distance_factor(day_of_year: Field) -> Field:
    """1: squared ratio of the sun's mean to its present distance. Spencer (1971)."""
    angle = (day_of_year - 1) * np.float32(2 * np.pi / 365)
    c, s = np.cos(angle), np.sin(angle)
    return 1.00011 + 0.034221 * c + 0.00128 * s + 0.000719 * (2 * c * c - 1) + 0.000154 * s * c


def cosine_of_zenith(toa_incoming_shortwave_flux: Field, day_of_year: Field | None = None) -> Field:
    """1: mean over the past hour, 0 at night; without a day the sun's mean distance, by 3.4 % off at most."""
    distance = np.float32(1) if day_of_year is None else sun_distance_factor(day_of_year)
    return np.clip(toa_incoming_shortwave_flux / (SOLAR_CONSTANT * distance), 0, 1)


def solar_elevation(cosine_of_zenith: Field) -> Field:
    """Degrees above the horizon, of the past hour's mean cosine, 0 at night. Michalsky (1988)."""
    return np.rad2deg(np.arcsin(cosine_of_zenith))


def clearness_index(surface_downwelling_shortwave_flux: Field, toa_incoming_shortwave_flux: Field) -> Field:
    """1: flux at the surface over that above the atmosphere, 0 at night. Liu and Jordan (1960)."""
    day = toa_incoming_shortwave_flux > 10
    return np.minimum(surface_downwelling_shortwave_flux / np.maximum(toa_incoming_shortwave_flux, 10), 1) * day


def diffuse_fraction(clearness_index: Field) -> Field:
    """1: share of diffuse in the radiation on level ground. Erbs et al. (1982), eq. 1."""
    k = clearness_index
    middle = 0.9511 - 0.1604 * k + k * k * (4.388 + k * (-16.638 + 12.336 * k))
    return np.where(k <= 0.22, 1 - np.float32(0.09) * k, np.where(k <= 0.8, middle, np.float32(0.165)))


def diffuse_horizontal_irradiance(surface_downwelling_shortwave_flux: Field, diffuse_fraction: Field) -> Field:
    """W m-2, mean of the past hour. Erbs et al. (1982)."""
    return surface_downwelling_shortwave_flux * diffuse_fraction


def direct_normal_irradiance(
    surface_downwelling_shortwave_flux: Field,
    diffuse_horizontal_irradiance: Field,
    cosine_of_zenith: Field,
) -> Field:
    """W m-2 across the beam, mean of the past hour, 0 with the sun below some 3 degrees. Erbs et al. (1982)."""
    beam = np.maximum(surface_downwelling_shortwave_flux - diffuse_horizontal_irradiance, 0)
    return beam / np.maximum(cosine_of_zenith, LOWEST_COSINE) * (cosine_of_zenith > 0.0523)


def surface_upwelling_shortwave_flux(surface_downwelling_shortwave_flux: Field, surface_albedo: Field) -> Field:
    """W m-2: what the surface reflects."""
    return surface_downwelling_shortwave_flux * surface_albedo


def cloud_shortwave_effect(surface_downwelling_shortwave_flux: Field, clear_sky_flux: Field) -> Field:
    """W m-2 by which cloud changes the downward short-wave flux. Ramanathan et al. (1989)."""
    return surface_downwelling_shortwave_flux - clear_sky_flux


def clear_sky_longwave_flux(temperature_2m: Field, vapour_pressure_2m: Field) -> Field:
    """W m-2 from a clear sky. Prata (1996), eq. 21."""
    water = 46.5 * (vapour_pressure_2m / 100) / temperature_2m
    emissivity = 1 - (1 + water) * np.exp(-np.sqrt(1.2 + 3 * water))
    return emissivity * np.float32(STEFAN_BOLTZMANN) * temperature_2m**4


def cloud_longwave_effect(surface_downwelling_longwave_flux: Field, clear_sky_longwave_flux: Field) -> Field:
    """W m-2 by which cloud changes the downward long-wave flux. Ramanathan et al. (1989)."""
    return surface_downwelling_longwave_flux - clear_sky_longwave_flux


def sky_temperature(surface_downwelling_longwave_flux: Field) -> Field:
    """K of a black body that would send as much long-wave radiation. Martin and Berdahl (1984)."""
    return np.sqrt(np.sqrt(surface_downwelling_longwave_flux / np.float32(STEFAN_BOLTZMANN)))


def clear_sky_ultraviolet_index(cosine_of_zenith: Field, surface_altitude: Field) -> Field:
    """1: 12.5 cos^2.42 at 300 Dobson units, 6 % more a kilometre. Madronich (2007), COST-713 (2000) for altitude."""
    sun = np.power(np.maximum(cosine_of_zenith, 1e-6), np.float32(2.42))
    return 12.5 * sun * (1 + np.float32(6e-5) * np.clip(surface_altitude, 0, 6000))


def ultraviolet_index(
    clear_sky_ultraviolet_index: Field, low_cloud_cover: Field, medium_cloud_cover: Field, high_cloud_cover: Field
) -> Field:
    """1: the clear sky's by layer's cloud factor, linear between COST-713's (2000) for 1, 3.5, 5.5 and 7.5 oktas."""
    low = _between(low_cloud_cover, 1.0, 0.8, 0.5, 0.2)
    medium = _between(medium_cloud_cover, 1.0, 1.0, 0.8, 0.5)
    return clear_sky_ultraviolet_index * low * medium * _between(high_cloud_cover, 1.0, 1.0, 1.0, 0.9)


def _between(cover: Field, few: float, some: float, many: float, all_: float) -> Field:
    oktas = 8 * cover
    falls = ((1.0, 3.5, few - some), (3.5, 5.5, some - many), (5.5, 7.5, many - all_))
    result = np.full_like(cover, few)
    for start, end, fall in falls:
        if fall:
            result -= np.float32(fall) * np.clip((oktas - np.float32(start)) / np.float32(end - start), 0, 1)
    return result


def ultraviolet_exposure_time(ultraviolet_index: Field) -> Field:
    """s until fair skin (type II, 250 J m-2) reddens, at most a day. WHO (2002): an index of 1 is 0.025 W m-2."""
    return np.minimum(250 / np.float32(0.025) / np.maximum(ultraviolet_index, 0.1), 86400)


def photosynthetic_photon_flux(surface_downwelling_shortwave_flux: Field) -> Field:
    """mol m-2 s-1 of 400 to 700 nm: 2.1 micromole a joule of sunlight. Meek et al. (1984)."""
    return np.float32(2.1e-6) * surface_downwelling_shortwave_flux


def illuminance(surface_downwelling_shortwave_flux: Field, diffuse_fraction: Field) -> Field:
    """lx on level ground: 105 lumen a watt of direct, 120 of diffuse sunlight. Littlefair (1985)."""
    return surface_downwelling_shortwave_flux * (105 + np.float32(15) * diffuse_fraction)


FORMULAS = (
    cosine_of_zenith,
    solar_elevation,
    clearness_index,
    diffuse_fraction,
    diffuse_horizontal_irradiance,
    direct_normal_irradiance,
    surface_upwelling_shortwave_flux,
    cloud_shortwave_effect,
    clear_sky_longwave_flux,
    cloud_longwave_effect,
    sky_temperature,
    clear_sky_ultraviolet_index,
    ultraviolet_index,
    ultraviolet_exposure_time,
    photosynthetic_photon_flux,
    illuminance,
)
