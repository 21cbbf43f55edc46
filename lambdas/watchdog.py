"""At the deadline of an hour: raise the alarm unless it is published."""

from __future__ import annotations

import json
from typing import Any

from lambdas.entry import count, entry, store
from lambdas.events import Tick
from lambdas.notify import tell
from pipeline import paths, worklist
from pipeline.cycle import Cycle
from pipeline.stages import STAGES


@entry(Tick)
def handler(tick: Tick) -> dict[str, Any]:
    """Say that the hour is late, and which stage it waits for; nothing, if it or a newer one is published."""
    if newest_published() >= str(tick.hour):
        return {"hour": str(tick.hour), "outcome": "in time"}
    count("DeadlinesMissed")
    return tell({"hour": str(tick.hour), "outcome": "late", "waits_for": waits_for(tick.hour)})


def newest_published() -> str:
    """The newest published hour, empty before the first."""
    try:
        return str(Cycle.parse(json.loads(store().read(paths.LATEST))["init_time"]))
    except FileNotFoundError:
        return ""


def waits_for(hour: Cycle) -> str:
    """The first stage that is not whole."""
    for row in STAGES:
        try:
            if worklist.missing(store(), hour, row.name):
                return row.name
        except FileNotFoundError:
            return row.name
    return ""
