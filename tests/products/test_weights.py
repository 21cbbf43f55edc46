"""Published weights: sources by name, what absent ones leave to the others, and the rounding the blend uses too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import parameter
from pipeline.products import layout
from pipeline.products.weights import WEIGHT_PRECISION, Learnt, Source, as_stored, as_used, template
from pipeline.science import expected_amount, quantile_mapping
from pipeline.science.amounts import Correction
from pipeline.science.weights import Weights
from pipeline.store import Store

HOUR, GRID, BINS = Cycle.parse("2026-01-31T06"), Grid(30), (6, 24)
SOURCES = [Source("gfs", "20260131T00Z", 6), Source("ifs_höhe", "", -1), Source("hrrr", "20260131T05Z", 1)]


@pytest.fixture
def published(tmp_path: Path) -> xr.Dataset:
    figures = np.full((3, 2, 4), 0.25, np.float32)
    counts = quantile_mapping.zero(tuple(source.name for source in SOURCES), BINS, 1)
    nothing = np.ones((4, 1), np.float32) / 4
    mapping = quantile_mapping.fit(counts, nothing)
    correction = Correction(mapping, expected_amount.fit(expected_amount.zero(BINS)), nothing)
    reach = np.array([24, -1, 6], np.int32)
    learnt = [
        Learnt(
            parameter(name), correction if name == "precipitation" else None, reach, figures, figures, figures, figures
        )
        for name in ("temperature_2m", "precipitation")
    ]
    store = Store.open(f"file://{tmp_path}")
    layout.create(store, "w.zarr", template(HOUR, GRID, SOURCES, BINS, learnt, synthetic=False))
    coverage = np.zeros((3, *GRID.shape), np.float32)
    coverage[0], coverage[2, :, :6] = 1, 1
    weight = np.broadcast_to(np.float32([0.5, 0.25, 0.25])[:, None, None, None], (3, 2, *GRID.shape))
    layout.write_tile(store, "w.zarr", {"coverage": coverage, "temperature_2m_weight": weight}, slice(None))
    return xr.open_zarr(tmp_path / "w.zarr")


def test_they_name_their_sources_with_cycle_and_age(published: xr.Dataset) -> None:
    assert published["source"].values.tolist() == ["gfs", "ifs_höhe", "hrrr"]
    assert published["source_cycle"].values.tolist() == ["20260131T00Z", "", "20260131T05Z"]
    assert published["source_age"].values.tolist() == [6, -1, 1]
    assert "precipitation_bias" not in published, "amounts are mapped"
    assert published["precipitation_mapping"].dims == (
        "source",
        "lead_bin",
        "precipitation_cluster",
        "precipitation_amount",
    )
    assert published["precipitation_expected_amount"].attrs["units"] == "kg m-2"
    assert published["precipitation_amount"][0] == pytest.approx(0.05)
    assert published["temperature_2m_bias"].attrs["units"] == "K"
    assert published["temperature_2m_cluster_rmse"].dims == ("source", "lead_bin", "temperature_2m_cluster")


def test_absent_sources_leave_their_weight_to_the_others(published: xr.Dataset) -> None:
    used = as_used(published, "temperature_2m")
    np.testing.assert_allclose(used[:, 0, 3, 2], [2 / 3, 0, 1 / 3], err_msg="inside the region")
    np.testing.assert_allclose(used[:, 0, 3, 8], [1, 0, 0], err_msg="outside")
    np.testing.assert_allclose(used[:, 1, 3, 2], [1, 0, 0], err_msg="beyond the region's last lead")


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_rounding_is_within_what_is_stated_and_a_second_one_changes_nothing(sources: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.ones(sources), (2, 7)).transpose(2, 0, 1).astype(np.float32)
    bias = rng.normal(0, 3, weight.shape).astype(np.float32)
    row, names = parameter("temperature_2m"), tuple(map(str, range(sources)))
    exact = Weights(names, (6.0, 24.0), bias, weight, weight[0], weight[0])
    once = as_stored(exact, row)
    assert np.abs(once.bias - bias).max() <= row.precision
    assert np.abs(once.weight - weight).max() <= WEIGHT_PRECISION
    np.testing.assert_array_equal(as_stored(once, row).bias, once.bias)
    np.testing.assert_array_equal(as_stored(once, row).weight, once.weight)
