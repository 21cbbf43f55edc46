"""What people feel, and wind, cold and ice for those who sell energy, written again from their sources."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.science.derive.transcribed import ZERO, Transcription, judge, judge_values, published

Wide = NDArray[np.float64]


def feels_like_temperature(temperature_2m: Wide, heat_index: Wide, wind_chill: Wide) -> Wide:
    fahrenheit = (temperature_2m - ZERO) * 9 / 5 + 32
    return np.select([fahrenheit >= 80.006, fahrenheit <= 50], [heat_index, wind_chill], temperature_2m)


def wet_bulb_globe_temperature(
    temperature_2m: Wide, relative_humidity_2m: Wide, wind_speed_10m: Wide, surface_downwelling_shortwave_flux: Wide
) -> Wide:
    t, h, sun = temperature_2m - ZERO, 100 * relative_humidity_2m, surface_downwelling_shortwave_flux / 1000
    index = 0.735 * t + 0.0374 * h + 0.00292 * t * h + 7.619 * sun - 4.557 * sun**2 - 0.0572 * wind_speed_10m - 4.064
    return np.where(t < 10, np.fmin(index, t), index) + ZERO


def heat_flag(wet_bulb_globe_temperature_iso7243: Wide) -> NDArray[np.intp]:
    return np.digitize((wet_bulb_globe_temperature_iso7243 - ZERO) * 9 / 5 + 32, [78, 82, 85, 88, 90])


def work_capacity(wet_bulb_globe_temperature_iso7243: Wide) -> Wide:
    celsius = np.fmax(wet_bulb_globe_temperature_iso7243 - ZERO, 5)
    return 100 / (1 + (45.33 / celsius) ** -4.30) / 100


def heat_index_category(heat_index: Wide) -> NDArray[np.intp]:
    return np.digitize((heat_index - ZERO) * 9 / 5 + 32, [80, 90, 103, 125])


def frostbite_time(temperature_2m: Wide, wind_speed_10m: Wide) -> Wide:
    t, kmh = temperature_2m - ZERO, np.fmin(3.6 * wind_speed_10m, 80)
    cold = np.fmin(t, -15)
    strength = np.fmax(-24.5 * (0.667 * kmh + 4.8) + 2111, 100)
    minutes = strength * (-4.8 - cold) ** -1.668
    return 60 * np.where(t < -15, minutes.clip(2, 30), 30)


def clothing_insulation(temperature_2m: Wide, wind_speed_10m: Wide) -> Wide:
    air = 0.155 / (0.61 + 0.19 * np.sqrt(100 * wind_speed_10m))  # Burton and Edholm take cm s-1
    return (33 - (temperature_2m - ZERO)) / (0.75 * 2 * 58) - air


def wind_driven_rain(rainfall: Wide, wind_speed_10m: Wide) -> Wide:
    return 2 / 9 * wind_speed_10m * rainfall ** (8 / 9)


def wet_snow_load(temperature_2m: Wide, wet_bulb_temperature_2m: Wide, snowfall: Wide, wind_speed_10m: Wide) -> Wide:
    caught = 0.030 * snowfall * np.sqrt(1 + (wind_speed_10m / 1.7) ** 2)
    sticks = (wet_bulb_temperature_2m > ZERO) & (temperature_2m < ZERO + 3)
    return np.where(sticks, caught / np.fmax(wind_speed_10m, 1), 0)


def rime_ice_load(temperature_2m: Wide, visibility: Wide, wind_speed_10m: Wide, air_density_2m: Wide) -> Wide:
    diameter, drop, viscosity = 0.030, 20e-6, 1.7e-5  # m, m, Pa s
    wind = np.fmax(wind_speed_10m, 0.1)
    k = np.fmax(1000 * drop**2 * wind / (9 * viscosity * diameter), 0.17)
    phi = np.fmax((air_density_2m * drop * wind / viscosity) ** 2 / k, 101)
    a = 1.066 * k**-0.00616 * np.exp(-1.103 * k**-0.688)
    b = 3.641 * k**-0.498 * np.exp(-1.497 * k**-0.694)
    efficiency = np.clip(a - 0.028 - 0.00637 * (phi - 100) ** 0.381 * (b - 0.0454), 0, 1)
    kilometres = np.fmax(visibility, 20) / 1000
    water = (3.912 / kilometres / 144.7) ** (1 / 0.88) / 1000  # kg m-3
    fog = (temperature_2m < ZERO) & (visibility < 1000)
    return np.where(fog, efficiency * water * wind_speed_10m * diameter * 3600, 0)


def line_rating(
    temperature_2m: Wide, wind_speed_10m: Wide, surface_downwelling_shortwave_flux: Wide, surface_altitude: Wide
) -> Wide:
    conductor, t, diameter = 75.0, temperature_2m - ZERO, 28.14e-3
    film = (conductor + t) / 2
    density = (1.293 - 1.525e-4 * surface_altitude + 6.379e-9 * surface_altitude**2) / (1 + 0.00367 * film)
    viscosity = 1.458e-6 * (film + 273) ** 1.5 / (film + 383.4)
    conductivity = 2.424e-2 + 7.477e-5 * film - 4.407e-9 * film**2
    reynolds = diameter * density * wind_speed_10m / viscosity
    phi = np.pi / 4
    angle = 1.194 - np.cos(phi) + 0.194 * np.cos(2 * phi) + 0.368 * np.sin(2 * phi)
    over = np.fmax(conductor - t, 0)
    low, high = 1.01 + 1.35 * reynolds**0.52, 0.754 * reynolds**0.6
    forced = [angle * number * conductivity * over for number in (low, high)]
    free = 3.645 * density**0.5 * diameter**0.75 * over**1.25
    radiated = 17.8 * diameter * 0.8 * (((conductor + 273) / 100) ** 4 - ((t + 273) / 100) ** 4)
    sun = 0.8 * surface_downwelling_shortwave_flux * diameter
    return np.sqrt(np.fmax(np.max([*forced, free], axis=0) + radiated - sun, 0) / 8.688e-5)


PLAIN = (
    feels_like_temperature, wet_bulb_globe_temperature, heat_flag, work_capacity, heat_index_category, frostbite_time,
    clothing_insulation, wind_driven_rain, wet_snow_load, rime_ice_load, line_rating,
)  # fmt: skip


@pytest.mark.parametrize("transcription", PLAIN, ids=lambda one: one.__name__)
def test_people_and_lines(transcription: Transcription) -> None:
    judge(transcription)


def test_wet_bulb_globe_of_pythermalcomfort() -> None:
    models = pytest.importorskip("pythermalcomfort.models")
    fields = published()
    names = ("wet_bulb_temperature_2m", "globe_temperature", "temperature_2m")
    wet, globe, air = (fields[name] - ZERO for name in names)
    sun = models.wbgt(wet, globe, air, with_solar_load=True, round_output=False).wbgt
    judge_values("wet_bulb_globe_temperature_iso7243", sun + ZERO, by="pythermalcomfort")
    shade = models.wbgt(wet, air, round_output=False).wbgt  # in the shade the globe is as warm as the air
    judge_values("wet_bulb_globe_temperature_shade", shade + ZERO, by="pythermalcomfort")


def test_stress_of_pythermalcomfort() -> None:
    models = pytest.importorskip("pythermalcomfort.models")
    fields = published()
    air, wind = (fields["temperature_2m"] - ZERO).clip(-50, 50), fields["wind_speed_10m"].clip(0.5, 17)
    radiant = air + (fields["mean_radiant_temperature"] - fields["temperature_2m"]).clip(-30, 70)
    found = models.utci(air, radiant, wind, 100 * fields["relative_humidity_2m"], round_output=False)
    classes = ["extreme cold stress", "very strong cold stress", "strong cold stress", "moderate cold stress",
               "slight cold stress", "no thermal stress", "moderate heat stress", "strong heat stress",
               "very strong heat stress", "extreme heat stress"]  # fmt: skip
    limits, names_found = np.array([-40, -27, -13, 0, 9, 26, 32, 38, 46]), np.asarray(found.stress_category)
    clear = np.abs(np.asarray(found.utci)[..., None] - limits).min(axis=-1) > 0.3  # what humidity may shift the index
    clear &= np.isin(names_found, classes)
    assert clear.mean() > 0.8
    codes = np.array([classes.index(name) for name in names_found[clear]])
    judge_values("thermal_stress_category", codes, by="pythermalcomfort", where=clear)


CURVES = {  # NREL turbine-models, WTK_Validation: shares of the rating at 3 to 25 m s-1
    "class1": ("80m", "43 323 771 1426 2329 3528 5024 6732 8287 9264 9774 9946 9990 9990", 25),
    "class2": ("100m", "52 423 1031 1909 3127 4731 6693 8554 9641 9942 9994", 25),
    "class3": ("120m", "54 530 1351 2508 4033 5952 7849 9178 9796", 22),
    "offshore": ("120m", "0 281 740 1373 2266 3443 4908 6623 8150 9179 9798", 22),
}


@pytest.mark.parametrize("turbine", CURVES)
def test_power_curves_of_the_wind_toolkit(turbine: str) -> None:
    hub, shares, last = CURVES[turbine]
    curve = np.array([0, 0, 0, *(int(share) / 10000 for share in shares.split())])
    speed, density = published()[f"wind_speed_{hub}"], published()["air_density_100m"]
    equivalent = speed * (density / 1.225) ** (1 / 3)
    expected = np.interp(equivalent, range(len(curve) + 1), [*curve, 1.0])
    judge_values(f"wind_turbine_capacity_factor_{turbine}", np.where(speed > last, 0, expected))
