"""Tables of places: the forecast at stations and cities, a row a place and lead, as GeoParquet and as CSV."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.parameters import Parameter
from pipeline.products.export_extract import Extract, Fields
from pipeline.products.point import nearest_cell

_LITTLE_ENDIAN_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
_GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}},
}


def geoparquet_files(fields: Fields, extract: Extract) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of `<hour>_f<first>-<last>.parquet`: GeoParquet 1.1, a point on WGS 84 a row."""
    buffer = io.BytesIO()
    points = pa.array(_points(extract), pa.binary())
    data = table(fields, extract).append_column(pa.field("geometry", pa.binary(), nullable=False), points)
    data = data.replace_schema_metadata({"geo": json.dumps(_GEO), "synthetic": str(extract.synthetic).lower()})
    pq.write_table(data, buffer, compression="zstd")
    yield f"{extract.hour}_{extract.span}.parquet", buffer.getvalue()


def csv_files(fields: Fields, extract: Extract) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of `<hour>_f<first>-<last>.csv`: UTF-8, a header, UTC, nothing where there is no value."""
    buffer = io.BytesIO()
    data = table(fields, extract)
    for position, name in enumerate(data.column_names):
        if name in ("init_time", "valid_time"):
            text = pc.strftime(data[name], "%Y-%m-%dT%H:%M:%SZ")
            data = data.set_column(position, name, text)
    pyarrow.csv.write_csv(data, buffer, pyarrow.csv.WriteOptions(quoting_style="needed"))
    yield f"{extract.hour}_{extract.span}.csv", buffer.getvalue()


def table(fields: Fields, extract: Extract) -> pa.Table:
    """The forecast at the extract's places: of each the cell nearest to it, its leads in order.

    `latitude`, `longitude` are the place's own, `cell_latitude`, `cell_longitude` the cell's. Values are in the
    catalogue's units, rounded to the decimals of the parameter's precision; null where there is none.
    """
    area, leads = extract.area, extract.leads
    cells = [nearest_cell(area.latitude, area.longitude, place.latitude, place.longitude) for place in extract.places]
    rows, columns = np.array(cells).T
    each = len(leads)
    start = np.datetime64(extract.hour.init_time, "s")
    lead = np.tile(np.array(leads, np.int32), len(cells))
    found: dict[str, pa.Array] = {
        "place": pa.array(np.repeat([place.name for place in extract.places], each)),
        "latitude": pa.array(np.repeat([place.latitude for place in extract.places], each)),
        "longitude": pa.array(np.repeat([place.longitude for place in extract.places], each)),
        "cell_latitude": pa.array(np.repeat(area.latitude[rows], each)),
        "cell_longitude": pa.array(np.repeat(area.longitude[columns], each)),
        "init_time": pa.array(np.full(len(lead), start)).cast(pa.timestamp("s", "UTC")),
        "valid_time": pa.array(start + lead.astype("timedelta64[h]")).cast(pa.timestamp("s", "UTC")),
        "lead_time_hours": pa.array(lead),
    }
    schema = [pa.field(name, column.type) for name, column in found.items()]
    for row, values in fields:
        found[row.name] = _rounded(row, values[:, rows, columns].T.ravel())
        schema.append(pa.field(row.name, pa.float64(), metadata={"units": row.units, "long_name": row.long_name}))
    return pa.table(found, schema=pa.schema(schema))


def _rounded(row: Parameter, values: NDArray[np.float32]) -> pa.Array:
    decimals = max(0, math.ceil(-math.log10(row.precision)))
    rounded = np.round(values.astype(np.float64), decimals) + 0.0  # no negative zero
    return pa.array(rounded, from_pandas=True)


def _points(extract: Extract) -> list[bytes]:
    """Well-known binary of each row's place, -180 to 180 degrees east."""
    points = np.ones(len(extract.places), _LITTLE_ENDIAN_POINT)
    points["x"] = [(place.longitude + 180) % 360 - 180 for place in extract.places]
    points["y"] = [place.latitude for place in extract.places]
    return [point.tobytes() for point in np.repeat(points, len(extract.leads))]
