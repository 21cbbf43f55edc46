"""What a table teaches about amounts: each source's quantile mapping, and what to expect of their blend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.table import Case, Series
from pipeline.science import expected_amount, quantile_mapping, skill

Array = NDArray[np.float32]
BOX_DEGREES = 10.0
HOUR = np.timedelta64(1, "h")


class AmountLearner:
    """Maps and corrects the amounts of a case by what was known before it."""

    def __init__(self, data: Series) -> None:
        latitude, longitude = data.places.latitude, data.places.longitude
        boxes = np.stack([latitude // BOX_DEGREES, longitude % 360 // BOX_DEGREES])
        _, self.pool = np.unique(boxes, axis=1, return_inverse=True)
        self.amounts = quantile_mapping.zero(data.sources, data.lead_bins, int(self.pool.max()) + 1)
        self.response = expected_amount.zero(data.lead_bins)
        self.square = np.zeros((2, len(data.sources), len(data.lead_bins)))
        self.clock = data.hours[0]
        self.membership = np.ones((1, len(self.pool)), np.float32)
        self.fit(self.membership)
        self.waiting: dict[tuple[int, np.datetime64], tuple[Array, Array]] = {}

    def learn(self, case: Case) -> Array:
        """Take in the observations of a case; (source, place) what had been made of its forecasts."""
        elapsed = float((case.valid_time - self.clock) / HOUR)
        if elapsed > 0:
            self.amounts = quantile_mapping.decay(self.amounts, elapsed)
            self.response = expected_amount.decay(self.response, elapsed)
            self.square *= skill.decay_factors(self.amounts.lead_bins, elapsed)
            self.clock = case.valid_time
        worth = np.ones(len(self.pool))
        quantile_mapping.update(self.amounts, case.lead_bin, case.forecasts, case.observed, self.pool, worth)
        error = case.forecasts - case.observed
        self.square[:, :, case.lead_bin] += np.nansum(error**2, axis=1), np.isfinite(error).sum(axis=1)
        mapped, blend = self.waiting.pop((case.hour, case.valid_time))
        expected_amount.update(self.response, case.lead_bin, blend, case.observed, worth)
        return mapped

    def fit(self, membership: Array) -> None:
        """Bring mappings and expectations up to what has been learnt; membership: (cluster, place)."""
        size = np.bincount(self.pool)
        shares = np.stack([np.bincount(self.pool, share) / size for share in membership])
        self.mapping = quantile_mapping.fit(self.amounts, shares)
        self.curve = expected_amount.fit(self.response)
        self.membership = membership

    def mean_square(self, lead_bin: int) -> NDArray[np.float64]:
        """(source,) mean square error of the sources as they come, NaN without history."""
        total, count = self.square[:, :, lead_bin]
        return np.where(count > 0, total / np.maximum(count, 1e-9), np.nan)

    def mapped(self, case: Case) -> Array:
        """(source, place) the sources' amounts, mapped."""
        leads = np.array([case.lead])
        return quantile_mapping.apply(case.forecasts[:, None], self.mapping, self.membership, leads)[:, 0]

    def expected(self, case: Case, mapped: Array, blend: Array) -> Array:
        """(place,) the amount to expect; keeps the blend until its observations are known."""
        self.waiting[case.hour, case.valid_time] = (mapped, blend)
        return expected_amount.apply(blend[None], self.curve, np.array([case.lead]))[0]
