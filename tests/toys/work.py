"""A step that writes one object a shard, slowly enough to be interrupted."""

import time

from pipeline.cycle import Cycle
from pipeline.steps import Deployment


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return [f"part{i}" for i in range(6)]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    deployment.store.write(f"work/{hour}/begun/{shard}", b"")
    time.sleep(0.03)
    deployment.store.write(f"forecast/{hour}/{shard}", f"{hour} {shard}".encode() * 1000)
