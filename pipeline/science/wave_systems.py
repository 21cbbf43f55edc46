"""Wave systems: which swell of one model is which of another, by height, period and direction, not by rank.

Models number their swells by height, so that two of nearly one height change places from model to model, from cell to
cell and from hour to hour; a mean of what they call the first swell would be one of different waves. In every cell the
swells of a model are given the numbers of those swells of a reference that they are most like, all at once: of all
permutations the one whose distances add up to least. Hanson and Phillips 2001 compare systems by the same three
properties (Automated analysis of ocean surface directional wave spectra, J. Atmos. Oceanic Technol. 18, 277).
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]

SYSTEMS = tuple(
    tuple(f"{rank}swell_wave_{what}" for what in ("height", "period", "direction"))
    for rank in ("", "secondary_", "tertiary_")
)
"""Height, period and direction of each swell, by their names in the catalogue."""
MEMBERS = {name: (system, part) for system, names in enumerate(SYSTEMS) for part, name in enumerate(names)}

HEIGHT_OF = {direction: height for height, _, direction in SYSTEMS} | {
    "wave_direction": "significant_wave_height", "wind_wave_direction": "wind_wave_height",
}  # fmt: skip
"""Whose square is the energy of the waves that come from a direction."""

HEIGHT_SCALE, PERIOD_SCALE, DIRECTION_SCALE = 0.5, 2.0, 30.0
"""m, s and degrees by which two estimates of one system usually differ a few days ahead."""
_ORDERS = np.array(list(permutations(range(len(SYSTEMS)))), np.int64)


def match(swells: Array, reference: Array) -> NDArray[np.int64]:
    """(system, place) which swell of a model each system of the reference is.

    swells, reference: (system, height m, period s, direction degrees; place). A distance counts by the mean height of
    the two, so that low swell does not decide; NaN is like nothing in particular. Where nothing is known, or one order
    is as good as another, ranks stay.
    """
    order = np.empty((len(SYSTEMS), swells.shape[-1]), np.int64)
    _match(np.ascontiguousarray(swells, np.float32), np.ascontiguousarray(reference, np.float32), _ORDERS, order)
    return order


def renumbered(values: Array, order: NDArray[np.integer], system: int) -> Array:
    """(place,) what a model says of a system of the reference; values: (system, place) by its own numbers."""
    return np.asarray(np.take_along_axis(values, order[system : system + 1], axis=0)[0], np.float32)


@njit(parallel=True, cache=True)
def _match(
    swells: Array, reference: Array, orders: NDArray[np.int64], result: NDArray[np.int64]
) -> None:  # pragma: no cover
    systems, _, places = swells.shape
    for place in prange(places):
        cost = np.zeros((systems, systems))
        for wanted in range(systems):
            for own in range(systems):
                cost[wanted, own] = _distance(reference, wanted, swells, own, place)
        best, least = 0, np.inf
        for number in range(len(orders)):
            total = 0.0
            for wanted in range(systems):
                total += cost[wanted, orders[number, wanted]]
            if total < least - 1e-6:
                best, least = number, total
        for wanted in range(systems):
            result[wanted, place] = orders[best, wanted]


@njit(cache=True)
def _distance(one: Array, system: int, other: Array, own: int, place: int) -> float:  # pragma: no cover
    """Squared difference of two swells in units of what is usual, times their height; 0 where one is not known."""
    turn = one[system, 2, place] - other[own, 2, place] + 180
    turn = turn - 360 * np.floor(turn / 360) - 180  # a remainder takes ten times as long
    apart = ((one[system, 1, place] - other[own, 1, place]) / PERIOD_SCALE) ** 2 + (turn / DIRECTION_SCALE) ** 2
    height = 0.5 * (one[system, 0, place] + other[own, 0, place])
    total = height * apart + ((one[system, 0, place] - other[own, 0, place]) / HEIGHT_SCALE) ** 2
    return 0.0 if np.isnan(total) else total
