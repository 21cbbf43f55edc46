"""What is done: one marker per finished shard, written only after its output is in the store.

The clock is read here and nowhere else, and its readings stay under `journal/`: outputs do not depend on them.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from time import perf_counter, process_time

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.store import Store, traffic

_BEGUN, _FINISHED, _JOBS = "begun.json", "finished.json", "jobs"
_READERS = 16
"""Markers are small and many: their reading is a waiting for answers."""


@dataclass(frozen=True)
class Entry:
    """A finished shard: seconds it took and seconds it computed, when it ended (UTC) and on which host; its traffic.

    `attempt` counts from 1, within one job or run.
    """

    stage: str
    shard: str
    seconds: float
    cpu_seconds: float
    finished: str
    host: str
    reads: int = 0
    writes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    attempt: int = 1


@dataclass(frozen=True)
class Job:
    """How a job of the ensemble has used its machine, over all its tries that were not killed outright.

    `member_steps`: steps of one member that were computed; `busy`: of the `seconds` of integrating and writing, those
    in which `device` computed; `host_mib`, `device_mib`: the most memory held.
    """

    shard: str
    device: str
    members: int
    member_steps: int
    seconds: float
    busy: float
    host_mib: float
    device_mib: float


@contextmanager
def recorded(store: Store, hour: Cycle, stage: str, shard: str, attempt: int = 1) -> Iterator[None]:
    """Mark the shard as finished when the block ends without an error; the first of several markers stays."""
    start, computed, before = perf_counter(), process_time(), traffic.total()
    yield
    seconds, cpu_seconds = round(perf_counter() - start, 3), round(process_time() - computed, 3)
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    moved = asdict(traffic.total() - before)
    entry = Entry(stage, shard, seconds, cpu_seconds, finished, socket.gethostname(), **moved, attempt=attempt)
    store.write_new(f"{paths.journal(hour, stage, shard)}.json", json.dumps(asdict(entry)).encode())


def finished_shards(store: Store, hour: Cycle, stage: str) -> set[str]:
    """Names of the stage's shards that need not run again."""
    prefix = paths.journal(hour, stage)
    return {info.key[len(prefix) + 1 :].removesuffix(".json") for info in store.list(prefix)}


def begin(store: Store, hour: Cycle) -> None:
    """Mark the hour as begun; StoreError if the store cannot be written."""
    store.write_new(f"{paths.journal(hour)}/{_BEGUN}", b"{}")


def finish(store: Store, hour: Cycle) -> None:
    """Mark the hour as finished: every stage has run."""
    store.write_new(f"{paths.journal(hour)}/{_FINISHED}", b"{}")


def is_finished(store: Store, hour: Cycle) -> bool:
    """Whether every stage of the hour has run."""
    return store.exists(f"{paths.journal(hour)}/{_FINISHED}")


def entries(store: Store, hour: Cycle, stage: str | None = None) -> list[Entry]:
    """Every finished shard of the hour, or of one stage, in the order of stage and shard names."""
    others = (*(f"{paths.journal(hour)}/{name}" for name in (_BEGUN, _FINISHED, f"{_JOBS}/")), paths.bill(hour))
    listed = store.list(paths.journal(hour, stage) if stage else paths.journal(hour))
    keys = [info.key for info in listed if not info.key.startswith(others)]
    with ThreadPoolExecutor(_READERS) as readers:
        return [Entry(**json.loads(text)) for text in readers.map(store.read, keys)]


def note_job(store: Store, hour: Cycle, job: Job) -> None:
    """Add what a try of a job has used to what its earlier tries had."""
    key = f"{paths.journal(hour, _JOBS, job.shard)}.json"
    if store.exists(key):
        earlier = Job(**json.loads(store.read(key)))
        job = replace(
            job,
            member_steps=earlier.member_steps + job.member_steps,
            seconds=earlier.seconds + job.seconds,
            busy=earlier.busy + job.busy,
            host_mib=max(earlier.host_mib, job.host_mib),
            device_mib=max(earlier.device_mib, job.device_mib),
        )
    store.write(key, json.dumps(asdict(job)).encode())


def jobs(store: Store, hour: Cycle) -> list[Job]:
    """How the jobs of the hour's ensemble have used their machines, in the order of their members."""
    return [Job(**json.loads(store.read(info.key))) for info in store.list(paths.journal(hour, _JOBS))]


def newest_published(store: Store) -> Cycle:
    """The hour that readers are pointed to; FileNotFoundError before the first."""
    return Cycle.parse(json.loads(store.read(paths.LATEST))["init_time"])


def forget(store: Store, hour: Cycle, stage: str) -> None:
    """Make the stage run again: remove its markers."""
    store.delete(paths.journal(hour, stage))


def hours(store: Store) -> list[Cycle]:
    """Every hour that has been begun, oldest first."""
    return sorted(Cycle.parse(name) for name in store.list_folders("journal"))
