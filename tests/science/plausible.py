"""Columns of plausible weather from the tropics to the poles, for what must hold in any of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science.derive import FORMULAS

Array = NDArray[np.float32]
LEVELS = (925, 850, 700, 500, 250)
LEADS = 30


def plausible(seed: int, places: int = 200) -> dict[str, Array]:
    """Blended parameters (lead, place) and what is known of hour and place; hydrostatic, consistent, and of any season."""
    rng = np.random.default_rng(seed)
    shape = (LEADS, places)
    latitude = rng.uniform(-90, 90, places)
    hour, day = np.arange(LEADS)[:, None], rng.integers(1, 366) + np.arange(LEADS)[:, None] / 24
    altitude = np.where(rng.random(places) < 0.5, 0, rng.gamma(1, 700, places).clip(0, 4500))
    declination = -0.41 * np.cos(2 * np.pi * (day + 10) / 365)
    phi, angle = np.deg2rad(latitude), (hour - 12) * np.pi / 12 + rng.uniform(-np.pi, np.pi, places)
    sun = np.maximum(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle), 0)
    warmth = 300 - 55 * np.sin(phi - 0.4 * declination) ** 2 + rng.normal(0, 4, places)
    t = warmth - 0.006 * altitude + 5 * sun + rng.normal(0, 0.5, shape)
    dew = np.minimum(t - rng.gamma(1.5, 4, places) * (0.5 + sun), 302)
    sea_level = 101300 + rng.normal(0, 1200, places) + rng.normal(0, 30, shape).cumsum(axis=0)
    wind, heading = rng.gamma(2, 3, shape), rng.uniform(0, 2 * np.pi, places)
    cover = rng.beta(0.7, 0.7, (3, *shape))
    total = np.maximum(cover.max(axis=0), 1 - np.prod(1 - cover, axis=0))
    rain = np.where(rng.random(shape) < 0.2, rng.gamma(0.6, 3, shape), 0)
    ice = np.clip((272 - warmth) / 3, 0, 1) * np.ones(shape)
    height = np.where(ice >= 0.95, 0, np.minimum(0.02 * wind**2, 10) + rng.gamma(2, 0.8, shape))
    swell, period = height * rng.uniform(0.2, 0.8, shape), 4 + 2.2 * np.sqrt(height) + rng.gamma(2, 1, shape)
    snow = np.where(warmth < 272, rng.gamma(1, 0.4, places), 0) * np.ones(shape)
    fields = {
        "temperature_2m": t, "dew_point_temperature_2m": dew, "temperature_2m_maximum": t + 0.4,
        "temperature_2m_minimum": t - 0.4, "skin_temperature": t + rng.normal(0, 2, shape) + 6 * sun,
        "wind_speed_10m": wind, "wind_speed_100m": wind * rng.uniform(1, 1.8, shape), "wind_gust": 1.2 * wind + 1.5,
        "pressure_at_sea_level": sea_level, "surface_pressure": sea_level * np.exp(-altitude / (29.27 * (t + 0.003 * altitude))),
        "precipitation": rain, "convective_precipitation": rain * rng.random(shape), "total_cloud_cover": total,
        "snowfall": rain * np.clip((274 - t) / 3, 0, 1), "low_cloud_cover": cover[0], "medium_cloud_cover": cover[1],
        "high_cloud_cover": cover[2], "visibility": rng.uniform(50, 50000, shape),
        "surface_downwelling_shortwave_flux": 1361 * sun * 0.75 * (1 - 0.7 * total),
        "surface_downwelling_longwave_flux": 5.67e-8 * t**4 * (0.7 + 0.28 * total),
        "precipitable_water": 70 * np.exp((np.minimum(dew, 302) - 302) / 16), "boundary_layer_height": 80 + 1800 * sun + 40 * wind,
        "convective_available_potential_energy": np.where(t > 288, rng.gamma(0.5, 800, shape), 0),
        "convective_inhibition": -rng.gamma(0.5, 60, shape), "snow_depth": snow, "sea_ice_fraction": ice,
        "soil_temperature_0_10cm": warmth + 0 * t, "soil_moisture_0_10cm": rng.uniform(0.05, 0.45, shape),
        "pressure_velocity_700hpa": rng.normal(0, 0.3, shape), "significant_wave_height": height,
        "wind_wave_height": np.sqrt(height**2 - swell**2), "swell_wave_height": swell, "primary_wave_period": period,
        "mean_wave_period": 0.8 * period, "swell_wave_period": period + 2, "wave_direction": rng.uniform(0, 360, shape),
        "sea_surface_temperature": np.clip(warmth, 271.4, 306) + 0 * t, "toa_incoming_shortwave_flux": 1361 * sun,
    }  # fmt: skip
    for level in ("10m", "100m"):
        for way, part in (("eastward", np.cos(heading)), ("northward", np.sin(heading))):
            fields[f"{way}_wind_{level}"] = fields[f"wind_speed_{level}"] * part
    fields |= _aloft(rng, warmth + 0 * t, sea_level, fields)
    found = {name: values.astype(np.float32) for name, values in fields.items()}
    known = {"surface_altitude": altitude, "latitude": latitude, "land_area_fraction": (altitude > 0) * 1.0}
    found |= {name: values.astype(np.float32) for name, values in known.items()}
    return found | {"day_of_year": np.broadcast_to(day.astype(np.float32), shape).copy()}


def _aloft(rng: np.random.Generator, ground: Array, pressure: Array, wind: dict[str, Array]) -> dict[str, Array]:
    """Levels over sea level, in hydrostatic balance with their own temperatures."""
    found, below, base, height = {}, ground, pressure, np.zeros_like(ground)
    lapse, shear = rng.uniform(4, 7, ground.shape[1]) / 1000, rng.normal(0, 3, (2, ground.shape[1]))
    for k, level in enumerate(LEVELS, start=1):
        depth = 29.27 * below * np.log(base / (100.0 * level))
        depth = 29.27 * (below - 0.5 * lapse * depth) * np.log(base / (100.0 * level))
        height, below, base = height + depth, np.maximum(below - lapse * depth, 195), 100.0 * level
        found[f"geopotential_height_{level}hpa"], found[f"temperature_{level}hpa"] = height, below
        found[f"relative_humidity_{level}hpa"] = rng.beta(2, 2, ground.shape)
        for way, step in zip(("eastward", "northward"), shear, strict=True):
            found[f"{way}_wind_{level}hpa"] = wind[f"{way}_wind_100m"] + k * step
    return found


def unbounded(fields: dict[str, Array]) -> dict[str, Array]:
    """Every formula's own result, before `derive` brings it within the catalogue's bounds; and the fields."""
    known = dict(fields)
    for name, formula in FORMULAS.items():
        if name not in known and known.keys() >= set(formula.inputs):
            extra = {other: known[other] for other in formula.optional if other in known}
            known[name] = np.asarray(formula.compute(*(known[other] for other in formula.inputs), **extra), np.float32)
    return known
