"""GRIB2 exports: equal values, right names, levels and times in ecCodes, cfgrib, GDAL and cdo."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import eccodes
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.grid import Area
from pipeline.parameters import blended, catalogue, parameter
from pipeline.parameters.grib2 import encoding
from pipeline.products import export_grib2
from pipeline.products.export_grib2 import inventory, message
from pipeline.sources.decode import decode
from tests.products.export_samples import HOUR, NAMES, area, fields, sample, values

BOXES = {
    "globe": area(),
    "date line": area(north=50, south=-50, west=150, east=-120),
    "Greenwich": area(north=60, south=30, west=-20, east=40),
    "north pole": area(north=90, south=60),
    "one point": area(north=50, south=50, west=10, east=10),
}
# What our own decoder does not take for these: standard numbers that no feed of ours writes.
_NO_FEED = {name for name in blended() if name.startswith("soil_") or "swell_wave" in name}


@contextmanager
def opened(data: bytes) -> Iterator[int]:
    handle = eccodes.codes_new_from_message(data)
    try:
        yield handle
    finally:
        eccodes.codes_release(handle)


def encoded(name: str, lead: int = 6, box: Area | None = None) -> tuple[bytes, np.ndarray]:
    box = area() if box is None else box
    found = values(parameter(name), (lead,), box)[0]
    return message(parameter(name), HOUR, lead, box, found, synthetic=True), found


@pytest.mark.parametrize("name", catalogue())
def test_every_parameter_comes_back_unchanged_but_for_its_unit(name: str) -> None:
    data, expected = encoded(name, box=BOXES["date line"])
    with opened(data) as handle:
        found = eccodes.codes_get_values(handle).reshape(expected.shape) / encoding(name).factor
    power_of_ten = np.log10(encoding(name).factor) % 1 == 0
    error = 1e-6 * np.abs(expected).max() if power_of_ten else parameter(name).precision
    np.testing.assert_allclose(found, expected, rtol=0, atol=error)


@pytest.mark.parametrize("name", [name for name in blended() if name not in _NO_FEED])
def test_our_own_decoder_takes_it_for_what_it_is(name: str) -> None:
    data, expected = encoded(name)
    (field,) = decode(data)
    how = encoding(name)
    assert (field.parameter, field.init_time, field.end_hours) == (name, HOUR.init_time, 6)
    assert field.end_hours - field.start_hours == how.hours
    np.testing.assert_allclose(field.values, expected.ravel(), rtol=0, atol=parameter(name).precision)


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_points_lie_where_they_should(box: Area) -> None:
    data, expected = encoded("temperature_2m", box=box)
    with opened(data) as handle:
        latitude = eccodes.codes_get_double_array(handle, "latitudes")
        longitude = eccodes.codes_get_double_array(handle, "longitudes")
        found = eccodes.codes_get_values(handle)
    north, east = np.meshgrid(box.latitude, box.longitude, indexing="ij")
    np.testing.assert_allclose(latitude, north.ravel(), atol=1e-6)
    np.testing.assert_allclose((longitude - east.ravel() + 180) % 360 - 180, 0, atol=1e-6)
    np.testing.assert_array_equal(found, expected.ravel())


@given(
    values=hnp.arrays(
        np.float32, (3, 4), elements=st.floats(-1e4, 1e4, width=32) | st.just(float("nan")),
    ),
    name=st.sampled_from(["temperature_2m", "total_cloud_cover", "lightning_flash_rate", "lapse_rate_700_500hpa"]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_field_is_kept_to_its_precision_and_missing_stays_missing(values: np.ndarray, name: str) -> None:
    box = area(north=20, south=0, west=0, east=30)
    how, row = encoding(name), parameter(name)
    try:
        data = message(row, HOUR, 6, box, values, synthetic=True)
    except ValueError as error:
        assert "steps at most" in str(error)
        assert np.nanmax(values) - np.nanmin(values) > 2**29 * row.precision
        return
    with opened(data) as handle:
        eccodes.codes_set(handle, "missingValue", 1e30)
        found = eccodes.codes_get_values(handle).reshape(values.shape)
    missing = np.isnan(values)
    np.testing.assert_array_equal(found == 1e30, missing)
    # Half a unit in the last place of float32 besides, in which values and reference are.
    slack = 1e-6 * np.abs(values[~missing]).max(initial=0)
    np.testing.assert_allclose(found[~missing] / how.factor, values[~missing], rtol=0, atol=row.precision + slack)


@pytest.mark.parametrize("value", [0.0, 273.15, np.nan])
def test_a_constant_field_takes_no_bits(value: float) -> None:
    box = area()
    data = message(parameter("temperature_2m"), HOUR, 6, box, np.full(box.shape, value, np.float32), synthetic=True)
    assert len(data) < 400
    with opened(data) as handle:
        eccodes.codes_set(handle, "missingValue", 1e30)
        found = eccodes.codes_get_values(handle)
        assert eccodes.codes_get(handle, "bitsPerValue") == 0
    np.testing.assert_allclose(found, 1e30 if np.isnan(value) else value, atol=0.01)


def test_bits_are_no_more_than_the_precision_needs() -> None:
    row, box = parameter("temperature_2m"), area()
    ramp = np.linspace(250, 310, box.shape[0] * box.shape[1], dtype=np.float32).reshape(box.shape)
    with opened(message(row, HOUR, 6, box, ramp, synthetic=True)) as handle:
        assert eccodes.codes_get(handle, "bitsPerValue") == 12  # 60 K in steps of 1/64 K
        assert eccodes.codes_get(handle, "packingType") == "grid_ccsds"


@pytest.mark.parametrize(
    ("name", "lead", "steps", "short_name", "level_type", "level"),
    [
        ("temperature_2m", 6, "6", "2t", "heightAboveGround", 2),
        ("temperature_2m", 0, "0", "2t", "heightAboveGround", 2),
        ("temperature_2m_maximum", 6, "5-6", "max_2t", "heightAboveGround", 2),
        ("temperature_2m_maximum_24h", 6, "-1-6", "max_2t", "heightAboveGround", 2),
        ("precipitation", 0, "-1-0", "tp", "surface", 0),
        ("precipitation_24h", 36, "12-36", "tp", "surface", 0),
        ("pressure_tendency_3h", 6, "3-6", "prmsl", "meanSea", 0),
        ("surface_downwelling_shortwave_flux", 6, "5-6", "avg_sdswrf", "surface", 0),
        ("geopotential_height_500hpa", 6, "6", "gh", "isobaricInhPa", 500),
        ("storm_relative_helicity_0_3km", 6, "6", "hlcy", "heightAboveGroundLayer", 3000),
        ("soil_temperature_0_10cm", 6, "6", "sot", "depthBelowLandLayer", 0),
        ("universal_thermal_climate_index", 6, "6", "utci", "heightAboveGround", 2),
    ],
)
def test_times_and_levels_in_ec_codes(
    name: str, lead: int, steps: str, short_name: str, level_type: str, level: int
) -> None:
    with opened(encoded(name, lead)[0]) as handle:
        found = [eccodes.codes_get(handle, key) for key in ("stepRange", "shortName", "typeOfLevel", "level")]
        assert found == [steps, short_name, level_type, level]
        assert eccodes.codes_get(handle, "dataDate") == 20260131
        assert eccodes.codes_get(handle, "hour") == 6
        assert eccodes.codes_get(handle, "productionStatusOfProcessedData") == 2  # synthetic


def test_a_file_is_a_lead_and_its_inventory_finds_every_message() -> None:
    extract = sample((0, 6))
    files = dict(export_grib2.files(fields(extract), extract))
    assert list(files) == [f"{HOUR}_f{lead:03d}.grib2{end}" for lead in (0, 6) for end in ("", ".idx")]
    data, lines = files[f"{HOUR}_f006.grib2"], files[f"{HOUR}_f006.grib2.idx"].decode().splitlines()
    assert len(lines) == len(NAMES)
    for number, (line, name) in enumerate(zip(lines, NAMES, strict=True), 1):
        ordinal, offset, *_, last = line.split(":")
        assert (int(ordinal), last) == (number, f"name={name}")
        assert data[int(offset) :].startswith(b"GRIB")
        with opened(data[int(offset) :]) as handle:
            assert eccodes.codes_get(handle, "parameterNumber") == encoding(name).code[2]
    assert dict(export_grib2.files(fields(extract), extract)) == files


def test_the_inventory_reads_as_wgrib2_writes_it() -> None:
    names = ("temperature_2m", "precipitation", "total_cloud_cover", "thickness_1000_500hpa", "gust_factor")
    lines = inventory([(name, b"GRIB") for name in names], HOUR, 6).splitlines()
    assert lines == [
        "1:0:d=2026013106:TMP:2 m above ground:6 hour fcst:name=temperature_2m",
        "2:4:d=2026013106:TPRATE:surface:5-6 hour acc fcst:name=precipitation",
        "3:8:d=2026013106:TCDC:atmos col:6 hour fcst:name=total_cloud_cover",
        "4:12:d=2026013106:THICK:500-1000 mb:6 hour fcst:name=thickness_1000_500hpa",
        "5:16:d=2026013106:var discipline=0 master_table=34 parmcat=192 parm=0:surface:6 hour fcst:name=gust_factor",
    ]
    assert all(inventory([(name, b"")], HOUR, 0) for name in catalogue())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    extract = sample((6,), BOXES["date line"])
    path = tmp_path / "f006.grib2"
    path.write_bytes(dict(export_grib2.files(fields(extract, NAMES[:3]), extract))[f"{HOUR}_f006.grib2"])
    return path


@pytest.mark.parametrize("name", NAMES[:3])
def test_cfgrib_reads_it(file: Path, name: str) -> None:
    box = BOXES["date line"]
    keys = {"temperature_2m": "2t", "precipitation": "tp", "total_cloud_cover": "tcc"}
    options = {"filter_by_keys": {"shortName": keys[name]}, "indexpath": ""}
    with xr.open_dataset(file, engine="cfgrib", backend_kwargs=options, decode_timedelta=False) as data:
        (found,) = data.data_vars.values()
        np.testing.assert_allclose(data["latitude"], box.latitude)
        np.testing.assert_allclose(data["longitude"], box.longitude)
        assert data["valid_time"].values == np.datetime64(HOUR.init_time) + np.timedelta64(6, "h")
        expected = values(parameter(name), (6,), box)[0] * encoding(name).factor
        np.testing.assert_allclose(found.values, expected, rtol=1e-6)


def test_gdal_reads_it(file: Path) -> None:
    import rasterio

    box = BOXES["date line"]
    with rasterio.open(file) as data:
        assert (data.driver, data.count, data.crs.is_geographic) == ("GRIB", 3, True)
        assert data.bounds == (145, -55, 245, 55)
        assert [data.tags(band)["GRIB_ELEMENT"] for band in (1, 3)] == ["TMP", "TCDC"]
        assert data.tags(1)["GRIB_SHORT_NAME"] == "2-HTGL"
        celsius = data.read(1)
    np.testing.assert_allclose(celsius + 273.15, values(parameter("temperature_2m"), (6,), box)[0], atol=1e-3)


def test_the_tools_of_ec_codes_read_it(file: Path) -> None:
    if shutil.which("grib_get") is None:
        pytest.skip("grib_get of libeccodes-tools is not on the PATH")
    keys = "shortName,typeOfLevel,level,stepRange,dataDate,hour,max"
    done = subprocess.run(["grib_get", "-p", keys, file], check=True, capture_output=True, text=True)
    highest = [values(parameter(name), (6,), BOXES["date line"]).max() * encoding(name).factor for name in NAMES[:3]]
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [" ".join(line[:-1]) for line in lines] == [
        "2t heightAboveGround 2 6 20260131 6", "tp surface 0 5-6 20260131 6", "tcc entireAtmosphere 0 6 20260131 6",
    ]  # fmt: skip
    np.testing.assert_allclose([float(line[-1]) for line in lines], highest, rtol=1e-5)


def test_cdo_reads_it(file: Path, tmp_path: Path) -> None:
    if shutil.which("cdo") is None:
        pytest.skip("cdo is not on the PATH")
    subprocess.run(["cdo", "-f", "nc", "copy", file, tmp_path / "cdo.nc"], check=True, capture_output=True)
    with xr.open_dataset(tmp_path / "cdo.nc") as data:
        expected = values(parameter("temperature_2m"), (6,), BOXES["date line"])[0]
        np.testing.assert_allclose(data["2t"].values.reshape(expected.shape), expected, atol=0.01)
