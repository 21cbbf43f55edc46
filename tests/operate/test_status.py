"""The last hours at a glance: in time, late, degraded, repeated; and the stages of one along the clock."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from pipeline import journal, paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.operate.status import SHOWN_HOURS, show_status
from pipeline.runner import bill
from pipeline.steps import Deployment

HOUR = Cycle.parse("2026-01-31T06")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration whose store is a folder."""
    found = tmp_path / "forecast.yaml"
    found.write_text(yaml.safe_dump({"store": f"file://{tmp_path}/store", "sources": {"gfs": {}}}))
    return found


def make(path: Path, hour: Cycle, shards: dict[str, tuple[float, float, int]], degradations: list[str]) -> None:
    """An hour as published: of each stage when its shard began and ended, in minutes of the hour, and the attempt."""
    deployment = Deployment.open(Config.read(path))
    journal.begin(deployment.store, hour)
    for stage, (start, end, attempt) in shards.items():
        ended = hour.init_time.replace(tzinfo=UTC) + timedelta(minutes=end)
        seconds = 60 * (end - start)
        entry = journal.Entry(stage, "x", seconds, 1.0, ended.isoformat(), "here", attempt=attempt)
        deployment.store.write(f"{paths.journal(hour, stage, 'x')}.json", json.dumps(asdict(entry)).encode())
    manifest = json.dumps({"degradations": degradations}).encode()
    deployment.store.write(paths.forecast(hour, "manifest.json"), manifest)
    deployment.store.write(paths.LATEST, json.dumps({"init_time": str(hour)}).encode())
    bill.write(deployment, hour)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│┃").split("│")]


def test_the_last_hours_say_what_was_late_degraded_and_repeated(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(path, HOUR, {"ingest": (0, 10, 1), "publish": (19, 20, 1)}, [])
    make(path, HOUR + 1, {"ingest": (0, 10, 2), "publish": (30, 31, 1)}, ["gfs: no usable cycle", "aifs: the same"])
    show_status(path, None)
    out = capsys.readouterr().out
    first, second = (cells(line) for line in out.splitlines() if line.startswith("│ 20260131T"))
    assert first[:5] == ["20260131T06Z", "begun", "20 min", "0", "0"]
    assert second[:5] == ["20260131T07Z", "begun, latest published", "31 min, late", "2", "1"]
    assert all(float(line[5]) > 0 for line in (first, second))
    assert "degraded: gfs: no usable cycle" in out, "of the newest hour"


def test_stages_lie_along_the_clock(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(path, HOUR, {"ingest": (0, 12, 3), "forecast": (12, 18, 1), "publish": (18, 24, 1)}, [])
    show_status(path, str(HOUR))
    lines = {cells(line)[0]: line for line in capsys.readouterr().out.splitlines() if line.startswith("│")}
    bars = {name: (lines[name].index("━"), lines[name].count("━")) for name in ("ingest", "forecast", "publish")}
    start = bars["ingest"][0]
    assert bars == {"ingest": (start, 12), "forecast": (start + 12, 6), "publish": (start + 18, 6)}
    assert [cells(lines[name])[4] for name in ("ingest", "forecast")] == ["1", "-"], "one shard was repeated"
    assert cells(lines["verify"])[1] == "-"


def test_a_year_of_hours_is_not_shown_whole(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deployment = Deployment.open(Config.read(path))
    for ahead in range(SHOWN_HOURS + 3):
        journal.begin(deployment.store, HOUR + ahead)
    show_status(path, None)
    out = capsys.readouterr().out
    assert sum(line.startswith("│ 20260131T") for line in out.splitlines()) == SHOWN_HOURS
    assert f"{SHOWN_HOURS + 3} hours have been begun" in out


def test_an_attempt_is_noted_with_its_shard(path: Path) -> None:
    store = Deployment.open(Config.read(path)).store
    with journal.recorded(store, HOUR, "ingest", "gfs", attempt=2):
        pass
    (entry,) = journal.entries(store, HOUR, "ingest")
    assert entry.attempt == 2
    assert datetime.fromisoformat(entry.finished).tzinfo is not None
    assert journal.entries(store, HOUR, "publish") == []
