"""The blend with and without its ramp at withheld stations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.steps.verify_ramp import compare


def pairs(count: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(0)
    value = 285 + random.normal(size=count)
    return pd.DataFrame(
        {
            "network": "metar", "station": [f"S{i}" for i in range(count)], "latitude": random.uniform(-80, 80, count),
            "longitude": random.uniform(0, 350, count), "elevation": 0.0, "value": value, "error": 0.5,
            "3": 285.0 + 2.0, "increment": -4.0,
        }
    )  # fmt: skip


def test_both_errors_and_how_sure_the_difference_is() -> None:
    (record,) = compare("temperature_2m", 3, pairs(), 0.5)
    assert (record["parameter"], record["lead_time_hours"], record["n"]) == ("temperature_2m", 3, 60)
    assert record["rmse"] == pytest.approx(1.0, abs=0.2)
    assert record["rmse_without_ramp"] == pytest.approx(np.hypot(1, 2), abs=0.3)
    difference = record["rmse"] - record["rmse_without_ramp"]
    assert record["difference_low"] < difference < record["difference_high"] < 0


def test_gross_reports_and_places_without_a_value_count_for_neither() -> None:
    table = pairs()
    table.loc[5, "value"] = 330.0
    table.loc[6, "3"] = np.nan
    (record,) = compare("temperature_2m", 3, table, 0.5)
    assert record["n"] == 58
    assert compare("temperature_2m", 3, table[:0], 0.5) == []
    assert compare("temperature_2m", 3, table.assign(increment=np.nan), 0.5) == []


def test_where_nothing_of_the_increment_acts_nothing_is_gained_or_lost() -> None:
    (record,) = compare("temperature_2m", 3, pairs(), 0.0)
    assert record["rmse"] == record["rmse_without_ramp"]
    assert record["difference_low"] == record["difference_high"] == 0
