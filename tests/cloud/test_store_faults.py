"""What S3 does to the store on bad days: it refuses, it is silent, it writes and does not say so."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from cdk.local.cloud import LocalCloud
from cdk.local.faults import Trouble
from pipeline.store import Store, StoreError
from pipeline.store import backends as store_backends

STALL_SECONDS = 3.0
REFUSED_SECONDS = 1.5
PATIENCE = timedelta(seconds=0.5)


@pytest.fixture
def store(cloud: LocalCloud, request: pytest.FixtureRequest) -> Store:
    """An empty folder of a bucket."""
    cloud.client("s3").create_bucket(Bucket="bad-days")
    return Store.open(f"s3://bad-days/{request.node.name}", endpoint=cloud.address)


@pytest.fixture
def hasty(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same of who waits less for an answer than in production. Only what may be done twice is asked again."""
    monkeypatch.setitem(store_backends._TIMEOUTS, "timeout", PATIENCE)
    return Store.open(store.url, endpoint=store.endpoint)


def test_a_third_of_answers_are_slow_down_then_some_stall(hasty: Store, cloud: LocalCloud) -> None:
    keys = [f"shard/{number}" for number in range(60)]
    with (
        cloud.troubled(Trouble(slow_down=0.3, stalled=4, stall_seconds=STALL_SECONDS)),
        ThreadPoolExecutor(8) as threads,
    ):
        list(threads.map(lambda key: hasty.write(key, key.encode()), keys))
        assert list(threads.map(hasty.read, keys)) == [key.encode() for key in keys]
    assert [info.key for info in hasty.list("shard")] == sorted(keys)


def test_a_server_that_refuses_all_for_a_while_is_waited_for(store: Store, cloud: LocalCloud) -> None:
    keys = [f"shard/{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        with cloud.troubled(Trouble(slow_down=1)):
            writes = [threads.submit(store.write, key, b"1") for key in keys]
            time.sleep(REFUSED_SECONDS)
        for write in writes:
            write.result()
    assert [info.key for info in store.list("shard")] == keys


def test_one_who_stalls_is_asked_again_and_not_waited_for(hasty: Store, cloud: LocalCloud) -> None:
    hasty.write("a", b"1")
    with cloud.troubled(Trouble(stalled=1, stall_seconds=STALL_SECONDS)):
        began = time.monotonic()
        assert hasty.read("a") == b"1"
        assert time.monotonic() - began < STALL_SECONDS


def test_a_server_that_only_refuses_ends_in_one_line(
    store: Store, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(store_backends._RETRIES, "max_retries", 2)
    impatient = Store.open(store.url, endpoint=cloud.address)
    with cloud.troubled(Trouble(slow_down=1)), pytest.raises(StoreError, match="cannot write s3://bad-days") as error:
        impatient.write("a", b"1")
    assert "\n" not in str(error.value)


def test_a_commit_whose_answer_was_lost_is_made_once(store: Store, cloud: LocalCloud) -> None:
    with cloud.troubled(Trouble(lost=1)):
        store.write_new("marker", b"finished")
    assert store.read("marker") == b"finished"
    assert not store.write_new("marker", b"another's")
    seen: list[bytes | None] = []

    def move(old: bytes | None) -> bytes:
        seen.append(old)
        return b"new"

    with cloud.troubled(Trouble(lost=1)):
        store.update("pointer", move)
    assert store.read("pointer") == b"new"
    assert seen == [None, b"new"], "it looks again, and finds that nothing is left to do"
