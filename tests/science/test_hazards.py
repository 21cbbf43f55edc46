"""Hazards are gathered into boxes that hold them, over the date line and the pole, and no larger than allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.grid import Grid, unit_vectors
from pipeline.science.hazards import EARTH_RADIUS_KM, LARGEST_KM, MARGIN_KM, Box, boxes, peaks

GRID = Grid(1)


def patch(latitude: float, longitude: float, radius_km: float) -> np.ndarray:
    """(latitude, longitude) whether a cell is so near."""
    centre = unit_vectors(np.array([latitude]), np.array([longitude]))[0]
    distance = EARTH_RADIUS_KM * np.arccos(np.clip(unit_vectors(*GRID.places) @ centre, -1, 1))
    return (distance <= radius_km).reshape(GRID.shape)


def reach_km(box: Box) -> float:
    """From the centre to the farthest of the cells."""
    centre = unit_vectors(np.array([box.latitude]), np.array([box.longitude]))[0]
    points = unit_vectors(*(part[box.cells] for part in GRID.places))
    return float(EARTH_RADIUS_KM * np.arccos(np.clip(points @ centre, -1, 1)).max())


@pytest.mark.parametrize(("latitude", "longitude"), [(25.0, -80.0), (-18.0, 179.5), (10.0, 0.0), (89.0, 30.0)])
def test_a_round_system_is_in_the_middle_of_its_box(latitude: float, longitude: float) -> None:
    (box,) = boxes(patch(latitude, longitude, 300), GRID)
    there, here = (unit_vectors(*(np.array([part]) for part in place))[0] for place in (
        (latitude, longitude), (box.latitude, box.longitude),
    ))  # fmt: skip
    assert EARTH_RADIUS_KM * np.arccos(min(there @ here, 1)) < 70
    for side in (box.width_km, box.height_km):
        assert 2 * (300 + MARGIN_KM) - 150 <= side <= 2 * (300 + MARGIN_KM) + 250


def test_systems_far_apart_have_boxes_of_their_own_the_larger_first() -> None:
    found = boxes(patch(30, 100, 200) | patch(-30, 300, 400), GRID)
    assert [round(box.latitude / 30) for box in found] == [-1, 1]
    assert sum(len(box.cells) for box in found) == (patch(30, 100, 200) | patch(-30, 300, 400)).sum()


def test_a_large_system_is_cut_and_no_cell_is_lost() -> None:
    likely = np.zeros(GRID.shape, bool)
    likely[40:50, 20:90] = True
    found = boxes(likely, GRID)
    assert len(found) > 3
    assert max(max(box.width_km, box.height_km) for box in found) <= LARGEST_KM
    np.testing.assert_array_equal(np.sort(np.concatenate([box.cells for box in found])), np.flatnonzero(likely))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0005, 0.02))
def test_every_cell_is_in_one_box_that_reaches_it(seed: int, share: float) -> None:
    likely = np.random.default_rng(seed).random(GRID.shape) < share
    found = boxes(likely, GRID)
    held = [cell for box in found for cell in box.cells]
    assert sorted(held) == np.flatnonzero(likely).tolist()
    for box in found:
        assert reach_km(box) <= 0.51 * np.hypot(box.width_km, box.height_km)


def test_nothing_likely_has_no_box() -> None:
    assert boxes(np.zeros(GRID.shape, bool), GRID) == []


def test_the_peak_of_a_day_is_its_greatest_chance() -> None:
    leads = np.arange(0, 31, 3)
    chance = np.zeros((len(leads), 2), np.float32)
    chance[leads == 24, 0], chance[leads == 27, 0], chance[0, 1] = 0.4, 0.7, 0.2
    np.testing.assert_allclose(peaks(chance, leads, 24), [[0.4, 0.2], [0.7, 0.0]])
