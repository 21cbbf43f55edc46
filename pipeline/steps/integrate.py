"""Integrate: a slice of the ensemble's members from their perturbed initial states to the last lead.

Every step is stored while the next is computed, and the whole state every few steps, so that a job that is stopped, by
a signal or by a power cut, continues where it was and leaves the same bytes.
"""

from __future__ import annotations

import io
import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.inputs import folder_of
from models.perturbation import seed_of
from pipeline import journal, paths
from pipeline.config import FourCastNetConfig
from pipeline.cycle import Cycle
from pipeline.journal import Job
from pipeline.parameters import blended
from pipeline.science.sanity import complaints
from pipeline.sources.fourcastnet import PARAMETERS, STEP_HOURS
from pipeline.steps import Deployment, member_statistics
from pipeline.steps.initial_state import MODEL
from pipeline.steps.initial_state import read as read_initial
from pipeline.steps.packing import unpack
from pipeline.steps.perturbed import perturbed
from pipeline.store import Store

if TYPE_CHECKING:
    from models.device import Stopwatch
    from models.emulator import DeviceEmulator
    from pipeline.steps.stepping import Step

Array = NDArray[np.float32]

_WRITERS = 8  # objects of a step under way at a time: a stream to S3 carries a hundred MB/s, a GPU makes more
RETRY_CODE = 75  # sysexits' EX_TEMPFAIL: a Batch job that exits with it is worth trying again


class StoppedError(OSError):
    """A signal has ended the work after a whole step; the same work continues from there."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The slices of the members, such as `00-09`, if an ensemble is configured."""
    settings = deployment.config.fourcastnet
    if settings is None:
        return []
    numbers, size = range(settings.members + 1), settings.members_per_job
    return [f"{part[0]:02d}-{part[-1]:02d}" for part in (numbers[k : k + size] for k in numbers[::size])]


def members_of(shard: str) -> range:
    """The members of a slice."""
    first, last = map(int, shard.split("-"))
    return range(first, last + 1)


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Store what the hour needs of each step of the members of a slice, beginning where an earlier try has stopped.

    A packed file a member and step, (parameter, latitude, longitude) on the model's grid, one of statistics a step if
    the slice is the whole ensemble, and last the record that judges the members; how the job used its machine goes to
    the journal. FileNotFoundError without initial conditions; StoppedError after SIGTERM.
    """
    settings = deployment.config.fourcastnet
    assert settings is not None
    folder = deployment.store.child(paths.work(hour, MODEL))
    if folder.exists(f"{shard}.json"):
        return
    from pipeline.steps.stepping import stepping

    initial, members = read_initial(deployment, hour), members_of(shard)
    steps = steps_of(deployment, hour, initial.cycle)
    model, scale = load(settings, steps * len(members))
    held = _checkpoint(folder, shard) or _Held(0, perturbed(model, initial, scale, settings, members), [])
    seeds = [seed_of(str(initial.cycle), number) for number in members]
    with _noted(deployment.store, hour, shard, model, held) as watch:
        start = (initial.cycle + held.step * STEP_HOURS).init_time
        made = stepping(model, held.states, start, seeds, watch, whole=shards(deployment, hour) == [shard])
        _advance(folder, shard, members, made, held, steps, settings.checkpoint_steps)
    judged = zip(members, np.stack(held.extremes, 1), strict=True)
    implausible = {number: _complaints(of_member) for number, of_member in judged}
    record = {"model": settings.model, "implausible": implausible}
    folder.write(f"{shard}.json", json.dumps(record, indent=1).encode())


@dataclass(frozen=True)
class _Held:
    """Where a slice goes on: the step of `states`, and `extremes` (member, parameter, 3) of every step before it."""

    step: int
    states: Array
    extremes: list[Array]


def _advance(
    folder: Store, shard: str, members: range, made: Iterator[Step], held: _Held, steps: int, checkpoint_steps: int
) -> None:
    """Go to the last of `steps`; each is written, and its extremes noted, while the next is computed."""
    from pipeline.steps.stepping import in_order

    def write(step: int, done: Step, states: Callable[[], Array] | None) -> None:
        keys = [step_key(number, step) for number in members]
        list(writers.map(partial(_write, folder), keys, done.fields()))  # which raises what one of them raised
        if done.statistics is not None:
            _write(folder, member_statistics.step_key(step), done.statistics())
        held.extremes.append(done.extremes())
        if states is not None:
            _save(folder, shard, step, states(), held.extremes)

    with _stopping() as stopped, ThreadPoolExecutor(_WRITERS) as writers, in_order() as hand_over:
        for step, done in zip(range(held.step, steps + 1), made, strict=False):
            stop = stopped.is_set()
            due = step % checkpoint_steps == 0 and held.step < step < steps
            states = done.states() if stop or due else None
            hand_over(partial(write, step, done, states))
            if stop and step < steps:
                raise StoppedError(f"members {shard} were stopped after step {step} of {steps}; run it again to go on")


@contextmanager
def _noted(store: Store, hour: Cycle, shard: str, model: DeviceEmulator, held: _Held) -> Iterator[Stopwatch]:
    """Note how a job has used its machine, whether it ends or is stopped."""
    from models.device import Stopwatch, name_of, peak_memory

    watch = Stopwatch(model.device)
    try:
        yield watch
    finally:
        seconds, busy = watch.read()
        host, device = peak_memory(model.device)
        members, stepped = len(held.states), max(len(held.extremes) - 1 - held.step, 0)
        job = Job(shard, name_of(model.device), members, members * stepped, seconds, busy, host, device)
        journal.note_job(store, hour, job)


def _complaints(extremes: Array) -> list[str]:
    """What is wrong with a member, of the (step, parameter, 3) extremes of all its steps."""
    return [
        reason for place, name in enumerate(PARAMETERS) for reason in complaints(blended()[name], *extremes[:, place].T)
    ]


def read_member(folder: Store, number: int, steps: Sequence[int]) -> Array:
    """(step, parameter, latitude, longitude) of a member; FileNotFoundError if it has not come so far."""
    return unpack(np.stack([_read(folder, step_key(number, step)) for step in steps]))


def read_statistics(folder: Store, step: int) -> Array:
    """(map, latitude, longitude) of a step over all members; FileNotFoundError unless one job had all of them."""
    return unpack(_read(folder, member_statistics.step_key(step)), member_statistics.PACKING)


def step_key(number: int, step: int) -> str:
    """Where a step of a member lies in the hour's folder of the model."""
    return f"{number:02d}/{step:03d}.npy"


def steps_of(deployment: Deployment, hour: Cycle, cycle: Cycle) -> int:
    """Steps from the analysis to the last lead of the hour."""
    return -(-(int(cycle.lead_hours(hour.init_time)) + deployment.config.last_lead_hours) // STEP_HOURS)


def load(settings: FourCastNetConfig, member_steps: int) -> tuple[DeviceEmulator, Array]:
    """The configured model on the best device that passes its check, and the standard deviation of each variable.

    ValueError for weights that are not allowed or do not fit, DeviceError without a device that can do `member_steps`.
    """
    import torch

    from models import weights
    from models.device import healthy_device
    from models.emulator import FourCastNet

    torch.set_num_threads(1)
    folder, allowed = folder_of(settings.package), {*settings.weights_sha256, weights.shipped_checksum()}
    package = weights.read(folder, allowed)
    device = healthy_device(member_steps * package.network.operations)
    if settings.model == "afno":
        lower = device.type == "cuda" and settings.precision == "bfloat16"
        if lower:
            torch.set_float32_matmul_precision("high")  # TF32 for what autocast leaves in float32: the transforms
        precision = torch.bfloat16 if lower else torch.float32
        return FourCastNet(package, device, precision=precision), package.scale
    from models import fourcastnet

    return fourcastnet.load(settings.model, str(folder), allowed, device), package.scale


def _read(store: Store, key: str) -> Any:
    return np.load(io.BytesIO(store.read(key)), allow_pickle=False)


def _write(store: Store, key: str, values: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, values)
    store.write(key, buffer.getvalue())


def _checkpoint(store: Store, shard: str) -> _Held | None:
    """The last states that were stored, if any were."""
    try:
        with _read(store, f"{shard}.npz") as held:
            step = int(held["step"])
            return _Held(step, held["states"], list(held["extremes"][:step]))
    except FileNotFoundError:
        return None


def _save(store: Store, shard: str, step: int, states: Array, extremes: Sequence[Array]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, step=step, states=states, extremes=np.stack(extremes))
    store.write(f"{shard}.npz", buffer.getvalue())


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that SIGTERM sets, such as two minutes before a Spot instance goes; only a main thread hears it."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGTERM, before)
