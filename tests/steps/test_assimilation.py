"""Coasts, kinds of stations and stations that go wrong over days, in one parameter's assimilation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.grid import Grid
from pipeline.science import station_bias
from pipeline.steps import assimilation
from pipeline.steps.assimilation import Assimilation, Background, assimilate, stations_of

GRID = Grid(1)
FLAT = np.zeros(GRID.shape)
PLAIN = Background(np.full(GRID.shape, 285.0), np.ones(GRID.shape), FLAT, FLAT)


def network(count: int, values: np.ndarray | float, name: str = "metar") -> pd.DataFrame:
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "station": [f"S{i:03d}" for i in range(count)], "network": name,
            "latitude": random.uniform(47, 53, count), "longitude": random.uniform(7, 13, count), "elevation": 0.0,
            "value": values, "error": 0.7, "withheld": False,
        }
    )  # fmt: skip


def at(result: Assimilation, row: pd.Series) -> float:
    return float(result.increment[round(90 - row["latitude"]), round(row["longitude"])])


@pytest.mark.parametrize("drift", [0.5, 1.0, 3.0])
def test_a_drifting_station_does_not_leak_in(drift: float) -> None:
    """Hour by hour for ten days: what one station of sixty adds, once it drifts by `drift` K a day."""
    random = np.random.default_rng(2)
    record, naive, with_record = station_bias.zero(), [], []
    for hour in range(240):
        weather = random.normal(0, 0.8)
        values = 285 + weather + 0.5 * random.normal(size=60)
        values[0] += drift * hour / 24
        table = network(60, values)
        result = assimilate("temperature_2m", table, PLAIN, GRID, record)
        if hour % 24 == 23:
            without = at(assimilate("temperature_2m", table[1:], PLAIN, GRID, record), table.iloc[0])
            fresh = at(assimilate("temperature_2m", table, PLAIN, GRID, station_bias.zero()), table.iloc[0])
            with_record.append(at(result, table.iloc[0]) - without)
            naive.append(fresh - without)
        record = station_bias.decay(result.record, 1)
    assert np.abs(with_record).max() < 0.15
    assert np.abs(with_record).max() < max(0.6 * np.abs(naive).max(), 0.1)


def test_a_station_that_is_always_warm_is_corrected() -> None:
    random, record = np.random.default_rng(2), station_bias.zero()
    for _ in range(72):
        values = 285 + 0.5 * random.normal(size=60)
        values[0] += 2.0
        result = assimilate("temperature_2m", network(60, values), PLAIN, GRID, record)
        record = station_bias.decay(result.record, 1)
    assert result.table["bias"][0] == pytest.approx(2.0, abs=0.4)
    assert result.table["bias"][1:].abs().max() < 0.5
    assert result.table["departure"][0] == pytest.approx(values[0] - 285)  # before the correction


def test_a_buoy_s_bias_is_not_that_of_the_station_ashore_with_its_number() -> None:
    random, record = np.random.default_rng(2), station_bias.zero()
    for _ in range(72):
        values = 285 + 0.5 * random.normal(size=60)
        values[0] += 2.0
        table = network(60, values)
        table.loc[:1, "station"], table.loc[1, "network"] = "41024", "ndbc"  # off North Carolina, and in Jeddah
        result = assimilate("temperature_2m", table, PLAIN, GRID, record)
        record = station_bias.decay(result.record, 1)
    assert result.table["bias"][0] == pytest.approx(2.0, abs=0.4)
    assert abs(result.table["bias"][1]) < 0.5


def test_a_buoy_says_little_of_the_land_behind_its_coast() -> None:
    land = np.zeros(GRID.shape)
    land[:, 181:] = 1.0
    coast = Background(PLAIN.field, PLAIN.relative_error, FLAT, land)
    buoy = network(1, 287.0, "ndbc").assign(latitude=0.0, longitude=180.0)
    increment = assimilate("temperature_2m", buoy, coast, GRID, station_bias.zero()).increment[90]
    assert increment[179] > 0.5
    assert increment[181] < 0.2 * increment[179]
    # A wave needs no land to be told from it, and neither does the pressure.
    pressure = buoy.assign(value=100500.0, error=50.0)
    flat = Background(np.full(GRID.shape, 100400.0), PLAIN.relative_error, FLAT, land)
    increment = assimilate("pressure_at_sea_level", pressure, flat, GRID, station_bias.zero()).increment[90]
    assert increment[181] == pytest.approx(increment[179], rel=1e-3)


def test_the_stated_error_of_each_kind_decides_how_far_it_is_followed() -> None:
    row = network(1, 287.0).assign(latitude=0.0, longitude=180.0)
    near, far = (
        assimilate("temperature_2m", row.assign(error=error), PLAIN, GRID, station_bias.zero()).increment[90, 180]
        for error in (0.3, 2.0)
    )
    assert near == pytest.approx(2 * 1.2**2 / (1.2**2 + 0.3**2), rel=0.01)
    assert far == pytest.approx(2 * 1.2**2 / (1.2**2 + 2.0**2), rel=0.01)


def test_stations_that_agree_better_than_stated_are_followed_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """150 of them differ by 0.3 K: an error of 1 K is believed to be half of that, the least there is."""
    values = 285 + 0.3 * np.random.default_rng(7).normal(size=150)
    table = network(150, values).assign(longitude=np.linspace(0, 357, 150), latitude=np.tile([-40.0, 0.0, 40.0], 50))

    def increment(error: float) -> np.ndarray:
        return assimilate("temperature_2m", table.assign(error=error), PLAIN, GRID, station_bias.zero()).increment

    found = increment(1.0)
    monkeypatch.setattr(assimilation, "observation_scale", lambda *_: 1.0)
    np.testing.assert_allclose(found, increment(0.5), atol=1e-6)
    assert np.abs(increment(1.0)).max() < 0.8 * np.abs(found).max()


def test_stations_at_sea_feel_no_land_and_the_others_the_grids() -> None:
    table = pd.concat([network(2, 285.0), network(1, 285.0, "ndbc")], ignore_index=True)
    np.testing.assert_array_equal(stations_of(table).land, [np.nan, np.nan, 0.0])
