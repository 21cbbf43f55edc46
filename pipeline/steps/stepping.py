"""What becomes of the members' states on the device at every step, and a thread that writes beside computing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.device import Stopwatch, leaving
from models.variables import VARIABLES
from pipeline.sources.fourcastnet import PARAMETERS
from pipeline.steps.member_statistics import PACKING, of_ordered
from pipeline.steps.packing import pack, unpack_there

if TYPE_CHECKING:
    from models.emulator import DeviceEmulator

Array = NDArray[np.float32]

WAITING = 2
"""Steps that may wait to be written; then computing waits, so that memory does not grow."""


@dataclass(frozen=True)
class Step:
    """One step of the members, on its way to the host; each part waits until it is there.

    `fields`: (member, parameter, latitude, longitude) PARAMETERS, packed; `extremes`: (member, parameter, 3) their
    lowest and highest values and their means over the sphere, before that; `statistics`: (map, latitude, longitude)
    over the members, packed, if they are all of the ensemble's; `states`: as the model has them.
    """

    fields: Callable[[], NDArray[Any]]
    extremes: Callable[[], NDArray[Any]]
    statistics: Callable[[], NDArray[Any]] | None
    states: Callable[[], Callable[[], NDArray[Any]]]


def stepping(
    model: DeviceEmulator, states: Array, start: datetime, seeds: Sequence[int], watch: Stopwatch, *,
    whole: bool = False,
) -> Iterator[Step]:  # fmt: skip
    """The given states, valid at `start`, and every later one, for ever; only what is kept leaves the device.

    whole: these are all members of the ensemble, so statistics over them are made, too.
    """
    run = model.steps(torch.as_tensor(states, device=model.device), start=start, seeds=seeds)
    area = torch.as_tensor(np.cos(np.deg2rad(model.latitude)), device=model.device)
    while True:
        with watch.working():
            after = next(run)
            fields = kept(after, model.variables)
            found = extremes(fields, area)
            packed = pack(fields)
            ordered = unpack_there(packed.sort(0).values) if whole else None
            maps = None if ordered is None else pack(torch.stack(of_ordered(ordered)), PACKING)
        yield Step(leaving(packed), leaving(found), None if maps is None else leaving(maps), partial(leaving, after))


def kept(states: Tensor, variables: Sequence[str]) -> Tensor:
    """(member, parameter, latitude, longitude) PARAMETERS in the catalogue's units; ValueError if one cannot be had."""
    by_name = {VARIABLES[name].parameter: (place, VARIABLES[name].factor) for place, name in enumerate(variables)}
    out = states.new_empty((len(states), len(PARAMETERS), *states.shape[2:]))
    for place, name in enumerate(PARAMETERS):
        if name == "wind_speed_10m":
            east, north = (PARAMETERS.index(f"{part}_wind_10m") for part in ("eastward", "northward"))
            torch.hypot(out[:, east], out[:, north], out=out[:, place])
        elif name in by_name:
            source, factor = by_name[name]
            out[:, place] = states[:, source] / factor
        else:
            raise ValueError(
                f"the model does not forecast {name}, which is kept of every member; choose another package: this one "
                f"has {', '.join(variables)}"
            )
    return out


def extremes(fields: Tensor, area: Tensor) -> Tensor:
    """(..., 3) lowest, highest and mean over the sphere of (..., latitude, longitude); NaN where any value is.

    area: (latitude,) weights of the rows, in any unit.
    """
    mean = fields.mean(-1, dtype=torch.float64) @ area / area.sum()
    return torch.stack([fields.amin((-2, -1)).double(), fields.amax((-2, -1)).double(), mean], -1)


@contextmanager
def in_order(waiting: int = WAITING) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Do jobs one after the other on one thread; nothing is done after one that failed.

    Handing over waits while as many jobs wait; it raises a job's error, or else the end of the block does, which waits
    for all.
    """
    pending: deque[Future[None]] = deque()
    failed = False

    def do(job: Callable[[], None]) -> None:
        nonlocal failed
        if failed:
            return
        try:
            job()
        except BaseException:
            failed = True
            raise

    def hand_over(job: Callable[[], None]) -> None:
        while len(pending) > waiting:
            pending.popleft().result()
        pending.append(thread.submit(do, job))

    with ThreadPoolExecutor(1) as thread:
        try:
            yield hand_over
        finally:
            while pending:
                pending.popleft().result()
