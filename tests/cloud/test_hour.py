"""An hour in the cloud: from the scheduler's tick to a published forecast, with the bytes of a laptop's."""

from __future__ import annotations

from pipeline import journal
from pipeline.stages import STAGES
from pipeline.store import Store
from tests.cloud.local_cloud import Hourcast
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
        supplied.trigger()
    assert supplied.wait() == ["SUCCEEDED"], supplied.error()
    assert degraded(supplied) == {row.name: False for row in STAGES}
    assert journal.is_finished(supplied.store, HOUR)
    assert supplied.state() == "published"
    assert [(said["hour"], said["outcome"]) for said in supplied.told()] == [(str(HOUR), "published")]
    assert contents(supplied.store) == contents(laptop)
    assert supplied.trigger() == {"hour": str(HOUR), "started": False}
