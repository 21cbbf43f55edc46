"""Integrate: a slice of the ensemble's members from their perturbed initial states to the last lead.

Every step is stored when it is done and the whole state every few steps, so that a job that is stopped, by a signal or
by a power cut, continues where it was and leaves the same bytes.
"""

from __future__ import annotations

import io
import itertools
import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.inputs import folder_of
from models.perturbation import seed_of
from models.variables import VARIABLES
from pipeline import paths
from pipeline.config import FourCastNetConfig
from pipeline.cycle import Cycle
from pipeline.parameters import blended
from pipeline.science.sanity import complaints
from pipeline.sources.fourcastnet import PARAMETERS, STEP_HOURS
from pipeline.steps import Deployment
from pipeline.steps.initial_state import MODEL
from pipeline.steps.initial_state import read as read_initial
from pipeline.steps.perturbed import perturbed
from pipeline.store import Store

if TYPE_CHECKING:
    from models.base import Emulator

Array = NDArray[np.float32]

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

    A file a member and step, (parameter, latitude, longitude) on the model's grid, and last the record that judges
    them. FileNotFoundError without initial conditions; StoppedError after SIGTERM.
    """
    settings = deployment.config.fourcastnet
    assert settings is not None
    folder = deployment.store.child(paths.work(hour, MODEL))
    if folder.exists(f"{shard}.json"):
        return
    initial = read_initial(deployment, hour)
    steps, (model, scale) = steps_of(deployment, hour, initial.cycle), load(settings)
    seeds = {number: seed_of(str(initial.cycle), number) for number in members_of(shard)}
    done, states = _checkpoint(folder, shard)
    if states is None:
        states = perturbed(model, initial, scale, settings, list(seeds))
    began = time.perf_counter()
    with _stopping() as stopped:
        for step, after in zip(range(done, steps + 1), model.run(states, seeds=list(seeds.values())), strict=False):
            for number, fields in zip(seeds, kept(after, model.variables), strict=True):
                _write(folder, step_key(number, step), fields)
            if stopped.is_set() or step % settings.checkpoint_steps == 0:
                _save(folder, shard, step, after)
            if stopped.is_set() and step < steps:
                raise StoppedError(f"members {shard} were stopped after step {step} of {steps}; run it again to go on")
    seconds = (time.perf_counter() - began) / max((steps - done) * len(seeds), 1)
    implausible = {number: _judged(folder, number, steps, model.latitude) for number in seeds}
    record = {"model": settings.model, "seconds_a_member_step": round(seconds, 5), "implausible": implausible}
    folder.write(f"{shard}.json", json.dumps(record, indent=1).encode())


def _judged(folder: Store, number: int, steps: int, latitude: NDArray[np.float64]) -> list[str]:
    """What is wrong with a member, of all its parameters and steps."""
    fields, area = read_member(folder, number, range(steps + 1)), np.cos(np.deg2rad(latitude))
    return [
        reason
        for place, name in enumerate(PARAMETERS)
        for reason in complaints(blended()[name], fields[:, place], area)
    ]


def read_member(folder: Store, number: int, steps: Sequence[int]) -> Array:
    """(step, parameter, latitude, longitude) of a member; FileNotFoundError if it has not come so far."""
    return np.stack([_read(folder, step_key(number, step)) for step in steps])


def step_key(number: int, step: int) -> str:
    """Where a step of a member lies in the hour's folder of the model."""
    return f"{number:02d}/{step:03d}.npy"


def steps_of(deployment: Deployment, hour: Cycle, cycle: Cycle) -> int:
    """Steps from the analysis to the last lead of the hour."""
    return -(-(int(cycle.lead_hours(hour.init_time)) + deployment.config.last_lead_hours) // STEP_HOURS)


def load(settings: FourCastNetConfig) -> tuple[Emulator, Array]:
    """The configured model on the best device that passes its check, and the standard deviation of each variable."""
    import torch

    from models import weights
    from models.device import healthy_device
    from models.emulator import FourCastNet

    torch.set_num_threads(1)
    device, allowed = healthy_device(), {*settings.weights_sha256, weights.shipped_checksum()}
    folder = folder_of(settings.package)
    package = weights.read(folder, allowed)
    if settings.model == "afno":
        return FourCastNet(package, device), package.scale
    from models import fourcastnet

    return fourcastnet.load(settings.model, str(folder), allowed, device), package.scale


def kept(states: Array, variables: Sequence[str]) -> Array:
    """(member, parameter, latitude, longitude) PARAMETERS in the catalogue's units; ValueError if one cannot be had."""
    by_name = {VARIABLES[name].parameter: (place, VARIABLES[name].factor) for place, name in enumerate(variables)}
    out = np.empty((len(states), len(PARAMETERS), *states.shape[2:]), np.float32)
    for place, name in enumerate(PARAMETERS):
        if name == "wind_speed_10m":
            east, north = (PARAMETERS.index(f"{part}_wind_10m") for part in ("eastward", "northward"))
            np.hypot(out[:, east], out[:, north], out=out[:, place])
        elif name in by_name:
            source, factor = by_name[name]
            out[:, place] = states[:, source] / np.float32(factor)
        else:
            raise ValueError(f"the model does not forecast {name}; it has {', '.join(variables)}")
    return out


def _read(store: Store, key: str) -> Any:
    return np.load(io.BytesIO(store.read(key)), allow_pickle=False)


def _write(store: Store, key: str, values: Array) -> None:
    buffer = io.BytesIO()
    np.save(buffer, values)
    store.write(key, buffer.getvalue())


def _checkpoint(store: Store, shard: str) -> tuple[int, Array | None]:
    """The step of the last stored states and these; 0 and None if there are none."""
    try:
        with _read(store, f"{shard}.npz") as held:
            return int(held["step"]), held["states"]
    except FileNotFoundError:
        return 0, None


def _save(store: Store, shard: str, step: int, states: Array) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, step=step, states=states)
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
