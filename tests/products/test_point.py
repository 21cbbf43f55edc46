from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.grid import Grid
from pipeline.products.point import coordinates, nearest_cell, point
from pipeline.store import Store

GRID = Grid(5.0)


def test_table_holds_every_usual_parameter_with_bounds_and_weights(example_store: Store) -> None:
    text = point(example_store, 0.0, 200.0)
    assert "SYNTHETIC" in text
    for word in ("2 m temperature", "Gust", "Wave height", "Weights of the sources here", "gefs_mean", "●"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 150


def test_values_are_those_of_the_nearest_cell(example_store: Store) -> None:
    text = point(example_store, 51.0, 181.9, ["pressure_at_sea_level"])
    assert "the cell at 50.0° N 180.0° E" in text


def test_waves_are_not_shown_on_land(example_store: Store) -> None:
    assert "Wave height" not in point(example_store, 45.0, 60.0)


def test_unpublished_parameter_names_those_there_are(example_store: Store) -> None:
    with pytest.raises(KeyError, match=r"visibility is not in this forecast.*temperature_2m"):
        point(example_store, 0, 0, ["visibility"])


def test_unknown_parameter_is_refused(example_store: Store) -> None:
    with pytest.raises(KeyError, match="temperature_2m"):
        point(example_store, 0, 0, ["temperatur_2m"])


@pytest.mark.parametrize(("north", "east"), [(91, 0), (-90.5, 0), (0, -181), (0, 361)])
def test_place_off_the_globe_is_refused(north: float, east: float) -> None:
    with pytest.raises(ValueError, match="found"):
        nearest_cell(GRID.latitude, GRID.longitude, north, east)


@given(st.floats(-90, 90), st.floats(-180, 360))
def test_nearest_cell_is_within_half_a_cell_around_the_date_line_too(north: float, east: float) -> None:
    row, column = nearest_cell(GRID.latitude, GRID.longitude, north, east)
    assert abs(GRID.latitude[row] - north) <= 2.5 + 1e-9
    assert abs((GRID.longitude[column] - east + 180) % 360 - 180) <= 2.5 + 1e-9


def test_coordinates_read_as_people_say_them() -> None:
    assert coordinates(51.5, 359.9) == "51.5° N 0.1° W"
    assert coordinates(-33.9, 151.2) == "33.9° S 151.2° E"


def test_forecast_at_a_pole_is_shown(example_store: Store) -> None:
    assert "the cell at 90.0° S" in point(example_store, -90, 17)
