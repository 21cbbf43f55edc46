"""GeoTIFF exports: valid cloud-optimised files, in their place, with their meaning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import rasterio
from rasterio.io import DatasetReader, MemoryFile
from rio_cogeo import cog_validate

from pipeline.grid import Area, Grid
from pipeline.parameters import parameter
from pipeline.products import export_geotiff
from pipeline.products.export_geotiff import image
from tests.products.export_samples import HOUR, area, fields, sample, values

ROW = parameter("temperature_2m")


@contextmanager
def opened(data: bytes) -> Iterator[DatasetReader]:
    with MemoryFile(data) as memory, memory.open() as file:
        yield file


@pytest.mark.parametrize("resolution", [10, 0.25], ids=["one block", "overviews"])
def test_it_is_cloud_optimised(resolution: float) -> None:
    box = Grid(resolution).area(north=90, south=-90, west=0, east=360)
    ramp = np.linspace(250, 300, box.shape[0] * box.shape[1], dtype=np.float32).reshape(box.shape)
    with MemoryFile(image(ROW, HOUR, 6, box, ramp, synthetic=True)) as memory:
        valid, errors, warnings = cog_validate(memory.name, strict=True)
        assert valid, (errors, warnings)
        with memory.open() as file:
            assert bool(file.overviews(1)) == (resolution < 1)


@pytest.mark.parametrize(
    ("box", "bounds"),
    [
        (area(north=50, south=-50, west=150, east=-120), (145, -55, 245, 55)),
        (area(north=60, south=30, west=-20, east=40), (-25, 25, 45, 65)),
        (area(north=90, south=60), (-185, 55, 175, 95)),  # a circle is cut at the date line
    ],
)
def test_values_lie_where_they_should(box: Area, bounds: tuple[float, ...]) -> None:
    expected = values(ROW, (6,), box)[0]
    with opened(image(ROW, HOUR, 6, box, expected, synthetic=True)) as file:
        assert tuple(file.bounds) == bounds
        assert file.crs.to_epsg() == 4326
        north, east = np.meshgrid(box.latitude, (box.longitude - bounds[0]) % 360 + bounds[0], indexing="ij")
        found = np.array([value[0] for value in file.sample(zip(east.ravel(), north.ravel(), strict=True))])
    np.testing.assert_array_equal(found, expected.ravel())


def test_it_says_what_it_is_and_where_nothing_is() -> None:
    box = area()
    field = np.full(box.shape, np.nan, np.float32)
    field[0, 0] = 273.0
    with opened(image(ROW, HOUR, 6, box, field, synthetic=True)) as file:
        tags = file.tags()
        assert (file.descriptions, file.units) == (("temperature_2m",), ("K",))
        assert (tags["init_time"], tags["valid_time"]) == ("2026-01-31T06:00:00Z", "2026-01-31T12:00:00Z")
        assert tags["synthetic"] == "true"
        assert file.read(1, masked=True).count() == 1


def test_a_file_is_a_parameter_and_lead_and_the_same_again() -> None:
    extract = sample((0, 6))
    files = dict(export_geotiff.files(fields(extract, ("temperature_2m",)), extract))
    assert list(files) == [f"temperature_2m/{HOUR}_temperature_2m_f{lead:03d}.tif" for lead in (0, 6)]
    assert dict(export_geotiff.files(fields(extract, ("temperature_2m",)), extract)) == files
    with opened(files[f"temperature_2m/{HOUR}_temperature_2m_f006.tif"]) as file:
        assert isinstance(file, rasterio.DatasetReader)
        assert file.tags()["lead_time_hours"] == "6"
