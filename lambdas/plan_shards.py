"""Plan a stage: list its shards for the workers. Imports the stage, so it is no light function."""

from __future__ import annotations

import os

from lambdas.entry import entry
from lambdas.events import StageOfHour
from pipeline.runner.worker import plan
from pipeline.stages import stage


@entry(StageOfHour)
def handler(asked: StageOfHour) -> dict[str, int]:
    """Say how many shards there are."""
    return {"shards": plan(os.environ["HOURCAST_STORE"], asked.hour, stage(asked.stage))}
