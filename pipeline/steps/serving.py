"""Which runs serve an hour: decided once, so that all tiles, a resumed run and what is told of the hour agree.

Runs come at any time: a late one is brought in ahead of the next hour, and a model on the cluster ends when it ends.
Half of the tiles would have what the others have not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from pipeline.steps.inputs import Contribution, contribution
from pipeline.store import Store


def settle(deployment: Deployment, hour: Cycle) -> None:
    """What has arrived serves the hour, unless that is settled already; asked once all suppliers have ended."""
    found = {
        name: [str(run) for run in (part.cycle, part.longer) if run]
        for name, part in _arrived(deployment, hour).items()
    }
    deployment.store.write_new(_key(hour), json.dumps(found).encode())


def serving(deployment: Deployment, hour: Cycle) -> dict[str, Contribution]:
    """What serves the hour of each source, by name, in the configured order; what has arrived if nothing is settled."""
    try:
        known = _settled(deployment.store, hour)
    except FileNotFoundError:
        return _arrived(deployment, hour)
    return {name: known[name] for name in deployment.config.sources if name in known}


def _arrived(deployment: Deployment, hour: Cycle) -> dict[str, Contribution]:
    found = {name: contribution(deployment, name, hour) for name in deployment.config.sources}
    return {name: part for name, part in found.items() if part is not None}


@lru_cache(maxsize=64)
def _settled(store: Store, hour: Cycle) -> Mapping[str, Contribution]:
    """FileNotFoundError, which is not kept, until it is."""
    found = {name: map(Cycle.parse, runs) for name, runs in json.loads(store.read(_key(hour))).items()}
    return {
        name: Contribution(name, cycle, round(cycle.lead_hours(hour.init_time)), *longer)
        for name, (cycle, *longer) in found.items()
    }


def _key(hour: Cycle) -> str:
    return paths.work(hour, "serving.json")
