"""Scores at stations: identical stations for all systems, heights taken into account, gross reports left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.grid import Grid
from pipeline.parameters import parameter
from pipeline.steps.verify_stations import _score

GRID = Grid(10)
FLAT = np.zeros(GRID.shape, np.float32)


def _table(count: int = 40) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "latitude": generator.uniform(-80, 80, count), "longitude": generator.uniform(0, 359, count),
            "elevation": 0.0, "value": 285.0, "error": 0.5, "withheld": np.arange(count) % 10 == 0,
        }
    )  # fmt: skip


def _by_system(table: pd.DataFrame, **values: float) -> dict[str, dict[str, float]]:
    fields = {name: np.full(FLAT.size, value, np.float32) for name, value in values.items()}
    records = _score(parameter("temperature_2m"), 24, table, fields, GRID, FLAT)
    return {record["system"]: record for record in records}


def test_known_errors_on_identical_stations() -> None:
    found = _by_system(_table(), gfs=287.0, ifs=284.0, hourcast=285.2)
    assert {name: round(record["bias"], 3) for name, record in found.items()} == {
        "gfs": 2.0, "ifs": -1.0, "equal_weights": 0.5, "hourcast": 0.2, "hourcast_withheld": 0.2,
    }  # fmt: skip
    assert {record["n"] for name, record in found.items() if name != "hourcast_withheld"} == {40}
    assert found["hourcast_withheld"]["n"] == 4


def test_a_station_above_the_ground_of_the_models_is_colder() -> None:
    table = _table().assign(elevation=1000.0, value=285.0 - 6.5)
    assert _by_system(table, gfs=285.0, hourcast=285.0)["hourcast"]["rmse"] == pytest.approx(0, abs=0.01)


def test_a_gross_report_counts_for_no_system() -> None:
    table = _table()
    table.loc[3, "value"] = 320.0
    found = _by_system(table, gfs=286.0, hourcast=285.0)
    assert found["gfs"]["n"] == found["hourcast"]["n"] == 39
    assert found["gfs"]["rmse"] == pytest.approx(1, abs=1e-3)


def test_without_a_source_there_is_nothing_to_compare() -> None:
    assert _by_system(_table(), hourcast=285.0) == {}
