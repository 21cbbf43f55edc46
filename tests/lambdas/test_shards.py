"""A function that runs a stage: the planned shards, once, and errors that say whether to call again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lambdas import entry
from lambdas.events import StageOfHour
from lambdas.shards import ShardFailed, ShardMayPass, run_planned
from pipeline import journal, paths
from pipeline.cycle import Cycle
from pipeline.runner.worker import plan
from pipeline.store import Store, StoreError
from tests.runner.test_runner import toy

HOUR = Cycle.parse("2026-01-31T06")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The function's store, with toys for stages."""
    store = Store.open(f"file://{tmp_path}/store")
    store.write(paths.CONFIGURATION, yaml.safe_dump({"store": store.url, "sources": {"gfs": {}}}).encode())
    monkeypatch.setenv("HOURCAST_STORE", store.url)
    monkeypatch.setattr("pipeline.runner.worker.stage", toy)
    entry.store.cache_clear()
    return store


def asked(stage: str) -> StageOfHour:
    """Of a toy, which no event could name."""
    return StageOfHour(str(HOUR), stage)


def test_planned_shards_are_run_and_a_second_call_changes_nothing(store: Store) -> None:
    plan(store.url, HOUR, toy("work"))
    assert run_planned(asked("work"), "work") == {"shards": 6}
    made = store.list("")
    assert run_planned(asked("work"), "work") == {"shards": 6}
    assert store.list("") == made
    assert len(journal.finished_shards(store, HOUR, "work")) == 6


def test_what_may_pass_is_told_from_what_would_fail_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(store.url, HOUR, toy("fails"))
    with pytest.raises(ShardMayPass, match="shard passing: MAY_PASS"):
        run_planned(asked("fails"), "fails")
    with pytest.raises(ShardFailed, match="shard lasting: WOULD_FAIL_AGAIN"):
        run_planned(asked("fails"), "fails")

    def unavailable(*arguments: object) -> None:
        raise StoreError("503 Slow Down")

    monkeypatch.setattr("pipeline.runner.worker.run_shard", unavailable)
    with pytest.raises(ShardMayPass):
        run_planned(asked("fails"), "fails")


def test_another_stage_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="expected the stage publish; found work"):
        run_planned(asked("work"), "publish")
