"""How sure a root mean square error is, and the difference of two: whole hours and whole regions are drawn again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

DRAWS = 1000
LEVELS = (0.025, 0.975)
"""Of a 95 % interval."""


def drawn_rmse(
    errors: Float, hours: NDArray[np.integer], boxes: NDArray[np.integer] | None = None, weight: Float | None = None
) -> Float:
    """(draw, system) root mean square errors of resampled pairs, the same draws for every system.

    errors: (system, pair). hours, boxes: (pair,) number of the forecast hour and of the region that a pair belongs to;
    both are drawn with replacement, independently, and a pair counts as often as its hour times its box, because
    errors of one hour are alike, and so are those of one region at all hours. Rather too wide than too narrow (Owen
    2007, the pigeonhole bootstrap). weight: (pair,), equal if not given.
    """
    mass = np.ones(errors.shape[1]) if weight is None else weight
    _, hour = np.unique(hours, return_inverse=True)
    _, box = np.unique(np.zeros_like(hour) if boxes is None else boxes, return_inverse=True)
    shape = (int(hour.max()) + 1, int(box.max()) + 1)
    cell = hour * shape[1] + box
    generator = np.random.default_rng(0)
    counts = [_counts(generator, size) for size in shape]

    def total(values: Float) -> Float:
        """(draw,) sums over the drawn pairs."""
        table = np.bincount(cell, values, shape[0] * shape[1]).reshape(shape)
        return np.asarray(((counts[0] @ table) * counts[1]).sum(axis=1))

    masses = total(mass)
    drawn = masses > 0
    squares = np.stack([total(mass * row**2) for row in errors], axis=1)[drawn]
    return np.asarray(np.sqrt(squares / masses[drawn, None]))


def _counts(generator: np.random.Generator, size: int) -> Float:
    """(draw, block) how often each of `size` blocks is drawn; a single one always once."""
    drawn = generator.integers(0, size, (DRAWS, size))
    flat = np.bincount((drawn + size * np.arange(DRAWS)[:, None]).ravel(), minlength=DRAWS * size)
    return flat.reshape(DRAWS, size).astype(np.float64)


def interval(draws: Float) -> tuple[float, float]:
    """Bounds of the 95 % interval of draws (draw,)."""
    low, high = np.quantile(draws, LEVELS)
    return float(low), float(high)
