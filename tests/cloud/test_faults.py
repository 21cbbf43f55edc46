"""What goes wrong in the cloud, and what is published, told and repeated then."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cdk.local.batch_jobs import MACHINES
from cdk.local.deployment import ONCE, Hourcast
from cdk.local.faults import Trouble
from pipeline import journal, paths, worklist
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES
from pipeline.sources.newest import arrival_key, due_cycles, leads_for
from pipeline.stages import STAGES
from pipeline.store import Store
from tests.cloud.tiny_cloud import WAIT_SECONDS
from tests.tiny_deployment import HOUR, LAST_LEAD

DEADLINE = {"time": f"{HOUR.init_time:%Y-%m-%dT%H}:25:00Z"}
SECRET = "canary-7d1f"


def test_the_watchdog_tells_once_that_an_hour_is_late(hourcast: Hourcast) -> None:
    for _ in range(2):
        assert hourcast.call("watchdog", DEADLINE)["outcome"] == "late"
    assert hourcast.told() == [{"hour": str(HOUR), "outcome": "late", "waits_for": "ingest"}]


AFTERWARDS = ("publish", "export", "nests", "verify")


def mark_as_made(hourcast: Hourcast, laptop: Store, waits_for: dict[str, list[str]]) -> None:
    """Every stage before publication as planned and finished, but for the shards of `waits_for`."""
    for row in STAGES:
        if row.name in AFTERWARDS:
            continue
        done = sorted(journal.finished_shards(laptop, HOUR, row.name))
        worklist.write(hourcast.store, HOUR, row.name, sorted({*done, *waits_for.get(row.name, [])}))
        for shard in set(done) - {*waits_for.get(row.name, [])}:
            hourcast.store.write(f"{paths.journal(HOUR, row.name, shard)}.json", b"{}")


def test_at_its_deadline_an_hour_with_all_its_bands_is_published_without_a_supplier(
    hourcast: Hourcast, laptop: Store
) -> None:
    later = (paths.LATEST, paths.forecast(HOUR, "manifest.json"), paths.forecast(HOUR, "item.json"))
    for info in (info for folder in ("input", "observations", "work", "forecast") for info in laptop.list(folder)):
        if info.key not in later:
            hourcast.store.write(info.key, laptop.read(info.key))
    mark_as_made(hourcast, laptop, {"tracks": ["gefs"]})
    late = {"hour": str(HOUR), "outcome": "late", "waits_for": "tracks"}
    assert hourcast.call("watchdog", DEADLINE) == late | {"published_without": ["tracks"]}
    until = time.monotonic() + WAIT_SECONDS
    while hourcast.call("watchdog", DEADLINE)["outcome"] == "late":
        assert time.monotonic() < until
    assert hourcast.told() == [late | {"published_without": ["tracks"]}]
    manifest = paths.forecast(HOUR, "manifest.json")
    assert hourcast.store.read(manifest) == laptop.read(manifest)


def test_half_an_hour_is_not_published_at_its_deadline(hourcast: Hourcast, laptop: Store) -> None:
    mark_as_made(hourcast, laptop, {"validate": ["row-0004"], "tracks": ["gefs"]})
    late = {"hour": str(HOUR), "outcome": "late", "waits_for": "tracks"}
    assert hourcast.call("watchdog", DEADLINE) == late
    assert not hourcast.store.exists(paths.worklist(HOUR, "publish"))
    assert not hourcast.store.exists(paths.LATEST)


def test_a_stage_that_is_not_whole_is_not_verified(hourcast: Hourcast) -> None:
    asked = {"hour": str(HOUR), "stage": "ingest"}
    assert hourcast.call("plan_shards", asked) == {"shards": 3}
    with pytest.raises(
        RuntimeError, match=r"StageIncomplete: 20250905T00Z stage ingest lacks 3 shards: gdas, gfs, ifs"
    ):
        hourcast.call("verify_stage", asked)


def arrived(number: int, key: str, bucket: str = SOURCES["ifs"].folder, when: Cycle = HOUR - 1) -> dict[str, Any]:
    stored = {"bucket": {"name": bucket}, "object": {"key": key}}
    records = [{"eventTime": when.init_time.isoformat() + "Z", "s3": stored}]
    return {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps({"Records": records})}


def test_only_poisoned_messages_of_a_batch_fail_and_a_run_is_ingested_once(hourcast: Hourcast) -> None:
    ifs = SOURCES["ifs"]
    cycle = due_cycles(ifs, HOUR)[0]
    last = arrival_key(ifs, cycle, leads_for(ifs, cycle, HOUR, LAST_LEAD)[-1])
    whole = [arrived(number, last) for number in (1, 2)]
    poisoned = [arrived(3, "../" + SECRET), arrived(4, "a", bucket="elsewhere"), {**arrived(5, "a"), "body": SECRET}]
    others = [arrived(6, "some/other/file")]
    batch = {"Records": [*whole, *poisoned, *others]}
    with ThreadPoolExecutor(2) as twice:
        answers = list(twice.map(hourcast.call, ["source_arrived"] * 2, [batch] * 2))
    failed = {item["itemIdentifier"] for item in answers[0]["batchItemFailures"]}
    assert failed == {"3", "4", "5"}
    functions = (path.read_text() for path in hourcast.cloud.logs.glob("*source_arrived.log"))
    assert SECRET not in "".join(functions), "what was sent may be anybody's, and is not logged"
    jobs = hourcast.cloud.client("batch").list_jobs(jobQueue=f"{hourcast.name}-jobs")["jobSummaryList"]
    assert [job["jobName"] for job in jobs] == [f"{HOUR}-ingest-ifs"]


def test_a_failed_hour_is_told_once_though_functions_are_throttled_and_answers_lost(hourcast: Hourcast) -> None:
    states = hourcast.cloud.client("stepfunctions")
    whole = json.loads(states.describe_state_machine(stateMachineArn=hourcast.machine)["definition"])
    whole["States"]["Claim"]["Next"] = "Mark failed"
    states.update_state_machine(stateMachineArn=hourcast.machine, definition=json.dumps(whole))
    plan = {"hour": str(HOUR), "deadline": DEADLINE["time"]}
    with hourcast.cloud.troubled(Trouble(throttled=1, unheard=1)):
        states.start_execution(stateMachineArn=hourcast.machine, name=str(HOUR), input=json.dumps(plan))
        assert hourcast.wait(WAIT_SECONDS) == ["FAILED"]
    assert hourcast.error().startswith("HourFailed")
    assert hourcast.state(HOUR) == "failed"
    assert hourcast.told() == [{"hour": str(HOUR), "outcome": "failed"}]
    server = (hourcast.cloud.logs / "server.log").read_text()
    assert server.count(f"{hourcast.name}-notify/invocations") == 3, "refused, unheard, heard"
    (record,) = hourcast.cloud.client("dynamodb").scan(TableName=f"{hourcast.name}-{ONCE}")["Items"]
    notify = hourcast.cloud.client("lambda").get_function_configuration(FunctionName=f"{hourcast.name}-notify")
    left = int(record["in_progress_expiration"]["N"]) / 1000 - time.time()
    assert left < notify["Timeout"], "a call that is cut off is in the next one's way no longer than it could have run"
    assert hourcast.trigger(HOUR)["started"], "an hour that has failed is begun again"
    assert hourcast.wait(WAIT_SECONDS) == ["FAILED", "FAILED"], "each had claimed it"
    assert hourcast.executions()[0]["name"].startswith(f"{HOUR}-after-")


def test_a_customer_s_flood_does_not_keep_production_waiting(hourcast: Hourcast) -> None:
    batch = hourcast.cloud.client("batch")

    def submit(lane: str) -> str:
        job = batch.submit_job(
            jobName=lane, jobQueue=f"{hourcast.name}-jobs", jobDefinition=f"{hourcast.name}-ingest",
            shareIdentifier=lane, containerOverrides={"command": ["hourcast", "--help"]},
        )  # fmt: skip
        return str(job["jobId"])

    flood, ours = [submit("customeracme") for _ in range(12)], submit("production")
    while True:
        done = {
            job["jobId"] for job in batch.describe_jobs(jobs=[*flood, ours])["jobs"] if job["status"] == "SUCCEEDED"
        }
        if ours in done:
            break
        time.sleep(0.02)
    assert len(done & {*flood}) <= 3 * MACHINES, "those that ran, and had run, when ours came"


def test_an_hour_survives_a_missing_source_dead_jobs_a_slow_s3_and_a_second_start(
    supplied: Hourcast,
) -> None:
    hourcast = supplied
    live = due_cycles(SOURCES["gfs"], HOUR)[0]
    for key in (paths.input_record("gfs", live), paths.input_zarr("gfs", live)):
        hourcast.store.delete(key)
    with hourcast.cloud.troubled(Trouble(slow_down=0.02, killed=2, vanished=1)):
        hourcast.trigger(HOUR)
        plan = {"hour": str(HOUR), "deadline": "2025-09-05T00:25:00Z"}
        start = hourcast.cloud.client("stepfunctions").start_execution
        start(stateMachineArn=hourcast.machine, name="by-hand", input=json.dumps(plan))
        assert set(hourcast.wait(WAIT_SECONDS)) == {"SUCCEEDED"}, hourcast.error()
    (said,) = hourcast.told()
    assert said["late"]
    assert said["degradations"][0].startswith("gfs: no usable cycle had arrived")
    assert json.loads(hourcast.store.read(paths.LATEST))["init_time"].startswith(f"{HOUR.init_time:%Y-%m-%dT%H}")
    assert sorted("wave_0" in output for output in hourcast.outputs()) == [False, True], "one of them claimed the hour"
    assert hourcast.call("watchdog", DEADLINE)["outcome"] == "in time"
