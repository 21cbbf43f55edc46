"""The worker of a batch system: the shard of its number, once, and an exit code that says whether to repeat."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline import journal, paths, worklist
from pipeline.cycle import Cycle
from pipeline.runner.worker import Exit, plan, run_one
from pipeline.store import Store, StoreError
from tests.runner.test_runner import toy

HOUR = Cycle.parse("2026-01-31T06")
SPARE_BYTES = 1 << 29


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with a configuration in it, and toys for stages."""
    store = Store.open(f"file://{tmp_path}/store")
    text = yaml.safe_dump({"store": store.url, "sources": {"gfs": {}}})
    store.write(paths.CONFIGURATION, text.encode())
    monkeypatch.setattr("pipeline.runner.worker.stage", toy)
    return store


def test_workers_share_out_what_was_planned_by_their_number(store: Store) -> None:
    count = plan(store.url, HOUR, toy("work"))
    planned = worklist.read(store, HOUR, "work")
    assert (count, worklist.missing(store, HOUR, "work")) == (6, planned)
    for index in (4, 1):
        assert run_one(store.url, str(HOUR), "work", index) is Exit.DONE
    assert journal.finished_shards(store, HOUR, "work") == {planned[4], planned[1]}
    assert worklist.missing(store, HOUR, "work") == [planned[index] for index in (0, 2, 3, 5)]


def test_a_finished_shard_is_not_run_again(store: Store) -> None:
    plan(store.url, HOUR, toy("work"))
    run_one(store.url, str(HOUR), "work", 0)
    before = [info for info in store.list("") if not info.key.startswith("journal")]
    assert run_one(store.url, str(HOUR), "work", 0) is Exit.DONE
    assert [info for info in store.list("") if not info.key.startswith("journal")] == before


def test_what_would_fail_again_is_told_from_what_may_pass(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(store.url, HOUR, toy("fails"))
    lasting = worklist.read(store, HOUR, "fails").index("lasting")
    assert run_one(store.url, str(HOUR), "fails", lasting) is Exit.WOULD_FAIL_AGAIN
    assert "expected rain; found snow" in capsys.readouterr().err

    def unavailable(*arguments: object) -> None:
        raise StoreError("cannot write s3://forecasts/a: 503 Slow Down")

    monkeypatch.setattr("pipeline.runner.worker.run_shard", unavailable)
    assert run_one(store.url, str(HOUR), "fails", lasting) is Exit.MAY_PASS
    assert journal.finished_shards(store, HOUR, "fails") == set()


def test_a_store_that_does_not_say_what_is_done_may_pass(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*arguments: object) -> None:
        raise StoreError("cannot list s3://forecasts/journal: 503 Slow Down")

    plan(store.url, HOUR, toy("work"))
    monkeypatch.setattr(journal, "finished_shards", unavailable)
    assert run_one(store.url, str(HOUR), "work", 0) is Exit.MAY_PASS
    assert "503 Slow Down" in capsys.readouterr().err


def test_a_shard_that_runs_out_of_memory_may_pass_on_another_machine(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*arguments: object) -> None:
        bytearray(2 * SPARE_BYTES)

    plan(store.url, HOUR, toy("work"))
    monkeypatch.setattr("pipeline.runner.worker.run_shard", greedy)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + SPARE_BYTES, before[1]))
    try:
        assert run_one(store.url, str(HOUR), "work", 0) is Exit.MAY_PASS
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert "MemoryError" in capsys.readouterr().err
    assert journal.finished_shards(store, HOUR, "work") == set()


@pytest.mark.parametrize(
    ("cycle", "index", "said"),
    [("yesterday", 0, "expected a cycle"), ("2026-01-31T06", 6, "has 6 shards; found index 6"),
     ("2026-01-31T07", 0, "no object at")],
)  # fmt: skip
def test_input_that_cannot_be_used_is_refused(
    store: Store, capsys: pytest.CaptureFixture[str], cycle: str, index: int, said: str
) -> None:
    plan(store.url, HOUR, toy("work"))
    assert run_one(store.url, cycle, "work", index) is Exit.BAD_INPUT
    assert said in capsys.readouterr().err


def test_a_configuration_of_another_store_is_refused(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.write(paths.CONFIGURATION, b"store: s3://elsewhere\nsources: {gfs: {}}")
    assert run_one(store.url, str(HOUR), "work", 0) is Exit.BAD_INPUT
    assert f"expected `store: {store.url}`; found s3://elsewhere" in capsys.readouterr().err


def test_the_exit_code_is_the_process_s(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "shard", "--store", f"file://{tmp_path}/none"]
    done = subprocess.run([*command, "--cycle", str(HOUR), "--stage", "ingest"], capture_output=True, text=True)
    assert done.returncode == Exit.BAD_INPUT
    assert "no forecast.yaml in" in done.stderr
