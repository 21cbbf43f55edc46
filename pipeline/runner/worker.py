"""One shard of an hour in a process of its own, chosen by number: what a job of a batch system runs."""

from __future__ import annotations

import os
import sys
import traceback
from enum import IntEnum

from pipeline import journal, worklist
from pipeline.cycle import Cycle
from pipeline.runner import PASSING, list_shards, run_shard
from pipeline.stages import Stage, stage
from pipeline.steps import Deployment


class Exit(IntEnum):
    """Why a worker ended; a batch system repeats MAY_PASS (EX_TEMPFAIL of sysexits.h) and nothing else."""

    DONE = 0
    WOULD_FAIL_AGAIN = 1
    BAD_INPUT = 2
    MAY_PASS = 75


def plan(store: str, hour: Cycle, row: Stage) -> int:
    """List the unfinished shards of a stage for its workers, and say how many; ConfigError, StoreError."""
    deployment = Deployment.in_store(store)
    journal.begin(deployment.store, hour)
    finished = journal.finished_shards(deployment.store, hour, row.name)
    shards = [shard for shard in list_shards(deployment, hour, row) if shard not in finished]
    worklist.write(deployment.store, hour, row.name, shards)
    return len(shards)


def run_one(store: str, cycle: str, stage_name: str, which: int | str) -> Exit:
    """Run the shard of this name, or the planned one of this number, unless it is finished; problems go to stderr."""
    try:
        hour, row = Cycle.parse(cycle), stage(stage_name)
        deployment = Deployment.in_store(store)
        shard = which if isinstance(which, str) else _planned(deployment, hour, row, which)
        if shard in journal.finished_shards(deployment.store, hour, row.name):
            return Exit.DONE
    except (ValueError, KeyError, FileNotFoundError) as error:
        print(f"hourcast: {error.args[0]}", file=sys.stderr)
        return Exit.BAD_INPUT
    except OSError as error:
        print(f"hourcast: {error}", file=sys.stderr)
        return Exit.MAY_PASS
    try:
        run_shard(deployment, hour, row, shard, int(os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1")))
    except Exception as error:
        traceback.print_exc()
        print(f"hourcast: {hour} stage {row.name}, {row.shard_rule} {shard!r} failed: {error}", file=sys.stderr)
        return Exit.MAY_PASS if isinstance(error, PASSING) else Exit.WOULD_FAIL_AGAIN
    return Exit.DONE


def _planned(deployment: Deployment, hour: Cycle, row: Stage, index: int) -> str:
    shards = worklist.read(deployment.store, hour, row.name)
    if index >= len(shards):
        raise ValueError(f"{hour} stage {row.name} has {len(shards)} shards; found index {index}")
    return shards[index]
