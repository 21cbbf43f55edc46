"""Work in the background lane: it yields, is killed, goes on, and ends with the bytes of one that nobody disturbed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from cdk.lanes import BACKGROUND
from cdk.local.deployment import Hourcast
from cdk.local.faults import Trouble
from pipeline import journal, paths
from pipeline.store import Store
from tests.cloud.test_hour import contents
from tests.cloud.tiny_cloud import WAIT_SECONDS
from tests.operate.test_training import random_reanalysis
from tests.tiny_deployment import HOUR

STEPS = 3
NEWER = json.dumps({"init_time": f"{(HOUR + 6).init_time.isoformat()}Z", "path": paths.forecast(HOUR + 6)}).encode()


def submit(hourcast: Hourcast, work: str, given: dict[str, str], *options: str) -> str:
    """Submit the work's definition with these parameters, as an operator does, but for some of its options."""
    batch, definition = hourcast.cloud.client("batch"), f"{hourcast.name}-{work}"
    (defined,) = batch.describe_job_definitions(jobDefinitionName=definition)["jobDefinitions"]
    command = [*defined["containerProperties"]["command"], *options]
    return batch.submit_job(
        jobName=work + hourcast.name, jobQueue=f"{hourcast.name}-jobs", jobDefinition=definition,
        shareIdentifier=BACKGROUND, parameters=given, containerOverrides={"command": command},
    )["jobId"]  # type: ignore[no-any-return]  # fmt: skip


def status(hourcast: Hourcast, job: str) -> str:
    return hourcast.cloud.client("batch").describe_jobs(jobs=[job])["jobs"][0]["status"]  # type: ignore[no-any-return]


def said(hourcast: Hourcast, work: str) -> str:
    return (hourcast.cloud.logs / f"job-{work}{hourcast.name}.log").read_text()


def wait(hourcast: Hourcast, job: str, work: str) -> str:
    until = time.monotonic() + WAIT_SECONDS
    while (state := status(hourcast, job)) not in ("SUCCEEDED", "FAILED"):
        assert time.monotonic() < until, said(hourcast, work)
        time.sleep(0.1)
    return state


def without_pointer(store: Store) -> dict[str, bytes]:
    return {key: content for key, content in contents(store).items() if key != paths.LATEST}


def test_an_old_hour_is_made_behind_all_else_though_killed_in_the_middle_and_the_pointer_stays(
    supplied: Hourcast, laptop: Store
) -> None:
    supplied.store.write(paths.LATEST, NEWER)
    job = submit(supplied, "rerun", {"hour": str(HOUR)}, "--workers", "2")
    some = len(journal.entries(laptop, HOUR)) // 3
    while len(journal.entries(supplied.store, HOUR)) < some:
        assert status(supplied, job) not in ("SUCCEEDED", "FAILED"), said(supplied, "rerun")
        time.sleep(0.05)
    with supplied.cloud.troubled(Trouble(killed=1)):
        assert wait(supplied, job, "rerun") == "SUCCEEDED", said(supplied, "rerun")
    assert said(supplied, "rerun").count("Hour") == 2, "it was begun twice"
    assert without_pointer(supplied.store) == without_pointer(laptop)
    assert supplied.store.read(paths.LATEST) == NEWER
    assert journal.is_finished(supplied.store, HOUR)


def test_an_hour_that_cannot_be_made_is_not_tried_again(hourcast: Hourcast) -> None:
    assert wait(hourcast, submit(hourcast, "rerun", {"hour": "yesterday"}), "rerun") == "FAILED"
    assert said(hourcast, "rerun").count("\n") == 1


def test_a_training_yields_after_every_step_is_killed_and_ends_with_the_bytes_of_one_that_was_not(
    hourcast: Hourcast, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    from models.training.trainer import CHECKPOINT
    from pipeline.operate.training import train

    random_reanalysis(tmp_path / "era5.zarr", "2020-01-01", 30)
    here = Store.open(f"file://{tmp_path}/era5.zarr")
    for info in here.list(""):
        hourcast.store.write(f"era5.zarr/{info.key}", here.read(info.key))
    assert train(here.url, tmp_path / "whole", None, None, 1e9, steps=STEPS)
    kept = f"{hourcast.store.url}/training"
    given = {"data": f"{hourcast.store.url}/era5.zarr", "keep": kept}
    options = ("--minutes", "0", "--steps", str(STEPS), "--out", str(tmp_path / "machine"))
    job = submit(hourcast, "train", given, *options)
    while not hourcast.store.exists(f"training/{CHECKPOINT}"):
        assert status(hourcast, job) not in ("SUCCEEDED", "FAILED"), said(hourcast, "train")
        time.sleep(0.05)
    with hourcast.cloud.troubled(Trouble(killed=1)):
        assert wait(hourcast, job, "train") == "SUCCEEDED", said(hourcast, "train")
    assert said(hourcast, "train").count("step ") >= STEPS, "it has told of each, for it was saved after each"
    weights = (tmp_path / "whole/package/fcn.mdlus").read_bytes()
    assert hourcast.store.read("training/package/fcn.mdlus") == weights
