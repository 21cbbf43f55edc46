"""An hour in the cloud: from the scheduler's tick to a published forecast, with the bytes of a laptop's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cdk.local.cloud import CREDENTIALS
from cdk.local.deployment import Hourcast
from cdk.local.faults import Trouble
from cdk.local.figures import transitions
from cdk.local.up import progress
from pipeline import cost, journal, paths, worklist
from pipeline.runner import bill
from pipeline.stages import STAGES
from pipeline.store import Store
from tests.cloud.tiny_cloud import WAIT_SECONDS
from tests.tiny_deployment import HOUR

CLOCK_OFF = timedelta(minutes=10)
OUTPUTS = ("forecast", "skill", "tracks")


def contents(store: Store) -> dict[str, bytes]:
    return {info.key: store.read(info.key) for name in OUTPUTS for info in store.list(name)}


def degraded(hourcast: Hourcast) -> dict[str, bool]:
    """Which stages the newest execution went on without."""
    waves = [wave for key, wave in hourcast.outputs()[0].items() if key.startswith("wave")]
    return {part["stage"]: part["degraded"] for wave in waves for part in wave}


def test_an_hour_is_published_once_with_the_bytes_of_a_laptop_s_on_clocks_that_are_off(
    on_nodes: Hourcast, laptop: Store
) -> None:
    began = datetime.now(UTC)
    with on_nodes.cloud.troubled(Trouble(clock_seconds=CLOCK_OFF.total_seconds())):
        for _ in range(2):  # the scheduler may call twice
            on_nodes.trigger(HOUR)
        seen = list(progress(on_nodes))
    assert on_nodes.wait(WAIT_SECONDS) == ["SUCCEEDED"], on_nodes.error()
    assert (seen[0], seen[-1].split()[0]) == ("Claim", "Wave")
    assert seen.index("Wave publish") < seen.index("Mark published") < seen.index("Tell published")
    assert degraded(on_nodes) == {row.name: False for row in STAGES}
    assert journal.is_finished(on_nodes.store, HOUR)
    assert on_nodes.state(HOUR) == "published"
    assert [(said["hour"], said["outcome"]) for said in on_nodes.told()] == [(str(HOUR), "published")]
    assert contents(on_nodes.store) == contents(laptop)
    finished = {row.stage: datetime.fromisoformat(row.finished) for row in journal.entries(on_nodes.store, HOUR)}
    assert all(finished[name] > began + CLOCK_OFF for name in ("observe", "publish")), "by a job's, by a function's"
    assert finished["forecast"] < began + CLOCK_OFF, "by a node's, which is not off"
    bills = [bill.read(store, HOUR) for store in (on_nodes.store, laptop)]
    assert all(found and {*found["stage_seconds"]} >= {"forecast", "publish"} for found in bills)
    assert all(found and found["requests"]["read"] > 100 and found["dollars"] > 0 for found in bills)
    idle = sum(not worklist.read(on_nodes.store, HOUR, row.name) for row in STAGES)
    assert transitions(on_nodes.history()) == cost.transitions() - idle, "a stage without shards runs nothing"
    logged = on_nodes.cloud.said()
    assert all(metric in logged for metric in ("HourDollars", "StageSeconds", "MinutesToPublication"))
    everything = {info.key: on_nodes.store.read(info.key) for info in on_nodes.store.list("")}
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    assert secret not in logged
    assert [key for key, content in everything.items() if secret.encode() in content] == []
    assert on_nodes.trigger(HOUR) == {"hour": str(HOUR), "started": False}
    manifest = on_nodes.store.read(paths.forecast(HOUR, "manifest.json"))
    on_nodes.store.write(paths.forecast(HOUR + 1, "manifest.json"), manifest)
    when = f"{(HOUR + 1).init_time.isoformat()}Z"
    in_time = {"hour": str(HOUR + 1), "outcome": "published", "deadline": when, "ended": when}
    assert not on_nodes.call("notify", in_time)["late"], "lateness is told by the state machine's clock alone"
