"""Judge a stage by what is in the store: every planned shard is finished, or the stage is not."""

from __future__ import annotations

from typing import Any

from lambdas.entry import count, entry, logger, store
from lambdas.events import StageOfHour
from pipeline import journal, worklist
from pipeline.stages import STAGES


class StageIncomplete(Exception):
    """Shards are missing; the state machine repeats the stage or goes on without it."""


@entry(StageOfHour)
def handler(asked: StageOfHour) -> dict[str, Any]:
    """Raise StageIncomplete naming what is missing; mark the hour as finished when every stage is."""
    missing = worklist.missing(store(), asked.hour, asked.stage)
    count("ShardsMissing", len(missing))
    if missing:
        logger.error("stage incomplete", hour=str(asked.hour), stage=asked.stage, missing=missing)
        shown = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise StageIncomplete(f"{asked.hour} stage {asked.stage} lacks {len(missing)} shards: {shown}")
    if all(worklist.is_whole(store(), asked.hour, row.name) for row in reversed(STAGES)):
        journal.finish(store(), asked.hour)
    return {"stage": asked.stage, "shards": len(worklist.read(store(), asked.hour, asked.stage))}
