"""Tables of places: the nearest cell's forecast, as GeoParquet by its specification and as CSV."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.parameters import parameter
from pipeline.products import export_table
from pipeline.products.export_extract import Extract
from tests.products.export_samples import HOUR, NAMES, PLACES, fields, sample, values


@pytest.fixture(scope="module")
def extract() -> Extract:
    return sample((0, 6))


@pytest.fixture(scope="module")
def table(extract: Extract) -> pa.Table:
    ((name, data),) = export_table.geoparquet_files(fields(extract), extract)
    assert name == f"{HOUR}_f000-006.parquet"
    return pq.read_table(io.BytesIO(data))


def test_a_row_is_a_place_and_lead_with_the_nearest_cell(table: pa.Table, extract: Extract) -> None:
    frame = table.to_pandas()
    assert list(frame["place"]) == ["Apia, Samoa"] * 2 + ["Zürich"] * 2
    assert list(frame["lead_time_hours"]) == [0, 6, 0, 6]
    assert frame["valid_time"][1] == pd.Timestamp("2026-01-31T12:00Z")
    assert list(frame["cell_latitude"][::2]) == [-10, 50]
    assert list(frame["cell_longitude"][::2] % 360) == [190, 10]
    for name in NAMES:
        row = parameter(name)
        everywhere = values(row, extract.leads, extract.area)
        expected = [*everywhere[:, 10, 19], *everywhere[:, 4, 1]]
        np.testing.assert_allclose(frame[name], expected, rtol=0, atol=row.precision)
        assert table.field(name).metadata[b"units"].decode() == row.units


def test_it_is_geoparquet(table: pa.Table) -> None:
    """What version 1.1.0 of the specification demands of a file and of a column of points."""
    geo = json.loads(table.schema.metadata[b"geo"])
    assert {"version", "primary_column", "columns"} <= geo.keys()
    column = geo["columns"][geo["primary_column"]]
    assert (geo["version"], column["encoding"], column["geometry_types"]) == ("1.1.0", "WKB", ["Point"])
    assert "crs" not in column  # then longitude and latitude on WGS 84
    field = table.field(geo["primary_column"])
    assert (field.type, field.nullable) == (pa.binary(), False)
    points = shapely.from_wkb(table[geo["primary_column"]].to_numpy())
    assert [(point.x, point.y) for point in points[::2]] == [(place.longitude, place.latitude) for place in PLACES]
    assert (shapely.get_type_id(points) == shapely.GeometryType.POINT).all()


def test_the_csv_is_the_same_table(table: pa.Table, extract: Extract) -> None:
    ((name, data),) = export_table.csv_files(fields(extract), extract)
    assert name == f"{HOUR}_f000-006.csv"
    frame = pd.read_csv(io.BytesIO(data), parse_dates=["init_time", "valid_time"])
    expected = table.drop(["geometry"]).to_pandas()
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)
    assert b"2026-01-31T12:00:00Z" in data
    assert "Zürich".encode() in data


def test_where_there_is_no_value_there_is_none(extract: Extract) -> None:
    nothing = np.full((2, *extract.area.shape), np.nan, np.float32)
    table = export_table.table([(parameter("significant_wave_height"), nothing)], extract)
    assert table["significant_wave_height"].null_count == 4
    ((_, data),) = export_table.csv_files([(parameter("significant_wave_height"), nothing)], extract)
    assert all(line.endswith(b",") for line in data.splitlines()[1:])
