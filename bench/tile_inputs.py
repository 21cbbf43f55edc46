"""Inputs for `hour_tile`: one production tile's share of all that a full hour reads, stored as ingest and learn do."""

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
from pipeline.parameters import INTERVAL_KINDS, Parameter, blended
from pipeline.science.ramp_structure import STRUCTURES
from pipeline.science.weights import Weights
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment, learn, ramp
from pipeline.steps.ingest import live_leads
from pipeline.steps.ingest_members import DIMENSIONS
from pipeline.steps.input_store import LEVEL, InputWriter, plain_array, rounded
from pipeline.store import arrays as store_arrays

HOUR = Cycle.parse("2025-09-05T09")
LAST_LEAD, TILE_ROWS, TILE, MEMBERS = 360, 4, 60, 112
"""The tile begins at 30 degrees north."""
HOURLY, COARSE = [f"hourly_{number}" for number in range(5)], [f"coarse_{number}" for number in range(10)]
"""Sources like `gfs`, hourly to 120 h and 3-hourly to 384, and like `ifs`, 3-hourly to 144 h and 6-hourly to 360; on
average 126 leads."""
ENSEMBLE = "ifs_ens"
_LEVELS = {
    1000: (288, 110), 925: (284, 770), 850: (279, 1480), 700: (270, 3050), 600: (263, 4250), 500: (254, 5650),
    400: (243, 7250), 300: (230, 9250), 250: (223, 10500), 200: (219, 11900), 150: (217, 13700), 100: (212, 16200),
    50: (213, 20600),
}  # fmt: skip
_USUAL: dict[str, tuple[float, float]] = {
    "temperature_2m_maximum": (286, 12), "temperature_2m_minimum": (284, 12), "temperature_2m": (285, 12),
    "dew_point_temperature_2m": (278, 12), "skin_temperature": (285, 12), "wind_speed": (9, 4), "wind_gust": (14, 5),
    "eastward_wind": (2, 8), "northward_wind": (0, 8), "pressure_at_sea_level": (101300, 1200),
    "surface_pressure": (100900, 1200), "precipitation": (-0.2, 0.6), "convective_precipitation": (-0.2, 0.3),
    "snowfall": (-1, 0.5), "relative_humidity": (0.6, 0.3), "low_cloud": (0.3, 0.4), "medium_cloud": (0.3, 0.4),
    "high_cloud": (0.3, 0.4), "total_cloud": (0.6, 0.5), "surface_downwelling_shortwave": (250, 200),
    "surface_downwelling_longwave": (320, 40), "significant_wave": (2, 1), "soil_temperature": (285, 10),
} | {
    f"{name}_{level}hpa": usual
    for level, (kelvin, metres) in _LEVELS.items()
    for name, usual in (("temperature", (kelvin, 8)), ("geopotential_height", (metres, 0.01 * metres)))
}  # fmt: skip
"""Mean and standard deviation by the beginning of a name; of others the middle and a tenth of the bounds."""
WAVES = 24
Array = NDArray[np.float32]


def add_sources() -> None:
    """Sources that deliver every blended parameter."""
    for names, like in ((HOURLY, "gfs"), (COARSE, "ifs")):
        for name in names:
            SOURCES.setdefault(name, replace(SOURCES[like], name=name, carries=frozenset(blended())))


def write(folder: Path) -> tuple[Path, Path]:
    """Store everything that the tile's forecast reads; returns the configuration and one of three leads, to warm up."""
    add_sources()
    settings: dict[str, Any] = {
        "store": f"file://{folder.resolve()}/tile", "synthetic": True, "grid_resolution": 0.25, "tile_rows": TILE_ROWS,
        "sources": {name: {} for name in (*HOURLY, *COARSE)} | {ENSEMBLE: {"lead_step_hours": 6}},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / "tile.yaml", folder / "tile_warm.yaml"
    for path, last in zip(found, (LAST_LEAD, 2), strict=True):
        path.write_text(yaml.safe_dump(settings | {"last_lead_hours": last}))
    deployment = Deployment.open(Config.read(found[0]))
    weather = _Weather(TILE_ROWS * deployment.grid.shape[1])
    for number, name in enumerate((*HOURLY, *COARSE)):
        _write_source(deployment, name, number, weather)
    _write_members(deployment, weather)
    for row in blended().values():
        _write_weights(deployment, row)
        # The other tiles have no inputs to be judged by.
        deployment.store.write(paths.work(HOUR, f"implausible/{row.name}.json"), b"[]")
    for name in STRUCTURES:
        increment = np.full(deployment.grid.shape, 0.01, np.float32)
        decay = np.linspace(1, 0, deployment.config.ramp_hours + 1, dtype=np.float32)
        ramp._write(deployment, HOUR, name, increment, decay)
    return found


class _Weather:
    """Travelling waves along the tile and some noise, alike for everyone but for each source's own errors."""

    def __init__(self, places: int) -> None:
        generator = np.random.default_rng(0)
        number = np.arange(1, WAVES + 1)[:, None]
        angle = number * np.linspace(0, 2 * np.pi, places)
        self._shape = (np.concatenate([np.cos(angle), np.sin(angle)]) * np.tile(number**-0.6 / 2, (2, 1))).astype("f4")
        self._turn, self._phase = generator.normal(0, 0.1, WAVES), generator.uniform(0, 2 * np.pi, WAVES)
        self._noise = generator.standard_normal(2 * places).astype(np.float32) * np.float32(0.01)

    def fields(self, row: Parameter, hours: NDArray[np.float64], error: float, seed: int) -> Array:
        """(hour, place) a parameter, its waves displaced by `error` radians."""
        usual = next((usual for name, usual in _USUAL.items() if row.name.startswith(name)), None)
        mean, spread = usual or ((row.minimum + row.maximum) / 2, (row.maximum - row.minimum) / 10)
        generator = np.random.default_rng(seed)
        angle = np.outer(hours, self._turn) + self._phase + error * generator.standard_normal(WAVES)
        values = np.concatenate([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32) @ self._shape
        for field, first in zip(values, generator.integers(0, len(self._noise) // 2, len(hours)), strict=True):
            field += self._noise[first : first + len(field)]
        return np.clip(np.float32(mean) + np.float32(spread) * values, row.minimum, row.maximum)


def _write_source(deployment: Deployment, name: str, number: int, weather: _Weather) -> None:
    source, names, columns = SOURCES[name], tuple(blended()), deployment.grid.shape[1]
    cycle = due_cycles(source, HOUR)[0]
    leads = live_leads(deployment, source, cycle, HOUR)
    hours = np.asarray(leads) - cycle.lead_hours(HOUR.init_time)
    key = paths.input_zarr(name, cycle)
    writer = InputWriter(deployment.store, key, deployment.grid, leads, names, ["forecast"], TILE_ROWS)
    for place, row in enumerate(blended().values()):
        values = rounded(weather.fields(row, hours, 0.1, number), row.precision)
        chunk = writer.codec.encode(values.reshape(len(leads), TILE_ROWS, columns))
        writer.folder.write(f"forecast/c.{place}.0.{TILE}.0", bytes(chunk))
        writer.held["forecast"][place] = True
        if row.kind in INTERVAL_KINDS:
            writer.intervals[place] = np.diff(leads, prepend=leads[0])
            writer.held["forecast"][place, 0] = False
    writer.close(np.ones(deployment.grid.places[0].size, np.float32), {"synthetic": True})
    deployment.store.write(paths.input_record(name, cycle), json.dumps({"leads": list(leads)}).encode())


def _write_members(deployment: Deployment, weather: _Weather) -> None:
    source = SOURCES[ENSEMBLE]
    cycle = due_cycles(source, HOUR)[0]
    hours = np.asarray(live_leads(deployment, source, cycle, HOUR)) - cycle.lead_hours(HOUR.init_time)
    grid = deployment.grid
    group = zarr.create_group(deployment.store.zarr(paths.ensemble(HOUR, ENSEMBLE)), overwrite=True)
    plain_array(group, "lead_time", hours.astype(np.int32), ("lead_time",), units="hours")
    for row in (row for row in blended().values() if row.probabilistic):
        array = group.create_array(
            row.name, shape=(MEMBERS, len(hours), *grid.shape), chunks=(1, len(hours), TILE_ROWS, grid.shape[1]),
            dtype="float32", fill_value=np.nan, dimension_names=DIMENSIONS,
            compressors=zarr.codecs.BloscCodec(cname="lz4", clevel=LEVEL, shuffle="bitshuffle", typesize=4),
        )  # fmt: skip
        for member in range(MEMBERS):
            values = rounded(weather.fields(row, hours.astype(np.float64), 0.3, 100 + member), row.precision)
            rows = slice(TILE * TILE_ROWS, (TILE + 1) * TILE_ROWS)
            array[member, :, rows] = values.reshape(-1, TILE_ROWS, grid.shape[1])
    deployment.store.write(paths.input_record(ENSEMBLE, HOUR), b"{}")  # last, as it says that all members are there


def _write_weights(deployment: Deployment, row: Parameter) -> None:
    names, bins = (*HOURLY, *COARSE), tuple(float(lead) for lead in deployment.config.learning.lead_hours)
    flat = (len(bins), deployment.grid.places[0].size)
    fields = (
        np.broadcast_to(np.float32(value), shape)
        for value, shape in ((0.01, (len(names), *flat)), (1 / len(names), (len(names), *flat)), (1, flat), (1, flat))
    )
    stored = learn.weights_dataset(Weights(names, bins, *fields), np.ones((1, flat[1]), np.float32))
    store_arrays.write(deployment.store, learn.weights_key(HOUR, row.name), learn.by_tiles(deployment, stored))


if __name__ == "__main__":
    write(Path("build/bench"))
