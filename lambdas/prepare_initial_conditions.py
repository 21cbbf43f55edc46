"""Make the state that the ensemble starts from of the newest analysis, before a GPU is taken."""

from __future__ import annotations

from lambdas.entry import entry
from lambdas.events import StageOfHour
from lambdas.shards import run_planned


@entry(StageOfHour)
def handler(asked: StageOfHour) -> dict[str, int]:
    """Run what is planned of the stage; ShardMayPass or ShardFailed."""
    return run_planned(asked, "initialise")
