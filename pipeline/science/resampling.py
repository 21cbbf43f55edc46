"""How sure a root mean square error is, and the difference of two: whole hours and whole regions are drawn again."""

from __future__ import annotations

from functools import lru_cache

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
    cell, drawn = hour * shape[1] + box, _drawn(*shape)
    sums = np.stack([np.bincount(cell, values, drawn.shape[1]) for values in (mass, *(mass * errors**2))], axis=1)
    masses, squares = np.split(drawn @ sums, [1], axis=1)
    there = masses[:, 0] > 0
    return np.asarray(np.sqrt(squares[there] / masses[there]))


@lru_cache(maxsize=8)
def _drawn(hours: int, boxes: int) -> Float:
    """(draw, hour and box) how often the pairs of a box at an hour are drawn."""
    generator = np.random.default_rng(0)
    hour, box = _counts(generator, hours), _counts(generator, boxes)
    return (hour[:, :, None] * box[:, None]).reshape(DRAWS, hours * boxes)


def _counts(generator: np.random.Generator, size: int) -> Float:
    """(draw, block) how often each of `size` blocks is drawn; a single one always once."""
    drawn = generator.integers(0, size, (DRAWS, size))
    flat = np.bincount((drawn + size * np.arange(DRAWS)[:, None]).ravel(), minlength=DRAWS * size)
    return flat.reshape(DRAWS, size).astype(np.float64)


def interval(draws: Float) -> Float:
    """Bounds (2, ...) of the 95 % intervals of draws (draw, ...)."""
    return np.asarray(np.quantile(draws, LEVELS, axis=0))
