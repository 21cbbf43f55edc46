"""A step that takes more memory than there is, the first time."""

from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from tests.toys.work import run as work


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    return ["a", "b"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    if shard == "b" and deployment.store.write_new(f"work/{hour}/grew", b""):
        held = [bytearray(b"x" * 2**24) for _ in range(256)]
        raise RuntimeError(f"this machine has the {len(held)} x 16 MiB that it should not have had")
    work(deployment, hour, shard)
