"""WRF's output against independent formulas, on real files and on small ones made here."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import metpy.calc
import numpy as np
import pytest
import xarray as xr
from metpy.units import units
from netCDF4 import Dataset

from bench.native_output import write_wrfout
from models import wrf, wrf_air
from pipeline.grid import Grid
from pipeline.parameters import parameter
from pipeline.science import regrid

START = datetime(2026, 1, 31, 6)


@pytest.fixture(scope="module")
def mercator(realdata: Path) -> Path:
    """A nest that moves with a hurricane, on a Mercator map, all but all of it sea, the lower 14 layers."""
    return realdata / "wrf" / "xwrf-data" / "mercator_sample.nc"


@pytest.fixture(scope="module")
def lambert(realdata: Path) -> Path:
    """All variables of a corner of Tibet on a Lambert map."""
    return realdata / "wrf" / "salem" / "grid" / "wrf_d01_allvars_cropped.nc"


def _raw(path: Path, step: int, *names: str) -> list[np.ndarray]:
    with Dataset(path) as file:
        return [np.asarray(file[name][step], np.float64) for name in names]


@pytest.mark.realdata
def test_real_output_is_in_the_catalogue_and_plausible(mercator: Path, lambert: Path) -> None:
    for path in (mercator, lambert):
        outputs = list(wrf.read([path]))
        assert [b[0] - a[0] for a, b in itertools.pairwise(outputs)] == [timedelta(hours=3)] * 3
        shape = wrf.grid(path)[0].shape
        assert len(outputs[-1][1]) > 30
        for name, values in outputs[-1][1].items():
            row = parameter(name)
            assert values.shape == shape
            assert values.dtype == np.float32
            known = values[np.isfinite(values)]
            assert ((known >= row.minimum) & (known <= row.maximum)).all(), name


@pytest.mark.realdata
def test_real_air_is_what_metpy_makes_of_it(mercator: Path) -> None:
    """Temperature within 0.02 K; humidity within 0.025, because WRF's is a ratio of water, MetPy's one of pressures."""
    theta, p, pb, q, q2, ps = _raw(mercator, 1, "T", "P", "PB", "QVAPOR", "Q2", "PSFC")
    pressure = (p + pb) * units.Pa
    expected = metpy.calc.temperature_from_potential_temperature(pressure, (theta + 300) * units.K)
    warmth = wrf_air.temperature(theta.astype(np.float32), (p + pb).astype(np.float32))
    assert np.abs(warmth - expected.to("K").magnitude).max() < 0.02
    humidity = metpy.calc.relative_humidity_from_mixing_ratio(pressure, expected, q * units("kg/kg"))
    ours = wrf_air.relative_humidity(q.astype(np.float32), warmth, (p + pb).astype(np.float32))
    unsaturated = (humidity.magnitude < 0.98) & (expected.to("K").magnitude > 273.15)
    assert np.abs(ours - humidity.magnitude)[unsaturated].max() < 0.025
    vapour = metpy.calc.vapor_pressure(ps * units.Pa, q2 * units("kg/kg"))
    dew = metpy.calc.dewpoint(vapour).to("K").magnitude
    fields = list(wrf.read([mercator]))[1][1]
    assert np.abs(fields["dew_point_temperature_2m"] - dew).max() < 0.05


@pytest.mark.realdata
def test_real_pressure_at_the_seas_surface_is_that_of_the_sea(mercator: Path) -> None:
    for step, (_, fields) in enumerate(wrf.read([mercator])):
        surface, ground = _raw(mercator, step, "PSFC", "HGT")
        difference = np.abs(fields["pressure_at_sea_level"] - surface)[ground < 1]
        assert np.median(difference) < 15
        assert difference.max() < 120  # Pa, in the eye wall


@pytest.mark.realdata
def test_real_levels_lie_between_the_layers(mercator: Path) -> None:
    fields = list(wrf.read([mercator]))[2][1]
    p, pb, u, ph, phb = _raw(mercator, 2, "P", "PB", "U", "PH", "PHB")
    for row, column in ((5, 5), (20, 40), (47, 0)):
        depth = -np.log((p + pb)[:, row, column])
        wind = (u[:, row, column] + u[:, row, column + 1]) / 2  # the map's north is north
        height = (ph + phb)[:, row, column] / 9.81
        for level in (925, 850, 700):
            at = -np.log(level * 100)
            east = fields[f"eastward_wind_{level}hpa"][row, column]
            assert east == pytest.approx(np.interp(at, depth, wind), abs=1e-3)
            z = fields[f"geopotential_height_{level}hpa"][row, column]
            assert z == pytest.approx(np.interp(at, depth, (height[1:] + height[:-1]) / 2), abs=0.5)
    assert np.isnan(fields["temperature_250hpa"]).all()  # the sample ends below


@pytest.mark.realdata
def test_real_winds_are_turned_as_the_map_lies(lambert: Path) -> None:
    """The direction of a row of cells, from their latitudes and longitudes alone, is that of the map's first axis."""
    latitude, longitude = wrf.grid(lambert)
    radians = np.deg2rad(latitude)
    step_east = np.gradient(np.deg2rad(longitude), axis=1) * np.cos(radians)
    step_north = np.gradient(radians, axis=1)
    east, north = (step / np.hypot(step_east, step_north) for step in (step_east, step_north))
    u, v = _raw(lambert, 1, "U10", "V10")
    fields = list(wrf.read([lambert]))[1][1]
    assert np.abs(fields["eastward_wind_10m"] - (u * east - v * north)).max() < 0.01
    assert np.abs(fields["northward_wind_10m"] - (u * north + v * east)).max() < 0.01
    assert np.abs(np.hypot(u, v) - fields["wind_speed_10m"]).max() < 2e-3
    assert np.abs(fields["eastward_wind_10m"] - u).max() > 0.01  # not turning them would be seen


@pytest.mark.realdata
def test_real_wind_at_100_m_lies_between_its_neighbours(lambert: Path) -> None:
    _, fields = list(wrf.read([lambert]))[1]
    u, v, ph, phb = _raw(lambert, 1, "U", "V", "PH", "PHB")
    face = (ph + phb) / 9.81
    above = (face[1:] + face[:-1]) / 2 - face[0]
    layer = int((above < 100).sum(axis=0).max())
    speeds = np.hypot((u[..., 1:] + u[..., :-1]) / 2, (v[:, 1:] + v[:, :-1]) / 2)[: layer + 1]
    highest = np.maximum(speeds.max(axis=0), fields["wind_speed_10m"])
    assert (fields["wind_speed_100m"] <= highest + 1e-3).all()


@pytest.mark.realdata
def test_real_rain_is_opened_unless_the_nest_moved(lambert: Path, mercator: Path) -> None:
    outputs = list(wrf.read([lambert]))
    assert "precipitation" not in outputs[0][1]
    total = sum(fields["precipitation"] for _, fields in outputs[1:])
    first, last = (_raw(lambert, step, "RAINC", "RAINNC", "RAINSH") for step in (0, 3))
    assert np.abs(total - (sum(last) - sum(first))).max() < 1e-6
    assert total.max() > 0.1
    assert all(fields["precipitation"].min() >= 0 for _, fields in outputs[1:])
    moved = list(wrf.read([mercator]))
    assert not any("precipitation" in fields for _, fields in moved)
    assert np.abs(wrf.grid(mercator, 0)[1] - wrf.grid(mercator, 1)[1]).min() > 0.1


@pytest.mark.realdata
def test_real_output_is_regridded(mercator: Path) -> None:
    """Latitude itself, brought to the target grid as a field, is the target's latitude."""
    latitude, longitude = wrf.grid(mercator)
    grid = Grid(0.5)
    for method in ("bilinear", "conservative"):
        weights = regrid.weights(latitude.ravel(), longitude.ravel(), latitude.shape, grid, method)
        found = regrid.apply(weights, latitude.astype(np.float32).ravel()[None])[0]
        there = np.isfinite(found)
        assert 30 < there.sum() < 200
        assert np.abs(found - grid.places[0])[there].max() < 0.12  # half a cell of 10 km, at the edges


def _write(
    path: Path, hours: list[int], variables: dict[str, tuple[tuple[str, ...], np.ndarray]], **facts: float
) -> None:
    with Dataset(path, "w") as file:
        file.setncatts(facts)
        sizes = {"Time": len(hours), "DateStrLen": 19, "south_north": 2, "west_east": 3, "bottom_top": 3}
        for name, size in sizes.items():
            file.createDimension(name, size)
        times = file.createVariable("Times", "S1", ("Time", "DateStrLen"))
        for row, hour in enumerate(hours):
            text = f"{START + timedelta(hours=hour):%Y-%m-%d_%H:%M:%S}"
            times[row] = np.array(list(text), "S1")
        for name, (dimensions, values) in variables.items():
            file.createVariable(name, "f4", dimensions)[:] = values


PLANE = ("Time", "south_north", "west_east")


def test_full_buckets_count_and_a_new_run_begins_anew(tmp_path: Path) -> None:
    ones = np.ones((3, 2, 3), np.float32)
    steps = np.arange(3, dtype=np.float32)[:, None, None]
    _write(
        tmp_path / "a", [0, 1, 2],
        {
            "RAINC": (PLANE, 5 * ones), "RAINNC": (PLANE, (10 + 2 * steps) * ones),
            "I_RAINNC": (PLANE, steps * ones), "SNOWNC": (PLANE, steps * ones),
            "ACSWDNB": (PLANE, 3.6e5 * steps * ones), "I_ACSWDNB": (PLANE, (steps > 1) * ones),
        },
        BUCKET_MM=100.0, BUCKET_J=1.0e9,
    )  # fmt: skip
    _write(tmp_path / "b", [3], {"RAINC": (PLANE, ones[:1]), "RAINNC": (PLANE, ones[:1])}, BUCKET_MM=100.0)
    outputs = [fields for _, fields in wrf.read([tmp_path / "a", tmp_path / "b"])]
    assert outputs[1]["precipitation"] == pytest.approx(102)
    assert outputs[2]["convective_precipitation"] == pytest.approx(0)
    assert outputs[2]["snowfall"] == pytest.approx(1)
    assert outputs[1]["surface_downwelling_shortwave_flux"] == pytest.approx(100)
    assert outputs[2]["surface_downwelling_shortwave_flux"] == pytest.approx((1e9 + 3.6e5) / 3600)
    assert outputs[3]["precipitation"] == pytest.approx(2)  # less than before: a new run


def test_winds_on_a_map_of_unknown_direction_are_refused(tmp_path: Path) -> None:
    wind = (PLANE, np.ones((1, 2, 3), np.float32))
    _write(tmp_path / "c", [0], {"U10": wind, "V10": wind}, MAP_PROJ=1)
    with pytest.raises(ValueError, match="COSALPHA"):
        next(wrf.read([tmp_path / "c"]))


def test_an_atmosphere_at_rest_has_its_pressure_at_the_sea() -> None:
    """A column in hydrostatic balance at 6.5 K km-1 above 1500 m of ground: the exact pressure, within 0.2 hPa."""
    height = np.linspace(1520, 9000, 20)[:, None, None]
    warmth = 283.15 - 0.0065 * height
    pressure = 101325 * (warmth / 283.15) ** (9.81 / (287 * 0.0065))
    dry = np.zeros_like(height)
    found = wrf_air.pressure_at_sea_level(pressure, warmth, dry, height)
    assert found == pytest.approx(101325, abs=20)


@pytest.mark.parametrize("chunks", [None, (1, 6, 9, 20)], ids=["contiguous", "in chunks"])
def test_columns_are_the_same_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: tuple[int, ...] | None
) -> None:
    path = tmp_path / "wrfout_d01_2026-01-31_06:00:00"
    write_wrfout(path, side=40, layers=12)
    if chunks:
        with xr.open_dataset(path, decode_times=False) as data:
            encoding = {name: {"chunksizes": chunks, "zlib": True} for name, v in data.items() if v.ndim == 4}
            data.to_netcdf(tmp_path / "chunked", encoding=encoding)
        path = tmp_path / "chunked"
    ((_, whole),) = wrf.read([path])
    monkeypatch.setattr(wrf, "_BLOCK_COLUMNS", 3 * 40)
    ((_, blocks),) = wrf.read([path])
    assert len(whole) == 39
    assert whole.keys() == blocks.keys()
    for name, field in whole.items():
        np.testing.assert_array_equal(field, blocks[name], err_msg=name)
