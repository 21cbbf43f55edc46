"""NetCDF-4 by CF-1.11: one file of all leads and parameters, labelled as the Zarr of the hour."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import netCDF4
import numpy as np
from numpy.typing import NDArray

from pipeline.products.export_extract import Extract, Fields
from pipeline.products.layout import array_attributes, group_attributes
from pipeline.products.netcdf import COMPRESSION, typed
from pipeline.products.templates import Coordinate, Template, best

_LIBRARY = threading.Lock()  # of NetCDF, which is not safe for threads


def files(fields: Fields, extract: Extract) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of `<hour>_f<first>-<last>.nc`; OSError if the scratch disk does not take it."""
    with TemporaryDirectory() as folder:  # made in memory it would hold the time and end in padding
        path = Path(folder, "export.nc")
        try:
            with _LIBRARY, netCDF4.Dataset(path, "w", format="NETCDF4") as file:
                _write(file, fields, extract)
        except RuntimeError as error:  # all that the library says of a full disk
            raise OSError(f"cannot write {path}: {error}; is the disk full?") from error
        yield f"{extract.hour}_{extract.span}.nc", path.read_bytes()


def _write(file: netCDF4.Dataset, fields: Fields, extract: Extract) -> None:
    empty = best(extract.hour, extract.area, extract.leads, (), tile_rows=1, synthetic=extract.synthetic)
    file.setncatts({key: value for key, value in group_attributes(empty).items() if key != "coordinates"})
    for name, coordinate in empty.coordinates.items():
        _write_coordinate(file, name, coordinate)
    for row, values in fields:
        template = best(extract.hour, extract.area, extract.leads, (row,), tile_rows=1, synthetic=extract.synthetic)
        _write_array(file, template, values)


def _write_coordinate(file: netCDF4.Dataset, name: str, coordinate: Coordinate) -> None:
    for axis, size in zip(coordinate.dimensions, coordinate.values.shape, strict=True):
        if axis not in file.dimensions:
            file.createDimension(axis, size)
    variable = file.createVariable(name, coordinate.values.dtype, coordinate.dimensions)
    variable.setncatts(coordinate.attributes)
    variable[...] = coordinate.values


def _write_array(file: netCDF4.Dataset, template: Template, values: NDArray[np.float32]) -> None:
    """One parameter; a chunk is a map, as most readers of files want one."""
    (array,) = template.variables
    chunks = (1, *values.shape[1:])
    variable = file.createVariable(array.name, "f4", array.dimensions, chunksizes=chunks, **COMPRESSION)
    variable.setncatts(typed(array_attributes(array, template)))
    variable[...] = values
