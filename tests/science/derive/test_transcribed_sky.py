"""Cloud, what falls and lies, sun and sky, written again from their sources."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.science.derive.transcribed import ZERO, Transcription, judge, published

Wide = NDArray[np.float64]
Flags = NDArray[np.bool_]
SIGMA = 5.670374419e-8


def cloud_okta(total_cloud_cover: Wide) -> Wide:
    oktas = np.floor(8 * total_cloud_cover + 0.5)
    oktas = np.where(total_cloud_cover > 0.01, np.fmax(oktas, 1), oktas)
    return np.where(total_cloud_cover < 0.99, np.fmin(oktas, 7), oktas)


def sky_condition(cloud_okta: Wide) -> Wide:
    named = {0: 0, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 3, 8: 4}  # SKC, FEW, SCT, BKN, OVC of FM 15
    return np.vectorize(named.get)(cloud_okta.astype(int)).astype(float)


def convective_cloud_cover(convective_precipitation: Wide) -> Wide:
    with np.errstate(divide="ignore"):
        return np.clip(0.247 + 0.126 * np.log(24 * convective_precipitation), 0, 0.8)


def fog_stability_index(
    temperature_2m: Wide, temperature_850hpa: Wide, dew_point_temperature_2m: Wide, wind_speed_850hpa: Wide
) -> Wide:
    return 4 * temperature_2m - 2 * (temperature_850hpa + dew_point_temperature_2m) + wind_speed_850hpa * 3600 / 1852


def stratiform_precipitation(precipitation: Wide, convective_precipitation: Wide) -> Wide:
    return precipitation - np.fmin(convective_precipitation, precipitation)


def convective_fraction(precipitation: Wide, convective_precipitation: Wide) -> Wide:
    rains = precipitation > 0.01
    share = convective_precipitation / np.where(rains, precipitation, 0.01)
    return np.fmin(share, 1)


def rainfall(precipitation: Wide, snowfall: Wide) -> Wide:
    return precipitation - np.fmin(snowfall, precipitation)


def snow_to_liquid_ratio(
    temperature_2m: Wide, temperature_925hpa: Wide, temperature_850hpa: Wide, temperature_700hpa: Wide
) -> Wide:
    warmest = np.max([temperature_2m, temperature_925hpa, temperature_850hpa, temperature_700hpa], axis=0)
    return np.where(warmest > 271.16, 12 + 2 * (271.16 - warmest), 12 + (271.16 - warmest)).clip(3, 30)


def fresh_snow(snowfall: Wide, snow_to_liquid_ratio: Wide) -> Wide:
    return snow_to_liquid_ratio * snowfall / 1000


def precipitation_type(
    precipitation: Wide, snow_probability: Wide, ice_pellets_probability: Wide, freezing_rain_probability: Wide,
    rain_probability: Wide,
) -> Wide:  # fmt: skip
    parts = np.stack([rain_probability, snow_probability, freezing_rain_probability, ice_pellets_probability])
    most = parts.argmax(axis=0)
    code = np.array([1, 5, 3, 8])[most]
    slush = ((most == 0) & (snow_probability > 0.25)) | ((most == 1) & (rain_probability > 0.25))
    return np.where(precipitation < 0.1, 0, np.where(slush, 7, code))


def freezing_rain(precipitation: Wide, precipitation_type: Wide) -> Wide:
    return np.where(precipitation_type == 3, precipitation, 0)


def ice_pellets(precipitation: Wide, precipitation_type: Wide) -> Wide:
    return np.where(precipitation_type == 8, precipitation, 0)


def ice_accretion(freezing_rain: Wide, wind_speed_10m: Wide) -> Wide:
    falling, blown = 1.0 * freezing_rain, 3.6 * 0.067 * freezing_rain**0.846 * wind_speed_10m
    return np.hypot(falling, blown) / (0.9 * np.pi) / 1000


def radar_reflectivity(rainfall: Wide, snowfall: Wide) -> Wide:
    with np.errstate(divide="ignore"):
        return 10 * np.log10(200 * rainfall**1.6 + 1780 * snowfall**2.21)


def rain_kinetic_energy(rainfall: Wide) -> Wide:
    return rainfall * 29 * (1 - 0.72 * np.exp(-0.05 * rainfall))


def blowing_snow(
    temperature_2m: Wide, wind_speed_10m: Wide, snow_depth: Wide, snowfall: Wide, land_area_fraction: Wide,
    sea_ice_fraction: Wide,
) -> Flags:  # fmt: skip
    t = temperature_2m - ZERO
    lifts = wind_speed_10m >= 9.43 + 0.18 * np.fmax(t, -60) + 0.0033 * np.fmax(t, -60) ** 2
    ground = (land_area_fraction >= 0.5) | (sea_ice_fraction >= 0.5)
    return lifts & (t < 0) & ground & ((snow_depth > 0.02) | (snowfall > 0.5))


def blizzard(wind_gust: Wide, visibility: Wide, blowing_snow: Wide, snowfall: Wide) -> Flags:
    return (wind_gust >= 35 * 0.44704) & (visibility < 1609.344 / 4) & ((blowing_snow == 1) | (snowfall > 0.1))


def freezing_fog(visibility: Wide, relative_humidity_2m: Wide, temperature_2m: Wide, precipitation: Wide) -> Flags:
    seen = (visibility < 1000) & (relative_humidity_2m >= 0.9)
    return seen & (temperature_2m < ZERO) & (precipitation < 0.5)


def roof_snow_load(snow_water_equivalent: Wide) -> Wide:
    return 0.8 * snow_water_equivalent * 9.80665


def hoar_frost(skin_temperature: Wide, frost_point_temperature_2m: Wide) -> Flags:
    return skin_temperature < np.fmin(frost_point_temperature_2m, ZERO)


def slippery_surface(skin_temperature: Wide, precipitation_3h: Wide, hoar_frost: Wide) -> Flags:
    return (skin_temperature < ZERO) & ((precipitation_3h >= 0.2) | (hoar_frost == 1))


def surface_upwelling_longwave_flux(skin_temperature: Wide, surface_downwelling_longwave_flux: Wide) -> Wide:
    return 0.97 * SIGMA * skin_temperature**4 + 0.03 * surface_downwelling_longwave_flux


def surface_net_longwave_flux(surface_downwelling_longwave_flux: Wide, surface_upwelling_longwave_flux: Wide) -> Wide:
    return surface_downwelling_longwave_flux - surface_upwelling_longwave_flux


def surface_albedo(land_area_fraction: Wide, snow_depth: Wide, sea_ice_fraction: Wide) -> Wide:
    land, sea = np.interp(snow_depth, [0, 0.1], [0.20, 0.70]), np.interp(sea_ice_fraction, [0, 1], [0.07, 0.60])
    return np.average([land, sea], axis=0, weights=[land_area_fraction, 1 - land_area_fraction])


def surface_net_shortwave_flux(surface_downwelling_shortwave_flux: Wide, surface_albedo: Wide) -> Wide:
    return surface_downwelling_shortwave_flux - surface_albedo * surface_downwelling_shortwave_flux


def surface_upwelling_shortwave_flux(surface_downwelling_shortwave_flux: Wide, surface_albedo: Wide) -> Wide:
    return surface_albedo * surface_downwelling_shortwave_flux


def surface_net_radiation(
    surface_downwelling_shortwave_flux: Wide, surface_upwelling_shortwave_flux: Wide, surface_net_longwave_flux: Wide
) -> Wide:
    return surface_downwelling_shortwave_flux - surface_upwelling_shortwave_flux + surface_net_longwave_flux


def clear_sky_flux(toa_incoming_shortwave_flux: Wide, surface_altitude: Wide) -> Wide:
    return toa_incoming_shortwave_flux * np.polyval([2e-5, 0.75], surface_altitude)


def clear_sky_index(surface_downwelling_shortwave_flux: Wide, clear_sky_flux: Wide) -> Wide:
    day = clear_sky_flux > 20
    return np.where(day, surface_downwelling_shortwave_flux / np.where(day, clear_sky_flux, 1), 0)


def cloud_shortwave_effect(surface_downwelling_shortwave_flux: Wide, clear_sky_flux: Wide) -> Wide:
    return surface_downwelling_shortwave_flux - clear_sky_flux


def clear_sky_longwave_flux(temperature_2m: Wide, vapour_pressure_2m: Wide) -> Wide:
    water = 46.5 * vapour_pressure_2m / 100 / temperature_2m  # cm of precipitable water
    return (1 - (1 + water) * np.exp(-((1.2 + 3 * water) ** 0.5))) * SIGMA * temperature_2m**4


def cloud_longwave_effect(surface_downwelling_longwave_flux: Wide, clear_sky_longwave_flux: Wide) -> Wide:
    return surface_downwelling_longwave_flux - clear_sky_longwave_flux


def sky_temperature(surface_downwelling_longwave_flux: Wide) -> Wide:
    return (surface_downwelling_longwave_flux / SIGMA) ** 0.25


def ultraviolet_index(
    clear_sky_ultraviolet_index: Wide, low_cloud_cover: Wide, medium_cloud_cover: Wide, high_cloud_cover: Wide
) -> Wide:
    table = {"high": (1.0, 1.0, 1.0, 0.9), "medium": (1.0, 1.0, 0.8, 0.5), "low": (1.0, 0.8, 0.5, 0.2)}
    covers = {"high": high_cloud_cover, "medium": medium_cloud_cover, "low": low_cloud_cover}
    factors = [np.interp(8 * covers[layer], [1, 3.5, 5.5, 7.5], row) for layer, row in table.items()]
    return clear_sky_ultraviolet_index * np.prod(factors, axis=0)


def ultraviolet_exposure_time(ultraviolet_index: Wide) -> Wide:
    return 250 / (0.025 * np.fmax(ultraviolet_index, 0.1))


def photosynthetic_photon_flux(surface_downwelling_shortwave_flux: Wide) -> Wide:
    return surface_downwelling_shortwave_flux * 2.1 / 1e6


def illuminance(surface_downwelling_shortwave_flux: Wide, diffuse_horizontal_irradiance: Wide) -> Wide:
    direct = surface_downwelling_shortwave_flux - diffuse_horizontal_irradiance
    return 105 * direct + 120 * diffuse_horizontal_irradiance


PLAIN = (
    cloud_okta, sky_condition, convective_cloud_cover, fog_stability_index, stratiform_precipitation,
    convective_fraction, rainfall, snow_to_liquid_ratio, fresh_snow, precipitation_type, freezing_rain, ice_pellets,
    ice_accretion, radar_reflectivity, rain_kinetic_energy, blowing_snow, blizzard, freezing_fog, roof_snow_load,
    hoar_frost, slippery_surface, surface_upwelling_longwave_flux, surface_net_longwave_flux, surface_albedo,
    surface_net_shortwave_flux, surface_upwelling_shortwave_flux, surface_net_radiation, clear_sky_flux,
    clear_sky_index, cloud_shortwave_effect, clear_sky_longwave_flux, cloud_longwave_effect, sky_temperature,
    ultraviolet_index, ultraviolet_exposure_time, photosynthetic_photon_flux, illuminance,
)  # fmt: skip


@pytest.mark.parametrize("transcription", PLAIN, ids=lambda one: one.__name__)
def test_the_sky(transcription: Transcription) -> None:
    judge(transcription)


def test_density_of_the_five_classes_of_snow() -> None:
    # Sturm et al. (2010), table 4: greatest and first density in g cm-3, what depth (cm) and the day add; 1 February
    classes = [
        (0.5975, 0.2237, 0.0012, 0.0038), (0.5979, 0.2578, 0.0010, 0.0038), (0.5940, 0.2332, 0.0016, 0.0031),
        (0.3630, 0.2425, 0.0029, 0.0049), (0.2170, 0.2170, 0.0, 0.0),
    ]  # fmt: skip

    def snow_water_equivalent(snow_depth: Wide) -> Wide:
        h, day = 100 * snow_depth, 32
        densities = [most - (most - first) * np.exp(-deep * h - old * day) for most, first, deep, old in classes]
        return 10 * h * np.mean(densities, axis=0)

    judge(snow_water_equivalent, rtol=0.02)


def test_melting_by_degree_days_and_the_heat_of_rain() -> None:
    def snowmelt(temperature_2m: Wide, rainfall: Wide, snow_water_equivalent: Wide, land_area_fraction: Wide) -> Wide:
        warm = np.fmax(temperature_2m - ZERO, 0)
        melted = 3.5 * warm / 24 + 4186 / 333.5e3 * rainfall * warm
        return np.where(land_area_fraction > 0, np.fmin(melted, snow_water_equivalent), 0)

    judge(snowmelt, rtol=5e-3)


def test_sunshine_of_the_angstrom_relation_at_sea_level() -> None:
    def sunshine_duration(surface_downwelling_shortwave_flux: Wide, toa_incoming_shortwave_flux: Wide) -> Wide:
        return 3600 * np.clip((surface_downwelling_shortwave_flux / toa_incoming_shortwave_flux - 0.25) / 0.5, 0, 1)

    fields = published()
    sea, day = fields["surface_altitude"] == 0, fields["toa_incoming_shortwave_flux"] > 60
    judge(sunshine_duration, where=sea & day)


def test_ultraviolet_of_the_sun_above() -> None:
    pvlib = pytest.importorskip("pvlib")
    day = published()["day_of_year"]
    extra = pvlib.irradiance.get_extra_radiation(day[:, 0], method="spencer", solar_constant=1361.0)[:, None]

    def clear_sky_ultraviolet_index(toa_incoming_shortwave_flux: Wide, surface_altitude: Wide) -> Wide:
        cosine = np.clip(toa_incoming_shortwave_flux / extra, 0, 1)
        return 12.5 * cosine**2.42 * (1 + 0.06 * np.clip(surface_altitude / 1000, 0, 6))

    judge(clear_sky_ultraviolet_index, by="pvlib for the sun's distance; Madronich (2007)", atol=0.02)
