"""The publication of an hour: whether it is done, and its beginning ahead of the state machine."""

from __future__ import annotations

import json
import os

from lambdas.entry import client, store
from pipeline import journal
from pipeline.cycle import Cycle
from pipeline.stages import PUBLICATION


def is_published(hour: Cycle) -> bool:
    """Whether this hour, or a newer one, is what readers see."""
    try:
        return journal.newest_published(store()).init_time >= hour.init_time
    except FileNotFoundError:
        return False


def begin_publication(hour: Cycle) -> None:
    """Plan and begin the publication, as the state machine will after us: what is done then is not done again."""
    payload = json.dumps({"hour": str(hour), "stage": PUBLICATION}).encode()
    invoke = client("lambda").invoke
    planned = invoke(FunctionName=os.environ["PLAN_FUNCTION"], Payload=payload)
    if "FunctionError" in planned:
        raise RuntimeError(f"{hour} could not be planned for publication: {planned['Payload'].read().decode()}")
    invoke(FunctionName=os.environ["PUBLISH_FUNCTION"], Payload=payload, InvocationType="Event")
