"""Publish an hour: check that it is whole, write where it comes from, move the pointer that readers follow."""

from __future__ import annotations

from lambdas.entry import entry
from lambdas.events import StageOfHour
from lambdas.shards import run_planned


@entry(StageOfHour)
def handler(asked: StageOfHour) -> dict[str, int]:
    """Run what is planned of the stage; ShardMayPass or ShardFailed."""
    return run_planned(asked, "publish")
