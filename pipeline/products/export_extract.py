"""What of a published hour goes into files: the same for every format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Place
from pipeline.cycle import Cycle
from pipeline.grid import Area
from pipeline.parameters import Parameter

Fields = Iterable[tuple[Parameter, NDArray[np.float32]]]
"""Parameters with their values (lead, latitude, longitude) in the catalogue's units; read one at a time."""


@dataclass(frozen=True)
class Extract:
    """Hours and places of the files: `leads` in hours, the `area` of the grids, the `places` of the tables."""

    hour: Cycle
    leads: tuple[int, ...]
    area: Area
    synthetic: bool
    places: tuple[Place, ...] = ()

    @property
    def span(self) -> str:
        """The leads in a file's name: `f006`, or `f000-023` of several."""
        first, last = self.leads[0], self.leads[-1]
        return f"f{first:03d}" if first == last else f"f{first:03d}-{last:03d}"
