"""All networks together: the table of an hour."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from pipeline import observations
from pipeline.cycle import Cycle
from pipeline.observations.report import Observation
from pipeline.parameters import catalogue

HOUR = Cycle.parse("2026-01-31T12")
TABLE = b"EGLL;03;772;London / Heathrow Airport;;United Kingdom;6;51-29N;000-27W;;;24;0;P\n"
OLD = b"2026/01/31 11:20\nEGLL 311120Z 09005KT 04/03 Q1021\n\n"
NEW = b"2026/01/31 11:50\nEGLL 311150Z 09005KT 05/03 Q1021\n\n2026/01/31 11:50\nEGLL 311150Z COR 09005KT 06/03\n"
LATE = b"2026/01/31 12:10\nEGLL 311210Z 09005KT 09/03 Q1021\n"


class Files(dict[str, bytes]):
    def read(self, key: str) -> bytes:
        try:
            return self[key]
        except KeyError:
            raise FileNotFoundError(key) from None


def test_newest_of_the_past_hour_corrections_last() -> None:
    files = Files({"metar/nsd_cccc.txt": TABLE, "metar/20260131/11Z.TXT": OLD, "metar/20260131/12Z.TXT": NEW + LATE})
    frame, problems = observations.read(files, HOUR)
    temperature = frame[frame["parameter"] == "temperature_2m"]
    assert len(temperature) == 1
    assert temperature["value"].item() == 279.15
    pressure = frame[frame["parameter"] == "pressure_at_sea_level"]
    assert pressure["valid_time"].item() == datetime(2026, 1, 31, 11, 50)
    assert {problem.network for problem in problems} == {"ndbc", "synop"}
    assert list(frame.columns) == [*Observation._fields, "error", "withheld", "flag"]
    assert (frame["error"] > 0).all()


def test_no_file_at_all_is_an_empty_table_with_reasons() -> None:
    frame, problems = observations.read(Files(), HOUR)
    assert frame.empty
    assert frame["valid_time"].dtype == "datetime64[us]"
    assert len(problems) == 6


def test_a_silent_server_costs_its_own_observations_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "ANSWER_SECONDS", 0.3)
    released = threading.Event()

    class SilentPartly(Files):
        def read(self, key: str) -> bytes:
            if not key.startswith("metar/"):
                released.wait(30)
            return super().read(key)

    files = SilentPartly({"metar/nsd_cccc.txt": TABLE, "metar/20260131/11Z.TXT": OLD, "metar/20260131/12Z.TXT": NEW})
    began = time.monotonic()
    frame, problems = observations.read(files, HOUR)
    assert time.monotonic() - began < 10
    released.set()
    assert set(frame["network"]) == {"metar"}
    assert {(problem.network, problem.reason) for problem in problems} == {
        ("ndbc", "no file: no answer in 0.3 s"), ("synop", "no file: no answer in 0.3 s"),
    }  # fmt: skip


def test_the_table_does_not_depend_on_the_order_of_stations() -> None:
    time = HOUR.init_time
    rows = [Observation(f"S{i}", "metar", 0.0, 0.0, 0.0, time - timedelta(minutes=i), "temperature_2m", 280.0 + i)
            for i in range(40)]  # fmt: skip
    pd.testing.assert_frame_equal(observations.table(rows, HOUR), observations.table(rows[::-1], HOUR))


def test_one_station_in_ten_is_withheld_for_ever() -> None:
    names = [f"K{i:03d}" for i in range(5000)]
    chosen = observations.withheld(names)
    assert 0.08 < chosen.mean() < 0.12
    np.testing.assert_array_equal(chosen, observations.withheld(names))
    assert chosen[[11, 14, 30]].tolist() == [bool(flag) for flag in observations.withheld(["K011", "K014", "K030"])]


def test_every_stated_error_is_of_the_catalogue() -> None:
    assert {name for _, name in observations.errors().index} <= set(catalogue())
    assert (observations.errors()["error"] > 0).all()


def test_addresses_of_public_servers() -> None:
    assert observations.public_url("ndbc/20260131/12/latest_obs.txt") == (
        "https://www.ndbc.noaa.gov/data/latest_obs/latest_obs.txt"
    )
    assert observations.public_url("synop/stations.csv") is None
