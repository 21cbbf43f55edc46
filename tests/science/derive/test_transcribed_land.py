"""Degree days, crops, livestock, frost and fire, written again from their sources."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.science.derive.transcribed import ZERO, Transcription, judge, judge_values, published
from tests.science.referee import xclim

Wide = NDArray[np.float64]
Flags = NDArray[np.bool_]


def growing_degree(temperature_2m: Wide) -> Wide:
    return (np.clip(temperature_2m - ZERO, 10, 30) - 10) / 24


def growing_degree_base0(temperature_2m: Wide) -> Wide:
    return (temperature_2m - ZERO).clip(min=0) / 24


def growing_degree_base5(temperature_2m: Wide) -> Wide:
    return (temperature_2m - ZERO - 5).clip(min=0) / 24


def heating_degree(temperature_2m: Wide) -> Wide:
    return (18 - temperature_2m + ZERO).clip(min=0) / 24


def heating_degree_base15p5(temperature_2m: Wide) -> Wide:
    return (15.5 - temperature_2m + ZERO).clip(min=0) / 24


def cooling_degree(temperature_2m: Wide) -> Wide:
    return (temperature_2m - ZERO - 18).clip(min=0) / 24


def cooling_degree_base22(temperature_2m: Wide) -> Wide:
    return (temperature_2m - ZERO - 22).clip(min=0) / 24


def chill_hour(temperature_2m: Wide) -> Flags:
    return (temperature_2m >= ZERO) & (temperature_2m <= ZERO + 7.2)


def frost_category(temperature_2m: Wide, skin_temperature: Wide) -> Wide:
    air, ground = temperature_2m - ZERO, skin_temperature - ZERO
    return np.select([air < -4, air < 0, ground < 0], [3, 2, 1])


def leaf_wetness(relative_humidity_2m: Wide, precipitation: Wide) -> Flags:
    return (relative_humidity_2m >= 0.9) | (precipitation >= 0.1)


def frozen_soil(soil_temperature_0_10cm: Wide) -> Flags:
    return soil_temperature_0_10cm < ZERO


def spray_window(wet_bulb_depression_2m: Wide, wind_speed_10m: Wide, precipitation: Wide) -> Wide:
    delta, kmh = wet_bulb_depression_2m, wind_speed_10m * 3.6

    def within(low: float, high: float, calm: float, windy: float) -> Flags:
        return (delta >= low) & (delta <= high) & (kmh >= calm) & (kmh <= windy)

    return np.select([precipitation >= 0.1, within(2, 8, 3, 15), within(1, 10, 2, 20)], [0, 2, 1])


def heat_load_index(relative_humidity_2m: Wide, globe_temperature: Wide, wind_speed_10m: Wide) -> Wide:
    percent, globe, wind = 100 * relative_humidity_2m, globe_temperature - ZERO, 0.748 * wind_speed_10m
    above = 8.62 + 0.38 * percent + 1.55 * globe - 0.5 * wind + np.exp(2.4 - wind)
    below = 10.66 + 0.28 * percent + 1.3 * globe - wind
    return np.where(globe < 25, below, above)


def sheep_chill_index(temperature_2m: Wide, wind_speed_10m: Wide, precipitation_24h: Wide) -> Wide:
    lost = (11.7 + 3.1 * (0.53 * wind_speed_10m) ** 0.5) * (40 - temperature_2m + ZERO)
    return lost + 481 + 418 * (1 - np.exp(-0.04 * precipitation_24h))


def evaporation(surface_upward_latent_heat_flux: Wide) -> Wide:
    return surface_upward_latent_heat_flux * 3600 / 2.45e6


def fine_fuel_moisture(temperature_2m: Wide, relative_humidity_2m: Wide) -> Wide:
    t, h = 1.8 * (temperature_2m - ZERO) + 32, 100 * relative_humidity_2m
    damp = 21.0606 + 0.005565 * h**2 - 0.00035 * h * t - 0.483199 * h
    middle = 2.22749 + 0.160107 * h - 0.014784 * t
    percent = np.select([h < 10, h <= 50], [0.03229 + 0.281073 * h - 0.000578 * h * t, middle], damp)
    return percent / 100


def fosberg_fire_weather_index(fine_fuel_moisture: Wide, wind_speed_10m: Wide) -> Wide:
    eta = np.polynomial.Polynomial([1, -2, 1.5, -0.5])(100 * fine_fuel_moisture / 30)
    return eta * np.sqrt(1 + (wind_speed_10m / 0.44704) ** 2) / 0.3002


def hot_dry_windy_index(vapour_pressure_deficit_2m: Wide, wind_speed_10m: Wide) -> Wide:
    return vapour_pressure_deficit_2m * wind_speed_10m


def chandler_burning_index(temperature_2m: Wide, relative_humidity_2m: Wide) -> Wide:
    t, h = temperature_2m - ZERO, 100 * relative_humidity_2m
    return ((110 - 1.373 * h) - 0.54 * (10.20 - t)) * (124 * 10 ** (-0.0142 * h)) / 60


def angstrom_index(temperature_2m: Wide, relative_humidity_2m: Wide) -> Wide:
    return 100 * relative_humidity_2m / 20 + (27 - temperature_2m + ZERO) / 10


def sharples_fuel_moisture_index(temperature_2m: Wide, relative_humidity_2m: Wide) -> Wide:
    return np.fmax(10 - 0.25 * (temperature_2m - ZERO) + 25 * relative_humidity_2m, 0.5)


def sharples_fire_danger_index(wind_speed_10m: Wide, sharples_fuel_moisture_index: Wide) -> Wide:
    return np.fmax(1, 3.6 * wind_speed_10m) / sharples_fuel_moisture_index


def dead_fuel_moisture(vapour_pressure_deficit_2m: Wide) -> Wide:
    return 0.0543 + 0.5291 * np.exp(-0.64 * vapour_pressure_deficit_2m / 1000)


def ignition_probability(temperature_2m: Wide, fine_fuel_moisture: Wide) -> Wide:
    t, m = temperature_2m - ZERO, 100 * fine_fuel_moisture
    heat = 144.5 - 0.266 * t - 0.00058 * t**2 - t * m / 100 + 18.54 * (1 - np.exp(-0.151 * m)) + 6.4 * m
    return 0.000048 * (np.fmax(400 - heat, 0) / 10) ** 4.3 / 50


def red_flag_conditions(relative_humidity_2m: Wide, wind_speed_10m: Wide, temperature_2m: Wide) -> Flags:
    return (relative_humidity_2m <= 0.2) & (wind_speed_10m >= 15 * 0.44704) & (temperature_2m > ZERO)


def fire_danger_category(fire_weather_index: Wide) -> NDArray[np.intp]:
    return np.digitize(fire_weather_index, [5.2, 11.2, 21.3, 38, 50])


def haines(lapse: Wide, dryness: Wide, lapses: tuple[float, float], dry: tuple[float, float]) -> Wide:
    """Sum of two classes of 1 to 3. Haines (1988), table 1."""
    first = np.select([lapse < lapses[0], lapse < lapses[1]], [1, 2], 3)
    return first + np.select([dryness < dry[0], dryness < dry[1]], [1, 2], 3)


def haines_index_low(
    temperature_2m: Wide, surface_pressure: Wide, temperature_925hpa: Wide, temperature_850hpa: Wide,
    dew_point_depression_850hpa: Wide,
) -> Wide:  # fmt: skip
    share = np.log(950 / 925) / np.log(np.fmax(surface_pressure, 95000) / 92500)
    at_950 = share * temperature_2m + (1 - share) * temperature_925hpa
    return haines(at_950 - temperature_850hpa, dew_point_depression_850hpa, (4, 8), (6, 10))


def haines_index_middle(temperature_850hpa: Wide, temperature_700hpa: Wide, dew_point_depression_850hpa: Wide) -> Wide:
    return haines(temperature_850hpa - temperature_700hpa, dew_point_depression_850hpa, (6, 11), (6, 13))


def haines_index_high(temperature_700hpa: Wide, temperature_500hpa: Wide, dew_point_depression_700hpa: Wide) -> Wide:
    return haines(temperature_700hpa - temperature_500hpa, dew_point_depression_700hpa, (18, 22), (15, 21))


def haines_index(
    haines_index_low: Wide, haines_index_middle: Wide, haines_index_high: Wide, surface_altitude: Wide
) -> Wide:
    feet = surface_altitude / 0.3048
    return np.select([feet < 1000, feet <= 3000], [haines_index_low, haines_index_middle], haines_index_high)


def continuous_haines_index(
    temperature_850hpa: Wide, temperature_700hpa: Wide, dew_point_depression_850hpa: Wide
) -> Wide:
    dry = np.fmin(dew_point_depression_850hpa, 30) / 3 - 1
    return (temperature_850hpa - temperature_700hpa) / 2 - 2 + np.fmin(dry, 5) + np.fmax(dry - 5, 0) / 2


PLAIN = (
    growing_degree, growing_degree_base0, growing_degree_base5, heating_degree, heating_degree_base15p5,
    cooling_degree, cooling_degree_base22, chill_hour, frost_category, leaf_wetness, frozen_soil, spray_window,
    heat_load_index, sheep_chill_index, evaporation, fine_fuel_moisture, fosberg_fire_weather_index,
    hot_dry_windy_index, chandler_burning_index, angstrom_index, sharples_fuel_moisture_index,
    sharples_fire_danger_index, dead_fuel_moisture, ignition_probability, red_flag_conditions, fire_danger_category,
    haines_index_low, haines_index_middle, haines_index_high, haines_index, continuous_haines_index,
)  # fmt: skip


@pytest.mark.parametrize("transcription", PLAIN, ids=lambda one: one.__name__)
def test_land(transcription: Transcription) -> None:
    judge(transcription)


def saturation_slope(t: Wide) -> Wide:
    """kPa K-1: FAO-56 (1998), eqs. 11 and 13."""
    return 4098 * 0.6108 * np.exp(17.27 * t / (t + 237.3)) / (t + 237.3) ** 2


@pytest.mark.parametrize(
    ("name", "numerator", "by_day", "by_night"),
    [("reference_evapotranspiration", 37, (0.34, 0.1), (0.34, 0.5)),
     ("tall_reference_evapotranspiration", 66, (0.25, 0.04), (1.7, 0.2))],
)  # fmt: skip
def test_penman_and_monteith(
    name: str, numerator: float, by_day: tuple[float, float], by_night: tuple[float, float]
) -> None:
    def evapotranspiration(
        temperature_2m: Wide, vapour_pressure_deficit_2m: Wide, wind_speed_10m: Wide, surface_pressure: Wide,
        surface_downwelling_shortwave_flux: Wide, surface_downwelling_longwave_flux: Wide,
    ) -> Wide:  # fmt: skip
        day = surface_downwelling_shortwave_flux > 1
        resistance, ground = (np.where(day, *pair) for pair in zip(by_day, by_night, strict=True))
        t, psychrometric = temperature_2m - ZERO, 0.665e-3 * surface_pressure / 1000
        wind = wind_speed_10m * 4.87 / np.log(67.8 * 10 - 5.42)
        net = 0.77 * surface_downwelling_shortwave_flux + surface_downwelling_longwave_flux
        net = (net - 5.670374e-8 * temperature_2m**4) * 3600 / 1e6
        heat = 0.408 * saturation_slope(t) * net * (1 - ground)
        air = psychrometric * numerator / temperature_2m * wind * vapour_pressure_deficit_2m / 1000
        return (heat + air) / (saturation_slope(t) + psychrometric * (1 + resistance * wind))

    judge(evapotranspiration, name=name, rtol=5e-3, atol=4e-3)  # Magnus and Tetens against Ambaum (2020)


def test_open_water() -> None:
    def open_water_evaporation(
        temperature_2m: Wide, vapour_pressure_deficit_2m: Wide, wind_speed_10m: Wide, surface_pressure: Wide,
        surface_downwelling_shortwave_flux: Wide, surface_downwelling_longwave_flux: Wide,
    ) -> Wide:  # fmt: skip
        slope, psychrometric = saturation_slope(temperature_2m - ZERO), 0.665e-6 * surface_pressure
        wind = wind_speed_10m * 4.87 / np.log(67.8 * 10 - 5.42)
        net = 0.92 * surface_downwelling_shortwave_flux + surface_downwelling_longwave_flux
        net = (net - 5.670374e-8 * temperature_2m**4) * 86400 / 1e6
        drying = 6.43 * (1 + 0.536 * wind) * vapour_pressure_deficit_2m / 1000
        return (slope * net + psychrometric * drying) / (2.45 * (slope + psychrometric)) / 24

    judge(open_water_evaporation, rtol=5e-3, atol=4e-3)


def test_chill_units_of_xclim() -> None:
    indices = xclim("xclim.indices")
    xarray = pytest.importorskip("xarray")
    t = published()["temperature_2m"]
    celsius = xarray.DataArray(t - ZERO, dims=("time", "place"), attrs={"units": "degC"})
    hours = np.arange(len(t)).astype("timedelta64[h]") + np.datetime64("2026-01-01T00", "ns")
    found = np.asarray(indices.chill_units(celsius.assign_coords(time=hours), freq="h"))
    between = np.array([1.4, 1.5, 2.4, 2.5, 9.1, 9.2, 12.4, 12.5, 15.9, 16.0, 17.9, 18.05]).reshape(-1, 2)
    clear = np.all([(t - ZERO < low) | (t - ZERO > high) for low, high in between], axis=0)  # published to tenths
    judge_values("chill_unit", found[clear], by="xclim", where=clear, atol=1e-6)


def test_stress_of_cattle_of_pythermalcomfort() -> None:
    models = pytest.importorskip("pythermalcomfort.models")
    fields = published()
    celsius, percent = fields["temperature_2m"] - ZERO, 100 * fields["relative_humidity_2m"]
    found = models.thi(celsius, percent, round_output=False).thi
    judge_values("temperature_humidity_index", found, by="pythermalcomfort")
