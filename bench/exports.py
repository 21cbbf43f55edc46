"""`i_export`: one lead at 0.25 degrees as files of each format, by us and by other writers; float32 in, bytes out."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import eccodes
import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from bench.cases import GRID, Timed
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.products import export_geotiff, export_grib2, export_netcdf
from pipeline.products.export_extract import Extract
from pipeline.products.shard import round_to_precision

PARAMETERS, LEAD = 40, 6
HOUR = Cycle.parse("2025-09-05T00")
AREA = GRID.area(north=90, south=-90, west=0, east=360)
EXTRACT = Extract(HOUR, (LEAD,), AREA, True)
_SHAPE: dict[str, Any] = {
    "height": GRID.shape[0], "width": GRID.shape[1], "count": 1, "dtype": "float32", "crs": "EPSG:4326",
    "transform": rasterio.Affine(0.25, 0, -180.125, 0, -0.25, 90.125),
}  # fmt: skip
Fields = list[tuple[Parameter, NDArray[np.float32]]]


def i_export() -> Iterator[Timed]:
    """40 parameters of one lead, rounded as they are published."""
    fields = weather()
    size = MappingProxyType({"megabytes": round(sum(field.nbytes for _, field in fields) / 1e6)})
    ours = {
        "hourcast": ("GRIB2, CCSDS at the catalogue's precision", export_grib2.files),
        "hourcast_netcdf": ("NetCDF-4, zlib 1, through a temporary file", export_netcdf.files),
        "hourcast_geotiff": ("cloud-optimised GeoTIFF, a file each", export_geotiff.files),
    }
    for name, (work, write) in ours.items():
        yield Timed(name, work, partial(_written, write, fields), more=size)
    for packing in ("grid_ccsds", "grid_simple", "grid_complex"):
        call = _packing(packing, fields)
        yield Timed(f"eccodes_{packing[5:]}", "packing alone by ecCodes, as many bits", call, more=size)
    yield Timed("gdal_grib", "GRIB2 by GDAL, complex packing to the same step", lambda: _gdal_grib(fields), more=size)
    yield Timed("xarray", "NetCDF-4, the same compression", lambda: _xarray(fields), more=size)
    yield Timed("rasterio", "GeoTIFF of tiles without overviews", lambda: _tiles(fields), more=size)
    moved = {"read": float(sum(field.nbytes for _, field in fields))}
    yield Timed("bandwidth_limit", "read once", lambda: None, moved)


def _written(
    write: Callable[[Fields, Extract], Iterator[tuple[str, bytes]]], fields: Fields
) -> list[tuple[str, bytes]]:
    return list(write(fields, EXTRACT))


def weather() -> Fields:
    """The first parameters of the catalogue, each smooth within its bounds with some noise, amounts mostly zero."""
    rng = np.random.default_rng(0)
    found: Fields = []
    latitude, longitude = np.deg2rad(GRID.latitude), np.deg2rad(GRID.longitude)
    for row in list(blended().values())[:PARAMETERS]:
        waves = np.full(GRID.shape, 0.5)
        for size, shift, number in zip((0.3, 0.15, 0.05), rng.uniform(0, 6, 3), (2, 5, 11), strict=True):
            waves += size * np.outer(np.cos(number * latitude + shift), np.cos(number * longitude))
        noisy = waves + rng.normal(0, 0.003, GRID.shape)
        share = np.maximum(noisy - 0.6, 0) if row.kind == "accumulation" else np.clip(noisy, 0, 1)
        field = (row.minimum + (row.maximum - row.minimum) * share).astype(np.float32)
        found.append((row, round_to_precision(field, row.precision)[None]))
    return found


def _packing(kind: str, fields: Fields) -> Callable[[], None]:
    """Handing float64 to ecCodes, with the bits that our messages take."""
    ready = []
    for row, field in fields:
        data = export_grib2.message(row, HOUR, LEAD, AREA, field[0], synthetic=True)
        handle = eccodes.codes_new_from_message(data)
        bits = eccodes.codes_get(handle, "bitsPerValue")
        eccodes.codes_set(handle, "packingType", kind)
        ready.append((handle, bits, field.ravel().astype(np.float64)))

    def pack() -> None:
        for handle, bits, values in ready:
            eccodes.codes_set(handle, "bitsPerValue", bits)
            eccodes.codes_set_values(handle, values)

    return pack


def _dataset(fields: Fields) -> xr.Dataset:
    coordinates = {"latitude": GRID.latitude, "longitude": GRID.longitude}
    arrays = {row.name: (("latitude", "longitude"), field[0]) for row, field in fields}
    return xr.Dataset(arrays, coordinates)


def _gdal_grib(fields: Fields) -> None:
    """Each field alone: its bands share one precision."""
    for row, field in fields:
        step = math.floor(math.log2(2 * row.precision))
        options = {"DATA_ENCODING": "COMPLEX_PACKING", "DECIMAL_SCALE_FACTOR": 0, "BINARY_SCALE_FACTOR": step}
        with MemoryFile(ext=".grib2") as memory, memory.open(driver="GRIB", **_SHAPE, **options) as file:
            file.write(field[0], 1)


def _xarray(fields: Fields) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.nc")
        encoding = {row.name: {"zlib": True, "complevel": 1, "shuffle": True} for row, _ in fields}
        _dataset(fields).to_netcdf(path, encoding=encoding)
        return path.read_bytes()


def _tiles(fields: Fields) -> None:
    options = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "predictor": 3, "zlevel": 1}
    for _, field in fields:
        with MemoryFile() as memory, memory.open(driver="GTiff", **_SHAPE, **options) as file:
            file.write(field[0], 1)
