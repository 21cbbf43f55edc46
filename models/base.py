"""What the house asks of a forecast model: a grid, a state to start from, and fields or states as time passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


States = NDArray[np.float32]
"""(member, variable, latitude, longitude) in SI units, but relative humidity in per cent."""


class Emulator(Protocol):
    """A learned global model: states in, an iterator of states out.

    `variables`: earth2studio's names, in order; `latitude` (north to south) and `longitude` in degrees span the grid.
    """

    @property
    def variables(self) -> tuple[str, ...]: ...

    @property
    def latitude(self) -> NDArray[np.float64]: ...

    @property
    def longitude(self) -> NDArray[np.float64]: ...

    @property
    def step_hours(self) -> int: ...

    def run(self, states: States, *, start: datetime, seeds: Sequence[int]) -> Iterator[States]:
        """States after 0, 1, 2, ... steps for ever, the given ones first; one seed a member.

        start: when the given states are valid, UTC, as some models are told where the sun stands. A member's states
        follow from its first state, that time and its seed alone, whatever runs beside it.
        """
        ...
