"""Begin an hour: unless it is running or published, start one execution of the state machine for it."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from lambdas.entry import client, count, entry, logger, prepare
from lambdas.events import Tick
from pipeline.stages import BUDGET_SECONDS

prepare("dynamodb", "stepfunctions")


@entry(Tick)
def handler(tick: Tick) -> dict[str, Any]:
    """Start the hour that the scheduled time lies in; the same call again starts nothing."""
    name = execution_name(str(tick.hour))
    if name is None:
        logger.info("nothing to start", hour=str(tick.hour))
        return {"hour": str(tick.hour), "started": False}
    deadline = tick.hour.init_time + timedelta(seconds=BUDGET_SECONDS)
    plan = {"hour": str(tick.hour), "deadline": f"{deadline.isoformat()}Z"}
    machine, states = os.environ["STATE_MACHINE_ARN"], client("stepfunctions")
    try:
        states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(plan))
    except states.exceptions.ExecutionAlreadyExists:
        return {"hour": str(tick.hour), "started": False}
    count("HoursBegun")
    return {"hour": str(tick.hour), "started": True}


def execution_name(hour: str) -> str | None:
    """The same for all who start the hour at the same state of affairs; None if it needs no start."""
    key = {"hour": {"S": hour}}
    item = client("dynamodb").get_item(TableName=os.environ["HOURS_TABLE"], Key=key, ConsistentRead=True).get("Item")
    if item is None:
        return hour
    if item["state"]["S"] != "failed":
        return None
    return f"{hour}-after-{''.join(filter(str.isdigit, item['ended']['S']))}"
