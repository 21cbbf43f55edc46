"""At the deadline of an hour: raise the alarm unless it is published; wait no longer for what it can do without."""

from __future__ import annotations

from typing import Any

from lambdas.entry import count, entry, store
from lambdas.events import Tick
from lambdas.publication import begin_publication, is_published
from lambdas.subscribers import tell
from pipeline import worklist
from pipeline.stages import PUBLICATION, needed


@entry(Tick)
def handler(tick: Tick) -> dict[str, Any]:
    """Say that the hour is late and what it waits for, and publish it if that is suppliers alone.

    Nothing, if it or a newer one is published. Half an hour never is: without its bands the one before stays.
    """
    if is_published(tick.hour):
        return {"hour": str(tick.hour), "outcome": "in time"}
    count("DeadlinesMissed")
    waiting = worklist.unfinished(store(), tick.hour)
    said: dict[str, Any] = {"hour": str(tick.hour), "outcome": "late", "waits_for": waiting[0]}
    if len(waiting) == 1 or needed() & set(waiting) != {PUBLICATION}:
        return tell(said)
    told = tell(said | {"published_without": waiting[:-1]})
    begin_publication(tick.hour)
    return told
