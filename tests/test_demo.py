"""The pieces of the demo that need no world."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from pipeline import paths
from pipeline.config import Config
from pipeline.demo import HOUR, extent_of, is_finished, scoreboard, write_configuration
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.world.schedule import Extent


def test_the_configuration_keeps_everything_below_the_folder(tmp_path: Path) -> None:
    config = Config.read(write_configuration(tmp_path / "demo"))
    assert config.store == f"file://{tmp_path}/demo/store"
    endpoints = {source.endpoint for name, source in config.sources.items() if SOURCES[name].bucket}
    assert endpoints == {f"file://{tmp_path}/demo/world"}
    assert config.synthetic


def test_a_longer_demo_asks_for_its_leads_and_for_a_world_that_has_them(tmp_path: Path) -> None:
    short, long = (Config.read(write_configuration(tmp_path, days)) for days in (5, 10))
    assert extent_of(long) == Extent(30, (6, 24, 72, 120, 240), 240)
    learning = short.learning.model_copy(update={"lead_hours": (6, 24, 72, 120, 240)})
    assert long == short.model_copy(update={"last_lead_hours": 240, "learning": learning})


def test_a_demo_that_was_stopped_before_its_report_was_there_is_not_finished(tmp_path: Path) -> None:
    deployment = Deployment.open(write_configuration(tmp_path))
    assert not is_finished(deployment, tmp_path)
    deployment.store.write(paths.scores(HOUR, "scores.json"), b"[]")
    (tmp_path / "report.html").write_text("of an earlier hour")
    assert not is_finished(deployment, tmp_path)
    (tmp_path / "scores.json").write_text("[1]")
    assert not is_finished(deployment, tmp_path)
    assert not (tmp_path / "world").exists(), "a world is made that nobody has asked for"


def test_the_scoreboard_counts_the_pairs_won_over_both_references() -> None:
    rmse = {"gfs": 1.4, "best_source": 1.2, "equal_weights": 1.1, "inverse_mse": 1.0, "hourcast": 0.9}
    records = [
        {
            "parameter": name,
            "lead_time_hours": lead,
            "system": system,
            "rmse": value * (2 if lead == 24 and system == "hourcast" else 1),
            "difference": 0.9 - value,
            "difference_low": 0.8 - value,
            "difference_high": (0.95 if name == "wind_gust" else 1.05) - value,
        }
        for name in ("temperature_2m", "wind_gust", "wind_vector_10m")
        for lead in (6, 24)
        for system, value in rmse.items()
    ]
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(scoreboard(records))
    text = " ".join(console.export_text().split())
    assert "in 3 of 6 pairs" in text
    assert "in 2 of these 6" in text
    assert "-10.0 % (-20.0 to -5.0)" in text
    assert "wind_vector_10m │ m s-1" in text
    assert "SYNTHETIC" in text
