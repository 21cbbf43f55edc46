"""A step that publishes: it checks that everything is there, then moves the pointer."""

import json

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.steps import Deployment


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return ["all"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    found = [info.key for info in deployment.store.list(paths.forecast(hour))]
    if len(found) != 6:
        raise ValueError(f"expected 6 parts; found {found}")
    pointer = json.dumps({"init_time": str(hour), "path": paths.forecast(hour)}).encode()
    deployment.store.update(paths.LATEST, lambda old: pointer)
