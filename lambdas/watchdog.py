"""At the deadline of an hour: raise the alarm unless it is published; wait no longer for what it can do without."""

from __future__ import annotations

import json
import os
from typing import Any

from lambdas.entry import client, count, entry, store
from lambdas.events import Tick
from lambdas.subscribers import tell
from pipeline import journal, worklist
from pipeline.cycle import Cycle
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
    publish(tick.hour)
    return told


def is_published(hour: Cycle) -> bool:
    """Whether this hour, or a newer one, is what readers see."""
    try:
        return journal.newest_published(store()).init_time >= hour.init_time
    except FileNotFoundError:
        return False


def publish(hour: Cycle) -> None:
    """Plan and begin the publication, as the state machine will after us: what is done then is not done again."""
    payload = json.dumps({"hour": str(hour), "stage": PUBLICATION}).encode()
    invoke = client("lambda").invoke
    planned = invoke(FunctionName=os.environ["PLAN_FUNCTION"], Payload=payload)
    if "FunctionError" in planned:
        raise RuntimeError(f"{hour} could not be planned for publication: {planned['Payload'].read().decode()}")
    invoke(FunctionName=os.environ["PUBLISH_FUNCTION"], Payload=payload, InvocationType="Event")
