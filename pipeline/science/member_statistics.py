"""Statistics over an ensemble's members: mean, spread, quantiles, and how many of them exceed thresholds.

Written for arrays of numpy and of torch alike, so that they are made where the members are: on a GPU as they are
integrated, or of members that were stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def statistics(ordered: Any, levels: Sequence[float], thresholds: Sequence[float]) -> dict[str, list[Any]]:
    """Maps shaped as a member: `mean`, `spread`, a `quantile` for each of `levels` (0 to 1) and an `exceedance`, the
    share of members above it, for each of `thresholds`.

    ordered: (member, ...), sorted along the members, two or more of them. The spread is the standard deviation with
    one degree of freedom less; member i of n stands at the quantile (i - 1/2) / n (Hazen 1914).
    """
    number = len(ordered)
    mean = sum(ordered) / number
    return {
        "mean": [mean],
        "spread": [(sum((member - mean) ** 2 for member in ordered) / (number - 1)) ** 0.5],
        "quantile": [_quantile(ordered, level) for level in levels],
        "exceedance": [(ordered > threshold).sum(0) / number for threshold in thresholds],
    }


def _quantile(ordered: Any, level: float) -> Any:
    last = len(ordered) - 1
    at = min(max(level * len(ordered) - 0.5, 0), last)
    low = ordered[int(at)]
    return low + (at - int(at)) * (ordered[min(int(at) + 1, last)] - low)
