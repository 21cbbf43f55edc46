"""A step that notes which leads of a run it sees, through what a process keeps of runs."""

import json

from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.steps import Deployment
from pipeline.steps.inputs import native
from pipeline.steps.runs import contribution

NAME = "temperature_2m"


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return ["all"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    part = contribution(deployment, "gfs", hour)
    assert part is not None
    found = native(deployment, "gfs", part.cycle, parameter(NAME), part.cycle)
    assert found is not None
    seen = {"leads": found.valid_hours.tolist(), "values": found.values[:, 0].tolist()}
    deployment.store.write(f"work/{hour}/seen.json", json.dumps(seen).encode())
