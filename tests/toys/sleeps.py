"""A step that takes too long, the first time."""

import time

from pipeline.cycle import Cycle
from pipeline.steps import Deployment


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return ["long"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    if deployment.store.write_new(f"work/{hour}/slept", b""):
        time.sleep(60)
