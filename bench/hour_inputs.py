"""Inputs of an hour at 0.25 degrees for `hour_slice`: smooth synthetic fields, stored as ingest and learn would."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
import zarr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter, parameter
from pipeline.science.weights import Weights
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment, learn
from pipeline.steps.ingest import live_leads
from pipeline.steps.ingest_members import DIMENSIONS
from pipeline.steps.input_store import LEVEL, InputWriter, plain_array, rounded
from pipeline.steps.plausible import _bands, judge
from pipeline.store import arrays as store_arrays

HOUR = Cycle.parse("2025-09-05T06")
PARAMETERS = ("temperature_2m", "dew_point_temperature_2m", "pressure_at_sea_level")
"""Three that most depends on; the ensemble carries all of them."""
HOURLY, THREE_HOURLY = ("gfs", "icon", "hrrr", "second_gfs"), ("ifs", "aifs", "gdps", "gefs_mean")
LEADS, MEMBERS, TILE_ROWS = 24, 30, 48
"""A tile has as many bytes a parameter as one of 3 rows and 361 leads."""
MEAN_AND_RANGE = {
    "temperature_2m": (285.0, 12.0), "dew_point_temperature_2m": (275.0, 12.0), "pressure_at_sea_level": (101300, 1200),
}  # fmt: skip
WAVES = 48
Array = NDArray[np.float32]


def add_source() -> None:
    """An eighth source of a temperature: a second one like the first."""
    SOURCES.setdefault("second_gfs", replace(SOURCES["gfs"], name="second_gfs"))


def write(folder: Path) -> Path:
    """Store everything that the stage `forecast` reads; returns the configuration."""
    add_source()
    settings: dict[str, Any] = {
        "store": f"file://{folder.resolve()}/store", "synthetic": True, "grid_resolution": 0.25,
        "last_lead_hours": LEADS - 1, "tile_rows": TILE_ROWS,
        "sources": {name: {} for name in HOURLY} | {name: {"lead_step_hours": 3} for name in THREE_HOURLY}
        | {"gefs": {"lead_step_hours": 6}},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "forecast.yaml"
    path.write_text(yaml.safe_dump(settings))
    deployment = Deployment.open(Config.read(path))
    atmosphere = _Atmosphere(deployment.grid)
    for number, name in enumerate((*HOURLY, *THREE_HOURLY)):
        _write_source(deployment, name, number, atmosphere)
    _write_members(deployment, atmosphere)
    for row in map(parameter, PARAMETERS):
        _write_weights(deployment, row)
    return path


class _Atmosphere:
    """Travelling waves of all sizes and some noise, alike for everyone but for each source's own errors."""

    def __init__(self, grid: Grid) -> None:
        generator = np.random.default_rng(0)
        latitude, longitude = np.deg2rad(grid.latitude), np.deg2rad(grid.longitude)
        number = np.arange(1, WAVES + 1)
        along = generator.integers(1, 2 * number + 1)
        across, shift = generator.integers(0, 2 * number + 1), generator.uniform(0, 2 * np.pi, WAVES)
        rows = (number**-1.2)[:, None] * np.cos(across[:, None] * latitude + shift[:, None]) * np.cos(latitude)
        self._cosine = np.einsum("kr,kc->krc", rows, np.cos(along[:, None] * longitude)).reshape(WAVES, -1)
        self._sine = np.einsum("kr,kc->krc", rows, np.sin(along[:, None] * longitude)).reshape(WAVES, -1)
        self._cosine, self._sine = self._cosine.astype(np.float32), self._sine.astype(np.float32)
        self._turn = generator.normal(0, 0.1, WAVES)
        self._noise = generator.standard_normal(grid.places[0].size).astype(np.float32) * np.float32(0.01)

    def fields(self, name: str, hours: NDArray[np.float64], seed: int) -> Array:
        """(hour, place) a parameter as one source sees it."""
        mean, spread = MEAN_AND_RANGE[name]
        phase = np.outer(hours, self._turn) + 0.05 * np.random.default_rng(seed).standard_normal(WAVES)
        values = np.cos(phase).astype(np.float32) @ self._cosine + np.sin(phase).astype(np.float32) @ self._sine
        for row, hour in zip(values, hours, strict=True):
            row += np.roll(self._noise, 7919 * seed + 104729 * int(hour))
        return np.float32(mean) + np.float32(spread) * values


def _write_source(deployment: Deployment, name: str, number: int, atmosphere: _Atmosphere) -> None:
    source = SOURCES[name]
    cycle = due_cycles(source, HOUR)[0]
    leads = live_leads(deployment, source, cycle, HOUR)
    hours = np.asarray(leads) - cycle.lead_hours(HOUR.init_time)
    latitude, longitude = deployment.grid.places
    coverage = np.ones(latitude.size, np.float32)
    if source.role == "regional":
        inside = (np.abs(latitude - 39) < 14) & (np.abs(longitude - 263) < 30)
        coverage = inside.astype(np.float32)
    key = paths.input_zarr(name, cycle)
    tile_rows = deployment.config.tile_rows
    writer = InputWriter(deployment.store, key, deployment.grid, leads, PARAMETERS, ["forecast"], tile_rows)
    for name_of in PARAMETERS:
        values = np.where(coverage > 0, atmosphere.fields(name_of, hours, number), np.float32(np.nan))
        writer.write(parameter(name_of), "forecast", values, np.zeros(len(leads)))
    writer.close(coverage, {"synthetic": True})
    deployment.store.write(paths.input_record(name, cycle), json.dumps({"leads": list(leads)}).encode())


def _write_members(deployment: Deployment, atmosphere: _Atmosphere) -> None:
    source = SOURCES["gefs"]
    cycle = due_cycles(source, HOUR)[0]
    hours = np.asarray(live_leads(deployment, source, cycle, HOUR)) - cycle.lead_hours(HOUR.init_time)
    key, grid = paths.ensemble(HOUR, "gefs"), deployment.grid
    group = zarr.create_group(deployment.store.zarr(key), overwrite=True)
    plain_array(group, "number", np.arange(MEMBERS, dtype=np.int32), ("number",))
    plain_array(group, "lead_time", hours.astype(np.int32), ("lead_time",), units="hours")
    for name in PARAMETERS:
        array = group.create_array(
            name, shape=(MEMBERS, len(hours), *grid.shape), chunks=(1, len(hours), TILE_ROWS, grid.shape[1]),
            dtype="float32", fill_value=np.nan, dimension_names=DIMENSIONS,
            compressors=zarr.codecs.BloscCodec(cname="lz4", clevel=LEVEL, shuffle="bitshuffle", typesize=4),
        )  # fmt: skip
        for member in range(MEMBERS):
            values = atmosphere.fields(name, hours.astype(np.float64), 100 + member)
            array[member] = rounded(values, parameter(name).precision).reshape(-1, *grid.shape)
    deployment.store.write(paths.input_record("gefs", HOUR), b"{}")  # last, as it says that all members are there


def _write_weights(deployment: Deployment, row: Parameter) -> None:
    names, bins = (*HOURLY, *THREE_HOURLY), tuple(float(lead) for lead in deployment.config.learning.lead_hours)
    latitude, longitude = (np.deg2rad(part).astype(np.float32) for part in deployment.grid.places)
    places = latitude.size
    number = np.arange(len(names) * len(bins), dtype=np.float32).reshape(len(names), len(bins), 1)
    weight = np.float32(1.2) + np.sin(3 * longitude + number) * np.cos(2 * latitude - number)
    bias = weight - np.float32(1)
    flat = np.ones(weight.shape[1:], np.float32)
    weights = Weights(names, bins, bias, weight / weight.sum(axis=0), flat, flat)
    stored = learn.weights_dataset(learn.as_stored(weights, row), np.ones((1, places), np.float32))
    bands = sum(1 for _ in _bands(deployment.grid))
    usual = np.full((bands, len(names), len(bins)), MEAN_AND_RANGE[row.name][1] / 10)
    judge(deployment, HOUR, row, names, bins, usual)
    store_arrays.write(deployment.store, learn.weights_key(HOUR, row.name), learn.by_tiles(deployment, stored))


if __name__ == "__main__":
    write(Path("build/bench"))
