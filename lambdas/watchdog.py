"""At the deadline of an hour: raise the alarm unless it is published; wait no longer for what it can do without."""

from __future__ import annotations

import json
import os
from typing import Any

from lambdas.entry import client, count, entry, store
from lambdas.events import Tick
from lambdas.notify import tell
from pipeline import paths, worklist
from pipeline.cycle import Cycle
from pipeline.stages import PUBLICATION, STAGES, needed


@entry(Tick)
def handler(tick: Tick) -> dict[str, Any]:
    """Say that the hour is late and what it waits for, and publish it if that is suppliers alone.

    Nothing, if it or a newer one is published. Half an hour never is: without its bands the one before stays.
    """
    if newest_published() >= str(tick.hour):
        return {"hour": str(tick.hour), "outcome": "in time"}
    count("DeadlinesMissed")
    waiting = unfinished(tick.hour)
    said: dict[str, Any] = {"hour": str(tick.hour), "outcome": "late", "waits_for": waiting[0]}
    if len(waiting) == 1 or needed() & set(waiting) != {PUBLICATION}:
        return tell(said)
    told = tell(said | {"published_without": waiting[:-1]})
    publish(tick.hour)
    return told


def newest_published() -> str:
    """The newest published hour, empty before the first."""
    try:
        return str(Cycle.parse(json.loads(store().read(paths.LATEST))["init_time"]))
    except FileNotFoundError:
        return ""


def unfinished(hour: Cycle) -> list[str]:
    """The stages up to publication that are not whole, in the order of the table."""
    names = [row.name for row in STAGES]
    return [name for name in names[: names.index(PUBLICATION) + 1] if not _is_whole(hour, name)]


def _is_whole(hour: Cycle, stage: str) -> bool:
    try:
        return not worklist.missing(store(), hour, stage)
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
