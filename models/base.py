"""What the house asks of a forecast model: a grid, a state to start from, and fields as time passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Fields = Mapping[str, NDArray[np.float32]]


class ForecastModel(Protocol):
    """A global model; implementations share no base class.

    `latitude` (degrees north, north to south) and `longitude` (degrees east) span the grid of every field.
    """

    @property
    def latitude(self) -> NDArray[np.float64]: ...

    @property
    def longitude(self) -> NDArray[np.float64]: ...

    def run(self, start: datetime, hours: int, *, every_hours: int) -> Iterator[tuple[datetime, Fields]]:
        """Fields, each (latitude, longitude) or (level, latitude, longitude), every `every_hours` after the start."""
        ...
