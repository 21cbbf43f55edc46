"""A published hour with invented but weather-like fields, in the layout of the storage contract; labelled synthetic."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import parameters, paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.products import layout, weights
from pipeline.store import Store

HOUR = Cycle.parse("2026-01-31T06")
SOURCES = ("gfs", "ifs", "aifs", "icon", "gdps", "hrrr", "gefs_mean", "gfs_wave")
LEAD_BINS = (6, 24, 72, 120)
CLUSTERS = 3
LEVELS = np.array([0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95], np.float32)
_NORMAL = np.array([-1.645, -1.282, -0.674, 0, 0.674, 1.282, 1.645], np.float32)
SPREAD = {"temperature_2m": 0.5, "wind_speed_10m": 0.5, "precipitation": 0.25, "significant_wave_height": 0.12}
SCORED = {
    "temperature_2m": 1.2, "dew_point_temperature_2m": 1.5, "wind_speed_10m": 1.6, "pressure_at_sea_level": 120.0,
    "significant_wave_height": 0.35,
}  # fmt: skip


def land(grid: Grid) -> NDArray[np.float64]:
    """(latitude, longitude) land fraction of three invented continents and an ice cap."""
    latitude, longitude = np.meshgrid(grid.latitude, grid.longitude, indexing="ij")
    fraction = np.clip((-latitude - 68) / 4, 0, 1)
    for north, east, high, wide in ((45, 60, 25, 55), (40, 260, 22, 30), (-12, 300, 25, 18), (5, 20, 28, 22)):
        distance = ((latitude - north) / high) ** 2 + (((longitude - east + 180) % 360 - 180) / wide) ** 2
        fraction = np.maximum(fraction, np.clip(2.5 - 2.5 * distance + 0.3 * np.sin(longitude / 6), 0, 1))
    return fraction


def _fields(grid: Grid, leads: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    latitude, longitude = np.meshgrid(grid.latitude, grid.longitude, indexing="ij")
    phi, t = np.deg2rad(latitude), leads[:, None, None] / 24
    middle = np.exp(-(((np.abs(latitude) - 50) / 17) ** 2))
    wave = sum(
        np.sin(np.deg2rad(k * longitude) - speed * t + k + np.sign(latitude)) / size
        for k, speed, size in ((4, 0.7, 1.4), (7, 1.3, 1.6), (11, 1.9, 3.0))
    )
    ground = land(grid)
    storm = np.exp(-((latitude - 18 - t) ** 2 + ((longitude - 300 + 3 * t) ** 2)) / 12)
    pressure = 101300 + 900 * np.cos(6 * phi) * np.cos(phi) - 1900 * middle * wave - 4500 * storm
    dy = -np.deg2rad(grid.resolution) * 6.371e6
    coriolis = 1.2 * (1.4e-4 * np.sin(phi) + np.where(latitude >= 0, 3e-5, -3e-5))
    u = -np.gradient(pressure, dy, axis=1) / coriolis
    v = np.gradient(pressure, axis=2) / (-dy * np.maximum(np.cos(phi), 0.15)) / coriolis
    u, v = 30 * np.tanh(u / 40), 30 * np.tanh(v / 40)
    day = np.cos(np.deg2rad(longitude + 15 * (leads[:, None, None] + HOUR.init_time.hour) - 180))
    temperature = 300 - 45 * np.sin(phi) ** 2 - 6 * np.sin(phi) + 4 * ground * day + 5 * middle * np.roll(wave, 4, 2)
    temperature = temperature - 9 * ground * (np.abs(latitude) > 35) * (latitude > 0)
    rain = np.clip(1.6 * middle * np.roll(wave, -5, 2) - 0.7, 0, None) + 9 * storm
    rain = rain + np.clip(np.exp(-((latitude / 7) ** 2)) * (np.sin(np.deg2rad(5 * longitude) + t) - 0.3), 0, None)
    speed = np.hypot(u, v)
    return {
        "temperature_2m": temperature,
        "dew_point_temperature_2m": temperature - 4 - 5 * ground,
        "pressure_at_sea_level": pressure,
        "eastward_wind_10m": u,
        "northward_wind_10m": v,
        "wind_speed_10m": speed,
        "wind_gust": 1.45 * speed + 1,
        "precipitation": rain,
        "total_cloud_cover": np.clip(0.45 + 0.5 * np.tanh(middle * np.roll(wave, -4, 2)) + 0.1 * rain, 0, 1),
        "significant_wave_height": 1 + 0.011 * speed**2,
        "wave_direction": np.rad2deg(np.arctan2(-u, -v)) % 360,
    }


def write_example_store(folder: Path, *, resolution: float = 5.0, last_lead: int = 48) -> Store:
    """Write one published hour under `folder` and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    store, grid, leads = Store.open(f"file://{folder}"), Grid(resolution), np.arange(last_lead + 1)
    fields = {name: values.astype(np.float32) for name, values in _fields(grid, leads).items()}
    rows = [parameters.parameter(name) for name in fields]
    shape = {"tile_rows": grid.shape[0], "synthetic": True}
    template = layout.best(HOUR, grid, leads.tolist(), rows, **shape)
    _write(store, paths.forecast(HOUR, "best.zarr"), template, fields)
    fans = _quantiles(fields, leads)
    rows = [replace(parameters.parameter(name), thresholds=()) for name in SPREAD]
    template = layout.probability(HOUR, grid, leads.tolist(), rows, LEVELS.tolist(), **shape)
    _write(store, paths.forecast(HOUR, "probability.zarr"), template, fans)
    template = weights.template(HOUR, grid, _used(), LEAD_BINS, _learnt(), synthetic=True)
    _write(store, paths.forecast(HOUR, "weights.zarr"), template, _weights(grid))
    ground = {"land_area_fraction": land(grid), "surface_altitude": 900 * land(grid) ** 3}
    static = {name: (("latitude", "longitude"), values) for name, values in ground.items()}
    coordinates = {"latitude": grid.latitude, "longitude": grid.longitude}
    _to_zarr(xr.Dataset(static, coordinates), store, paths.static_fields())
    _json(store, paths.forecast(HOUR, "manifest.json"), _manifest())
    _json(store, paths.LATEST, {"init_time": "2026-01-31T06:00:00Z", "path": paths.forecast(HOUR)})
    _json(store, paths.scores(HOUR, "scores.json"), _scores())
    _json(store, paths.scores(HOUR, "calibration.json"), _calibration())
    _json(store, paths.scores(HOUR, "stability.json"), _stability())
    _json(store, paths.scores(HOUR, "ablation.json"), _ablation())
    _json(store, paths.scores(HOUR, "ramp.json"), _ramp())
    _json(store, paths.tracks(HOUR, "gefs.geojson"), _tracks())
    for stage, seconds in (("ingest", 9.4), ("learn", 21.2), ("forecast", 17.8), ("publish", 2.4)):
        entry = {"stage": stage, "shard": "all", "seconds": seconds, "finished": "2026-01-31T07:00:00+00:00"}
        _json(store, paths.journal(HOUR, stage, "all.json"), entry | {"host": "example"})
    return store


def _write(store: Store, key: str, template: layout.Template, fields: dict[str, NDArray[np.float32]]) -> None:
    layout.create(store, key, template)
    layout.write_tile(store, key, fields, slice(None))


def _to_zarr(dataset: xr.Dataset, store: Store, key: str) -> None:
    dataset.to_zarr(store.zarr(key), zarr_format=3, consolidated=False, mode="w")


def _json(store: Store, key: str, content: object) -> None:
    store.write(key, json.dumps(content).encode())


def _quantiles(fields: dict[str, NDArray[np.float32]], leads: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    arrays = {}
    for name, size in SPREAD.items():
        width = (size * (1 + leads / 24)).astype(np.float32)[None, :, None, None]
        values = fields[name][None] + _NORMAL[:, None, None, None] * width
        arrays[f"{name}_quantile"] = values if name == "temperature_2m" else np.maximum(values, 0)
    return arrays


def _weights(grid: Grid) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(7)
    latitude, longitude = (np.deg2rad(part) for part in np.meshgrid(grid.latitude, grid.longitude, indexing="ij"))
    arrays = {"coverage": np.ones((len(SOURCES), *grid.shape), np.float32)}
    for name in SCORED:
        logits = np.stack([
            [1.2 * np.sin(k * longitude + p) * np.cos(latitude) + np.cos(2 * latitude + p) for k, p in pairs]
            for pairs in [[(1 + s % 3, s + 0.2 * b) for b in range(len(LEAD_BINS))] for s in range(len(SOURCES))]
        ])  # fmt: skip
        for absent in ("gfs_wave",) if "wave" not in name else SOURCES[:-3]:
            logits[SOURCES.index(absent)] = -99
        weight = np.exp(logits) / np.exp(logits).sum(axis=0)
        bias = 1.5 * (logits.clip(-2) - 0.4) * rng.uniform(-0.6, 0.6, (len(SOURCES), 1, 1, 1))
        arrays[f"{name}_weight"] = weight.astype(np.float32)
        arrays[f"{name}_bias"] = bias.astype(np.float32)
        arrays[f"{name}_membership"] = np.full((CLUSTERS, *grid.shape), 1 / CLUSTERS, np.float32)
        arrays[f"{name}_expected_error"] = np.full((len(LEAD_BINS), *grid.shape), 1, np.float32)
        arrays[f"{name}_spread_factor"] = np.full((len(LEAD_BINS), *grid.shape), 1, np.float32)
    return arrays


def _used() -> list[weights.Source]:
    return [weights.Source(name, str(HOUR - 6), 6) for name in SOURCES]


def _learnt() -> list[weights.Learnt]:
    shape = (len(SOURCES), len(LEAD_BINS), CLUSTERS)
    weight, rmse, sample = (np.full(shape, value, np.float32) for value in (1 / len(SOURCES), 1, 9))
    reach = np.full(len(SOURCES), 384, np.int32)
    guard = np.eye(3, 1)[..., None] * np.ones(shape[1:])
    return [weights.Learnt(parameters.parameter(name), None, reach, weight, rmse, sample, guard) for name in SCORED]


def _manifest() -> dict:
    ages = dict(zip(SOURCES, (6, 6, 6, 6, 6, 1, 12, 6), strict=True))
    sources = {
        name: {
            "cycle": str(HOUR - age), "age_hours": age, "status": "partial" if name == "icon" else "complete",
            "licence": "public domain", "attribution": f"{name.upper()} imitation", "title": f"{name.upper()} model",
        }
        for name, age in ages.items()
    }  # fmt: skip
    degradations = ["icon: visibility missing at lead 72 h (file truncated, quarantined)"]
    return {
        "init_time": "2026-01-31T06:00:00Z", "synthetic": True, "sources": sources, "degradations": degradations,
    }  # fmt: skip


def _scores() -> list[dict]:
    records = []
    factors = {
        "gfs": 1.3, "ifs": 1.05, "aifs": 1.08, "icon": 1.2, "gdps": 1.35, "equal_weights": 1.0, "best_source": 1.05,
        "inverse_mse": 0.95, "hourcast": 0.82,
    }  # fmt: skip
    for parameter, size in SCORED.items():
        for lead in LEAD_BINS:
            for system, factor in factors.items():
                rmse = size * factor * (1 + lead / 60)
                records.append({
                    "parameter": parameter, "lead_time_hours": lead, "system": system, "n": 2100, "bias": 0.1 * rmse,
                    "mae": 0.78 * rmse, "rmse": rmse, "rmse_low": 0.96 * rmse, "rmse_high": 1.04 * rmse,
                    "crps": 0.55 * rmse if system == "hourcast" else 0.78 * rmse,
                })  # fmt: skip
    return records


def _calibration() -> list[dict]:
    shares = [0.07, 0.06, 0.14, 0.22, 0.23, 0.15, 0.06, 0.07]
    reliable = {"probability": [0.0, 0.1, 0.5, 1.0], "frequency": [0.0, 0.2, 0.4, 0.9], "share": [0.25] * 4}
    return [
        {
            "parameter": name, "lead_time_hours": float(lead), "levels": LEVELS.tolist(), "quantile_histogram": shares,
            "skill": size * (1 + lead / 60), "spread": size * (0.9 + lead / 66), "coverage_90": 0.87,
            "crps": 0.5 * size, "crps_raw": 0.6 * size, "crps_emos": 0.52 * size, "thresholds": [1.0],
            "reliability": [reliable],
        }
        for name, size in SCORED.items() for lead in LEAD_BINS
    ]  # fmt: skip


def _stability() -> list[dict]:
    """Steadier than every source but for the wind's roughness."""
    values = {"gfs": 1.1, "ifs": 0.9, "equal_weights": 0.8, "hourcast": 0.7, "analysis": 1.0}
    return [
        {"parameter": name, "lead_time_hours": 24.0, "measure": measure, "system": system, "issues": 1,
         "value": 2.0 if (name, measure, system) == ("wind_speed_10m", "roughness", "hourcast") else value}
        for name in SCORED for measure in ("cluster_jump", "roughness") for system, value in values.items()
    ]  # fmt: skip


def _ablation() -> list[dict]:
    gains = {"whole": 0.0, "clusters": 0.02, "bias removal": 0.11}
    return [
        {"parameter": name, "lead_time_hours": lead, "without": part, "gain": gain}
        for name in SCORED for lead in LEAD_BINS for part, gain in gains.items()
    ]  # fmt: skip


def _ramp() -> list[dict]:
    return [
        {"parameter": "temperature_2m", "lead_time_hours": lead, "n": 90, "rmse": 0.7 + 0.05 * lead,
         "rmse_without_ramp": 1.0}
        for lead in range(7)
    ]  # fmt: skip


def _tracks() -> dict:
    rng = np.random.default_rng(3)
    features = []
    starts = [(16.0, -58.0, 0.55, -0.75, 40.0)]
    starts += [(sign * 45.0, east, sign * 0.4, 2.2, 24.0) for sign in (1, -1) for east in range(-170, 171, 40)]
    for number in range(30):
        for north, east, up, right, peak in starts:
            steps = np.cumsum(rng.normal((up, right), (0.16, 0.22), (20, 2)), axis=0) + np.array([north, east])
            wind = 14 + (peak - 14) * np.sin(np.linspace(0, 2.6, 20)) * rng.uniform(0.6, 1.35)
            features.append(_track(number, steps, wind))
    return {"type": "FeatureCollection", "model": "gefs", "members": list(range(30)), "features": features}


def _track(number: int, steps: NDArray[np.float64], wind: NDArray[np.float64]) -> dict:
    longitude, latitude = ((steps[:, 1] + 180) % 360 - 180).round(2).tolist(), steps[:, 0].round(2).tolist()
    properties = {
        "number": number, "lead_time": list(range(0, 120, 6)), "maximum_wind": wind.round(1).tolist(),
        "longitude": longitude, "latitude": latitude, "pressure_at_sea_level": (101300 - 90 * wind).round(0).tolist(),
    }  # fmt: skip
    line = [list(place) for place in zip(longitude, latitude, strict=True)]
    return {"type": "Feature", "geometry": {"type": "LineString", "coordinates": line}, "properties": properties}
