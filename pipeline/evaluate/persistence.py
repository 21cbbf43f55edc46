"""Persistence as one more source of a table: what each station last reported at the same hour of the day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.table import Case, Series
from pipeline.parameters import parameter
from pipeline.science.blend import simple_blends
from pipeline.science.learn import AMOUNT_RULES
from pipeline.science.references import PERSISTENCE

Array = NDArray[np.float32]
DAY = np.timedelta64(24, "h")
OLDEST_DAYS = 3
"""How many days back a report is looked for: an older one says no more of today than the season does."""
SEASON_DAYS = 30
"""Days whose mean is the season, of a station without a report that new: those that skill is learnt from."""


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
    """(station,) the newest report at the case's time of day that was in before its hour; NaN without one.

    Where there is none that is new enough it is the mean of the older ones: where the source were missing its weight
    would go to the models, which may err alike by much more than it does.
    """
    first = case.valid_time - ((case.valid_time - data.hours[case.hour]) // DAY + 1) * DAY
    nothing = np.full(len(case.observed), np.nan, np.float32)
    reports = np.stack([observed.get(first - back * DAY, nothing) for back in range(SEASON_DAYS)])
    season = simple_blends(reports, np.ones(SEASON_DAYS), circular=parameter(data.parameter).kind == "direction")[0]
    known = np.isfinite(reports[:OLDEST_DAYS])
    newest = np.take_along_axis(reports, known.argmax(axis=0)[None], axis=0)[0]
    return np.where(known.any(axis=0), newest, season).astype(np.float32)
