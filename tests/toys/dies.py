"""A step whose process dies in one shard, as often as it is tried."""

import os
import signal

from pipeline.cycle import Cycle
from pipeline.steps import Deployment


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return ["whole", "hostile"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    if shard == "hostile":
        os.kill(os.getpid(), signal.SIGSEGV)
