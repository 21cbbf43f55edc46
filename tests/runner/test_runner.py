"""The runner: order, resumption, dead workers, failures."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from pipeline import journal, paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.runner import StageError, run
from pipeline.runner.pool import KEEP_MEMORY, Pool, workers
from pipeline.stages import Stage
from pipeline.steps import Deployment
from pipeline.store import Store
from tests.steps.stored_inputs import store_run
from tests.toys import reads

HOUR = Cycle.parse("2026-01-31T06")
MEMORY_BYTES = 700 * 2**20
ROOT = Path(__file__).resolve().parents[2]


def toy(name: str, *needs: str, timeout_seconds: int = 30) -> Stage:
    return Stage(name, f"tests.toys.{name}", needs, "one part", "array", 1, 1, 0, timeout_seconds, 2)


@dataclass
class Seen:
    """A watcher that remembers."""

    planned_stages: list[tuple[str, int, int]] = field(default_factory=list)
    shards: list[tuple[str, str]] = field(default_factory=list)

    def planned(self, stage: Stage, shards: int, already_done: int) -> None:
        self.planned_stages.append((stage.name, shards, already_done))

    def finished(self, stage: Stage, shard: str) -> None:
        self.shards.append((stage.name, shard))


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with workers(2, ["tests.toys.work"]) as pool:
        yield pool


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment.open(Config(store=f"file://{tmp_path}/store", sources={"gfs": {}}))


def test_a_stage_begins_when_those_it_needs_are_finished(deployment: Deployment, pool: Pool) -> None:
    seen = Seen()
    run(deployment, [HOUR], pool, seen, [toy("point_to", "work"), toy("work")])
    assert [name for name, *_ in seen.planned_stages] == ["work", "point_to"]
    assert json.loads(deployment.store.read(paths.LATEST))["init_time"] == str(HOUR)


def test_what_most_stages_wait_for_goes_first(deployment: Deployment, pool: Pool) -> None:
    seen, aside = Seen(), replace(toy("work"), name="aside")
    run(deployment, [HOUR], pool, seen, [aside, toy("work"), toy("point_to", "work")])
    order = [name for name, _ in seen.shards if name != "point_to"]
    assert order[-3:] == ["aside"] * 3


def test_finished_shards_are_not_run_again(deployment: Deployment, pool: Pool) -> None:
    run(deployment, [HOUR], pool, Seen(), [toy("work")])
    seen = Seen()
    run(deployment, [HOUR], pool, seen, [toy("work")])
    assert seen.planned_stages == [("work", 6, 6)]
    assert seen.shards == []


def test_after_its_seconds_nothing_is_begun_what_has_begun_is_finished_and_the_next_run_goes_on(
    deployment: Deployment, pool: Pool
) -> None:
    stages = [toy("work"), toy("point_to", "work")]
    for seconds in (0, 0.05):  # six parts of 0.03 s, two at a time
        assert not run(deployment, [HOUR], pool, Seen(), stages, seconds)
        begun = {info.key.rsplit("/", 1)[1] for info in deployment.store.list(f"work/{HOUR}/begun")}
        assert begun == journal.finished_shards(deployment.store, HOUR, "work")
        assert len(begun) < (6 if seconds else 1)
    assert run(deployment, [HOUR], pool, Seen(), stages)
    assert deployment.store.exists(paths.LATEST)


def test_several_hours_run_together(deployment: Deployment, pool: Pool) -> None:
    hours = [HOUR, HOUR + 1]
    run(deployment, hours, pool, Seen(), [toy("work")])
    assert [len(journal.finished_shards(deployment.store, hour, "work")) for hour in hours] == [6, 6]


def test_a_dead_worker_is_replaced_and_its_shard_repeated(deployment: Deployment, pool: Pool) -> None:
    run(deployment, [HOUR], pool, Seen(), [toy("dies_once")])
    attempts = {entry.shard: entry.attempt for entry in journal.entries(deployment.store, HOUR, "dies_once")}
    assert attempts.keys() == {"a", "b", "c"}
    assert attempts["b"] == 2


def test_a_shard_over_its_time_is_repeated(deployment: Deployment, pool: Pool) -> None:
    run(deployment, [HOUR], pool, Seen(), [toy("sleeps", timeout_seconds=4)])
    assert journal.finished_shards(deployment.store, HOUR, "sleeps") == {"long"}


def test_a_lasting_failure_stops_the_run_and_can_be_resumed(deployment: Deployment, pool: Pool) -> None:
    with pytest.raises(StageError, match=r"stage fails, one part 'lasting' failed: expected rain; found snow"):
        run(deployment, [HOUR], pool, Seen(), [toy("fails")])
    assert "lasting" not in journal.finished_shards(deployment.store, HOUR, "fails")
    deployment.store.write("repaired", b"")
    run(deployment, [HOUR], pool, Seen(), [toy("fails")])
    assert journal.finished_shards(deployment.store, HOUR, "fails") == {"passing", "lasting"}


def test_a_failure_that_nothing_needs_stops_no_other_work(deployment: Deployment, pool: Pool) -> None:
    seen = Seen()
    with pytest.raises(StageError, match=r"found snow; the rest was done without it"):
        run(deployment, [HOUR], pool, seen, [toy("fails"), toy("work"), toy("point_to", "work")])
    assert {stage for stage, _ in seen.shards} == {"fails", "work", "point_to"}
    with pytest.raises(StageError, match=r"found snow; nothing was published"):
        run(deployment, [HOUR], pool, seen, [toy("fails"), toy("point_to", "fails")])


def test_a_supplier_that_kills_its_process_is_done_without_and_takes_nobody_along(
    deployment: Deployment, pool: Pool
) -> None:
    ingest, beside = replace(toy("dies"), name="ingest"), toy("work")
    with pytest.raises(
        StageError, match=r"one part 'hostile' failed: its process died .*; the rest was done without it"
    ):
        run(deployment, [HOUR], pool, Seen(), [ingest, beside, toy("point_to", "ingest", "work")])
    assert json.loads(deployment.store.read(paths.LATEST))["init_time"] == str(HOUR)
    assert journal.finished_shards(deployment.store, HOUR, "ingest") == {"whole"}
    assert len(journal.finished_shards(deployment.store, HOUR, "work")) == 6
    assert not journal.is_finished(deployment.store, HOUR)


def test_workers_start_with_what_has_them_keep_freed_memory(pool: Pool) -> None:
    assert {name: pool.submit(os.getenv, name).result() for name in KEEP_MEMORY} == KEEP_MEMORY


def test_closing_the_pool_leaves_no_process() -> None:
    before = set(multiprocessing.active_children())
    with workers(2, []) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
    assert set(multiprocessing.active_children()) <= before


@pytest.fixture
def small_machine() -> Iterator[Path]:
    """A control group that has MEMORY_BYTES, in which the kernel kills who takes more; skips where none can be made."""
    first = Path("/sys/fs/cgroup/memory")
    group = (first if first.is_dir() else first.parent) / f"hourcast-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("no control group can be made here")
    limit = next((group / name for name in ("memory.max", "memory.limit_in_bytes") if (group / name).exists()), None)
    try:
        if limit is None:
            pytest.skip("control groups have no limit of memory here")
        limit.write_text(str(MEMORY_BYTES))
        yield group
    finally:
        group.rmdir()


def test_a_worker_that_the_kernel_kills_for_memory_is_replaced(tmp_path: Path, small_machine: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN.replace('toy("work"), toy("point_to", "work")', 'toy("greedy")'))
    inside = ["sh", "-c", 'echo $$ > "$1" && shift && exec "$@"', "sh", str(small_machine / "cgroup.procs")]
    done = subprocess.run(
        [*inside, sys.executable, str(script), str(tmp_path / "store")],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    store = Store.open(f"file://{tmp_path}/store")
    assert store.exists(f"work/{HOUR}/grew")
    assert journal.finished_shards(store, HOUR, "greedy") == {"a", "b"}
    assert contents(tmp_path / "store")[f"{HOUR}/b"] == f"{HOUR} b".encode() * 1000


RUN = """
import sys
from tests.runner.test_runner import HOUR, Seen, run, toy, workers, Deployment, Config
deployment = Deployment.open(Config(store=sys.argv[1], sources={"gfs": {}}))
if __name__ == "__main__":
    with workers(2, ["tests.runner.test_runner", "tests.toys.work"]) as pool:
        run(deployment, [HOUR], pool, Seen(), [toy("work"), toy("point_to", "work")])
"""


def start(store: Path, script: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, str(script), str(store)], env=environment, start_new_session=True)


def contents(store: Path) -> dict[str, bytes]:
    folder = store / "forecast"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_killed_at_random_moments_then_resumed_gives_the_same_bytes(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    begin = time.monotonic()
    assert start(tmp_path / "whole", script).wait() == 0
    whole = time.monotonic() - begin
    moments = random.Random(2)
    for _ in range(5):
        process = start(tmp_path / "killed", script)
        with suppress(subprocess.TimeoutExpired):  # what goes on from a kill may be done before the next
            process.wait(moments.uniform(0.3, 1.0) * whole)
        process.kill()
        process.wait()
        found = contents(tmp_path / "killed")
        assert "latest.json" not in found or len(found) == 7
    assert start(tmp_path / "killed", script).wait() == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert len(contents(tmp_path / "whole")) == 7


def test_the_same_stages_run_on_a_dask_cluster(deployment: Deployment) -> None:
    distributed = pytest.importorskip("distributed")
    local = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**local) as cluster, workers(2, [], cluster.scheduler_address) as pool:
        run(deployment, [HOUR], pool, Seen(), [toy("work"), toy("point_to", "work")])
    assert json.loads(deployment.store.read(paths.LATEST))["init_time"] == str(HOUR)
    assert len(journal.finished_shards(deployment.store, HOUR, "work")) == 6


def test_a_worker_of_several_hours_sees_the_leads_that_a_run_has_got_for_the_last(tmp_path: Path) -> None:
    settings = {"store": f"file://{tmp_path}/store", "sources": {"gfs": {}}, "grid_resolution": 30}
    deployment = Deployment.open(Config.model_validate(settings))
    with workers(1, ["tests.toys.reads"]) as worker:
        for hour, leads in ((HOUR, [6, 9]), (HOUR + 1, [6, 9, 12])):
            values = np.array(leads, np.float32)[:, None] + np.zeros(84, np.float32)
            store_run(deployment, "gfs", HOUR - 6, leads, {reads.NAME: values})
            run(deployment, [hour], worker, Seen(), [toy("reads")])
            seen = json.loads(deployment.store.read(f"work/{hour}/seen.json"))
            assert seen == {"leads": leads, "values": leads}
