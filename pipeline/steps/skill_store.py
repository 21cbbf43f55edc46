"""The skill of an hour as it lies in storage: lead bins where they were last written, and a head that says where.

Decay multiplies weights by what follows from the time alone, so that a lead bin without a new pair stays as it lies.
The head is written last: without it there is no skill of that hour.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.science import skill as skills
from pipeline.science.skill import Skill, decay, decay_factors
from pipeline.science.skill_exchange import align_sources, from_dataset, join, to_dataset
from pipeline.steps import Deployment
from pipeline.store import arrays as store_arrays

CARRIED_HOURS = 24
"""Age of a lead bin's statistics at which they are written again, new pair or not: no head refers to older ones, so
that retention can go by the time alone."""


@dataclass(frozen=True)
class Known:
    """The skill of a parameter as of an hour, when each lead bin's statistics were written, the clusters' centres, and
    start and lead of the pairs whose truth is late.

    Of what nobody knows yet nothing is written, and there are no centres.
    """

    state: Skill
    written: dict[float, Cycle]
    centres: NDArray[np.float64] | None
    awaited: tuple[tuple[Cycle, int], ...] = ()


def nothing(state: Skill) -> Known:
    """A state that knows nothing."""
    return Known(state, {}, None)


def read(deployment: Deployment, name: str, hour: Cycle, parts: Collection[str] | None = None) -> Known:
    """What `write` has kept of a parameter at an hour, weights decayed to it; FileNotFoundError if nothing.

    parts: the statistics that are read, all if not given; of the others nothing is known.
    """
    head = json.loads(deployment.store.read(paths.skill_head(name, hour)))
    written = {float(lead): Cycle.parse(when) for lead, when in zip(head["lead_bins"], head["written"], strict=True)}
    states = [
        _part(deployment, name, when, hour, [lead for lead, other in written.items() if other == when], parts)
        for when in sorted(set(written.values()))
    ]
    state = join([align_sources(part, tuple(head["sources"])) for part in states])
    centres = None if head["centres"] is None else np.array(head["centres"], np.float64)
    awaited = tuple((Cycle.parse(start), lead) for start, lead in head.get("awaited", []))  # older ones have none
    return Known(state, written, centres, awaited)


def mean_square(
    deployment: Deployment, name: str, hour: Cycle, sources: tuple[str, ...], leads: Sequence[int]
) -> NDArray[np.float64]:
    """(source, lead) mean square error of a parameter as known at an hour, NaN of what was not learnt then.

    FileNotFoundError if nothing was known.
    """
    state = align_sources(read(deployment, name, hour, ("mean", "square", "weight")).state, sources)
    known = dict(zip(state.lead_bins, skills.mean_square(state).T, strict=True))
    unknown = np.full(len(sources), np.nan)
    return np.stack([known.get(lead, unknown) for lead in leads], axis=1)


def _part(
    deployment: Deployment, name: str, when: Cycle, hour: Cycle, leads: list[float], parts: Collection[str] | None
) -> Skill:
    """Lead bins as they were written at `when`, decayed to `hour`."""
    key, names = paths.skill(name, when), None if parts is None else (*parts, "pool_of_place")
    place = np.flatnonzero(np.isin(store_arrays.read_one(deployment.store, key, "lead_bin"), leads))
    stored = store_arrays.read(deployment.store, key, names, lead_bin=place)
    return decay(from_dataset(stored), decay_factors(tuple(leads), when.lead_hours(hour.init_time)))


def write(deployment: Deployment, hour: Cycle, known: dict[str, Known], fresh: Collection[float]) -> None:
    """Keep what is known of some parameters at an hour, all of them or none.

    fresh: lead bins with a new pair; of the others those stay where they lie that were `written` not long ago.
    """
    heads = {}
    for name, part in known.items():
        kept = {
            lead: when
            for lead, when in part.written.items()
            if lead not in fresh and hour - CARRIED_HOURS <= when < hour
        }
        new = [lead for lead in part.state.lead_bins if lead not in kept]
        if new:
            _write_bins(deployment, paths.skill(name, hour), to_dataset(part.state).sel(lead_bin=new))
        heads[name] = {
            "sources": part.state.sources, "lead_bins": part.state.lead_bins,
            "written": [str(kept.get(lead, hour)) for lead in part.state.lead_bins],
            "centres": None if part.centres is None else part.centres.tolist(),
            "awaited": [[str(start), lead] for start, lead in part.awaited],
        }  # fmt: skip
    for name, head in heads.items():
        deployment.store.write(paths.skill_head(name, hour), json.dumps(head).encode())


def _write_bins(deployment: Deployment, key: str, data: xr.Dataset) -> None:
    for name in ("mean", "square"):
        shape = data[name].shape
        data[name].encoding["chunks"] = (shape[0], 1, shape[2])  # for who reads some of the lead bins only
    store_arrays.write(deployment.store, key, data)


def newest(deployment: Deployment, names: Collection[str], before: Cycle) -> Cycle | None:
    """The newest hour before `before` at which the skill of all `names` was kept."""
    earlier = sorted(Cycle.parse(name) for name in deployment.store.list_folders("skill"))
    for cycle in reversed([cycle for cycle in earlier if cycle < before]):
        if all(deployment.store.exists(paths.skill_head(name, cycle)) for name in names):
            return cycle
    return None
