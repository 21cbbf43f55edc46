"""Shards that a function runs itself; their stage is imported where there is one to run."""

from __future__ import annotations

import os

from lambdas.entry import count, store
from lambdas.events import StageOfHour
from pipeline import worklist


class ShardMayPass(Exception):
    """Storage or network failed; the state machine calls again."""


class ShardFailed(Exception):
    """It would fail again; the log says why."""


def run_planned(asked: StageOfHour, stage: str) -> dict[str, int]:
    """Run every planned shard of the one stage that the function is for, and say how many there are.

    ValueError for another stage; finished shards are not run again.
    """
    if asked.stage != stage:
        raise ValueError(f"expected the stage {stage}; found {asked.stage}")
    shards = worklist.read(store(), asked.hour, stage)
    for shard in shards:
        _run(asked, shard)
    count("ShardsRun", len(shards))
    return {"shards": len(shards)}


def _run(asked: StageOfHour, shard: str) -> None:
    from pipeline.runner.worker import Exit, run_one

    code = run_one(os.environ["HOURCAST_STORE"], str(asked.hour), asked.stage, shard)
    if code is not Exit.DONE:
        error = ShardMayPass if code is Exit.MAY_PASS else ShardFailed
        raise error(f"{asked.hour} stage {asked.stage}, shard {shard}: {code.name}")
