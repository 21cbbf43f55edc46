"""A step whose process dies in the middle of a shard, the first time."""

import os
import signal

from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from tests.toys.work import run as work


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return ["a", "b", "c"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    if shard == "b" and deployment.store.write_new(f"work/{hour}/died", b""):
        os.kill(os.getpid(), signal.SIGKILL)
    work(deployment, hour, shard)
