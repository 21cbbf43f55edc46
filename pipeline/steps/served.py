"""What serves an hour: which run of each source, and which ensembles.

Sources come at any time, also while an hour is made: late from their centre, or from the cluster. So `decide` notes
what has come before anything is made of it, and all tiles and stages of the hour read that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.inputs import Contribution, contribution
from pipeline.store import Store


def decide(deployment: Deployment, hour: Cycle) -> None:
    """Note what has come by now, unless that has been noted; while no run has come nothing is, as one yet may."""
    if deployment.store.exists(_key(hour)):
        return
    runs = _come(deployment, hour)
    if runs:
        noted = {"runs": {name: str(part.cycle) for name, part in runs.items()}, "ensembles": _whole(deployment, hour)}
        deployment.store.write_new(_key(hour), json.dumps(noted).encode())  # another worker may have been first


def arrived(deployment: Deployment, hour: Cycle) -> Mapping[str, Contribution]:
    """What serves the hour of each source that has arrived, by name, in the configured order: as it was decided, else
    as it is now."""
    noted = _noted(deployment, hour)
    if noted is None:
        return _come(deployment, hour)
    cycles = {name: Cycle.parse(text) for name, text in noted["runs"].items()}
    return {name: Contribution(name, cycle, round(cycle.lead_hours(hour.init_time))) for name, cycle in cycles.items()}


def ensembles(deployment: Deployment, hour: Cycle) -> list[str]:
    """Configured ensembles whose members are all written at the hour, in the configured order: as it was decided, else
    as it is now."""
    noted = _noted(deployment, hour)
    return _whole(deployment, hour) if noted is None else list(noted["ensembles"])


def _come(deployment: Deployment, hour: Cycle) -> dict[str, Contribution]:
    found = {name: contribution(deployment, name, hour) for name in deployment.config.sources}
    return {name: part for name, part in found.items() if part is not None}


def _whole(deployment: Deployment, hour: Cycle) -> list[str]:
    names = [name for name in deployment.config.sources if SOURCES[name].role == "ensemble"]
    return [name for name in names if is_whole(deployment.store, name, hour)]


def is_whole(store: Store, name: str, hour: Cycle) -> bool:
    """Whether an ensemble's record is there, which is written last: else members are still to come, or never will."""
    return store.exists(paths.input_record(name, hour))


def _noted(deployment: Deployment, hour: Cycle) -> dict[str, Any] | None:
    try:
        noted: dict[str, Any] = json.loads(deployment.store.read(_key(hour)))
    except FileNotFoundError:
        return None
    return noted


def _key(hour: Cycle) -> str:
    return paths.work(hour, "served.json")
