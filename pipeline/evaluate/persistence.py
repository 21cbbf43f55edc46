"""Persistence as one more source of a table: what each station last reported at the same hour of the day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.table import Case, Series
from pipeline.parameters import parameter
from pipeline.science.learn import AMOUNT_RULES
from pipeline.science.references import PERSISTENCE

Array = NDArray[np.float32]
DAY = np.timedelta64(24, "h")
OLDEST_DAYS = 3
"""How many days back a report is looked for: an older one says no more of today than the season does."""


def with_persistence(data: Series) -> Series:
    """The series with the source `persistence`, which is not among those that are scored.

    It knows what was observed before the hour. The series stays as it is if it is of amounts or has a source of that
    name.
    """
    if parameter(data.parameter).blend in AMOUNT_RULES or PERSISTENCE in data.sources:
        return data
    observed = {case.valid_time: case.observed for case in data.cases}
    cases = [replace(case, forecasts=np.vstack([case.forecasts, _said(data, case, observed)])) for case in data.cases]
    common = np.pad(data.common, ((0, 0), (0, 1)))
    return replace(data, sources=(*data.sources, PERSISTENCE), cases=cases, common=common)


def _said(data: Series, case: Case, observed: dict[np.datetime64, Array]) -> Array:
    """(station,) the newest report at the case's time of day that was in before its hour; NaN without one."""
    first = case.valid_time - ((case.valid_time - data.hours[case.hour]) // DAY + 1) * DAY
    result = np.full(len(case.observed), np.nan, np.float32)
    for back in range(OLDEST_DAYS):
        known = observed.get(first - back * DAY)
        if known is not None:
            result = np.where(np.isnan(result), known, result)
    return result
