"""Builds the embedded world: nature run, every model's GRIB2 files, observations. Once, cached, the same every time."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from numba import set_num_threads
from threadpoolctl import threadpool_limits

import pipeline
from pipeline.cycle import Cycle
from pipeline.world import MARKER, nature
from pipeline.world.feeds import FEEDS
from pipeline.world.files import Writer, write_coordinates, write_job
from pipeline.world.reports import write_observations
from pipeline.world.schedule import Extent, Job, plan
from pipeline.world.state import World, grow, open_world

SEED = 20250905
Progress = Callable[[str, int, int], None]

_README = """This folder is SYNTHETIC. None of it was observed, forecast or issued by anyone.

It is the embedded world of Hourcast, an observing-system simulation experiment: a nature run of a small
general circulation model (jcm: dinosaur + SPEEDY, T31) is the truth; imperfect "models" and "stations" see it
with stated errors (pipeline/world/errors.py). Files carry the layout and names of real feeds so that
the same code reads both. Never mistake them for weather.
"""


def build(
    root: Path,
    *,
    hour: Cycle,
    extent: Extent,
    workers: int = 2,
    seed: int = SEED,
    progress: Progress | None = None,
) -> None:
    """Write the world whose live hour is `hour` below `root`, unless it is there already.

    `root` gets a folder a bucket, `observations/`, README.txt and, last, the marker SYNTHETIC with the fingerprint of
    the code and the seed. A world of another fingerprint is replaced. `progress(stage, done, total)` is called often.
    Raises ValueError if the hour is not 00 UTC or before the nature run has enough past, or `root` holds other files.
    """
    report = progress or _silent
    days = _nature_days(hour, extent)
    if is_built(root, hour, extent, seed):
        return
    fingerprint = _fingerprint(hour, extent, seed)  # of the code that begins
    if root.exists() and any(root.iterdir()) and not (root / MARKER).exists():
        raise ValueError(f"{root} holds other files and no world; name an empty folder for the world")
    with _scratch(root) as folder:
        with threadpool_limits(1):
            known = grow(folder / "nature", _run_nature(folder / "nature", days, report))
            counts = _write_all(folder, hour, extent, workers, seed, report, known)
        shutil.rmtree(folder / "nature")
        (folder / "README.txt").write_text(_README)
        (folder / MARKER).write_text(json.dumps({"fingerprint": fingerprint} | counts, indent=1) + "\n")
        shutil.rmtree(root, ignore_errors=True)
        folder.rename(root)


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """A folder beside `root` that is gone afterwards, whatever happens, unless it has become `root`."""
    folder = root.with_name(f".{root.name}.building")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _silent(stage: str, done: int, total: int) -> None:
    """No progress shown."""


def is_built(root: Path, hour: Cycle, extent: Extent, seed: int = SEED) -> bool:
    """Whether the world that `build` would write is complete below `root`."""
    try:
        found = json.loads((root / MARKER).read_text())["fingerprint"]
        return bool(found == _fingerprint(hour, extent, seed))
    except (FileNotFoundError, ValueError, KeyError):
        return False


def _nature_days(hour: Cycle, extent: Extent) -> int:
    from models.dycore import RESTART_TIME

    ahead = hour.init_time - RESTART_TIME
    if hour.init_time.hour or ahead.days < extent.days + 2:
        earliest = Cycle(RESTART_TIME) + 24 * (extent.days + 2)
        raise ValueError(f"the world's live hour must be 00 UTC and not before {earliest}; found {hour}")
    return ahead.days + -(-extent.forecast_hours // 24) + 1


def _fingerprint(hour: Cycle, extent: Extent, seed: int) -> str:
    """Of everything that the world depends on: its code, the models', the catalogue, the feeds' declarations."""
    house = Path(pipeline.__file__).parent
    models = house.parent / "models"
    code = [
        house / "world",
        house / "parameters" / "blended.csv",
        models / "base.py",
        models / "dycore.py",
        models / "data" / "restart.npz",
    ]
    files = sorted(path for part in code for path in (part.rglob("*") if part.is_dir() else [part]))
    digest = hashlib.sha256(json.dumps([str(hour), asdict(extent), seed]).encode())
    for path in files:
        if path.suffix in (".py", ".csv", ".npz"):
            digest.update(path.name.encode() + path.read_bytes())
    digest.update(repr(plan(hour, extent)).encode())
    for source in FEEDS.values():
        named = [(row.name, source.names(row)) for row in source.parameters()]
        example = source.parameters()[0].name if source.index == "none" else ""
        key = source.key(hour, 0, parameter=example, member=1 if source.members else None)
        digest.update(repr((source.bucket, key, named, source.accumulates_from_start)).encode())
    return digest.hexdigest()


def _run_nature(folder: Path, days: int, report: Progress) -> Iterator[int]:
    """How many days are done, rising to `days`, in a child of its own, which gives JAX's memory back."""
    context = multiprocessing.get_context("spawn")
    report("nature run", 0, days)
    with ProcessPoolExecutor(1, mp_context=context, initializer=_one_thread) as pool:
        running = pool.submit(nature.run, folder, days)
        while not wait([running], timeout=0.5).done:
            done = nature.days_done(folder)
            report("nature run", done, days)
            yield done
        running.result()
    report("nature run", days, days)
    yield days


_WORLD: World | None = None
_ROOT: Path | None = None


def _one_thread() -> None:
    """Compute on one thread: there are as many processes as cores.

    Not by the environment of the parent: numba refuses to compile once that has changed.
    """
    threadpool_limits(1)
    set_num_threads(1)


def _start_worker(root: Path, seed: int, live: datetime) -> None:
    global _WORLD, _ROOT
    _one_thread()
    os.nice(5)  # the nature run, which all wait for, goes first
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _WORLD, _ROOT = open_world(root / "nature", seed, live), root


def _end_with(parent: BaseProcess) -> None:
    """End when the parent ends, also by `kill -9`; a worker would wait for ever."""
    parent.join()
    os._exit(1)


def _write_reports(forecast_hours: int) -> int:
    assert _WORLD is not None
    assert _ROOT is not None
    return write_observations(_WORLD, _ROOT, forecast_hours)


def _write_block(jobs: list[Job]) -> tuple[int, int]:
    assert _WORLD is not None
    assert _ROOT is not None
    writer = Writer(_ROOT)
    for job in jobs:
        write_job(_WORLD, writer, job)
    return writer.messages, writer.octets


def _write_all(
    root: Path, hour: Cycle, extent: Extent, workers: int, seed: int, report: Progress, known: Iterable[datetime]
) -> dict[str, int]:
    """Write all blocks, each as soon as the truth is known so far, and then the reports."""
    writer, blocks = Writer(root), plan(hour, extent)
    runs = {(job.source, job.start) for jobs in blocks.values() for job in jobs}
    for name, start in sorted(runs):
        write_coordinates(writer, FEEDS[name], Cycle(start))
    context = multiprocessing.get_context("spawn")
    arguments = (root, seed, hour.init_time)
    waiting, written = list(blocks), list[Future[tuple[int, int]]]()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=arguments) as pool:
        for until in known:
            while waiting and waiting[0] <= until:
                written.append(pool.submit(_write_block, blocks[waiting.pop(0)]))
            report("model output", sum(future.done() for future in written), len(blocks))
        reports = pool.submit(_write_reports, extent.forecast_hours)
        for done, future in enumerate(written, 1):
            future.result()
            report("model output", done, len(blocks))
    counts = [(writer.messages, writer.octets), *(future.result() for future in written)]
    messages, octets = (sum(count) for count in zip(*counts, strict=True))
    return {"reports": reports.result(), "messages": messages, "octets": octets}
