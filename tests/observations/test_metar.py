"""METAR against known answers, the python-metar library, and any text at all."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cycle import Cycle
from pipeline.observations import metar
from pipeline.observations.report import Reading, Station
from pipeline.parameters import blended

HOUR = Cycle.parse("2026-01-31T12")
STATIONS = {"EGLL": Station(51.4775, -0.4614, 24.0), "KDEN": Station(39.85, -104.65, 1655.0)}


def values(text: str) -> dict[str, float]:
    reading = Reading("metar")
    metar.read_report(text, STATIONS, HOUR, reading)
    return {row.parameter: row.value for row in reading.observations}


def problems(text: str) -> list[str]:
    reading = Reading("metar")
    metar.read_report(text, STATIONS, HOUR, reading)
    return [problem.reason for problem in reading.problems]


def test_a_whole_report() -> None:
    text = (
        "METAR KDEN 311153Z AUTO 27010G20KT 1 1/2SM R35L/4500VP6000FT -SN BKN012 OVC030 M04/M07 A2992 "
        "RMK AO2 SLP138 P0004 4/003 T10441067="
    )
    assert values(text) == pytest.approx({
        "temperature_2m": 268.75, "dew_point_temperature_2m": 266.45, "wind_speed_10m": 5.1444, "wind_gust": 10.2889,
        "eastward_wind_10m": 5.1444, "northward_wind_10m": 0, "visibility": 2414.016, "total_cloud_cover": 1,
        "pressure_at_sea_level": 101380, "precipitation": 1.016, "snow_depth": 0.0762,
    }, rel=1e-4, abs=1e-9)  # fmt: skip


def test_metric_report_with_trend_reads_the_report_only() -> None:
    found = values("METAR EGLL 311150Z 09005MPS 0800 FG VV001 05/05 Q1021 TEMPO 27020KT 3000 BKN004 09/09 Q0999")
    assert found["wind_speed_10m"] == 5
    assert found["eastward_wind_10m"] == pytest.approx(-5)
    assert found["visibility"] == 800
    assert found["total_cloud_cover"] == 1
    assert found["temperature_2m"] == pytest.approx(278.15)
    # 24 m of air at 5 degrees; the reported whole hPa is rounded down.
    assert found["pressure_at_sea_level"] == pytest.approx(102150, abs=20)


@pytest.mark.parametrize("groups", ["CAVOK", "9999 NSC", "10SM CLR", "//// //////", "P6SM NCD"])
def test_at_least_and_unknown_are_no_measurements(groups: str) -> None:
    assert set(values(f"EGLL 311150Z 00000KT {groups} 05/03 Q1021")) == {
        "temperature_2m", "dew_point_temperature_2m", "wind_speed_10m", "eastward_wind_10m", "northward_wind_10m",
        "pressure_at_sea_level",
    }  # fmt: skip


def test_variable_wind_has_a_speed_but_no_components() -> None:
    assert set(values("EGLL 311150Z VRB03KT")) == {"wind_speed_10m"}
    assert set(values("EGLL 311150Z /////KT 05/03")) == {"temperature_2m", "dew_point_temperature_2m"}


def test_sea_level_pressure_takes_its_hundreds_from_the_altimeter() -> None:
    deep = values("EGLL 311150Z 05/03 Q0948 RMK SLP482")
    assert deep["pressure_at_sea_level"] == 94820
    assert values("EGLL 311150Z 05/03 Q1048 RMK SLP482")["pressure_at_sea_level"] == 104820
    assert values("EGLL 311150Z 05/03 RMK SLP998")["pressure_at_sea_level"] == 99980


def test_high_stations_need_a_reduced_pressure() -> None:
    assert "pressure_at_sea_level" not in values("KDEN 311153Z 05/03 A2992")


def test_no_precipitation_group_at_a_station_that_measures_it_is_zero() -> None:
    assert values("METAR KDEN 311153Z 05/03 A2992 RMK AO2")["precipitation"] == 0
    for silent in ("METAR KDEN 311153Z 05/03 RMK AO1", "METAR KDEN 311153Z 05/03 RMK AO2 PNO",
                   "SPECI KDEN 311153Z 05/03 RMK AO2 P0010", "METAR KDEN 311120Z 05/03 RMK AO2 P0010"):  # fmt: skip
        assert "precipitation" not in values(silent)


@pytest.mark.parametrize(("text", "reason"), [
    ("METAR EGLL 311150Z 36510KT", "impossible wind"),
    ("METAR EGLL 311150Z 18020G10KT", "impossible wind"),
    ("METAR EGLL 311150Z 18010KT 27010KT", "contradicting groups"),
    ("METAR EGLL 311150Z 05/09", "dew point above temperature"),
    ("METAR EGLL 311150Z 05/03 RMK T10500030", "contradicts"),
    ("METAR EGLL 311150Z 05/03 Q0213", "impossible altimeter"),
    ("METAR EGLL 311150Z 1/0SM", "impossible visibility"),
    ("METAR EGLL 151150Z 18010KT", "the day is not near"),
    ("METAR XXXX 311150Z 18010KT", "not in the station table"),
    ("METAR EGLL 3111Z 18010KT", "expected a report"),
    ("METAR EGLL 311150Z AUTO", "no group"),
])  # fmt: skip
def test_what_cannot_be_true_is_a_problem_and_no_number(text: str, reason: str) -> None:
    assert any(reason in found for found in problems(text))
    assert not {"eastward_wind_10m", "visibility", "pressure_at_sea_level"} & set(values(text))


def test_nothing_is_no_problem() -> None:
    assert problems("METAR EGLL 311150Z NIL=") == []


def test_cycle_file_with_its_station_table() -> None:
    table = "EGLL;03;772;London / Heathrow Airport;;United Kingdom;6;51-29N;000-27W;;;24;0;P\nbroken;line\n"
    table += "XXXX;03;772;Nowhere;;Nowhere;6;51-99N;000-27W;;;24;0;P\n"
    cycle = "2026/01/31 11:50\nEGLL 311150Z 09005KT 05/03 Q1021\n\n2026/01/31 11:50\nrubbish\n"
    reading = metar.read({"metar/nsd_cccc.txt": table, "metar/20260131/12Z.TXT": cycle}, HOUR)
    assert {row.station for row in reading.observations} == {"EGLL"}
    first = reading.observations[0]
    assert (first.latitude, first.longitude, first.elevation) == pytest.approx((51.4833, -0.45, 24), abs=1e-4)
    assert len(reading.problems) == 3


def test_files_of_the_hour() -> None:
    assert metar.keys(Cycle.parse("2026-02-01T00"))[1:] == ["metar/20260131/23Z.TXT", "metar/20260201/00Z.TXT"]
    assert metar.public_url("metar/20260201/00Z.TXT").endswith("/data/observations/metar/cycles/00Z.TXT")
    assert metar.public_url("metar/nsd_cccc.txt") == "https://tgftp.nws.noaa.gov/data/nsd_cccc.txt"


GROUPS = st.one_of(
    st.from_regex(r"\A(\d{3}|VRB)\d{2,3}(G\d{2,3})?(KT|MPS)\Z"),
    st.from_regex(r"\AM?\d\d/M?\d\d\Z"),
    st.from_regex(r"\A[QA]\d{4}\Z"),
    st.from_regex(r"\AT[01]\d{3}[01]\d{3}\Z"),
    st.sampled_from(
        ["RMK", "AO2", "SLP132", "CAVOK", "1", "1/2SM", "1/0SM", "9999", "0050", "TEMPO", "P0012", "4/010"]
    ),
    st.text(max_size=12),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(GROUPS, max_size=12).map(" ".join) | st.text(max_size=200))
def test_any_text_gives_possible_numbers_or_a_problem(text: str) -> None:
    report = f"METAR EGLL 311150Z {text}"
    found = values(report.replace("\n", " "))
    assert found or problems(report) or text.strip().startswith("NIL")
    for name, value in found.items():
        assert math.isfinite(value)
        assert name in blended()
    if "dew_point_temperature_2m" in found:
        assert found["dew_point_temperature_2m"] <= found["temperature_2m"]
    reading = metar.read({"metar/nsd_cccc.txt": text, "metar/20260131/12Z.TXT": text}, HOUR)
    assert reading.observations == []


def test_reports_of_another_hour_are_passed_over() -> None:
    reports = [f"METAR EGLL {time}Z 24008KT 07/05 Q1013=" for time in ("311100", "311101", "311200", "311201")]
    reading = Reading("metar")
    for report in reports:
        metar.read_report(report, STATIONS, HOUR, reading)
    assert {f"{row.valid_time:%H%M}" for row in reading.observations} == {"1101", "1200"}
    assert reading.problems == []


def _real_reports(folder: Path) -> list[str]:
    text = (folder / "obs/geocat/2009022800_metar.txt").read_text()
    return [match[0] for line in text.splitlines() if (match := re.search(r"(METAR|SPECI) [A-Z]{4} .*", line))]


def _hour_of(report: str) -> Cycle:
    """The hour at whose end a report of February 2009 is the newest."""
    match = re.search(r" (\d\d)(\d\d)(\d\d)Z ", report)
    return Cycle.parse(f"2009-02-{match[1]}T{match[2]}") + (match[3] > "00") if match else Cycle.parse("2009-02-28T08")


@pytest.mark.realdata
def test_real_reports_agree_with_python_metar(realdata: Path) -> None:
    library = pytest.importorskip("metar.Metar", reason="the referee, python-metar, is in the extra `test`")
    stations = metar.read_stations((realdata / "obs/python-metar/nsd_cccc.txt").read_text("latin-1"), Reading("metar"))
    assert len(stations) > 6400
    compared = 0
    for text in _real_reports(realdata):
        reading = Reading("metar")
        metar.read_report(text, stations, _hour_of(text), reading)
        ours = {row.parameter: row.value for row in reading.observations}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = library.Metar(text, month=2, year=2009, strict=False)
        expected = {
            "temperature_2m": theirs.temp and theirs.temp.value("K"),
            "dew_point_temperature_2m": theirs.dewpt and theirs.dewpt.value("K"),
            "wind_speed_10m": theirs.wind_speed and theirs.wind_speed.value("MPS"),
            "wind_gust": theirs.wind_gust and theirs.wind_gust.value("MPS"),
            "visibility": theirs.vis and theirs.vis.value("M"),
        }
        if theirs.press_sea_level:
            expected["pressure_at_sea_level"] = theirs.press_sea_level.value("HPA") * 100
        for name in set(ours) & set(expected):
            assert ours[name] == pytest.approx(expected[name], rel=1e-3), text
            compared += 1
        if ours:
            assert reading.observations[0].valid_time == theirs.time
    assert compared > 1000


@pytest.mark.realdata
def test_every_real_collective_is_read_without_a_crash(realdata: Path) -> None:
    stations = metar.read_stations((realdata / "obs/python-metar/nsd_cccc.txt").read_text("latin-1"), Reading("metar"))
    for path in sorted((realdata / "obs/pyIEM/METAR").iterdir()):
        reading = Reading("metar")
        for report in path.read_bytes().decode("ascii", errors="replace").split("="):
            metar.read_report(" ".join(report.split()), stations, HOUR, reading)
        assert reading.observations or reading.problems
