"""An hour of which all feeds are damaged, on machines that lack room and memory: whole, flagged, repeatable."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cdk.local.cloud import LocalCloud
from cdk.local.deployment import Hourcast, deploy
from cdk.local.faults import Trouble
from pipeline import journal, paths
from pipeline.config import Config
from pipeline.operate import MODULES
from pipeline.runner import run
from pipeline.runner.pool import workers
from pipeline.stages import BUDGET_SECONDS, STAGES
from pipeline.steps import Deployment
from pipeline.store import Store
from tests.cloud import damaged_feeds as feeds
from tests.cloud.test_hour import contents, degraded
from tests.cloud.tiny_cloud import WAIT_SECONDS, bring_in
from tests.runner.test_runner import Seen
from tests.tiny_deployment import HOUR

LONG_AGO = HOUR - 24 * 60
FULL_DISK, LITTLE_MEMORY = "export", "learn"


@pytest.fixture
def damaged(cloud: LocalCloud, laptop: Store) -> Hourcast:
    """A deployment that has learnt from the past and lacks the newest run of a source; an hour is published there."""
    hourcast = deploy(cloud, "damaged", feeds.settings_with_members(cloud))
    bring_in(hourcast, laptop)
    forget_live_run(hourcast.store)
    old = {"init_time": LONG_AGO.init_time.isoformat() + "Z", "path": paths.forecast(LONG_AGO)}
    hourcast.store.write(paths.forecast(LONG_AGO, "manifest.json"), b"{}")
    hourcast.store.write(paths.LATEST, json.dumps(old).encode())
    return hourcast


def forget_live_run(store: Store) -> None:
    for key in (paths.input_record("gfs", feeds.CYCLE), paths.input_zarr("gfs", feeds.CYCLE)):
        store.delete(key)


def as_on_a_laptop(hourcast: Hourcast, laptop: Store, folder: Path) -> dict[str, bytes]:
    """The outputs of the same hour from the same feeds, made by the local runner."""
    store = Store.open(f"file://{folder}")
    for info in laptop.list("input"):
        store.write(info.key, laptop.read(info.key))
    forget_live_run(store)
    config = feeds.settings_with_members(hourcast.cloud) | {"store": store.url}
    with workers(2, MODULES) as pool:
        run(Deployment(Config.model_validate(config), store), [HOUR], pool, Seen())
    return contents(store)


@contextmanager
def readers(store: Store) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """What those who follow the pointer see during the block: each new path, with what lay there at first sight."""
    seen: list[tuple[str, dict[str, str]]] = []
    done = threading.Event()

    def follow() -> None:
        while not done.wait(0.05):
            path = json.loads(store.read(paths.LATEST))["path"]
            if not seen or seen[-1][0] != path:
                seen.append((path, digests(store, path)))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def digests(store: Store, path: str) -> dict[str, str]:
    return {info.key: sha256(store.read(info.key)).hexdigest() for info in store.list(path)}


def start(hourcast: Hourcast) -> None:
    """Begin the hour now: its deadline is 25 minutes away."""
    deadline = datetime.now(UTC) + timedelta(seconds=BUDGET_SECONDS)
    plan = {"hour": str(HOUR), "deadline": f"{deadline:%Y-%m-%dT%H:%M:%SZ}"}
    states = hourcast.cloud.client("stepfunctions")
    states.start_execution(stateMachineArn=hourcast.machine, name=str(HOUR), input=json.dumps(plan))


def missing(source: dict[str, Any], words: str = "") -> set[tuple[str, int]]:
    """Parameters and leads that a source's provenance misses for a reason of these words."""
    return {(item["parameter"], item["lead_time"]) for item in source["missing"] if words in item["reason"]}


def test_an_hour_of_damaged_feeds_on_machines_that_lack_is_whole_flagged_and_as_a_laptop_s(
    damaged: Hourcast, laptop: Store, tmp_path: Path
) -> None:
    with feeds.published(damaged.cloud) as replaced:
        trouble = Trouble(full_disk=FULL_DISK, little_memory=LITTLE_MEMORY, republished=replaced)
        with damaged.cloud.troubled(trouble), readers(damaged.store) as seen:
            start(damaged)
            assert damaged.wait(WAIT_SECONDS) == ["SUCCEEDED"], damaged.error()
        repeated = as_on_a_laptop(damaged, laptop, tmp_path / "store")
    made = contents(damaged.store)
    assert [key for key, content in repeated.items() if made.get(key) != content] == []

    assert degraded(damaged) == {row.name: False for row in STAGES}
    (told,) = damaged.told()
    manifest = json.loads(damaged.store.read(paths.forecast(HOUR, "manifest.json")))
    assert (told["outcome"], told["late"], told["degradations"]) == ("published", False, manifest["degradations"])
    gfs, gefs = (manifest["sources"][name] for name in ("gfs", "gefs"))
    assert (gfs["status"], gfs["cycle"], gefs["status"]) == ("partial", str(feeds.CYCLE), "partial")
    assert missing(gfs, "is cut off") == {(name, feeds.TRUNCATED) for name in feeds.BEHIND_THE_CUT}
    assert missing(gfs, "not in") == {(feeds.ABSENT, lead) for lead in feeds.LEADS}
    assert missing(gfs, "has no value anywhere") == {(feeds.EMPTY, feeds.EMPTY_AT)}
    assert {name for name, lead in missing(gfs) if lead == feeds.REPUBLISHED} == {feeds.ABSENT}, "read anew, and whole"
    assert f"gefs: member {feeds.MEMBER_GONE} has no files" in told["degradations"]
    assert missing(gefs, f"gep{feeds.MEMBER_EMPTY:02d}") == {(feeds.LIVELY, lead) for lead in feeds.LEADS}

    attempts = {row.stage: row.attempt for row in journal.entries(damaged.store, HOUR)}
    assert {stage for stage, attempt in attempts.items() if attempt > 1} == {FULL_DISK, LITTLE_MEMORY}

    assert [path for path, _ in seen] == [paths.forecast(LONG_AGO), paths.forecast(HOUR)]
    assert seen[-1][1] == digests(damaged.store, paths.forecast(HOUR)), "as first seen, so it stays"
