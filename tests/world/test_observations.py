"""The reports are in the formats they claim, and say the truth within the stated errors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline import observations
from pipeline.cycle import Cycle
from pipeline.world import observe, reports
from pipeline.world.geography import geography
from pipeline.world.interpolate import sample
from pipeline.world.state import World
from pipeline.world.stations import BUOYS, LAND_STATIONS, buoys, land_stations

from .conftest import LIVE, SEED


class Folder:
    """Enough of a store to read observations from."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()


@pytest.fixture(scope="module")
def written(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reports")
    count = reports.write_observations(world, root, 1)
    assert count == 3 * (LAND_STATIONS + BUOYS)
    return root / "observations"


def test_every_report_is_understood(written: Path) -> None:
    frame, problems = observations.read(Folder(written), Cycle(LIVE))
    assert [problem for problem in problems if problem.network != "synop"] == []
    counts = frame.groupby(["network", "parameter"]).size()
    assert counts["metar", "temperature_2m"] == LAND_STATIONS
    assert counts["ndbc", "significant_wave_height"] == BUOYS
    assert counts["metar", "pressure_at_sea_level"] > 0.8 * LAND_STATIONS
    assert counts["metar", "total_cloud_cover"] == LAND_STATIONS


@pytest.mark.parametrize(
    ("parameter", "rounding"),
    [
        ("temperature_2m", 0.3),
        ("dew_point_temperature_2m", 0.3),
        ("eastward_wind_10m", 0.4),
        ("northward_wind_10m", 0.4),
    ],
)
def test_reports_err_as_stated_but_for_the_gross_ones(
    world: World, written: Path, parameter: str, rounding: float
) -> None:
    frame, _ = observations.read(Folder(written), Cycle(LIVE))
    land = land_stations(SEED)
    truth = dict(zip(land.names, observe.truth_at(world, land, LIVE)[parameter], strict=True))
    rows = frame[(frame["network"] == "metar") & (frame["parameter"] == parameter)]
    error = rows["value"].to_numpy() - rows["station"].map(truth).to_numpy(dtype=float)
    gross = np.abs(error) > 8
    assert gross.mean() < observe.GROSS_SHARE
    if parameter == "temperature_2m":
        assert gross.mean() > 0.2 * observe.GROSS_SHARE
    assert np.std(error[~gross]) == pytest.approx(np.hypot(observe.ERROR[parameter], rounding), rel=0.2)


def test_stations_stand_on_land_and_crowd_where_people_live() -> None:
    land = land_stations(SEED)
    assert len(set(land.names)) == LAND_STATIONS
    share = sample(geography().land[None], land.latitude, land.longitude, np.zeros(1, np.int64))[0]
    assert share.min() > 0.3
    europe = (np.abs(land.latitude - 50) < 12) & (np.abs(land.longitude - 10) < 20)
    africa = (np.abs(land.latitude) < 12) & (np.abs(land.longitude - 20) < 20)
    assert europe.sum() > 3 * africa.sum() > 0


def test_stations_do_not_stand_on_the_models_terrain() -> None:
    land = land_stations(SEED)
    difference = land.elevation - land.ground
    assert np.abs(difference).max() > 200
    assert np.median(np.abs(difference)) < 60


def test_buoys_float() -> None:
    sea = buoys(SEED)
    share = sample(geography().land[None], sea.latitude, sea.longitude, np.zeros(1, np.int64))[0]
    assert share.max() < 0.35


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"temperature_2m": 272.75}, "M00/M05"),
        ({"temperature_2m": 263.15}, "M10/M10"),
        ({"eastward_wind_10m": 0.0, "northward_wind_10m": 0.1}, "00000KT"),
        ({"eastward_wind_10m": 0.0, "northward_wind_10m": -10.0, "wind_gust": 18.0}, "36019G35KT"),
        ({"visibility": 640.0}, "0600 "),
        ({"visibility": 25000.0}, " 9999 "),
        ({"precipitation": 3.0}, " RA "),
        ({"total_cloud_cover": 1.0}, " OVC220 "),
        ({}, " SKC "),
    ],
)
def test_groups_of_a_metar(change: dict[str, float], expected: str) -> None:
    row = {
        "temperature_2m": 283.15, "dew_point_temperature_2m": 268.15, "station_pressure": 101325.0,
        "eastward_wind_10m": 5.0, "northward_wind_10m": 0.0, "wind_gust": 6.0, "visibility": 12000.0,
        "precipitation": 0.0, "low_cloud_cover": 0.0, "medium_cloud_cover": 0.0, "total_cloud_cover": 0.0,
        "pressure_at_sea_level": 101325.0, "snow_depth": 0.0, "convective_available_potential_energy": 0.0,
    }  # fmt: skip
    row |= change
    row["dew_point_temperature_2m"] = min(row["dew_point_temperature_2m"], row["temperature_2m"])
    text = reports.metar("XAAA", row, datetime(2025, 8, 8), 0.0, american=False)
    assert expected in text


def test_american_reports_carry_tenths_and_sea_level_pressure() -> None:
    row = {
        "temperature_2m": 294.45, "dew_point_temperature_2m": 272.05, "station_pressure": 97000.0,
        "eastward_wind_10m": 5.0, "northward_wind_10m": 0.0, "wind_gust": 6.0, "visibility": 2100.0,
        "precipitation": 2.54, "low_cloud_cover": 0.4, "medium_cloud_cover": 0.0, "total_cloud_cover": 0.7,
        "pressure_at_sea_level": 99870.0, "snow_depth": 0.0, "convective_available_potential_energy": 0.0,
    }  # fmt: skip
    text = reports.metar("XAAA", row, datetime(2025, 8, 8, 11, 53), 250.0, american=True)
    for group in ("081153Z", "1 1/4SM", "SCT030 BKN220", "21/M01", "SLP987", "P0010", "T02131011"):
        assert group in text
