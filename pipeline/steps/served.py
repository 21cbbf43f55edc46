"""What serves an hour: which run of each source, and which ensembles.

Sources come at any time, also while an hour is made: late from their centre, or from the cluster. So `decide` notes
what has come before anything is made of it, and all tiles and stages of the hour read that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.runs import Contribution, contribution
from pipeline.store import Store


@dataclass(frozen=True)
class _Noted:
    runs: Mapping[str, Contribution]
    ensembles: tuple[str, ...]


def decide(deployment: Deployment, hour: Cycle) -> None:
    """Note what has come by now, unless that has been noted; while no run has come nothing is, as one yet may."""
    if deployment.store.exists(_key(hour)):
        return
    runs = _come(deployment, hour)
    if runs:
        cycles = {name: [str(run) for run in (part.cycle, part.longer) if run] for name, part in runs.items()}
        noted = {"runs": cycles, "ensembles": _whole(deployment, hour)}
        deployment.store.write_new(_key(hour), json.dumps(noted).encode())  # another worker may have been first


def serving(deployment: Deployment, hour: Cycle) -> Mapping[str, Contribution]:
    """What serves the hour of each source that has arrived, by name, in the configured order: as it was decided, else
    as it is now."""
    try:
        runs = _noted(deployment.store, hour).runs
    except FileNotFoundError:
        return _come(deployment, hour)
    return {name: runs[name] for name in deployment.config.sources if name in runs}


def ensembles(deployment: Deployment, hour: Cycle) -> list[str]:
    """Configured ensembles whose members are all written at the hour, in the configured order: as it was decided, else
    as it is now."""
    try:
        return list(_noted(deployment.store, hour).ensembles)
    except FileNotFoundError:
        return _whole(deployment, hour)


def _come(deployment: Deployment, hour: Cycle) -> dict[str, Contribution]:
    found = {name: contribution(deployment, name, hour) for name in deployment.config.sources}
    return {name: part for name, part in found.items() if part is not None}


def _whole(deployment: Deployment, hour: Cycle) -> list[str]:
    names = [name for name in deployment.config.sources if SOURCES[name].role == "ensemble"]
    return [name for name in names if is_whole(deployment.store, name, hour)]


def is_whole(store: Store, name: str, hour: Cycle) -> bool:
    """Whether an ensemble's record is there, which is written last: else members are still to come, or never will."""
    return store.exists(paths.input_record(name, hour))


@lru_cache(maxsize=64)
def _noted(store: Store, hour: Cycle) -> _Noted:
    """What was decided; FileNotFoundError, which is not kept, until it is."""
    noted = json.loads(store.read(_key(hour)))
    cycles = {name: map(Cycle.parse, runs) for name, runs in noted["runs"].items()}
    runs = {
        name: Contribution(name, cycle, round(cycle.lead_hours(hour.init_time)), *longer)
        for name, (cycle, *longer) in cycles.items()
    }
    return _Noted(runs, tuple(noted["ensembles"]))


def _key(hour: Cycle) -> str:
    return paths.work(hour, "served.json")
