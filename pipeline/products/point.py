"""The forecast at one place, for a terminal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest_cell(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], north: float, east: float
) -> tuple[int, int]:
    """Row and column of the cell nearest to a place; ValueError outside -90..90 or -180..360."""
    if not -90 <= north <= 90:
        raise ValueError(f"latitude must be -90 to 90 degrees north; found {north:g}")
    if not -180 <= east <= 360:
        raise ValueError(f"longitude must be -180 to 360 degrees east; found {east:g}")
    around = np.abs((longitude - east + 180) % 360 - 180)
    return int(np.argmin(np.abs(latitude - north))), int(np.argmin(around))
