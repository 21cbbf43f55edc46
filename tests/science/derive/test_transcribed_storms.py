"""Stability, storms, vapour transport and aviation, written again from their sources."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from tests.science.derive.transcribed import FEW, LEADS, PLACES, ZERO, Transcription, judge, judge_values, published

Wide = NDArray[np.float64]
KNOT, FOOT, MILE = 1852 / 3600, 0.3048, 1609.344  # m s-1, m, m


def maximum_updraft_speed(convective_available_potential_energy: Wide) -> Wide:
    return (2 * convective_available_potential_energy) ** 0.5


def wmaxshear(convective_available_potential_energy: Wide, bulk_wind_shear_10m_500hpa: Wide) -> Wide:
    return np.sqrt(2 * convective_available_potential_energy) * bulk_wind_shear_10m_500hpa


def moisture_flux_850hpa(specific_humidity_850hpa: Wide, wind_speed_850hpa: Wide) -> Wide:
    return specific_humidity_850hpa * wind_speed_850hpa


def integrated_water_vapour_transport(
    eastward_water_vapour_transport: Wide, northward_water_vapour_transport: Wide
) -> Wide:
    return np.abs(eastward_water_vapour_transport + 1j * northward_water_vapour_transport)


def atmospheric_river_category(integrated_water_vapour_transport: Wide) -> Wide:
    return np.floor(integrated_water_vapour_transport / 250).clip(0, 5)


def boyden_index(geopotential_height_1000hpa: Wide, geopotential_height_700hpa: Wide, temperature_700hpa: Wide) -> Wide:
    return (geopotential_height_700hpa - geopotential_height_1000hpa) / 10 - (temperature_700hpa - ZERO) - 200


def jefferson_index(
    wet_bulb_potential_temperature_850hpa: Wide, temperature_500hpa: Wide, temperature_700hpa: Wide,
    dew_point_temperature_700hpa: Wide,
) -> Wide:  # fmt: skip
    dry = (temperature_700hpa - dew_point_temperature_700hpa) / 2
    return 1.6 * (wet_bulb_potential_temperature_850hpa - ZERO) - (temperature_500hpa - ZERO) - dry - 8


def s_index(
    temperature_850hpa: Wide, temperature_700hpa: Wide, temperature_500hpa: Wide, dew_point_temperature_850hpa: Wide,
    dew_point_temperature_700hpa: Wide,
) -> Wide:  # fmt: skip
    vertical = temperature_850hpa - temperature_500hpa
    totals = temperature_850hpa + dew_point_temperature_850hpa - 2 * temperature_500hpa
    k = np.select([vertical > 25, vertical >= 22], [0, 2], 6)
    return totals - (temperature_700hpa - dew_point_temperature_700hpa) - k


def thompson_index(k_index: Wide, lifted_index: Wide) -> Wide:
    return k_index - lifted_index


def potential_instability_index(
    equivalent_potential_temperature_925hpa: Wide, equivalent_potential_temperature_500hpa: Wide,
    geopotential_height_925hpa: Wide, geopotential_height_500hpa: Wide,
) -> Wide:  # fmt: skip
    fall = equivalent_potential_temperature_925hpa - equivalent_potential_temperature_500hpa
    return fall / ((geopotential_height_500hpa - geopotential_height_925hpa) / 1000)


def humidity_index(
    temperature_850hpa: Wide, dew_point_temperature_850hpa: Wide, temperature_700hpa: Wide,
    dew_point_temperature_700hpa: Wide, temperature_500hpa: Wide, dew_point_temperature_500hpa: Wide,
) -> Wide:  # fmt: skip
    low = temperature_850hpa - dew_point_temperature_850hpa
    return low + temperature_700hpa - dew_point_temperature_700hpa + temperature_500hpa - dew_point_temperature_500hpa


def deep_convective_index(temperature_850hpa: Wide, dew_point_temperature_850hpa: Wide, lifted_index: Wide) -> Wide:
    return (temperature_850hpa - ZERO) + (dew_point_temperature_850hpa - ZERO) - lifted_index


def equivalent_potential_temperature_drop(
    equivalent_potential_temperature_2m: Wide, equivalent_potential_temperature_700hpa: Wide,
    equivalent_potential_temperature_500hpa: Wide,
) -> Wide:  # fmt: skip
    aloft = [equivalent_potential_temperature_700hpa, equivalent_potential_temperature_500hpa]
    return equivalent_potential_temperature_2m - np.min(aloft, axis=0)


def dry_microburst_index(
    lapse_rate_700_500hpa: Wide, dew_point_depression_700hpa: Wide, dew_point_depression_500hpa: Wide
) -> Wide:
    return lapse_rate_700_500hpa + dew_point_depression_700hpa - dew_point_depression_500hpa


def wind_index(
    surface_altitude: Wide, freezing_level_altitude: Wide, temperature_2m: Wide, mean_mixing_ratio_0_1km: Wide,
    specific_humidity_700hpa: Wide, specific_humidity_500hpa: Wide, geopotential_height_700hpa: Wide,
    geopotential_height_500hpa: Wide,
) -> Wide:  # fmt: skip
    hm, ql = (freezing_level_altitude - surface_altitude) / 1000, 1000 * mean_mixing_ratio_0_1km
    lapse = np.where(hm > 0.2, (temperature_2m - ZERO) / np.where(hm > 0.2, hm, 1), 0)
    part = (freezing_level_altitude - geopotential_height_700hpa) / (
        geopotential_height_500hpa - geopotential_height_700hpa
    )
    qm = 1000 * (specific_humidity_700hpa + part.clip(0, 1) * (specific_humidity_500hpa - specific_humidity_700hpa))
    return 5 * KNOT * np.sqrt(np.fmax(hm * np.fmin(ql / 12, 1) * (lapse**2 - 30 + ql - 2 * qm), 0))


def convective_gust(wind_index: Wide, wind_speed_500hpa: Wide) -> Wide:
    return np.where(wind_index > 0, 0.6 * wind_index + 0.5 * wind_speed_500hpa, 0)


def warm_cloud_depth(freezing_level_altitude: Wide, lifting_condensation_level: Wide, surface_altitude: Wide) -> Wide:
    return np.fmax(freezing_level_altitude - (surface_altitude + lifting_condensation_level), 0)


def energy_helicity_index_0_1km(
    convective_available_potential_energy: Wide, storm_relative_helicity_0_1km: Wide
) -> Wide:
    return convective_available_potential_energy * storm_relative_helicity_0_1km / 1.6e5


def energy_helicity_index_0_3km(
    convective_available_potential_energy: Wide, storm_relative_helicity_0_3km: Wide
) -> Wide:
    return convective_available_potential_energy * storm_relative_helicity_0_3km / 1.6e5


def significant_hail_parameter(
    convective_available_potential_energy: Wide, humidity_mixing_ratio_2m: Wide, lapse_rate_700_500hpa: Wide,
    temperature_500hpa: Wide, bulk_wind_shear_0_6km: Wide, freezing_level_altitude: Wide, surface_altitude: Wide,
) -> Wide:  # fmt: skip
    cape, lapse = convective_available_potential_energy, np.fmax(lapse_rate_700_500hpa, 0)
    cold, moist = np.fmin(temperature_500hpa - ZERO, -5.5), np.clip(1000 * humidity_mixing_ratio_2m, 11, 13.6)
    ship = cape * moist * lapse * -cold * np.clip(bulk_wind_shear_0_6km, 7, 27) / 42_000_000
    ship = np.where(cape < 1300, ship * cape / 1300, ship)
    ship = np.where(lapse < 5.8, ship * lapse / 5.8, ship)
    level = np.fmax(freezing_level_altitude - surface_altitude, 0)
    return np.where(level < 2400, ship * level / 2400, ship)


def bulk_richardson_number(convective_available_potential_energy: Wide, bulk_richardson_shear: Wide) -> Wide:
    return convective_available_potential_energy / np.fmax(bulk_richardson_shear, 1)


def craven_brooks_index(convective_available_potential_energy: Wide, bulk_wind_shear_0_6km: Wide) -> Wide:
    return convective_available_potential_energy * bulk_wind_shear_0_6km


def low_energy_severe_index(bulk_wind_shear_0_3km: Wide, lapse_rate_0_3km: Wide, lapse_rate_700_500hpa: Wide) -> Wide:
    return (bulk_wind_shear_0_3km / 26) * np.fmax(lapse_rate_0_3km / 5.2, 0) * np.fmax(lapse_rate_700_500hpa / 5.6, 0)


def derecho_composite_parameter(
    downdraft_convective_available_potential_energy: Wide, convective_available_potential_energy: Wide,
    bulk_wind_shear_0_6km: Wide, eastward_mean_wind_0_6km: Wide, northward_mean_wind_0_6km: Wide,
) -> Wide:  # fmt: skip
    mean = np.hypot(eastward_mean_wind_0_6km, northward_mean_wind_0_6km) / KNOT
    energy = downdraft_convective_available_potential_energy / 980 * convective_available_potential_energy / 2000
    return energy * (bulk_wind_shear_0_6km / KNOT / 20) * (mean / 16)


def lightning_flash_rate(convective_available_potential_energy: Wide, convective_precipitation: Wide) -> Wide:
    per_second = 1.3e-11 * convective_available_potential_energy * convective_precipitation / 3600  # m-2 s-1
    return per_second * 3600 * 1e6


def icing_potential(
    icing_potential_925hpa: Wide, icing_potential_850hpa: Wide, icing_potential_700hpa: Wide,
    icing_potential_500hpa: Wide,
) -> Wide:  # fmt: skip
    levels = (icing_potential_925hpa, icing_potential_850hpa, icing_potential_700hpa, icing_potential_500hpa)
    return np.max(levels, axis=0)


def contrail_persistence_250hpa(contrail_formation_250hpa: Wide, relative_humidity_over_ice_250hpa: Wide) -> Wide:
    return np.where(relative_humidity_over_ice_250hpa >= 1, contrail_formation_250hpa, 0)


def low_level_wind_shear_category(wind_shear_10m_100m: Wide) -> NDArray[np.intp]:
    return np.digitize(wind_shear_10m_100m / KNOT / (90 / (100 * FOOT)), [5, 9, 13])


def thermal_index_850hpa(temperature_850hpa: Wide, temperature_2m: Wide, surface_pressure: Wide) -> Wide:
    return temperature_850hpa - temperature_2m * (85000 / surface_pressure) ** (287.05 / 1004.7)


def colour_state(cloud_ceiling: Wide, visibility: Wide) -> NDArray[np.intp]:
    feet, kilometres = cloud_ceiling / FOOT, visibility / 1000
    sky = 6 - np.digitize(feet, np.array([200, 300, 500, 700, 1500, 2500]) - 1e-3)
    return np.fmax(sky, 6 - np.digitize(kilometres, np.array([0.8, 1.6, 2.5, 3.7, 5, 8])))


def flight_category(cloud_ceiling: Wide, visibility: Wide) -> Wide:
    feet, miles = cloud_ceiling / FOOT, visibility / MILE
    rules = [(feet < 500) | (miles < 1), (feet < 1000) | (miles < 3), (feet <= 3000) | (miles <= 5)]
    return np.select(rules, [3, 2, 1], 0)


PLAIN = (
    moisture_flux_850hpa, integrated_water_vapour_transport, atmospheric_river_category, boyden_index, jefferson_index,
    s_index, thompson_index, potential_instability_index, humidity_index, deep_convective_index,
    equivalent_potential_temperature_drop, dry_microburst_index, wind_index, convective_gust, warm_cloud_depth,
    significant_hail_parameter, low_energy_severe_index, icing_potential, contrail_persistence_250hpa,
    low_level_wind_shear_category, thermal_index_850hpa, colour_state, flight_category,
)  # fmt: skip
PRODUCTS = (
    maximum_updraft_speed, wmaxshear, energy_helicity_index_0_1km, energy_helicity_index_0_3km, bulk_richardson_number,
    craven_brooks_index, derecho_composite_parameter, lightning_flash_rate,
)  # fmt: skip


@pytest.mark.parametrize("transcription", PLAIN, ids=lambda one: one.__name__)
def test_storms_and_aviation(transcription: Transcription) -> None:
    judge(transcription)


@pytest.mark.parametrize("transcription", PRODUCTS, ids=lambda one: one.__name__)
def test_products(transcription: Transcription) -> None:
    judge(transcription, rtol=1e-5)


@pytest.mark.parametrize("level", [925, 850, 700, 500])
def test_icing_of_the_interest_map(level: int) -> None:
    celsius, humidity = (published()[f"{what}_{level}hpa"] for what in ("temperature", "relative_humidity"))
    interest = np.interp(celsius - ZERO, [-25, -12, -4, 0], [0, 1, 1, 0]) * np.interp(humidity, [0.7, 0.95], [0, 1])
    judge_values(f"icing_potential_{level}hpa", interest)


def saturation(t: Wide) -> Wide:
    """Pa over water: Ambaum (2020), eq. 13."""
    latent = 2.50084e6 - (4219.4 - 1860.078) * (t - 273.16)
    power = (4219.4 - 1860.078) / 461.5
    return 611.655 * (273.16 / t) ** power * np.exp(2.50084e6 / 273.16 / 461.5 - latent / (461.5 * t))


def test_the_mixing_line_of_exhaust_touches_saturation() -> None:
    """Schmidt (1941) and Appleman (1953) solved for the tangent, not by Schumann's fits."""
    fields = published()
    humidity, t = fields["relative_humidity_250hpa"], fields["temperature_250hpa"]
    slope = 1.25 * 1004 * 25000 / (0.622 * 43.2e6 * 0.7)
    touch = optimize.brentq(lambda x: (saturation(x + 0.01) - saturation(x - 0.01)) / 0.02 - slope, 200, 260)
    colder = np.linspace(touch - 30, touch, 3001)
    line = saturation(touch) - slope * (touch - colder)  # vapour that the line needs, at its humidity that there is
    threshold = np.interp(humidity, (line / saturation(colder)).clip(min=0)[line > 0], colder[line > 0])
    clear = np.abs(t - threshold) > 0.3
    judge_values(
        "contrail_formation_250hpa", (t <= threshold)[clear], where=clear, by="SciPy, tangent of Appleman (1953)"
    )


def parcel_at_500(t: float, td: float, p: float) -> float:
    """K of air lifted from `p` (Pa) with its equivalent potential temperature. Bolton (1980), eqs. 15 and 39."""

    def theta_e(t: float, td: float, p: float) -> float:
        e = float(saturation(np.float64(td)))
        r, level = 287.05 / 461.5 * e / (p - e), 56 + 1 / (1 / (td - 56) + np.log(t / td) / 800)
        dry = t * (1e5 / (p - e)) ** 0.2857 * (t / level) ** (0.28 * r)
        return float(dry * np.exp((3036 / level - 1.78) * r * (1 + 0.448 * r)))

    level = 56 + 1 / (1 / (td - 56) + np.log(t / td) / 800)
    if p * (level / t) ** (1 / 0.2857) <= 50000:
        return t * (50000 / p) ** 0.2857
    target = theta_e(t, td, p)
    return float(optimize.brentq(lambda x: theta_e(x, x, 50000) - target, 180, 320))


def test_the_most_unstable_of_three_parcels() -> None:
    fields = {name: np.broadcast_to(values, (LEADS, PLACES))[FEW] for name, values in published().items()}
    fields |= {f"pressure_{level}hpa": np.full_like(fields["wind_gust"], 100.0 * level) for level in (925, 850)}
    warmest = np.full_like(fields["wind_gust"], -np.inf)
    for place, pressure in (("2m", "surface_pressure"), ("925hpa", "pressure_925hpa"), ("850hpa", "pressure_850hpa")):
        base = fields[f"temperature_{place}"], fields[f"dew_point_temperature_{place}"], fields[pressure]
        warmest = np.fmax(warmest, np.vectorize(parcel_at_500)(*base))
    expected = fields["temperature_500hpa"] - warmest
    judge_values("best_lifted_index", expected, where=FEW, by="SciPy, parcels of Bolton (1980)", atol=0.05)


@pytest.mark.parametrize("way", ["eastward", "northward"])
def test_vapour_goes_with_the_wind_of_three_levels(way: str) -> None:
    winds = [published()[f"{way}_wind_{level}hpa"] for level in (925, 850, 700)]
    carried = published()["precipitable_water"] * np.average(winds, axis=0, weights=[0.45, 0.35, 0.20])
    judge_values(f"{way}_water_vapour_transport", carried)
