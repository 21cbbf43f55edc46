"""The past hours and what is carried from hour to hour, by pandas and by plain loops over one place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from pipeline.science.derive.catalogue import derive
from tests.science.derive.transcribed import LEADS, PLACES, ZERO, judge_values, published
from tests.science.referee import agrees

Wide = NDArray[np.float64]


def frame(name: str) -> pd.DataFrame:
    return pd.DataFrame(published()[name])


def changed(name: str, hours: int) -> pd.DataFrame:
    """Over the past hours; earlier the change since the first, at the same pace; at the first as at the second."""
    values = frame(name)
    since = (values - values.iloc[0]).mul(pd.Series(hours / np.fmax(values.index, 1)), axis=0)
    result = values.diff(hours).fillna(since)
    result.iloc[0] = result.iloc[1]
    return result


def test_changes() -> None:
    for hours in (1, 3, 6, 24):
        found = changed("pressure_at_sea_level", hours)
        judge_values(f"pressure_tendency_{hours}h", found, by="pandas, diff")
    kelvin = frame("temperature_2m").diff(24).fillna(0)
    judge_values("temperature_2m_change_24h", kelvin, by="pandas, diff")


def test_sums_of_the_past_day() -> None:
    for name, hourly in (
        ("wind_run_24h", 3600 * frame("wind_speed_10m")),
        ("solar_energy_24h", 3600 * frame("surface_downwelling_shortwave_flux")),
        ("precipitation_duration_24h", 3600.0 * (frame("precipitation") >= 0.1)),
        ("climatic_water_balance_24h", frame("precipitation") - frame("reference_evapotranspiration")),
    ):
        total = hourly.rolling(24, min_periods=1).sum()
        judge_values(name, total, by="pandas, rolling", rtol=1e-6)


def test_range_of_the_past_day() -> None:
    highest = frame("temperature_2m_maximum").rolling(24, min_periods=1).max()
    lowest = frame("temperature_2m_minimum").rolling(24, min_periods=1).min()
    judge_values("temperature_2m_range_24h", highest - lowest, by="pandas, rolling")


def characteristic(first: float, last: float) -> int:
    """WMO code table 0200 of the changes in the two halves of three hours; less than 10 Pa is steady."""
    ways = tuple("fell" if change < -9.99 else "rose" if change >= 10 else "steady" for change in (first, last))
    higher = first + last
    return {
        ("rose", "fell"): 0 if higher >= 0 else 8, ("rose", "steady"): 1, ("rose", "rose"): 2,
        ("fell", "rose"): 3 if higher > 0 else 5, ("steady", "rose"): 3, ("steady", "steady"): 4,
        ("fell", "steady"): 6, ("fell", "fell"): 7, ("steady", "fell"): 8,
    }[ways]  # fmt: skip


def test_course_of_pressure() -> None:
    p = published()["pressure_at_sea_level"]
    middle = (p[2:-1] + p[1:-2]) / 2
    first, last = middle - p[:-3], p[3:] - middle
    clear = np.all([np.abs(np.abs(part) - 10) > 0.1 for part in (first, last)], axis=0) & (np.abs(p[3:] - p[:-3]) > 0.1)
    known = np.zeros(p.shape, bool)
    known[3:] = clear
    codes = [characteristic(a, b) for a, b in zip(first[clear], last[clear], strict=True)]
    judge_values("pressure_tendency_characteristic", codes, where=known)


SEASONS = {
    "growing_degree_sum_base0": ("growing_degree_base0", "01-01", "07-01"),
    "growing_degree_sum_base5": ("growing_degree_base5", "01-01", "07-01"),
    "growing_degree_sum_base10": ("growing_degree", "01-01", "07-01"),
    "chill_hour_sum": ("chill_hour", "10-01", "04-01"),
    "fresh_snow_sum": ("fresh_snow", "07-01", "01-01"),
}
"""What is summed, from which day north and south of the equator."""


def season_total(amounts: pd.DataFrame, begins: pd.Series, *, floor: bool) -> pd.DataFrame:
    """Running sums that begin anew where a season does; with a floor what would go below 0 is forgotten."""
    total = amounts.mask(begins, 0).groupby(begins.cumsum()).cumsum()
    return total - total.clip(upper=0).groupby(begins.cumsum()).cummin() if floor else total


@pytest.mark.parametrize("name", [*SEASONS, "chill_unit_sum"])
def test_sums_of_a_season_begin_with_it(name: str) -> None:
    hourly, *starts = SEASONS.get(name, ("chill_unit", "10-01", "04-01"))
    amounts, carried = frame(hourly), np.linspace(0, 9, PLACES)
    amounts.iloc[0] = carried
    for start, latitude in zip(starts, (40, -40), strict=True):
        hours = pd.date_range(pd.Timestamp(f"2026-{start}") - pd.Timedelta("30h"), periods=LEADS, freq="h")
        day = np.asarray(hours.dayofyear + hours.hour / 24)
        fields = {hourly: published()[hourly], f"{name}_start": carried, "latitude": np.full(PLACES, latitude)}
        found = derive(fields | {"day_of_year": np.repeat(day[:, None], PLACES, axis=1)})[name]
        begins = pd.Series(hours.strftime("%m-%d %H") == f"{start} 00")
        expected = season_total(amounts, begins, floor=name == "chill_unit_sum")
        agrees(name, found, expected, by="pandas, groupby and cumsum", rtol=1e-6, atol=1e-4)


def test_rain_since_noon_and_the_days_without() -> None:
    """By a loop over each place's hours: noon is where the sun stands highest."""
    fields = published()
    sun, rain, t, td = (
        fields[name]
        for name in ("toa_incoming_shortwave_flux", "precipitation", "temperature_2m", "dew_point_temperature_2m")
    )
    since, nesterov = np.zeros_like(sun), np.zeros_like(sun)
    for place in range(PLACES):
        for hour in range(1, LEADS):
            amount, index = since[hour - 1, place] + rain[hour, place], nesterov[hour - 1, place]
            around = sun[hour - 1 : hour + 2, place]
            noon = len(around) == 3 and around[0] < around[1] >= around[2]
            if noon:
                dryness = max(t[hour, place] - ZERO, 0) * (t[hour, place] - td[hour, place])
                index = 0 if amount >= 3 else index + dryness
            since[hour, place], nesterov[hour, place] = (0 if noon else amount), index
    judge_values("precipitation_since_noon", since)
    judge_values("nesterov_index", nesterov, rtol=1e-5)


def test_leaves_stay_wet_until_they_are_dry() -> None:
    wet = frame("leaf_wetness")
    runs = wet.apply(lambda column: column.groupby((column == 0).cumsum()).cumsum())
    judge_values("leaf_wetness_duration", 3600 * runs, by="pandas, groupby and cumsum")


def test_blight_of_two_humid_days() -> None:
    t = published()["temperature_2m"] * 0 + ZERO + np.linspace(5, 20, PLACES) + np.sin(np.arange(LEADS))[:, None]
    humidity = np.random.default_rng(3).choice([0.7, 0.95], t.shape, p=[0.72, 0.28])
    humid = pd.DataFrame(humidity >= 0.9).rolling(24).sum() >= 6
    warm = pd.DataFrame(t).rolling(48).min() >= ZERO + 10
    fields = {"temperature_2m": t.astype(np.float32), "relative_humidity_2m": humidity.astype(np.float32)}
    expected = humid & humid.shift(24, fill_value=False) & warm
    assert 0.05 < np.asarray(expected).mean() < 0.9
    agrees("late_blight_risk", derive(fields)["late_blight_risk"], expected, by="pandas, rolling", atol=0.5)
