"""Pressure levels, the layers between them, columns, tropopause and jet: written again from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.parameters import pressure_levels
from tests.science.derive.test_transcribed_air import GAS, GRAVITY, LAPSE, turning
from tests.science.derive.transcribed import FEW, ZERO, judge_values, published

Wide = NDArray[np.float64]
LEVELS = pressure_levels()
LOW = (925, 850, 700, 500, 250)
WINDS = [("10m", "925hpa"), ("10m", "850hpa"), ("10m", "700hpa"), ("10m", "500hpa"), ("925hpa", "850hpa")]
WINDS += [("850hpa", "700hpa"), ("700hpa", "500hpa"), ("500hpa", "250hpa"), ("850hpa", "250hpa")]
LAYERS = [(925, 850), (850, 700), (700, 500), (500, 250)]


def of(what: str, level: int | str, where: tuple[slice, slice] = (slice(None), slice(None))) -> Wide:
    return published()[f"{what}_{level}" if isinstance(level, str) else f"{what}_{level}hpa"][where]


@pytest.mark.parametrize("level", [850, 700, 500])
def test_dew_point_depression(level: int) -> None:
    judge_values(f"dew_point_depression_{level}hpa", of("temperature", level) - of("dew_point_temperature", level))


@pytest.mark.parametrize("level", [850, 700, 500, 250])
def test_deviation_from_the_standard_atmosphere_by_its_own_pressures(level: int) -> None:
    standard = 288.15 * (level / 1013.25) ** (GAS * LAPSE / GRAVITY)
    judge_values(f"standard_atmosphere_deviation_{level}hpa", of("temperature", level) - standard, atol=0.03)


@pytest.mark.parametrize(("low", "high"), WINDS)
def test_shear_is_the_length_of_a_difference(low: str, high: str) -> None:
    winds = [of("eastward_wind", level) + 1j * of("northward_wind", level) for level in (low, high)]
    judge_values(f"bulk_wind_shear_{low}_{high}", np.abs(winds[1] - winds[0]))


@pytest.mark.parametrize(
    ("low", "high"), [(1000, 500), (850, 500), (850, 700), (1000, 850), (1000, 700), (700, 500), (500, 250)]
)
def test_thickness(low: int, high: int) -> None:
    judge_values(f"thickness_{low}_{high}hpa", of("geopotential_height", high) - of("geopotential_height", low))


@pytest.mark.parametrize(("low", "high"), [(850, 500), (700, 500), (925, 700), (850, 700), (500, 250)])
def test_lapse_rate(low: int, high: int) -> None:
    depth = (of("geopotential_height", high) - of("geopotential_height", low)) / 1000
    judge_values(f"lapse_rate_{low}_{high}hpa", (of("temperature", low) - of("temperature", high)) / depth)


def test_lapse_rate_from_the_ground_takes_the_first_level_half_a_kilometre_over_it() -> None:
    fields = published()
    ground, result = fields["surface_altitude"], np.full(fields["temperature_2m"].shape, np.nan)
    for level in (500, 700, 850):
        high = of("geopotential_height", level)
        rate = 1000 * (fields["temperature_2m"] - of("temperature", level)) / (high - ground)
        result = np.where(high >= ground + 500, rate, result)
    judge_values("lapse_rate_2m_850hpa", result)


@pytest.mark.parametrize(("name", "low", "high"), [("10m_850hpa", "10m", "850hpa"), ("850_500hpa", "850hpa", "500hpa")])
def test_wind_turns_clockwise(name: str, low: str, high: str) -> None:
    judge_values(f"wind_turning_{name}", turning(of("wind_from_direction", low), of("wind_from_direction", high)))


@pytest.mark.parametrize(("low", "high"), LAYERS)
def test_stability_of_layers(low: int, high: int) -> None:
    thetas = [of("potential_temperature", level) for level in (low, high)]
    depth = of("geopotential_height", high) - of("geopotential_height", low)
    frequency = GRAVITY / np.mean(thetas, axis=0) * np.diff(thetas, axis=0)[0] / depth
    judge_values(f"buoyancy_frequency_squared_{low}_{high}hpa", frequency, rtol=1e-5)
    shear = np.fmax(of("bulk_wind_shear", f"{low}hpa_{high}hpa"), 1)
    number = of("buoyancy_frequency_squared", f"{low}_{high}hpa") / (shear / depth) ** 2
    judge_values(f"richardson_number_{low}_{high}hpa", number, rtol=1e-5)


@pytest.mark.parametrize(("low", "high"), LAYERS[2:])
def test_turbulence_of_layers(low: int, high: int) -> None:
    shear = of("bulk_wind_shear", f"{low}hpa_{high}hpa")
    knots = shear * 3600 / 1852
    index = knots**2 * (1 - np.clip(of("richardson_number", f"{low}_{high}hpa"), -10, 10) / 0.5)
    judge_values(f"colson_panofsky_index_{low}_{high}hpa", index, rtol=1e-5)
    depth = of("geopotential_height", high) - of("geopotential_height", low)
    deformation = np.mean([of("total_deformation", level) for level in (low, high)], axis=0)
    judge_values(f"ellrod_index_{low}_{high}hpa", shear / depth * deformation, rtol=1e-5)


@pytest.mark.parametrize("levels", [(925, 850, 700), (850, 700, 500)])
def test_mean_humidity(levels: tuple[int, ...]) -> None:
    mean = np.mean([of("relative_humidity", level) for level in levels], axis=0)
    judge_values(f"relative_humidity_mean_{levels[0]}_{levels[-1]}hpa", mean)


def columns(ground: str, what: str, levels: tuple[int, ...] = LOW) -> Iterator[tuple[Wide, Wide]]:
    """Heights over the sea and values of each of FEW columns: the ground and the levels that lie over it."""
    fields, shape = published(), published()["temperature_2m"].shape
    heights = [fields["surface_altitude"], *(of("geopotential_height", level) for level in levels)]
    values = [fields[ground], *(of(what, level) for level in levels)]
    z = np.stack([np.broadcast_to(height, shape)[FEW].ravel() for height in heights], axis=1)
    v = np.stack([value[FEW].ravel() for value in values], axis=1)
    for height, value in zip(z, v, strict=True):
        over = np.append(True, height[1:] > height[0])
        yield height[over], value[over]


def of_columns(name: str, profiles: Iterator[tuple[Wide, Wide]], work_out: Callable[[Wide, Wide], float]) -> None:
    found = np.array([work_out(z, v) for z, v in profiles]).reshape(published()[name][FEW].shape)
    known = np.zeros(published()[name].shape, bool)
    known[FEW] = np.isfinite(found)
    judge_values(name, found[np.isfinite(found)], where=known)


def crossing(target: float) -> Callable[[Wide, Wide], float]:
    """Of the levels downwards the first pair that has the target between them; the ground where all is colder."""

    def find(z: Wide, t: Wide) -> float:
        for k in range(len(z) - 1, 0, -1):
            if t[k] < target <= t[k - 1]:
                return float(np.interp(target, [t[k], t[k - 1]], [z[k], z[k - 1]]))
        return float(z[0])

    return find


@pytest.mark.parametrize(("name", "kelvin"), [("freezing", ZERO), ("minus_10", ZERO - 10), ("minus_20", ZERO - 20)])
def test_isotherms(name: str, kelvin: float) -> None:
    of_columns(f"{name}_level_altitude", columns("temperature_2m", "temperature"), crossing(kelvin))


@pytest.mark.parametrize(("name", "kelvin"), [("wet_bulb_freezing", ZERO), ("snow", ZERO + 0.5)])
def test_isotherms_of_the_wet_bulb(name: str, kelvin: float) -> None:
    profiles = columns("wet_bulb_temperature_2m", "wet_bulb_temperature", LOW[:4])
    of_columns(f"{name}_level_altitude", profiles, crossing(kelvin))


@pytest.mark.parametrize("way", ["eastward", "northward"])
@pytest.mark.parametrize("height", [1000, 3000, 6000])
def test_wind_at_heights(way: str, height: int) -> None:
    profiles = columns(f"{way}_wind_10m", f"{way}_wind")
    of_columns(f"{way}_wind_{height}m", profiles, lambda z, u: float(np.interp(z[0] + height, z, u)))


def test_lapse_rate_of_three_kilometres() -> None:
    def rate(z: Wide, t: Wide) -> float:
        return float(t[0] - np.interp(z[0] + 3000, z, t)) / 3

    of_columns("lapse_rate_0_3km", columns("temperature_2m", "temperature"), rate)


def mean_below(depth: float) -> Callable[[Wide, Wide], float]:
    """Of 20001 heights, by trapezoids."""

    def mean(z: Wide, v: Wide) -> float:
        return float(np.trapezoid(np.interp(np.linspace(z[0], z[0] + depth, 20001), z, v), dx=1 / 20000))

    return mean


def test_moisture_of_the_lowest_kilometre() -> None:
    def ratio(z: Wide, q: Wide) -> float:
        return mean_below(1000)(z, q) / (1 - mean_below(1000)(z, q))

    profiles = columns("specific_humidity_2m", "specific_humidity", LOW[:3])
    of_columns("mean_mixing_ratio_0_1km", profiles, ratio)


def test_shear_of_the_bulk_richardson_number() -> None:
    means = [
        np.array([mean_below(depth)(z, u) for z, u in columns(f"{way}_wind_10m", f"{way}_wind")])
        for way in ("eastward", "northward")
        for depth in (6000, 500)
    ]
    energy = ((means[0] - means[1]) ** 2 + (means[2] - means[3]) ** 2) / 2
    judge_values("bulk_richardson_shear", energy.reshape(published()["temperature_2m"][FEW].shape), where=FEW)


def test_shear_of_six_kilometres() -> None:
    low = published()["eastward_wind_10m"] + 1j * published()["northward_wind_10m"]
    high = published()["eastward_wind_6000m"] + 1j * published()["northward_wind_6000m"]
    judge_values("bulk_wind_shear_0_6km", np.abs(high - low))


def thermal_tropopause(z: Wide, t: Wide, levels: tuple[int, ...]) -> float:
    """Pa: Reichler et al. (2003), section 2, with the layer above held to 2 K/km too in place of the mean of 2 km."""
    kappa = 0.2857
    exner = (np.array(levels) * 100.0) ** kappa
    middles, rates = (exner[1:] + exner[:-1]) / 2, -np.diff(t) / np.diff(z)
    for k in range(1, len(rates)):
        stays = rates[k : k + 2] <= 0.002
        if rates[k - 1] > 0.002 and stays.all():
            place = np.interp(-0.002, [-rates[k - 1], -rates[k]], [middles[k - 1], middles[k]])
            return float(place ** (1 / kappa))
    return float("nan")  # by convention, not by the definition


def test_tropopause() -> None:
    levels = tuple(level for level in LEVELS if level <= 600)
    heights, temperatures = (
        np.stack([of(what, level, FEW).ravel() for level in levels], axis=1)
        for what in ("geopotential_height", "temperature")
    )
    found = np.array([thermal_tropopause(z, t, levels) for z, t in zip(heights, temperatures, strict=True)])
    known = np.zeros(published()["temperature_2m"].shape, bool)
    known[FEW] = np.isfinite(found).reshape(known[FEW].shape)
    assert known.sum() > 200
    judge_values("tropopause_air_pressure", found[np.isfinite(found)], where=known, rtol=1e-4)
    pressure = of("tropopause", "air_pressure", FEW).ravel()
    for name, profiles in (("air_temperature", temperatures), ("altitude", heights)):
        logs = -np.log(100.0 * np.array(levels))
        there = [np.interp(-np.log(p), logs, v) for p, v in zip(pressure, profiles, strict=True)]
        judge_values(f"tropopause_{name}", np.reshape(there, known[FEW].shape), where=FEW)


def test_jet() -> None:
    levels = [level for level in LEVELS if 100 <= level <= 500]
    speeds = np.stack([of("wind_speed", level) for level in levels])
    judge_values("jet_wind_speed", speeds.max(axis=0))
    judge_values("jet_air_pressure", 100.0 * np.array(levels)[speeds.argmax(axis=0)])
