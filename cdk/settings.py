"""What differs between deployments of the stacks: `dev` and `prod`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cdk.cluster.settings import Cluster

Processor = Literal["x86_64", "arm64"]
CPU_FAMILIES: dict[Processor, tuple[str, ...]] = {
    "x86_64": ("c7a", "m7a", "c7i", "m7i"), "arm64": ("c8g", "m8g", "c7g", "m7g"),
}  # fmt: skip
"""Batch takes the cheapest of them that are likely to stay; a queue has machines of one processor only."""


@dataclass(frozen=True)
class Settings:
    """One deployment: sizes, how long things are kept, who is told, what it may cost a month."""

    stage: Literal["dev", "prod"]
    maximum_vcpus: int
    maximum_gpu_vcpus: int
    monthly_budget_dollars: int
    keep_versions_days: int
    archive_after_days: int
    email: str = ""
    """Told of published, late and failed hours and of the budget; nobody if empty."""
    customers: tuple[str, ...] = ()
    """Account numbers that may read what is published."""
    export_buckets: tuple[str, ...] = ()
    """Customers' own buckets that `forecast.yaml` orders exports to; each also has to let the export's job in."""
    blend_nodes: int = 0
    """Machines, on demand, that share the bands of `forecast` as a dask cluster; an array job, on Spot first, if 0."""
    processor: Processor = "x86_64"
    """Of functions, and of jobs without a GPU. One for all, for an hour's bytes are those of one kind of processor;
    `hourcast cost` says from what speed on Graviton, arm64, is the cheaper one."""
    requester_pays: bool = False
    """Whether customers read as their own accounts, which then pay for requests and transfer, or by roles of ours."""
    cluster: Cluster | None = None
    """Where physics models run; nothing that costs while it is idle if None."""


SETTINGS = {
    "dev": Settings("dev", 64, 16, 200, 1, 7),
    "prod": Settings("prod", 1024, 192, 15_000, 7, 30, blend_nodes=4),
}
