"""Boxes of the grid: every point inside, once, in order, over the date line and at the poles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.grid import Grid

GRID = Grid(7.5)


def degrees(least: int, most: int) -> st.SearchStrategy[float]:
    """Whole hundredths, as operators write them."""
    return st.integers(100 * least, 100 * most).map(lambda hundredths: hundredths / 100)


@given(south=degrees(-90, 90), north=degrees(-90, 90), west=degrees(-180, 360), east=degrees(-180, 360))
def test_a_box_holds_exactly_the_points_inside(south: float, north: float, west: float, east: float) -> None:
    area = GRID.area(north=north, south=south, west=west, east=east)
    width = east - west if east - west >= 360 else (east - west) % 360
    inside = np.round((GRID.longitude - west) % 360, 6) <= np.round(width, 6)
    np.testing.assert_array_equal(np.sort(area.columns), np.flatnonzero(inside))
    np.testing.assert_array_equal(area.rows, np.flatnonzero((GRID.latitude <= north) & (GRID.latitude >= south)))
    np.testing.assert_allclose(area.latitude, GRID.latitude[area.rows])
    np.testing.assert_allclose(area.longitude % 360, GRID.longitude[area.columns], atol=1e-9)
    assert (np.diff(area.longitude) > 0).all()


@pytest.mark.parametrize(
    ("west", "east", "longitudes"),
    [
        (165, -165, [165, 172.5, 180, 187.5, 195]),
        (-10, 10, [-7.5, 0, 7.5]),
        (350, 10, [352.5, 360, 367.5]),
        (3, 4, []),
        (15, 15, [15]),
    ],
)
def test_longitudes_rise_from_the_west(west: float, east: float, longitudes: list[float]) -> None:
    np.testing.assert_allclose(GRID.area(north=0, south=0, west=west, east=east).longitude, longitudes)


@pytest.mark.parametrize(("west", "east"), [(0, 360), (-180, 180), (-180, 360)])
def test_the_whole_circle_is_taken_once(west: float, east: float) -> None:
    area = GRID.area(north=90, south=-90, west=west, east=east)
    assert area.shape == GRID.shape
    assert area.is_circle
    assert area.longitude[0] == west
