"""Stability: planted seams and mottles are found, and the flip-flop index is that of `scores`."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scores.continuous import flip_flop_index

from pipeline.grid import Grid
from pipeline.science.stability import borders, flip_flop, jump, roughness

GRID = Grid(5)
LATITUDE, LONGITUDE = GRID.latitude, GRID.longitude
WAVES = 5 * np.sin(np.deg2rad(3 * LONGITUDE)) * np.cos(np.deg2rad(2 * LATITUDE))[:, None]
HALVES = (LONGITUDE < 180)[None] & np.ones(GRID.shape, bool)


def test_a_smooth_field_has_no_more_gradient_at_a_seam_than_elsewhere() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, GRID.shape)
    assert jump(WAVES, borders(label), LATITUDE)[1] == pytest.approx(1, abs=0.05)


def test_a_step_at_the_seam_is_seen() -> None:
    seams = borders(HALVES)
    assert seams.east.sum() == 2 * len(LATITUDE), "also where the globe closes"
    assert not seams.south.any()
    flat = jump(WAVES, seams, LATITUDE)[1]
    assert jump(WAVES + 2.0 * HALVES, seams, LATITUDE)[1] > 2 * flat
    assert jump(1e-6 * WAVES + 2.0 * HALVES, seams, LATITUDE)[0] == pytest.approx(2, rel=1e-4), "in the field's units"


def test_without_a_seam_there_is_no_figure() -> None:
    assert np.isnan(jump(WAVES, borders(np.zeros(GRID.shape)), LATITUDE)).all()
    assert np.isnan(jump(np.full(GRID.shape, np.nan), borders(HALVES), LATITUDE)).all()


def test_mottles_are_rough_and_planes_are_not() -> None:
    plane = np.broadcast_to(LATITUDE[:, None], GRID.shape)
    assert roughness(plane, LATITUDE) == pytest.approx(0, abs=1e-9)
    rng = np.random.default_rng(0)
    mottled = rng.normal(0, 1, GRID.shape)
    assert roughness(mottled, LATITUDE) == pytest.approx(np.sqrt(1.25), rel=0.05)
    mottled[10, 10] = np.nan
    assert np.isfinite(roughness(mottled, LATITUDE))


@given(arrays(np.float64, st.tuples(st.integers(3, 8), st.integers(1, 4)), elements=st.floats(-50, 50, width=32)))
def test_the_flip_flop_index_is_that_of_scores(issues: np.ndarray) -> None:
    referee = flip_flop_index(xr.DataArray(issues, dims=("issue", "cell")), "issue")
    np.testing.assert_allclose(flip_flop(issues), referee.values, atol=1e-9)


def test_two_issues_cannot_turn() -> None:
    with pytest.raises(ValueError, match="at least 3 issues of a forecast; found 2"):
        flip_flop(np.zeros((2, 3)))


def test_figures_are_those_of_the_formulas_written_out() -> None:
    rng = np.random.default_rng(1)
    field, label = rng.normal(size=GRID.shape).astype(np.float32), rng.integers(0, 3, GRID.shape)
    field[rng.random(GRID.shape) < 0.1] = np.nan
    values, area = field.astype(np.float64), np.cos(np.deg2rad(LATITUDE))[:, None] * np.ones(GRID.shape)
    steps = [(np.roll(values, -1, 1) - values, label != np.roll(label, -1, 1), area),
             (np.diff(values, axis=0), label[1:] != label[:-1], (area[1:] + area[:-1]) / 2)]  # fmt: skip
    difference, across, weight = (np.concatenate([part[k].ravel() for part in steps]) for k in range(3))
    square = [
        np.average(difference[chosen] ** 2, weights=weight[chosen])
        for chosen in (np.isfinite(difference) & across, np.isfinite(difference) & ~across)
    ]
    expected = np.sqrt(square[0]), np.sqrt(square[0] / square[1])
    assert jump(field, borders(label), LATITUDE) == pytest.approx(expected)
    around = (np.roll(values, 1, 1) + np.roll(values, -1, 1))[1:-1] + values[2:] + values[:-2]
    bend = values[1:-1] - around / 4
    known = np.isfinite(bend)
    curved = np.sqrt(np.average(bend[known] ** 2, weights=area[1:-1][known]))
    assert roughness(field, LATITUDE) == pytest.approx(curved)
