"""A step that fails for good in one shard, and counts its attempts in the other."""

from pipeline.cycle import Cycle
from pipeline.steps import Deployment


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return ["passing", "lasting"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    if shard == "passing" and deployment.store.write_new(f"work/{hour}/failed", b""):
        raise OSError("the network is away")
    if shard == "lasting" and not deployment.store.exists("repaired"):
        raise ValueError("expected rain; found snow")
