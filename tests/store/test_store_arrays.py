"""Small groups: what is written is read again, by zarr and xarray too, and what those write of the kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store import Store
from pipeline.store import arrays as store_arrays


def data() -> xr.Dataset:
    values = np.arange(60, dtype=np.float32).reshape(3, 20)
    values[1, 4] = np.nan
    found = xr.Dataset(
        {
            "bias": (("source", "place"), values, {"units": "K"}),
            "mean": (("source", "place"), np.nan_to_num(values).astype(np.uint16)),
            "held": (("source",), np.array([True, False, True])),
            "nothing": (("source", "none"), np.zeros((3, 0), np.float32)),
            "one": ((), np.float64(2.5)),
        },
        {"source": np.array(["gfs", "ifs", "pérs"], dtype=object), "place": np.arange(20)},
        {"columns": 7},
    )
    found["bias"].encoding["chunks"] = (2, 6)
    found["mean"].encoding["chunks"] = (3, 20)
    return found


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(f"file://{tmp_path}" if request.param == "file" else "memory://")


def test_a_group_comes_back_unchanged_and_replaces_what_was_there(store: Store) -> None:
    store.write("skill/old/c.0", b"x")
    store_arrays.write(store, "skill", data())
    xr.testing.assert_identical(store_arrays.read(store, "skill"), data())
    assert not store.exists("skill/old/c.0")
    some = store_arrays.read(store, "skill", ("held",))
    assert set(some.data_vars) == {"held"}
    assert set(some.coords) == {"source", "place"}
    with pytest.raises(FileNotFoundError):
        store_arrays.read(store, "nowhere")


def test_xarray_reads_the_group_and_zarr_finds_nothing_to_complain_of(store: Store) -> None:
    store_arrays.write(store, "skill", data())
    read = xr.open_zarr(store.zarr("skill"), consolidated=False).load()
    xr.testing.assert_equal(read, data())
    assert read["bias"].attrs["units"] == "K"


@given(
    sources=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
    first=st.integers(0, 19), count=st.integers(1, 20),
)  # fmt: skip
def test_a_part_is_what_xarray_selects(sources: list[int], first: int, count: int) -> None:
    store, places = Store.open("memory://"), slice(first, first + count)
    store_arrays.write(store, "skill", data())
    part = store_arrays.read(store, "skill", source=np.array(sources), place=places)
    xr.testing.assert_identical(part, data().isel(source=sources, place=places))


def test_plain_arrays_are_those_of_the_group(store: Store) -> None:
    store_arrays.write(store, "skill", data())
    found = store_arrays.values(store, "skill", ("bias", "source", "none of these"), place=slice(3, 9))
    assert list(found) == ["bias", "source"]
    np.testing.assert_array_equal(found["bias"], data()["bias"].values[:, 3:9])
    assert found["source"].tolist() == data()["source"].values.tolist()
    np.testing.assert_array_equal(store_arrays.read_one(store, "skill", "bias"), data()["bias"].values)


def test_chunks_beside_the_part_are_left_alone(store: Store) -> None:
    store_arrays.write(store, "skill", data())
    store.delete("skill/bias/c.0.3")
    store_arrays.read(store, "skill", ("bias",), place=slice(0, 18))
    with pytest.raises(FileNotFoundError):
        store_arrays.read(store, "skill", ("bias",))
