"""Cloud-optimised GeoTIFF: one map a file, by GDAL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Area
from pipeline.parameters import Parameter
from pipeline.products.export_extract import Extract, Fields

_BLOCK = 512  # pixels; GDAL adds overviews until one block holds the map


def files(fields: Fields, extract: Extract) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of `<parameter>/<hour>_<parameter>_f<lead>.tif` of every parameter and lead."""
    for row, values in fields:
        for lead, field in zip(extract.leads, values, strict=True):
            data = image(row, extract.hour, lead, extract.area, field, synthetic=extract.synthetic)
            yield f"{row.name}/{extract.hour}_{row.name}_f{lead:03d}.tif", data


def image(row: Parameter, hour: Cycle, lead: int, area: Area, values: NDArray[np.float32], *, synthetic: bool) -> bytes:
    """One parameter at one lead: values (latitude, longitude) in the catalogue's units, NaN where there are none.

    A pixel is the box around a grid point. A map of the whole circle begins at the date line, as viewers expect.
    """
    import rasterio  # takes long to import, and only this needs it
    from rasterio import Affine
    from rasterio.io import MemoryFile

    longitude, field = _from_date_line(area.longitude, np.asarray(values, np.float32), area.is_circle)
    half = area.resolution / 2
    transform = Affine(area.resolution, 0, longitude[0] - half, 0, -area.resolution, area.latitude[0] + half)
    shape = {"height": field.shape[0], "width": field.shape[1], "count": 1, "dtype": "float32"}
    resampling = "NEAREST" if row.kind in ("category", "direction") else "AVERAGE"
    layout = {"BLOCKSIZE": _BLOCK, "COMPRESS": "DEFLATE", "PREDICTOR": "YES", "NUM_THREADS": 1, "LEVEL": 1}
    # GDAL copies a map into a COG; with one thread, the same bytes every time.
    with rasterio.Env(GDAL_NUM_THREADS=1), MemoryFile() as memory:
        with memory.open(
            driver="COG", crs="EPSG:4326", transform=transform, nodata=np.nan, **shape,
            OVERVIEW_RESAMPLING=resampling, **layout,
        ) as file:  # fmt: skip
            file.write(field, 1)
            file.set_band_description(1, row.name)
            file.set_band_unit(1, row.units)
            file.update_tags(**_tags(row, hour, lead, synthetic))
        return bytes(memory.read())


def _from_date_line(
    longitude: NDArray[np.float64], values: NDArray[np.float32], is_circle: bool
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    if not is_circle:
        return longitude, values
    east = (longitude + 180) % 360 - 180
    order = np.argsort(east, kind="stable")
    return east[order], values[:, order]


def _tags(row: Parameter, hour: Cycle, lead: int, synthetic: bool) -> dict[str, str]:
    valid = hour.init_time + timedelta(hours=lead)
    tags = {
        "parameter": row.name, "long_name": row.long_name, "standard_name": row.standard_name, "units": row.units,
        "init_time": f"{hour.init_time:%Y-%m-%dT%H:%M:%SZ}", "valid_time": f"{valid:%Y-%m-%dT%H:%M:%SZ}",
        "lead_time_hours": str(lead), "precision": f"{row.precision:g}", "synthetic": str(synthetic).lower(),
    }  # fmt: skip
    return {key: value for key, value in tags.items() if value}
