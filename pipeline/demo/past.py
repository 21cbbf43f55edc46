"""The demo's past: what a deployment in the embedded world would have kept, had it run until the day before.

It is made once, lies in the world's folder, and every demo's store begins as a copy of it, so that the live hour
starts from the skill of the hour before, as hours do in production.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pipeline
from pipeline.cycle import Cycle
from pipeline.runner.pool import Cluster, Pool
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.world import MARKER

_FINGERPRINT = "fingerprint"


def is_current(world: Path, hours: Sequence[Cycle]) -> bool:
    """Whether the world has the past of the ascending `hours` that this code makes in it."""
    found = world / "past" / _FINGERPRINT
    return found.exists() and found.read_text() == _fingerprint(world, hours)


def begin_with_past(
    deployment: Deployment, store: Path, world: Path, hours: Sequence[Cycle], proven: Sequence[str],
    pool: Pool | Cluster,
) -> None:  # fmt: skip
    """Fill the deployment's `store` with what was kept after the ascending `hours`, unless it is there.

    A store of another world or other code begins anew.
    proven: parameters whose weights of all hours are kept; of the others only the last hour's.
    """
    past, fingerprint = world / "past", _fingerprint(world, hours)
    if not is_current(world, hours):
        shutil.rmtree(past, ignore_errors=True)
        shutil.rmtree(store, ignore_errors=True)  # of another world, or of code that stored otherwise
        other = Deployment.open(deployment.config.model_copy(update={"store": f"file://{past}"}))
        _operate(other, hours, proven, pool)
        (past / _FINGERPRINT).write_text(fingerprint)
    if not store.exists():
        begun = store.with_name(f".{store.name}.begun")
        shutil.rmtree(begun, ignore_errors=True)
        shutil.copytree(past, begun, copy_function=os.link)  # objects are replaced whole, never changed
        (begun / _FINGERPRINT).unlink()
        begun.rename(store)


def _fingerprint(world: Path, hours: Sequence[Cycle]) -> str:
    """Of the world and of the code that runs in it."""
    house = Path(pipeline.__file__).parent
    digest = hashlib.sha256((world / MARKER).read_bytes() + repr(hours).encode())
    for path in sorted(path for path in house.rglob("*") if path.suffix in (".py", ".csv", ".yaml")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _operate(deployment: Deployment, hours: Sequence[Cycle], proven: Sequence[str], pool: Pool | Cluster) -> None:
    ingest, step = import_module("pipeline.steps.ingest"), import_module("pipeline.steps.learn")
    feeds = [name for name in ingest.shards(deployment, hours[-1]) if SOURCES[name].role != "ensemble"]
    for future in [pool.submit(_ingest, deployment, name, hours[-1]) for name in feeds]:
        future.result()
    names = step.shards(deployment, hours[-1])
    jobs = [(name, hours) for name in proven if name in names]
    jobs += [(name, hours[-1:]) for name in names if name not in proven]
    for future in [pool.submit(_learn, deployment, name, wanted) for name, wanted in jobs]:
        future.result()


def _ingest(deployment: Deployment, name: str, hour: Cycle) -> None:
    """Bring in what there was to learn from a source at an hour."""
    import_module("pipeline.steps.ingest").ingest_past(deployment, deployment.source(name), hour)


def _learn(deployment: Deployment, name: str, hours: Sequence[Cycle]) -> None:
    """Bring the skill of a parameter from hour to hour."""
    for hour in hours:
        import_module("pipeline.steps.learn").fit(deployment, hour, name)
