"""An hour in the cloud: from the scheduler's tick to a published forecast, with the bytes of a laptop's."""

from __future__ import annotations

from cdk.local.deployment import Hourcast
from cdk.local.up import progress
from pipeline import journal
from pipeline.stages import STAGES
from pipeline.store import Store
from tests.cloud.tiny_cloud import WAIT_SECONDS
from tests.tiny_deployment import HOUR

OUTPUTS = ("forecast", "skill", "tracks")


def contents(store: Store) -> dict[str, bytes]:
    return {info.key: store.read(info.key) for name in OUTPUTS for info in store.list(name)}


def degraded(hourcast: Hourcast) -> dict[str, bool]:
    """Which stages the newest execution went on without."""
    waves = [wave for key, wave in hourcast.outputs()[0].items() if key.startswith("wave")]
    return {part["stage"]: part["degraded"] for wave in waves for part in wave}


def test_an_hour_is_published_once_with_the_bytes_of_a_laptop_s(supplied: Hourcast, laptop: Store) -> None:
    for _ in range(2):  # the scheduler may call twice
        supplied.trigger(HOUR)
    seen = list(progress(supplied))
    assert supplied.wait(WAIT_SECONDS) == ["SUCCEEDED"], supplied.error()
    assert (seen[0], seen[-1].split()[0]) == ("Claim", "Wave")
    assert seen.index("Wave publish") < seen.index("Mark published") < seen.index("Tell published")
    assert degraded(supplied) == {row.name: False for row in STAGES}
    assert journal.is_finished(supplied.store, HOUR)
    assert supplied.state(HOUR) == "published"
    assert [(said["hour"], said["outcome"]) for said in supplied.told()] == [(str(HOUR), "published")]
    assert contents(supplied.store) == contents(laptop)
    assert supplied.trigger(HOUR) == {"hour": str(HOUR), "started": False}
