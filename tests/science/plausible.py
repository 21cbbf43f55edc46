"""Columns of plausible weather from the tropics to the poles, for what must hold in any of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import blended, catalogue, pressure_levels
from pipeline.science.derive.catalogue import FORMULAS
from pipeline.science.derive.gradients import NAMES

Array = NDArray[np.float32]
Wide = NDArray[np.float64]
LEVELS = pressure_levels()
LEADS = 30


def plausible(seed: int, places: int = 200, leads: int = LEADS) -> dict[str, Array]:
    """Blended parameters (lead, place) and what is known of hour and place: hydrostatic, consistent, of any season."""
    rng = np.random.default_rng(seed)
    latitude = rng.uniform(-90, 90, places)
    altitude = np.where(rng.random(places) < 0.5, 0, rng.gamma(1, 700, places).clip(0, 4500))
    day = rng.integers(1, 366) + np.arange(leads)[:, None] / 24
    declination, phi = -0.41 * np.cos(2 * np.pi * (day + 10) / 365), np.deg2rad(latitude)
    angle = 2 * np.pi * day + rng.uniform(-np.pi, np.pi, places)
    sun = np.maximum(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle), 0)
    warmth = 300 - 55 * np.sin(phi - 0.4 * declination[0]) ** 2 + rng.normal(0, 4, places)
    wind = rng.gamma(2, 3, sun.shape)
    fields = _ground(rng, warmth, altitude, sun, wind) | _sky(rng, sun, warmth) | _sea(rng, warmth, wind)
    for height, speed in (("10m", fields["wind_speed_10m"]), ("100m", fields["wind_speed_100m"])):
        heading = rng.uniform(0, 0.3, places) + 6 * latitude
        fields |= {
            f"eastward_wind_{height}": speed * np.cos(heading),
            f"northward_wind_{height}": speed * np.sin(heading),
        }
    fields |= _aloft(rng, warmth, fields)
    fields |= {"surface_altitude": altitude, "latitude": latitude, "land_area_fraction": (altitude > 0) * 1.0}
    fields["day_of_year"] = day + 0 * sun
    fields |= _others(rng, sun.shape, fields)
    return {name: values.astype(np.float32) for name, values in fields.items()}


def _ground(rng: np.random.Generator, warmth: Wide, altitude: Wide, sun: Wide, wind: Wide) -> dict[str, Wide]:
    t = warmth - 0.006 * altitude + 5 * sun + rng.normal(0, 0.5, sun.shape)
    dew = np.minimum(t - rng.gamma(1.5, 4, len(altitude)) * (0.5 + sun), 302)
    sea_level = 101300 + rng.normal(0, 1200, len(altitude)) + rng.normal(0, 30, sun.shape).cumsum(axis=0)
    return {
        "temperature_2m": t, "dew_point_temperature_2m": dew, "temperature_2m_maximum": t + 0.4,
        "temperature_2m_minimum": t - 0.4, "skin_temperature": t + rng.normal(0, 2, sun.shape) + 6 * sun,
        "wind_speed_10m": wind, "wind_speed_100m": wind * rng.uniform(1, 1.8, sun.shape), "wind_gust": 1.2 * wind + 1.5,
        "pressure_at_sea_level": sea_level,
        "surface_pressure": sea_level * np.exp(-altitude / (29.27 * (t + 0.003 * altitude))),
        "precipitable_water": 70 * np.exp((dew - 302) / 16), "soil_temperature_0_10cm": warmth + 0 * t,
        "soil_moisture_0_10cm": rng.uniform(0.05, 0.45, sun.shape),
        "snow_depth": np.where(warmth < 272, rng.gamma(1, 0.4, len(altitude)), 0) + 0 * t,
        "boundary_layer_height": 80 + 1800 * sun + 40 * wind,
    }  # fmt: skip


def _sky(rng: np.random.Generator, sun: Wide, warmth: Wide) -> dict[str, Wide]:
    low, medium, high = rng.beta(0.7, 0.7, (3, *sun.shape))
    total = 1 - (1 - low) * (1 - medium) * (1 - high)
    rain = np.where(rng.random(sun.shape) < 0.2, rng.gamma(0.6, 3, sun.shape), 0)
    return {
        "precipitation": rain, "convective_precipitation": rain * rng.random(sun.shape),
        "snowfall": rain * np.clip((275 - warmth) / 3, 0, 1), "total_cloud_cover": total, "low_cloud_cover": low,
        "medium_cloud_cover": medium, "high_cloud_cover": high, "visibility": rng.uniform(50, 50000, sun.shape),
        "toa_incoming_shortwave_flux": 1361 * sun,
        "surface_downwelling_shortwave_flux": 1361 * sun * 0.75 * (1 - 0.7 * total),
        "surface_downwelling_longwave_flux": 5.67e-8 * warmth**4 * (0.7 + 0.28 * total),
        "convective_available_potential_energy": np.where(warmth > 288, rng.gamma(0.5, 800, sun.shape), 0),
        "convective_inhibition": -rng.gamma(0.5, 60, sun.shape),
    }  # fmt: skip


def _sea(rng: np.random.Generator, warmth: Wide, wind: Wide) -> dict[str, Wide]:
    ice = np.clip((272 - warmth) / 3, 0, 1) + 0 * wind
    height = np.where(ice >= 0.95, 0, np.minimum(0.02 * wind**2, 10) + rng.gamma(2, 0.8, wind.shape))
    swell, period = height * rng.uniform(0.2, 0.8, wind.shape), 4 + 2.2 * np.sqrt(height) + rng.gamma(2, 1, wind.shape)
    return {
        "sea_surface_temperature": np.clip(warmth, 271.4, 306) + 0 * wind, "sea_ice_fraction": ice,
        "significant_wave_height": height, "wind_wave_height": np.sqrt(height**2 - swell**2),
        "swell_wave_height": swell, "primary_wave_period": period, "mean_wave_period": 0.8 * period,
        "swell_wave_period": period + 2, "wave_direction": rng.uniform(0, 360, wind.shape),
    }  # fmt: skip


def _aloft(rng: np.random.Generator, warmth: Wide, ground: dict[str, Wide]) -> dict[str, Wide]:
    """Levels over sea level, in hydrostatic balance with their own temperatures."""
    found = {"pressure_velocity_700hpa": rng.normal(0, 0.3, ground["wind_gust"].shape)}
    base, below = ground["pressure_at_sea_level"], warmth + 0 * ground["wind_gust"]
    height, lapse, shear = 0 * below, rng.uniform(4, 7, len(warmth)) / 1000, rng.normal(0, 3, (2, len(warmth)))
    for k, level in enumerate(LEVELS, start=1):
        depth = 29.27 * below * np.log(base / (100.0 * level))
        depth = 29.27 * (below - 0.5 * lapse * depth) * np.log(base / (100.0 * level))
        height, below, base = height + depth, np.maximum(below - lapse * depth, 195), 100.0 * level + 0 * below
        found[f"geopotential_height_{level}hpa"], found[f"temperature_{level}hpa"] = height, below
        found[f"relative_humidity_{level}hpa"] = rng.beta(2, 2, below.shape)
        for way, step in zip(("eastward", "northward"), shear, strict=True):
            found[f"{way}_wind_{level}hpa"] = ground[f"{way}_wind_100m"] + k * step
    return found


def _others(rng: np.random.Generator, shape: tuple[int, ...], known: dict[str, Wide]) -> dict[str, Wide]:
    """What of the blend and of neighbours nothing above depends on: within a part of its bounds, of neighbours a
    hundredth, as their bounds are those of the sharpest front."""
    found, rows = {}, catalogue()
    for name in (*blended(), *NAMES):
        part = 100 if name in NAMES else 4
        if name not in known and name != "sea_surface_temperature":
            found[name] = rng.uniform(rows[name].minimum / part, rows[name].maximum / part, shape)
    return found


def unbounded(fields: dict[str, Array]) -> dict[str, Array]:
    """The fields, and every formula's own result before `derive` brings it within the catalogue's bounds."""
    known = dict(fields)
    for name, formula in FORMULAS.items():
        if name not in known and known.keys() >= set(formula.inputs):
            extra = {other: known[other] for other in formula.optional if other in known}
            known[name] = np.asarray(formula.compute(*(known[other] for other in formula.inputs), **extra), np.float32)
    return known
