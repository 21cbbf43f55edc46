"""Tell who has subscribed that an hour is published (late or without some sources, if so) or has failed."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from lambdas.bills import count_bill
from lambdas.entry import count, entry, prepare, store
from lambdas.events import Outcome
from lambdas.subscribers import tell
from pipeline import paths

SHOWN = 100
"""Degradations in a message, which holds 256 KB; the manifest has all."""
prepare("dynamodb", "sns")


@entry(Outcome)
def handler(outcome: Outcome) -> dict[str, Any]:
    """Tell it once, however often called."""
    if outcome.outcome == "failed":
        return tell(message={"hour": str(outcome.hour), "outcome": "failed"})
    degradations = json.loads(store().read(paths.forecast(outcome.hour, "manifest.json")))["degradations"]
    late = outcome.ended > outcome.deadline
    count("HoursPublished")
    count("HoursLate", late)
    count("Degradations", len(degradations))
    count("MinutesToPublication", (outcome.ended - outcome.hour.init_time.replace(tzinfo=UTC)).total_seconds() / 60)
    count_bill(outcome.hour)
    said = {"hour": str(outcome.hour), "outcome": "published", "path": paths.forecast(outcome.hour)}
    return tell(said | {"late": late, "degradations": degradations[:SHOWN]})
