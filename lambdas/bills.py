"""What an hour has cost, as metrics."""

from __future__ import annotations

import json

from lambdas.entry import count, count_of, store
from pipeline import paths
from pipeline.cycle import Cycle


def count_bill(hour: Cycle) -> None:
    """What publication has cost until now, and how long each stage has computed; nothing if it left no bill."""
    try:
        bill = json.loads(store().read(paths.bill(hour)))
    except FileNotFoundError:
        return
    count("HourDollars", bill["dollars"])
    if bill["gpu_busy"] is not None:
        count("GpuBusyPercent", 100 * bill["gpu_busy"])
    for stage, seconds in bill["stage_seconds"].items():
        count_of("StageSeconds", "stage", stage, seconds)
