"""The bill of an hour that was made: from its journal and its bytes, and beside them, never in what is published."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from pipeline import cost, journal, paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.journal import Entry
from pipeline.operate.status import bill_line
from pipeline.runner import bill, run_shard
from pipeline.steps import Deployment
from pipeline.store import Store
from pipeline.store.traffic import Traffic, total
from tests.runner.test_runner import toy

HOUR = Cycle.parse("2026-01-31T06")


def made() -> Deployment:
    """A deployment in which two shards of an hour are finished."""
    deployment = Deployment.open(
        Config.model_validate({"store": "memory://", "sources": {"gfs": {}}, "retention": {"work_days": 2}})
    )
    for stage, shard, seconds in (("forecast", "a", 3000.0), ("forecast", "b", 600.0), ("integrate", "c", 1800.0)):
        entry = Entry(stage, shard, seconds, 1.0, "2026-01-31T06:10:00+00:00", "here", 7, 11, 1_000, 2_000)
        deployment.store.write(f"{paths.journal(HOUR, stage, shard)}.json", json.dumps(asdict(entry)).encode())
    deployment.store.write(paths.forecast(HOUR, "best.zarr/c"), bytes(2_000_000))
    deployment.store.write(paths.work(HOUR, "x"), bytes(500_000))
    return deployment


def test_an_hour_is_billed_by_its_journal_and_its_bytes() -> None:
    found = bill.of(made(), HOUR, spot_share=0)
    by_name = {charge.use.what: charge.use for charge in found.charges}
    assert by_name["stage forecast"].quantity == pytest.approx(2 / 16), "3600 s at 2 of 16 vCPUs"
    assert (by_name["stage integrate"].item, by_name["stage integrate"].quantity) == (cost.GPU, 0.5)
    assert by_name["forecast/ 0.002 GB for 30 days"].quantity == pytest.approx(0.002 * 30 / cost.DAYS_A_MONTH)
    assert by_name["work/ 0.0005 GB for 2 days"].quantity == pytest.approx(0.0005 * 2 / cost.DAYS_A_MONTH)
    assert by_name["requests to write and list"].quantity == pytest.approx(0.033)
    assert by_name["requests to read"].quantity == pytest.approx(0.021)
    assert found.traffic == Traffic(21, 33, 3_000, 6_000)
    with pytest.raises(ValueError, match="no shard of 20260131T07Z is finished"):
        bill.of(made(), HOUR + 1, spot_share=0)


def test_a_written_bill_adds_up_and_is_no_shard_of_the_journal() -> None:
    deployment = made()
    assert bill.read(deployment.store, HOUR) is None
    before = journal.entries(deployment.store, HOUR)
    bill.write(deployment, HOUR)
    assert journal.entries(deployment.store, HOUR) == before
    found = bill.read(deployment.store, HOUR)
    assert found is not None
    assert found["dollars"] == pytest.approx(sum(part["quantity"] * part["price"] for part in found["charges"]))
    assert found["co2e_grams"] == pytest.approx(found["kilowatt_hours"] * cost.read_energy()["us-east-1"])
    assert found["stage_seconds"] == {"forecast": 3600.0, "integrate": 1800.0}
    assert f"${found['dollars']:.2f}" in bill_line(found)
    assert "54 requests" in bill_line(found)


def test_the_region_is_the_machine_s_if_there_are_prices_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for here, expected in (("us-east-1", "us-east-1"), ("mars-north-1", cost.REGION)):
        monkeypatch.setenv("AWS_REGION", here)
        assert bill.of(made(), HOUR, spot_share=0).region == expected


def test_it_is_written_once_publication_has_been_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = made()
    run_shard(deployment, HOUR, toy("work"), "part0")
    assert bill.read(deployment.store, HOUR) is None
    monkeypatch.setattr(bill, "WRITTEN_AFTER", ("work",))
    monkeypatch.setattr(cost, "stage", lambda name: toy(name))
    run_shard(deployment, HOUR, toy("work"), "part1")
    found = bill.read(deployment.store, HOUR)
    assert found is not None
    assert "work" in found["stage_seconds"], "its own seconds are in it"


def test_traffic_is_what_the_store_was_asked_for() -> None:
    store, before = Store.open("memory://"), total()
    store.write("a", b"12345")
    assert store.read("a") == b"12345"
    assert store.read_range("a", 1, 3) == b"23"
    assert not store.write_new("a", b"1")
    store.list("")
    assert not store.exists("b")
    store.delete("a")
    assert total() - before == Traffic(reads=3, writes=4, bytes_read=7, bytes_written=6), "a delete lists, and is free"


def test_traffic_of_zarr_is_counted_too() -> None:
    import zarr

    store, before = Store.open("memory://"), total()
    array = zarr.create_array(store.zarr("z"), shape=(8,), chunks=(8,), dtype="f4", compressors=None)
    array[:] = 1.0
    traffic = total() - before
    assert traffic.writes >= 2, "metadata and a chunk"
    assert traffic.bytes_written >= 32
