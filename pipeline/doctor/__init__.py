"""Is this machine and its surroundings fit for a deployment? One finding a check; nothing is left behind."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Literal
from uuid import uuid4

import eccodes

from pipeline import slurm
from pipeline.cost.model import MEASURED, Hour, resized, stored_bytes
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES, Source
from pipeline.sources.newest import arrival_key, due_cycles, leads_for, newest_cycle
from pipeline.stages import STAGES
from pipeline.steps import Deployment
from pipeline.steps.ingest_common import bucket_of
from pipeline.store import Store, StoreError

ECCODES = ((2, 38), (2, 43))
"""From, and before: as pyproject.toml has it, and why."""
SKEW_SECONDS, REFUSED_SKEW_SECONDS = 30.0, 900.0
"""A clock that is so far off is told of; S3 refuses what is signed with one further off."""
SCRATCH_BYTES = 2**30
ASKED_AT_ONCE = 8


@dataclass(frozen=True)
class Finding:
    """What a check found; where it is not ok also what was expected and what to do."""

    check: str
    verdict: Literal["ok", "warning", "failed"]
    found: str
    expected: str = ""
    advice: str = ""

    def __str__(self) -> str:
        if self.verdict == "ok":
            return f"{self.check}: {self.found}"
        return f"{self.check}: expected {self.expected}; found {self.found}; {self.advice}"


def examine(deployment: Deployment, hour: Cycle) -> list[Finding]:
    """Every check of a deployment that need not ask a cloud provider; feeds are looked for as of the hour."""
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        sources = list(pool.map(lambda name: check_source(deployment, SOURCES[name], hour), _fetched(deployment)))
    return [
        *check_store(deployment), *sources, check_eccodes(eccodes.codes_get_api_version()),
        check_memory(deployment, _memory_bytes()), *check_disks(deployment), *check_extras(deployment), check_slurm(),
    ]  # fmt: skip


def _fetched(deployment: Deployment) -> list[str]:
    """The sources that are read from a bucket."""
    return [name for name in deployment.config.sources if SOURCES[name].bucket]


def check_store(deployment: Deployment) -> list[Finding]:
    """Write, conditional write, read and delete of an object that is gone afterwards; and the store's clock."""
    store, folder = deployment.store, f"doctor-{uuid4().hex}"
    key, what = f"{folder}/probe", "read, conditional write and delete"
    advice = "check the store's address, the credentials in the environment and the bucket's policy"
    try:
        written = store.write_new(key, b"one")
        again = store.write_new(key, b"two")
        answered = store.list(folder)[0].last_modified
        held = _updates_hold(store, key)
        store.delete(folder)
        left = store.exists(key)
    except OSError as error:
        return [Finding("store", "failed", str(error), what, advice)]
    finally:
        _clean(deployment, folder)
    if (written, again, held, left) != (True, False, True, False):
        found = f"a store that {'does not delete' if left else 'writes over what is there'}"
        return [Finding("store", "failed", found, what, "choose one with conditional writes (If-Match, If-None-Match)")]
    return [Finding("store", "ok", f"{what} in {store.url}"), check_clock(datetime.now(UTC) - answered)]


def _updates_hold(store: Store, key: str) -> bool:
    """Whether an update of b"one" begins anew if another writer comes in between; a folder's updates are locked."""
    locked = store.url.startswith("file://")

    def change(old: bytes | None) -> bytes:
        if old == b"one" and not locked:
            store.write(key, b"two")
        return (old or b"") + b", changed"

    store.update(key, change)
    return store.read(key) == (b"one, changed" if locked else b"two, changed")


def _clean(deployment: Deployment, folder: str) -> None:
    with suppress(OSError):  # then nothing could be written either, and the finding says why
        deployment.store.delete(folder)


def check_clock(ahead: timedelta) -> Finding:
    """Whether this machine's clock agrees with the store's, which it is `ahead` of."""
    seconds = ahead.total_seconds()
    found = f"{abs(seconds):.0f} s {'ahead of' if seconds >= 0 else 'behind'} the store"
    if abs(seconds) <= SKEW_SECONDS:
        return Finding("clock", "ok", found)
    verdict: Literal["warning", "failed"] = "failed" if abs(seconds) > REFUSED_SKEW_SECONDS else "warning"
    return Finding("clock", verdict, found, f"at most {SKEW_SECONDS:.0f} s", "let NTP set the clock")


def check_source(deployment: Deployment, source: Source, hour: Cycle) -> Finding:
    """Whether the newest run that is due at the hour has arrived, by its last wanted file."""
    check, last = f"source {source.name}", deployment.config.last_lead_hours
    runs = [(cycle, _leads(source, cycle, hour, last)) for cycle in due_cycles(source, hour)]
    wanted = next((arrival_key(source, cycle, leads[-1]) for cycle, leads in runs if leads), "")
    if not wanted:
        return Finding(check, "ok", f"no run is due at {hour}")
    try:
        bucket = bucket_of(deployment, source)
        if bucket.exists(wanted):
            return Finding(check, "ok", wanted)
        newest = newest_cycle(bucket, source, hour, last)
    except StoreError as error:
        return Finding(check, "failed", str(error), wanted, "check its `endpoint` and the way to it")
    if newest is None:
        return Finding(
            check, "failed", "no run that is new enough", wanted, "check its `endpoint`; the feed may be down"
        )
    found = f"the run of {newest} at most"
    return Finding(check, "warning", found, wanted, "the feed is late; hours go on with what there is")


def _leads(source: Source, cycle: Cycle, hour: Cycle, last_lead_hours: int) -> tuple[int, ...]:
    """What an hour wants of a run: of an analysis the time that it is of."""
    return (0,) if source.role == "analysis" else leads_for(source, cycle, hour, last_lead_hours)


def check_eccodes(version: str) -> Finding:
    """Whether the library that decodes GRIB is one that is known to work."""
    number = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    least, below = (".".join(map(str, part)) for part in ECCODES)
    if ECCODES[0] <= number < ECCODES[1]:
        return Finding("ecCodes", "ok", version)
    advice = "pip install -c constraints.txt eccodes"
    return Finding("ecCodes", "failed", version, f"{least} or later, before {below}", advice)


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _size(deployment: Deployment) -> Hour:
    config = deployment.config
    return resized(
        sources=len(config.sources), resolution=config.grid_resolution, leads=config.last_lead_hours + 1,
    )  # fmt: skip


def check_memory(deployment: Deployment, memory_bytes: int) -> Finding:
    """Whether each worker has what the largest shard asks for, in the share of a production hour that this one has."""
    hour, workers = _size(deployment), deployment.config.workers
    largest = max((row for row in STAGES if not row.gpus), key=lambda row: row.memory_mib)
    share = min(1.0, hour.places * hour.leads / (Hour().places * Hour().leads))
    one = largest.memory_mib * 2**20 * share
    found = f"{memory_bytes / 2**30:.1f} GiB for {workers} workers"
    if memory_bytes >= workers * one:
        return Finding("memory", "ok", found)
    fit = int(memory_bytes // one)
    expected = f"{one / 2**30:.1f} GiB a worker, as stage {largest.name} asks for"
    advice = f"set `workers: {fit}`" if fit else "take a larger machine or a coarser grid"
    return Finding("memory", "warning" if fit else "failed", found, expected, advice)


def check_disks(deployment: Deployment) -> list[Finding]:
    """Whether the scratch folder, and the store if it is a folder, have room."""
    findings = [_room("scratch disk", Path(tempfile.gettempdir()), SCRATCH_BYTES)]
    scheme, _, folder = deployment.store.url.partition("://")
    if scheme == "file":
        hour = sum(stored_bytes(_size(deployment), MEASURED).values())
        findings.append(_room("store's disk", Path(folder), hour))
    return findings


def _room(check: str, folder: Path, needed: float) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free in {folder}"
    if free >= needed:
        return Finding(check, "ok", found)
    return Finding(
        check, "failed", found, f"{needed / 1e9:.1f} GB for one hour", "free some space or take another disk"
    )


def check_extras(deployment: Deployment) -> list[Finding]:
    """Whether what the configured model runs with is installed, and a GPU that it runs on."""
    model = deployment.config.fourcastnet
    if model is None:
        return []
    needed = ["torch", *(["earth2studio"] if model.model == "fcn" else [])]
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        extras = "ai" if missing == ["torch"] else "ai,earth2studio"
        return [Finding("model", "failed", f"no {', '.join(missing)}", ", ".join(needed),
                        f"pip install -c constraints.txt 'hourcast[{extras}]'")]  # fmt: skip
    import torch

    found = [Finding("model", "ok", f"{model.model} has {', '.join(needed)}")]
    if torch.cuda.is_available():
        return [*found, Finding("GPU", "ok", torch.cuda.get_device_name(0))]
    return [*found, Finding("GPU", "warning", "none", "one for the ensemble", "the CPU takes far longer")]


def check_slurm() -> Finding:
    """Whether the cluster has the partitions that the physics models' jobs ask for, where there is one."""
    if shutil.which("sinfo") is None:
        return Finding("Slurm", "ok", "none here; only physics models need one")
    wanted = sorted({layout.partition for layout in slurm.layouts().values() if layout.partition})
    try:
        there = slurm.partitions()
    except slurm.SlurmError as error:
        found, advice = shorten(str(error), 100), "only physics models need one; see `scontrol ping`"
        return Finding("Slurm", "warning", found, "a controller that answers", advice)
    missing = [name for name in wanted if name not in there]
    if missing:
        advice = "add them, or change pipeline/slurm/jobs.csv"
        return Finding("Slurm", "warning", ", ".join(there), f"partitions {', '.join(wanted)}", advice)
    return Finding("Slurm", "ok", f"partitions {', '.join(there)}")
