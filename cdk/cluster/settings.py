"""What a cluster consists of, whichever service runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipeline.slurm import layouts

BackEnd = Literal["parallelcluster", "pcs"]
SUBMITTING_INSTANCE = "m7a.large"
"""Head node of ParallelCluster, login node of Parallel Computing Service: always on."""
IDLE_SECONDS = 600
"""A node without a job is kept for so long: the next step of a chain starts at once."""
ROOT_GIB = 100
MOUNT = "/fsx"
RUNS = "physics"
"""Folder of the file system, and of the deployment's bucket, that the runs of an hour lie in."""
OUTPUT = "output"
"""Folder of the file system with one of each customer, which goes to the customer's bucket."""


@dataclass(frozen=True)
class Queue:
    """A partition of Slurm: none to `maximum_nodes` machines of one type, in a placement group, with EFA.

    `network_cards` have an interface each: https://docs.aws.amazon.com/pcs/latest/userguide/working-with_networking_efa_create-lt.html
    """

    name: str
    instance: str
    cores: int
    maximum_nodes: int
    network_cards: int


HPC7A = (
    Queue("hpc7a", "hpc7a.96xlarge", 192, 16, 2),
    Queue("hpc7a-48", "hpc7a.24xlarge", 48, 8, 2),
)
"""The sizes cost the same; a smaller one has more memory and memory bandwidth a core, for models bound by it."""


@dataclass(frozen=True)
class Customer:
    """Who gets the output of runs in a bucket and by a key of its own: a name, and the account that may read it."""

    name: str
    account: str


@dataclass(frozen=True)
class Cluster:
    """A cluster of a deployment; ValueError for what AWS would refuse, or where a job of the table would not fit.

    `image` is the machine image of all nodes (see docs/cluster.md); `zone` says in which of the network's two zones
    they run, since HPC instances are in few.
    """

    back_end: BackEnd
    image: str
    zone: int = 0
    storage_gib: int = 1200
    queues: tuple[Queue, ...] = HPC7A
    customers: tuple[Customer, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"ami-[0-9a-f]{8,17}", self.image):
            raise ValueError(f"expected a machine image such as ami-0123456789abcdef0; found {self.image!r}")
        if self.storage_gib != 1200 and (self.storage_gib <= 0 or self.storage_gib % 2400):
            raise ValueError(f"expected 1200 or a multiple of 2400 GiB of Lustre; found {self.storage_gib}")
        for name in (*(queue.name for queue in self.queues), *(customer.name for customer in self.customers)):
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,24}", name):
                raise ValueError(f"expected a name of up to 25 small letters, digits and `-`; found {name!r}")
        self._check_jobs()

    def _check_jobs(self) -> None:
        queues = {queue.name: queue for queue in self.queues}
        for (model, step), layout in layouts().items():
            queue = queues.get(layout.partition or self.queues[0].name)
            cores = layout.ranks_per_node * layout.threads
            if queue is None or layout.nodes > queue.maximum_nodes or cores > queue.cores:
                raise ValueError(
                    f"{model} {step}: expected a queue {layout.partition} with {layout.nodes} nodes of {cores} cores; "
                    f"found {queue}"
                )


CONTROLLERS = {"SMALL": 32, "MEDIUM": 512, "LARGE": 2048}
"""Nodes that a controller of AWS Parallel Computing Service of each size manages, which its price follows."""


def controller_size(nodes: int) -> str:
    """The smallest controller for so many nodes; ValueError if there is none."""
    for name, most in CONTROLLERS.items():
        if nodes <= most:
            return name
    raise ValueError(f"expected at most {CONTROLLERS['LARGE']} nodes in all; found {nodes}")
