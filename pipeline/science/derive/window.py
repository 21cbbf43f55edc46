"""Windows over the past hours of fields (lead, place), at shorter leads over the hours there are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.science.derive.thermo import Field


def past_sum(amount: Field, hours: int) -> Field:
    """Sum over the past hours."""
    total = np.cumsum(amount, axis=0, dtype=np.float64) if len(amount) > 1 else np.array(amount, np.float64)
    if len(total) > hours:
        total[hours:] -= total[:-hours].copy()
    return np.maximum(total, 0).astype(np.float32)


def past_mean(value: Field, hours: int) -> Field:
    """Mean over the past hours, of values of one sign."""
    count = np.minimum(np.arange(1, len(value) + 1), hours).astype(np.float32)
    return past_sum(value, hours) / count[:, None]


def past_maximum(value: Field, hours: int) -> Field:
    """Greatest of the past hours."""
    return _extreme(value, hours, np.maximum)


def past_minimum(value: Field, hours: int) -> Field:
    """Least of the past hours."""
    return _extreme(value, hours, np.minimum)


def _extreme(value: Field, hours: int, choose: Callable[..., Field]) -> Field:
    """By windows of doubled width, the last of which overlap."""
    found, width = np.array(value, np.float32), 1
    while width < min(hours, len(found)):
        step = min(width, hours - width)
        found[step:] = choose(found[step:], found[:-step].copy())
        width += step
    return found


def past_change(value: Field, hours: int) -> Field:
    """Change over the past hours; at shorter leads that since the start, scaled to them."""
    leads = len(value)
    change = np.zeros_like(value)
    for k in range(1, min(hours, leads)):
        change[k] = (value[k] - value[0]) * (hours / k)
    if leads > hours:
        change[hours:] = value[hours:] - value[:-hours]
    if leads > 1:
        change[0] = change[1]
    return change
