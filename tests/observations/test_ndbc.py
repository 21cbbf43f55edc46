"""NDBC's table of latest observations."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cycle import Cycle
from pipeline.observations import ndbc, table
from pipeline.parameters import catalogue

HOUR = Cycle.parse("2018-07-30T21")
HEADER = """\
#STN     LAT      LON  YYYY MM DD hh mm WDIR WSPD   GST WVHT  DPD APD MWD   PRES  PTDY  ATMP  WTMP  DEWP  VIS   TIDE
#text    deg      deg   yr mo day hr mn degT  m/s   m/s   m   sec sec degT   hPa   hPa  degC  degC  degC  nmi     ft
"""
LINE = "41008  31.400  -80.868 2018 07 30 20 50 150  6.0  7.0 0.8 8 4.4  80 1015.9 -1.6 27.9 29.6 24.1 5.0 MM"
LAKE = "45001  48.061  -87.793 2018 07 30 20 50  MM MM MM MM MM MM MM MM MM 10.0 MM MM MM MM"


def test_known_line() -> None:
    reading = ndbc.read({"key": HEADER + LINE + "\n" + LAKE}, HOUR)
    assert reading.problems == []
    found = {row.parameter: row.value for row in reading.observations if row.station == "41008"}
    assert found == pytest.approx({
        "wind_speed_10m": 6, "wind_gust": 7, "eastward_wind_10m": -3, "northward_wind_10m": 5.19615,
        "significant_wave_height": 0.8, "primary_wave_period": 8, "mean_wave_period": 4.4, "wave_direction": 80,
        "pressure_at_sea_level": 101590, "temperature_2m": 301.05, "sea_surface_temperature": 302.75,
        "dew_point_temperature_2m": 297.25, "visibility": 9260,
    })  # fmt: skip
    heights = {row.station: row.elevation for row in reading.observations}
    assert heights["41008"] == 0
    assert heights["45001"] != heights["45001"]  # a lake: nobody says how high


@pytest.mark.parametrize(("text", "reason"), [
    ("", "two header lines"),
    (HEADER.replace("m/s", "kts") + LINE, "expected a column WSPD in m/s; found kts"),
    (HEADER.replace("WVHT", "SWHT") + LINE, "expected a column WVHT in m; found none"),
    (HEADER + LINE.replace(" 4.4", ""), "expected 22 columns; found 21"),
    (HEADER + LINE.replace("27.9", "27,9"), "expected a number or MM in ATMP; found 27,9"),
    (HEADER + LINE.replace("31.400", "91.400"), "impossible position"),
    (HEADER + LINE.replace("2018 07", "2018 13"), "expected a position and a time"),
])  # fmt: skip
def test_what_is_not_understood_is_named(text: str, reason: str) -> None:
    reading = ndbc.read({"key": text}, HOUR)
    assert reading.observations == []
    assert any(reason in problem.reason for problem in reading.problems)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.integers(0, len(LINE)))
def test_any_text_gives_known_parameters_or_problems(text: str, at: int) -> None:
    reading = ndbc.read({"a": text, "b": HEADER + LINE[:at] + text + LINE[at:]}, HOUR)
    assert all(row.parameter in catalogue() for row in reading.observations)
    assert reading.observations or reading.problems


@pytest.mark.realdata
def test_the_real_table_is_read_whole(realdata: Path) -> None:
    recording = yaml.safe_load((realdata / "obs/siphon/ndbc_latest").read_text())
    text = recording["interactions"][0]["response"]["body"]["string"].decode()
    reading = ndbc.read({"key": text}, HOUR)
    assert reading.problems == []
    assert len({row.station for row in reading.observations}) > 700
    frame = table(reading.observations, HOUR)
    for name, values in frame.groupby("parameter")["value"]:
        row = catalogue()[name]
        assert values.between(row.minimum, row.maximum).all(), name
