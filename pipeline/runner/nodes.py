"""One stage of an hour on the nodes of a job that has several: a dask cluster, as long as the job."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import dask
from distributed import LocalCluster
from distributed.utils import get_ip

from pipeline.cycle import Cycle
from pipeline.runner import PASSING, StageError, run
from pipeline.runner.pool import KEEP_MEMORY, THREAD_VARIABLES, workers
from pipeline.runner.progress import watched
from pipeline.runner.worker import Exit
from pipeline.stages import Stage, stage
from pipeline.steps import Deployment

PORT = 8786
_SILENT_SECONDS = 60
"""After so long without a heartbeat a worker counts as lost, and its shards are others'."""
_JOIN_SECONDS = 300
"""A node that has found no scheduler by then gives up: node 0 has ended, or never began."""


def attend(store: str, cycle: str, stage_name: str, node: int, main: str | None, processes: int) -> Exit:
    """What node `node` of the job does, with so many worker processes: 0 schedules the stage's shards, and all work.

    `main` is node 0's address, its own if None. What other nodes are lost is made again by those that are left; a shard
    is marked in the journal as everywhere, so that the job may be repeated. Problems go to stderr.
    """
    try:
        hour, row = Cycle.parse(cycle), stage(stage_name)
        deployment = Deployment.in_store(store)
    except (ValueError, KeyError) as error:
        print(f"hourcast: {error.args[0]}", file=sys.stderr)
        return Exit.BAD_INPUT
    except OSError as error:
        print(f"hourcast: {error}", file=sys.stderr)
        return Exit.MAY_PASS
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(row.vcpus)) | KEEP_MEMORY)  # dask heeds them, too
    if node:
        _join(f"tcp://{main}:{PORT}", row, processes)
    return _lead(deployment, hour, row, main or get_ip(), processes)


def _join(scheduler: str, row: Stage, processes: int) -> NoReturn:
    """Become workers of node 0 until it lets go."""
    options = {
        "nworkers": processes, "nthreads": 1, "memory-limit": f"{row.memory_mib}MiB",
        "death-timeout": _JOIN_SECONDS,
    }  # fmt: skip
    said = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--no-dashboard", *said]
    os.execv(sys.executable, command)


def _lead(deployment: Deployment, hour: Cycle, row: Stage, address: str, processes: int) -> Exit:
    """Have the shards of the stage run by whoever joins, this node's own workers among them."""
    dask.config.set({"distributed.scheduler.worker-ttl": f"{_SILENT_SECONDS}s"})
    try:
        cluster = LocalCluster(
            n_workers=processes, threads_per_worker=1, memory_limit=f"{row.memory_mib}MiB", host=address,
            scheduler_port=PORT, dashboard_address=None,
        )  # fmt: skip
        with (
            cluster,
            workers(processes, [], cluster.scheduler_address) as pool,
            watched(f"Hour {hour}, {row.name} on {cluster.scheduler_address}") as watcher,
        ):
            run(deployment, [hour], pool, watcher, [row])
    except (StageError, OSError) as error:
        print(f"hourcast: {error}", file=sys.stderr)
        return Exit.MAY_PASS if isinstance(error.__cause__ or error, PASSING) else Exit.WOULD_FAIL_AGAIN
    return Exit.DONE
