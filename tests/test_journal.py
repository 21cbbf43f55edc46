"""The journal: only what is finished is marked, once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pipeline
from pipeline import journal
from pipeline.cycle import Cycle
from pipeline.store import Store

HOUR = Cycle.parse("2026-01-31T06")


def test_a_finished_shard_is_marked_with_its_duration() -> None:
    store = Store.open("memory://")
    with journal.recorded(store, HOUR, "ingest", "gfs"):
        assert journal.finished_shards(store, HOUR, "ingest") == set()
    assert journal.finished_shards(store, HOUR, "ingest") == {"gfs"}
    (entry,) = journal.entries(store, HOUR)
    assert (entry.stage, entry.shard) == ("ingest", "gfs")
    assert entry.seconds >= 0


def test_a_failed_shard_is_not_marked() -> None:
    store = Store.open("memory://")
    with pytest.raises(ValueError, match="rain"), journal.recorded(store, HOUR, "ingest", "gfs"):
        raise ValueError("rain")
    assert journal.finished_shards(store, HOUR, "ingest") == set()


def test_stages_and_hours_are_kept_apart() -> None:
    store = Store.open("memory://")
    for hour, stage in ((HOUR, "learn"), (HOUR, "ingest"), (HOUR + 1, "ingest")):
        with journal.recorded(store, hour, stage, "a"):
            pass
    assert journal.hours(store) == [HOUR, HOUR + 1]
    journal.forget(store, HOUR, "ingest")
    assert journal.finished_shards(store, HOUR, "ingest") == set()
    assert journal.finished_shards(store, HOUR, "learn") == {"a"}
    assert journal.finished_shards(store, HOUR + 1, "ingest") == {"a"}


def test_an_hour_is_finished_once_it_is_said_to_be() -> None:
    store = Store.open("memory://")
    journal.begin(store, HOUR)
    assert journal.hours(store) == [HOUR]
    assert not journal.is_finished(store, HOUR)
    journal.finish(store, HOUR)
    assert journal.is_finished(store, HOUR)
    assert journal.entries(store, HOUR) == []


def test_what_is_published_cannot_know_the_time() -> None:
    """Only the journal, what operators ask for and who waits for a cluster ask a clock; the rest measures durations."""
    house = Path(pipeline.__file__).parent
    asking = {
        str(path.relative_to(house))
        for path in house.rglob("*.py")
        if re.search(r"\.now\(|utcnow|\.today\(|\btime\.time\(|time_ns\(", path.read_text(encoding="utf-8"))
    }
    rooms = {name for name in asking if not name.startswith("operate/")}
    assert rooms == {"journal.py", "doctor/__init__.py", "physics/hour.py"}
