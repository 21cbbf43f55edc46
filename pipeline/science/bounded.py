"""The bias of fractions: taken off between the bounds, never at them.

A sky that is said to be clear or overcast is mostly so: subtracting a mean error shifts it off, and clipping leaves the
other bound wrong. A factor on the odds (value - minimum) / (maximum - value) moves what lies between and keeps order,
0 and 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

EDGE = 0.02
"""Typical values are kept this part of the range away from the bounds: odds there are not to be told from a month."""


def odds_factor(bias: Array, truth: Array, minimum: float, maximum: float) -> Array:
    """What a source's odds are multiplied by, so that what it says on average becomes what came on average.

    bias: mean of forecast minus truth, truth: mean truth, of shapes that broadcast, in the parameter's units. 1 for no
    bias. (A shift of the logit, as in logistic regression's intercept.)
    """
    came = np.clip((truth - minimum) / (maximum - minimum), EDGE, 1 - EDGE)
    said = np.clip((truth + bias - minimum) / (maximum - minimum), EDGE, 1 - EDGE)
    return np.asarray(came / (1 - came) * (1 - said) / said)


def multiply_odds(values: Array, factor: Array, minimum: float, maximum: float) -> Array:
    """`values` with their odds multiplied by `factor` (broadcast): monotone, bounds stay; NaN stays.

    Raises ValueError for values beyond the bounds or a factor that is not positive.
    """
    if not np.all(factor > 0):
        raise ValueError(f"expected positive factors; found {np.min(factor)}")
    if np.nanmin(values, initial=minimum) < minimum or np.nanmax(values, initial=maximum) > maximum:
        raise ValueError(f"expected values from {minimum:g} to {maximum:g}; clip them to the parameter's bounds")
    share = (values - minimum) / (maximum - minimum)
    return np.asarray(minimum + (maximum - minimum) * factor * share / (1 - share + factor * share))
