"""WRF's output as the catalogue's parameters: unstaggered, winds from the true west and south, amounts opened.

WRF stores perturbations and base states, winds on the faces of cells and along the axes of its map, and totals since
the start of the run, of which whole buckets are counted apart (BUCKET_MM, BUCKET_J).
WRF Users' Guide, chapter 5; https://www2.mmm.ucar.edu/wrf/users/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from netCDF4 import Dataset
from numpy.typing import NDArray

from models import wrf_air as air
from models.base import Fields
from models.native import Array, OpenedAccumulations, at_level, time_of, total_cloud_cover

PRESSURE_LEVELS = (925, 850, 700, 500, 250)  # hPa, the catalogue's
_VELOCITY_LEVEL = 700  # hPa
_NORTH_IS_UP = (3, 6)  # MAP_PROJ: Mercator, and latitude and longitude where the pole is in its place
_DIRECT = {
    "temperature_2m": "T2",
    "surface_pressure": "PSFC",
    "skin_temperature": "TSK",
    "boundary_layer_height": "PBLH",
    "snow_depth": "SNOWH",
    "sea_ice_fraction": "SEAICE",
}
_AMOUNTS = {
    "precipitation": ("RAINC", "RAINNC", "RAINSH"),
    "convective_precipitation": ("RAINC",),
    "snowfall": ("SNOWNC",),
}
_ENERGIES = {"surface_downwelling_shortwave_flux": "ACSWDNB", "surface_downwelling_longwave_flux": "ACLWDNB"}
PARAMETERS = frozenset(
    (
        *_DIRECT, *_AMOUNTS, *_ENERGIES, "eastward_wind_10m", "northward_wind_10m", "wind_speed_10m",
        "dew_point_temperature_2m", "sea_surface_temperature", "soil_temperature_0_10cm", "soil_moisture_0_10cm",
        "total_cloud_cover", "pressure_at_sea_level", "precipitable_water", "pressure_velocity_700hpa",
        "eastward_wind_100m", "northward_wind_100m", "wind_speed_100m",
        *(
            f"{name}_{level}hpa"
            for level in PRESSURE_LEVELS
            for name in (
                "temperature", "geopotential_height", "relative_humidity", "eastward_wind", "northward_wind",
            )
        ),
    )
)  # fmt: skip
"""The catalogue's parameters that a run brings."""
_SEA = 2  # XLAND
_TOP_SOIL = 0.1  # m, the layer that the catalogue asks for
_BLOCK_COLUMNS = 16_384
"""Columns of which all layers are worked on at a time: what they need stays near the processor."""


def grid(path: Path, step: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude (y, x) of the cells' centres, degrees north and east; a moving nest has others a step."""
    with Dataset(path) as file:
        names = ("XLAT", "XLONG") if "XLAT" in file.variables else ("XLAT_M", "XLONG_M")
        latitude, longitude = (np.asarray(file[name][:], np.float64) for name in names)
    size = latitude.shape[-2:]
    fixed = latitude.ndim == 2
    return latitude.reshape(-1, *size)[0 if fixed else step], longitude.reshape(-1, *size)[0 if fixed else step]


def read(paths: Sequence[Path]) -> Iterator[tuple[datetime, Fields]]:
    """Every output of a run's files in order: catalogue name to (y, x), whatever the files' variables suffice for.

    Amounts are since the output before, fluxes the mean since then: the first output has neither, nor the first after
    a nest has moved. Levels below the
    ground or above the model are NaN, the sea's temperature is NaN over land.
    ValueError for winds along the axes of a map that the file does not tell the direction of.
    """
    opened = OpenedAccumulations()
    for path in paths:
        with Dataset(path) as file:
            for step in range(len(file.dimensions["Time"])):
                frame = _Frame(file, step)
                when = time_of(file["Times"][step])
                yield when, {**_surface(frame), **_columns(file, step), **_since_before(frame, opened, when)}


def _columns(file: Dataset, step: int) -> dict[str, Array]:
    """What needs whole columns, by blocks of rows; of a file in chunks no less than a chunk's rows, read once."""
    height, width = (len(file.dimensions[name]) for name in ("south_north", "west_east"))
    chunks = file["T"].chunking() if "T" in file.variables else "contiguous"
    least = 1 if isinstance(chunks, str) else int(chunks[2])
    rows = max(least, _BLOCK_COLUMNS // width, 1)
    frames = [_Frame(file, step, slice(start, min(start + rows, height))) for start in range(0, height, rows)]
    blocks = [_aloft(frame) for frame in frames]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


class _Frame:
    """The variables of one output time, of all rows or of some."""

    def __init__(self, file: Dataset, step: int, rows: slice = slice(None)) -> None:
        whole = rows == slice(None)
        self._file = file
        self._places = {
            "Time": step, "south_north": rows,
            "south_north_stag": rows if whole else slice(rows.start, rows.stop + 1),
        }  # fmt: skip

    def has(self, *names: str) -> bool:
        return all(name in self._file.variables for name in names)

    def __getitem__(self, name: str) -> Array:
        variable = self._file[name]
        places = tuple(self._places.get(dimension, slice(None)) for dimension in variable.dimensions)
        return np.ma.filled(variable[places], np.nan).astype(np.float32, copy=False)

    def attribute(self, name: str, default: float) -> float:
        return float(getattr(self._file, name, default))

    def to_earth(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Eastward and northward components of a wind along the axes of the map."""
        if self.has("COSALPHA", "SINALPHA"):
            cosine, sine = self["COSALPHA"], self["SINALPHA"]
            return x * cosine - y * sine, y * cosine + x * sine
        if self.attribute("MAP_PROJ", 0) in _NORTH_IS_UP and self.attribute("POLE_LAT", 90) == 90:
            return x, y
        raise ValueError("expected COSALPHA and SINALPHA to turn the winds by; the file has neither")


def _surface(frame: _Frame) -> dict[str, Array]:
    fields = {name: frame[variable] for name, variable in _DIRECT.items() if frame.has(variable)}
    if frame.has("U10", "V10"):
        east, north = frame.to_earth(frame["U10"], frame["V10"])
        fields |= {"eastward_wind_10m": east, "northward_wind_10m": north, "wind_speed_10m": np.hypot(east, north)}
    if frame.has("Q2", "PSFC"):
        fields["dew_point_temperature_2m"] = air.dew_point(frame["Q2"], frame["PSFC"])
    if frame.has("SST", "XLAND"):
        fields["sea_surface_temperature"] = np.where(frame["XLAND"] == _SEA, frame["SST"], np.float32(np.nan))
    if frame.has("TSLB", "SMOIS", "DZS") and abs(frame["DZS"][0] - _TOP_SOIL) < 1e-3:
        fields |= {"soil_temperature_0_10cm": frame["TSLB"][0], "soil_moisture_0_10cm": frame["SMOIS"][0]}
    return fields


def _aloft(frame: _Frame) -> dict[str, Array]:
    """What needs the whole column: cloud cover, pressure at sea level, water, pressure levels, wind at 100 m."""
    clouds = {"total_cloud_cover": total_cloud_cover(frame["CLDFRA"])} if frame.has("CLDFRA") else {}
    if not frame.has("P", "PB", "T", "QVAPOR", "PH", "PHB"):
        return clouds
    pressure, humidity = frame["P"] + frame["PB"], frame["QVAPOR"]
    interfaces = (frame["PH"] + frame["PHB"]) / np.float32(air.GRAVITY)
    height, warmth = _between(interfaces, 0), air.temperature(frame["T"], pressure)
    virtual = air.virtual_temperature(warmth, humidity)
    layers = {
        "temperature": warmth,
        "geopotential_height": height,
        "relative_humidity": air.relative_humidity(humidity, warmth, pressure),
    }
    fields = clouds | {
        "pressure_at_sea_level": air.pressure_at_sea_level(pressure, warmth, humidity, height),
        "precipitable_water": air.precipitable_water(humidity, virtual, pressure, interfaces),
    }
    if frame.has("U", "V"):
        east, north = frame.to_earth(_between(frame["U"], 2), _between(frame["V"], 1))
        layers |= {"eastward_wind": east, "northward_wind": north}
        fields |= _wind_at_100m(fields_10m=_surface_wind(frame), height=height - interfaces[0], wind=(east, north))
    if frame.has("W"):
        sinking = -air.GRAVITY * pressure / (air.GAS_CONSTANT * virtual) * _between(frame["W"], 0)
        layers["pressure_velocity"] = sinking.astype(np.float32)
    depth = -np.log(pressure)
    for level in PRESSURE_LEVELS:
        names = [name for name in layers if name != "pressure_velocity" or level == _VELOCITY_LEVEL]
        found = at_level([layers[name] for name in names], depth, -np.log(level * 100.0))
        fields |= {f"{name}_{level}hpa": field for name, field in zip(names, found, strict=True)}
    return fields


def _between(field: Array, axis: int) -> Array:
    """Values at the centres of cells from those on their faces along an axis."""
    faces = np.moveaxis(field, axis, 0)
    return np.moveaxis((faces[:-1] + faces[1:]) * np.float32(0.5), 0, axis).astype(np.float32, copy=False)


def _surface_wind(frame: _Frame) -> tuple[Array, Array] | None:
    return frame.to_earth(frame["U10"], frame["V10"]) if frame.has("U10", "V10") else None


def _wind_at_100m(fields_10m: tuple[Array, Array] | None, height: Array, wind: tuple[Array, Array]) -> dict[str, Array]:
    """Linear in the logarithm of the height above ground, as wind is near it; the wind at 10 m is a layer too."""
    logarithm = np.log(height)
    if fields_10m is not None:
        lowest = np.full_like(logarithm[:1], np.log(10.0))
        logarithm = np.concatenate([np.minimum(lowest, logarithm[:1] - 1e-3), logarithm])
        wind = tuple(np.concatenate([low[None], layer]) for low, layer in zip(fields_10m, wind, strict=True))  # type: ignore[assignment]
    east, north = at_level(wind, logarithm, float(np.log(100.0)))
    return {"eastward_wind_100m": east, "northward_wind_100m": north, "wind_speed_100m": np.hypot(east, north)}


def _since_before(frame: _Frame, opened: OpenedAccumulations, when: datetime) -> dict[str, Array]:
    """Amounts in kg m-2 since the output before, and mean fluxes in W m-2."""
    water, energy = frame.attribute("BUCKET_MM", -1), frame.attribute("BUCKET_J", -1)
    totals = {
        name: np.sum([_total(frame, part, water) for part in parts if frame.has(part)], axis=0)
        for name, parts in _AMOUNTS.items()
        if frame.has(parts[0])
    }
    totals |= {name: _total(frame, part, energy) for name, part in _ENERGIES.items() if frame.has(part)}
    where = frame["XLONG"] if frame.has("XLONG") else None
    return {
        name: amount / np.float32(hours * 3600) if name in _ENERGIES else amount
        for name, (amount, hours) in opened(when, where, totals).items()
    }


def _total(frame: _Frame, name: str, bucket: float) -> NDArray[np.float64]:
    counted = f"I_{name}"
    full = frame[counted].astype(np.float64) * bucket if bucket > 0 and frame.has(counted) else 0.0
    return frame[name].astype(np.float64) + full
