"""Whether a member of an ensemble is still a state of this planet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import Parameter

LARGEST_DRIFT = {"pressure_at_sea_level": 500.0, "temperature_2m": 4.0}
"""Pa and K that the global mean may move from that at the start: the mass of the air hardly changes, and in a fortnight
neither the season nor the day moves the mean temperature as far."""


def complaints(row: Parameter, values: NDArray[np.float32], area: NDArray[np.float64]) -> list[str]:
    """What is wrong with a member's (lead, latitude, longitude); nothing if it is plausible.

    area: (latitude,) weights of the rows, in any unit.
    """
    if not np.isfinite(values).all():
        return [f"{row.name} is not finite"]
    found = []
    if values.min() < row.minimum or values.max() > row.maximum:
        found.append(f"{row.name} reaches {values.min():g} to {values.max():g} {row.units}")
    if row.name in LARGEST_DRIFT:
        mean = values.mean(2, dtype=np.float64) @ area / area.sum()
        drift = float(np.abs(mean - mean[0]).max())
        if drift > LARGEST_DRIFT[row.name]:
            found.append(f"the global mean of {row.name} drifts by {drift:g} {row.units}")
    return found
