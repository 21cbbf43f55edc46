"""Which sources are models, and which only something to refer to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PERSISTENCE = "persistence"


def models(sources: Sequence[str]) -> NDArray[np.bool_]:
    """(source,) which of them are models.

    Persistence may help the blend as far as it has earned weight. It is not among the sources of the simple blends,
    which the blend must beat, and has no share of equal weights.
    """
    return np.array([name != PERSISTENCE for name in sources], np.bool_)
