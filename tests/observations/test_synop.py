"""SYNOP against known answers and the BUFR that WMO's converter made of the same bulletin."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cycle import Cycle
from pipeline.observations import synop
from pipeline.observations.report import Reading, Station
from pipeline.parameters import blended

HOUR = Cycle.parse("2022-03-21T12")
STATIONS = {"15015": Station(47.777, 23.94, 503.0)}


def read(text: str) -> tuple[dict[str, float], list[str]]:
    reading = Reading("synop")
    synop.read_bulletins(text, STATIONS, HOUR, reading)
    return {row.parameter: row.value for row in reading.observations}, [problem.reason for problem in reading.problems]


def test_known_report() -> None:
    values, problems = read(
        "SMRO01 YRBK 211200\r\nAAXX 21121\r\n15015 02565 42505 10103 21090 39765 40252 57020 60125 333 4/000\r\n55310="
    )
    assert problems == []
    assert values == pytest.approx({
        "visibility": 15000, "total_cloud_cover": 0.5, "wind_speed_10m": 5, "eastward_wind_10m": 4.6985,
        "northward_wind_10m": 1.7101, "temperature_2m": 283.45, "dew_point_temperature_2m": 264.15,
        "pressure_at_sea_level": 102520, "precipitation": 12,
    }, rel=1e-4)  # fmt: skip


def test_wind_in_knots_and_fast() -> None:
    values, _ = read("AAXX 21124 15015 46/// /2799 00120 10103=")
    assert values["wind_speed_10m"] == pytest.approx(61.733, rel=1e-4)
    assert "total_cloud_cover" not in values
    assert "visibility" not in values


def test_geopotential_and_humidity_are_not_taken_for_pressure_and_dew_point() -> None:
    values, _ = read("AAXX 21121 15015 02999 02501 10103 29070 39765 42952=")
    assert set(values) == {
        "total_cloud_cover", "wind_speed_10m", "eastward_wind_10m", "northward_wind_10m", "temperature_2m"
    }  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), [
    ("AAXX 21121 15015 02999 02501 2109O 10103=", "five figures"),
    ("AAXX 21121 15015 02999 02501 21090 10103=", "ascending order"),
    ("AAXX 21121 15015 02999 02501 10103 20203=", "dew point above temperature"),
    ("AAXX 21121 15015 02999 05001 10103=", "impossible wind"),
    ("AAXX 21121 99999 02999 02501 10103=", "not in the station table"),
    ("AAXX 11121 15015 02999 02501 10103=", "not near"),
    ("AAXX 2112 15015 02999 02501 10103=", "expected a header"),
])  # fmt: skip
def test_what_cannot_be_read_is_a_problem_and_no_number(text: str, reason: str) -> None:
    values, problems = read(text)
    assert values == {}
    assert any(reason in found for found in problems)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.from_regex(r"\A[0-9/]{5}\Z"), max_size=9).map(" ".join) | st.text(max_size=80))
def test_any_text_gives_known_parameters_or_problems(text: str) -> None:
    values, _ = read(f"AAXX 21121 15015 {text}=")
    assert set(values) <= set(blended())
    reading = synop.read({"synop/stations.csv": text, "synop/20220321/12.txt": text}, HOUR)
    assert reading.observations == []


@pytest.mark.realdata
def test_real_bulletin_equals_the_bufr_made_of_it(realdata: Path) -> None:
    import eccodes

    folder = realdata / "obs/synop2bufr/example_with_bufr"
    text = next(folder.glob("A_*.txt")).read_text()
    reading = synop.read({"synop/stations.csv": (folder / "station_list.csv").read_text(), "synop/a.txt": text}, HOUR)
    assert reading.problems == []
    ours = {(row.station, row.parameter): row.value for row in reading.observations}
    keys = {
        "temperature_2m": "airTemperature", "dew_point_temperature_2m": "dewpointTemperature",
        "pressure_at_sea_level": "pressureReducedToMeanSeaLevel", "wind_speed_10m": "windSpeed",
        "visibility": "horizontalVisibility",
    }  # fmt: skip
    compared = 0
    for path in sorted((folder / "reference_bufr").glob("*.bin")):
        with path.open("rb") as file:
            handle = eccodes.codes_bufr_new_from_file(file)
        eccodes.codes_set(handle, "unpack", 1)
        for parameter, key in keys.items():
            expected = eccodes.codes_get(handle, f"#1#{key}")
            value = ours.get((path.stem, parameter))
            if value is None:
                continue
            assert value == pytest.approx(expected, abs=0.011), (path.stem, parameter)
            compared += 1
        eccodes.codes_release(handle)
    assert compared > 60


@pytest.mark.realdata
def test_every_real_bulletin_is_read(realdata: Path) -> None:
    for path in sorted((realdata / "obs/synop2bufr/wis2box_data").glob("A_*.txt")):
        day = path.name[12:16]
        hour = Cycle.parse(f"2023-01-{day[:2]}T{day[2:]}")
        stations = (path.parent / "station_list.csv").read_text()
        reading = synop.read({"synop/stations.csv": stations, "synop/a.txt": path.read_text()}, hour)
        assert reading.problems == [], path.name
        assert reading.observations, path.name
