"""What libraries put off to their first use, done when this is imported: once before workers are forked, not in each.

numba gathers what others have registered with it, xarray imports every kind of array it knows, in a second together.
"""

from __future__ import annotations

import numpy as np
import sklearn.cluster  # noqa: F401  # stages that learn nothing do without it
import xarray as xr
from numba.core.registry import cpu_target

cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()
xr.Dataset({"x": ("x", np.zeros(2))}).isel(x=0).load()
