"""A step of many shards, each of which says which process took it and takes a while."""

import os
import time

from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from tests.toys.work import run as work


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return [f"part{i:02}" for i in range(24)]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    deployment.store.write(f"work/{hour}/taken/{os.getpgid(0)}-{shard}", b"")
    time.sleep(0.3)
    work(deployment, hour, shard)
