"""The predictive distributions of a table's forecasts, lead bin by lead bin, each learnt from what was known before."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.table import Case, Series
from pipeline.parameters import parameter
from pipeline.science import predictive
from pipeline.science.censored_logistic import Distribution, Family
from pipeline.science.predictive import Fit, History, Predictors
from pipeline.science.references import models

Float = NDArray[np.float64]
Array = NDArray[np.float32]
HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class Made:
    """What was forecast for one case, kept until its observation is known."""

    predictors: Predictors
    memories: Distribution
    observed: Float


@dataclass
class LeadBin:
    """What has been learnt for one lead bin, and the forecasts that wait for their observations."""

    history: History = field(default_factory=predictive.empty)
    fits: list[Fit | None] = field(default_factory=lambda: [None] * len(predictive.MEMORIES))
    fitted: int = -1
    waiting: dict[tuple[int, np.datetime64], Made] = field(default_factory=dict)


class Probabilities:
    """Learns distributions from past cases and scores those of new ones."""

    def __init__(self, data: Series) -> None:
        self.row = parameter(data.parameter)
        self.family: Family = predictive.family_of(self.row)
        self.start = data.hours[0]
        self.hours = (data.hours - self.start) / HOUR
        self.model = models(data.sources)
        self.bins = [LeadBin() for _ in data.lead_bins]

    def learn(self, case: Case) -> None:
        """Take in the observations of a case that was forecast; one forecast without any history tells nothing."""
        known = self.bins[case.lead_bin]
        made = known.waiting.pop((case.hour, case.valid_time), None)
        if made is None:
            return
        hours = np.full(len(made.observed), (case.valid_time - self.start) / HOUR)
        crps = predictive.score(made.memories, made.observed)
        known.history = predictive.remember(known.history, History(hours, made.predictors, made.observed, crps))

    def forecast(
        self, case: Case, corrected: Array, weights: Array, blend: Array, deviation: Array, *, learnt: bool
    ) -> Float:
        """(place,) CRPS of the distribution of a case, NaN where there is no observation or source.

        corrected, weights: (source, place); blend, deviation: (place,) the blend and its expected error. `learnt`: the
        blend had a history, so that this case can be learnt from.
        """
        known = self.bins[case.lead_bin]
        if known.fitted != case.hour:
            known.fits = predictive.fit(known.history, self.family, self.hours[case.hour], known.fits)
            known.fitted = case.hour
        seen = np.isfinite(case.observed) & np.isfinite(corrected).any(axis=0)
        about = blend[seen].astype(np.float64)
        raw, fixed, observed = (
            self._unwound(values[..., seen], about) for values in (case.forecasts[self.model], corrected, case.observed)
        )
        expected = None if self.family.power != 1 else deviation[seen].astype(np.float64)
        share = weights[:, seen].astype(np.float64)
        given = predictive.predictors(self.family, raw, fixed, share, self.row.precision, expected)
        memories = predictive.forecast(known.fits, self.family, given)
        truth = observed**self.family.power
        if learnt and seen.any():
            known.waiting[case.hour, case.valid_time] = Made(given, memories, truth)
        crps = np.full(len(seen), np.nan)
        crps[seen] = predictive.score(predictive.combine(known.history, memories), truth)
        return crps

    def _unwound(self, values: Array, blend: Float) -> Float:
        """Directions as numbers about the blend, without a jump at north; others as they are."""
        exact = values.astype(np.float64)
        return blend + (exact - blend + 180) % 360 - 180 if self.row.kind == "direction" else exact
