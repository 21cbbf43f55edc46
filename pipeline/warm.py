"""What libraries put off to their first use, done when this is imported: once before workers are forked, not in each.

numba looks for what others have registered with it, xarray for every kind of array it knows, which takes them a second.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numba import njit


@njit(cache=True)
def _nothing(values: np.ndarray) -> int:
    return len(values)


_nothing(np.zeros(1))
xr.Dataset({"x": ("x", np.zeros(2))}).isel(x=0).load()
