"""Whether a member of an ensemble is still a state of this planet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import Parameter

Array = NDArray[np.floating]

LARGEST_DRIFT = {"pressure_at_sea_level": 500.0, "temperature_2m": 4.0}
"""Pa and K that the global mean may move from that at the start: the mass of the air hardly changes, and in a fortnight
neither the season nor the day moves the mean temperature as far."""


def complaints(row: Parameter, lowest: Array, highest: Array, mean: Array) -> list[str]:
    """What is wrong with a member of which these are known by lead, mean over the sphere; nothing if it is plausible.

    A value that is not finite shows in the lowest and the highest of its lead.
    """
    if not np.isfinite([lowest, highest]).all():
        return [f"{row.name} is not finite"]
    found = []
    if lowest.min() < row.minimum or highest.max() > row.maximum:
        found.append(f"{row.name} reaches {lowest.min():g} to {highest.max():g} {row.units}")
    if row.name in LARGEST_DRIFT:
        drift = float(np.abs(mean - mean[0]).max())
        if drift > LARGEST_DRIFT[row.name]:
            found.append(f"the global mean of {row.name} drifts by {drift:g} {row.units}")
    return found
