"""The storage contract: templates, tiles, and that others can read them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import catalogue, parameter
from pipeline.products import layout
from pipeline.products.shard import decode, encode_chunks, join, round_to_precision
from pipeline.store import Store

HOUR = Cycle.parse("2026-01-31T06")
GRID = Grid(10)
LEADS = range(50)
ROWS = [parameter(name) for name in ("temperature_2m", "precipitation", "wave_direction")]
LEVELS = (0.1, 0.5, 0.9)


def best_template(tile_rows: int = 8) -> layout.Template:
    return layout.best(HOUR, GRID, LEADS, ROWS, tile_rows=tile_rows, synthetic=True)


def field(*outer: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.uniform(250, 300, (*outer, *GRID.shape)).astype(np.float32)


def write_all(store: Store, key: str, template: layout.Template, values: NDArray[np.float32]) -> None:
    layout.create(store, key, template)
    rows = template.tile_rows
    for first in range(0, GRID.shape[0], rows):
        tile = slice(first, min(first + rows, GRID.shape[0]))
        layout.write_tile(store, key, {variable.name: values[:, tile] for variable in template.variables}, tile)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"file://{tmp_path}")


def test_xarray_opens_it_plainly_with_times_and_labels(store: Store, tmp_path: Path) -> None:
    values = field(len(LEADS))
    write_all(store, "best.zarr", best_template(), values)
    data = xr.open_zarr(tmp_path / "best.zarr")
    assert set(data.data_vars) == {row.name for row in ROWS}
    assert data.sizes == {"lead_time": 50, "latitude": 19, "longitude": 36}
    assert data["init_time"].values == np.datetime64("2026-01-31T06")
    assert data["valid_time"].values[30] == np.datetime64("2026-02-01T12")
    assert data["latitude"].values[0] == 90
    assert data.attrs["title"].startswith("SYNTHETIC")
    for row in ROWS:
        array = data[row.name]
        assert np.abs(array.values - values).max() <= row.precision
        assert array.attrs["units"] == row.units
        assert array.attrs["grid_mapping"] == "crs"
        assert array.attrs["precision"] == row.precision
    assert data["precipitation"].attrs["cell_methods"].startswith("time: sum")


def test_land_and_altitude_are_coordinates_that_mask(store: Store, tmp_path: Path) -> None:
    land = np.zeros(GRID.shape, np.float32)
    land[:, :18] = 1
    template = best_template()
    ground = layout.ground(field(), land)
    write_all(store, "best.zarr", replace(template, coordinates={**template.coordinates, **ground}), field(len(LEADS)))
    data = xr.open_zarr(tmp_path / "best.zarr")
    assert set(data.data_vars) == {row.name for row in ROWS}
    at_sea = data["wave_direction"].where(data["land_area_fraction"] == 0)
    assert at_sea[0, :, :18].isnull().all()
    assert at_sea[0, :, 18:].notnull().all()
    np.testing.assert_array_equal(data["surface_altitude"], field())
    assert data["surface_altitude"].attrs["units"] == "m"


def test_it_opens_without_consolidated_metadata_too(store: Store, tmp_path: Path) -> None:
    write_all(store, "best.zarr", best_template(), field(len(LEADS)))
    plain = xr.open_zarr(tmp_path / "best.zarr", consolidated=False)
    xr.testing.assert_identical(plain.load(), xr.open_zarr(tmp_path / "best.zarr").load())


def test_quantiles_and_exceedance_have_axes_of_their_own(store: Store, tmp_path: Path) -> None:
    template = layout.probability(HOUR, GRID, LEADS, ROWS[:2], LEVELS, tile_rows=19, synthetic=False)
    layout.create(store, "p.zarr", template)
    layout.write_tile(store, "p.zarr", {"temperature_2m_quantile": field(3, 50)}, slice(None))
    data = xr.open_zarr(tmp_path / "p.zarr")
    assert data["temperature_2m_quantile"].dims == ("quantile", "lead_time", "latitude", "longitude")
    assert data["temperature_2m_exceedance"].dims[0] == "temperature_2m_threshold"
    np.testing.assert_allclose(data["quantile"], LEVELS)
    np.testing.assert_allclose(data["precipitation_threshold"], parameter("precipitation").thresholds)
    assert data["temperature_2m_quantile"].notnull().all()
    assert data["temperature_2m_exceedance"].isnull().all(), "what nobody has written must not look like data"


def test_categories_say_what_their_values_mean(store: Store, tmp_path: Path) -> None:
    rows = [row for row in catalogue().values() if row.kind == "category"]
    layout.create(store, "best.zarr", layout.best(HOUR, GRID, LEADS, rows, tile_rows=8, synthetic=True))
    data = xr.open_zarr(tmp_path / "best.zarr")
    for row in rows:
        attributes = data[row.name].attrs
        assert len(attributes["flag_values"]) == len(attributes["flag_meanings"].split()) >= 2
        assert row.minimum <= min(attributes["flag_values"]) < max(attributes["flag_values"]) <= row.maximum
    assert data["weather_code"].attrs["flag_meanings"].split()[4] == "fog"


def test_what_is_stored_is_read_back_tile_by_tile(store: Store) -> None:
    values = field(len(LEADS))
    write_all(store, "best.zarr", best_template(), values)
    tile = layout.read_tile(store, "best.zarr", "temperature_2m", slice(16, 19))
    assert np.abs(tile - values[:, 16:19]).max() <= 0.01
    store.delete("best.zarr/temperature_2m/c/0/2/0")
    with pytest.raises(FileNotFoundError):
        layout.read_tile(store, "best.zarr", "temperature_2m", slice(16, 19))


def test_the_same_again_is_the_same_bytes(store: Store) -> None:
    for key in ("a.zarr", "b.zarr", "a.zarr"):
        write_all(store, key, best_template(), field(len(LEADS)))
    first, second = store.child("a.zarr"), store.child("b.zarr")
    assert [info.key for info in first.list("")] == [info.key for info in second.list("")]
    assert all(first.read(info.key) == second.read(info.key) for info in first.list(""))


@pytest.mark.parametrize("rows", [slice(1, 9), slice(0, 7), slice(0, 16), slice(8, 17), slice(0, 8, 2)])
def test_a_misaligned_write_is_an_error(store: Store, rows: slice) -> None:
    layout.create(store, "best.zarr", best_template())
    values = field(len(LEADS))[:, rows]
    with pytest.raises(ValueError, match="expected one tile"):
        layout.write_tile(store, "best.zarr", {"temperature_2m": values}, rows)


def test_a_wrong_shape_or_name_is_an_error(store: Store) -> None:
    layout.create(store, "best.zarr", best_template())
    with pytest.raises(ValueError, match=r"expected values of the shape \(50, 8, 36\); found \(49, 8, 36\)"):
        layout.write_tile(store, "best.zarr", {"temperature_2m": field(49)[:, :8]}, slice(0, 8))
    with pytest.raises(ValueError, match="found 'temperature'"):
        layout.write_tile(store, "best.zarr", {"temperature": field(50)[:, :8]}, slice(0, 8))


def test_a_damaged_shard_is_noticed(store: Store) -> None:
    write_all(store, "best.zarr", best_template(), field(len(LEADS)))
    key = "best.zarr/temperature_2m/c/0/0/0"
    data = store.read(key)
    store.write(key, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match="damaged"):
        layout.read_tile(store, "best.zarr", "temperature_2m", slice(0, 8))


sizes = st.tuples(st.integers(1, 9), st.integers(1, 6), st.integers(1, 6))


@given(arrays.arrays(np.float32, sizes, elements=st.floats(-1e3, 1e3, width=32)), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_a_shard_keeps_any_values(values: NDArray[np.float32], step: int) -> None:
    inner = [min(step, size) for size in values.shape]
    shard = [-(-size // part) * part for size, part in zip(values.shape, inner, strict=True)]
    again = decode(join(encode_chunks(values, inner, 0), inner, shard), inner, shard)
    np.testing.assert_array_equal(again[tuple(slice(size) for size in values.shape)], values)


@given(st.floats(-1e5, 1e5, width=32), st.floats(1e-3, 100))
def test_rounding_keeps_within_the_precision_and_the_order(value: float, precision: float) -> None:
    pair = np.sort(np.array([value, value + precision / 3], np.float32))
    rounded = round_to_precision(pair, precision)
    # float32 itself cannot hold every multiple of a fine precision.
    assert np.abs(rounded - pair).max() <= precision + np.spacing(np.abs(pair).max())
    assert rounded[0] <= rounded[1]
    assert not np.signbit(round_to_precision(np.array([-1e-9], np.float32), 0.1))[0]


def test_javascript_reads_it_with_zarrita(store: Store, tmp_path: Path) -> None:
    """npm's zarrita sees the names, the units, a map and a point's series."""
    modules = zarrita(tmp_path)
    values = field(len(LEADS))
    write_all(store, "best.zarr", best_template(), values)
    script = shutil.copy(Path(__file__).with_name("read_with_zarrita.mjs"), modules)
    command = ["node", str(script), str(tmp_path / "best.zarr"), "temperature_2m", "30", "9", "18"]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert answer["shape"] == [50, 19, 36]
    assert answer["attributes"]["units"] == "K"
    assert answer["lead_time"][-1] == 49
    assert answer["value"] == pytest.approx(values[30, 9, 18], abs=0.01)
    assert answer["series"] == pytest.approx(values[:, 9, 18].tolist(), abs=0.01)
    assert answer["map_mean"] == pytest.approx(float(values[30].mean()), abs=0.01)


def zarrita(tmp_path: Path) -> Path:
    """A folder with npm's zarrita installed; skips where there is no node or no registry."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node and npm here")
    folder = tmp_path / "node"
    folder.mkdir()
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "zarrita@0.7"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=90)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm cannot install zarrita here")
    return folder
