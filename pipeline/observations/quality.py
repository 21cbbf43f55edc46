"""Quality control: which observations not to believe, and why.

Range and height are checks of one observation. Against the blend, every observation is compared with what the blend
and its neighbours' departures from the blend say of it, and rejected when it is further off than their errors allow:
the spatial consistency test of Lussana et al. (2010) in its leave-one-out form, which is a background check where an
observation stands alone and a buddy check where it does not. Neighbours that agree with each other against the blend
support each other; the worst of a neighbourhood goes first, so that one gross error does not take others with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.grid import unit_vectors
from pipeline.parameters import Parameter

Floats = NDArray[np.floating]
Flags = NDArray[np.str_]

_EARTH_RADIUS = 6.371e6  # m
_NEIGHBOURS = 12
_REJECT_BEYOND = 3.7  # standard deviations of the expected difference; 2 in 10,000 good ones if errors are normal
_HOPELESS_BEYOND = 8.0  # of the departure alone: too far to take part before its neighbours have been asked
_PASSES = 12
_IGNORED = 1e6  # observation error variance, over the background's, of a neighbour that has no say
_INFORMED = 0.9  # the neighbours count as buddies if they reduce the expected variance to this part or less


def check_range(parameter: Parameter, value: Floats) -> Flags:
    """(observation,) `range` where the value is outside the catalogue's bounds, empty elsewhere."""
    good = (value >= parameter.minimum) & (value <= parameter.maximum)
    return np.where(good, "", "range")


def check_elevation(elevation: Floats, ground: Floats, limit: float) -> Flags:
    """(observation,) `elevation` where a station and the model's ground differ by more than `limit`, all in m.

    Such a station samples other air than the model's surface. Unknown heights pass.
    """
    return np.where(np.abs(elevation - ground) > limit, "elevation", "")


def check_departures(
    latitude: Floats,
    longitude: Floats,
    departure: Floats,
    *,
    observation_error: Floats,
    background_error: Floats | float,
    horizontal: float,
) -> Flags:
    """(observation,) `background` or `buddy` where an observation differs too much from the blend or its neighbours.

    All (observation,): position in degrees, observation minus blend, standard deviations of the observation's and of
    the blend's error; horizontal: decorrelation length of the blend's error in m. A departure that is not finite
    passes without a say.
    """
    count = len(departure)
    if count == 0:
        return np.zeros(0, "<U10")
    finite = np.isfinite(departure)
    # In units of the background error.
    scaled = np.where(finite, departure / background_error, 0)
    noise = np.broadcast_to((observation_error / background_error) ** 2, (count,))
    points = unit_vectors(np.asarray(latitude, float), np.asarray(longitude, float)) * _EARTH_RADIUS
    neighbours, near, among = _correlations(points, horizontal)
    good = finite & (np.abs(scaled) <= _HOPELESS_BEYOND * np.sqrt(1 + noise))
    for _ in range(_PASSES):
        expected, variance = _leave_one_out(scaled, noise, good, neighbours, near, among)
        score = np.where(finite, np.abs(scaled - expected) / np.sqrt(variance + noise), 0)
        rivals = np.where(good[neighbours] & (near > 0.1), score[neighbours], 0).max(axis=1, initial=0)
        worst = (score > _REJECT_BEYOND) & ((score >= rivals) | ~good)
        changed = finite & ~worst & ((score <= _REJECT_BEYOND) | good)
        if np.array_equal(changed, good):
            break
        good = changed
    bad = finite & ~good
    return np.where(bad, np.where(variance <= _INFORMED, "buddy", "background"), "")


def foretold(
    latitude: Floats,
    longitude: Floats,
    departure: Floats,
    good: NDArray[np.bool_],
    *,
    observation_error: Floats,
    background_error: Floats | float,
    horizontal: float,
) -> tuple[Floats, Floats]:
    """What the good neighbours foretell of each departure, and what share of the blend's error variance they know.

    Both (observation,); inputs as for `check_departures`. A share of 0 is a station on its own.
    """
    if len(departure) < 2:
        return np.zeros(len(departure)), np.zeros(len(departure))
    has_say = good & np.isfinite(departure)
    scaled = np.where(has_say, departure / background_error, 0)
    noise = np.broadcast_to((observation_error / background_error) ** 2, (len(departure),))
    points = unit_vectors(np.asarray(latitude, float), np.asarray(longitude, float)) * _EARTH_RADIUS
    expected, variance = _leave_one_out(scaled, noise, has_say, *_correlations(points, horizontal))
    return expected * background_error, np.clip(1 - variance, 0, 1)


def _correlations(points: Floats, horizontal: float) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Each one's neighbours (n, k), their correlation with it (n, k) and with each other (n, k, k)."""
    count = min(_NEIGHBOURS + 1, len(points))
    _, nearest = cKDTree(points).query(points, k=count)
    nearest = np.asarray(nearest).reshape(len(points), count)
    # Of stations at one place any may come first: itself is to go, whichever it is.
    itself = nearest == np.arange(len(points))[:, None]
    itself[~itself.any(axis=1), -1] = True
    neighbours = nearest[~itself].reshape(len(points), count - 1)
    there = points[neighbours]
    near = _second_order(np.linalg.norm(there - points[:, None], axis=-1) / horizontal)
    among = _second_order(np.linalg.norm(there[:, :, None] - there[:, None], axis=-1) / horizontal)
    return neighbours, near, among


def _second_order(distance: Floats) -> Floats:
    """Second-order autoregressive correlation: falls off more slowly than a Gaussian, so that it trusts less."""
    return np.asarray((1 + distance) * np.exp(-distance))


def _leave_one_out(
    scaled: Floats, noise: Floats, good: NDArray[np.bool_], neighbours: NDArray[np.intp], near: Floats, among: Floats
) -> tuple[Floats, Floats]:
    """What the good neighbours expect of each departure, and the variance of its truth about that."""
    diagonal = np.where(good, noise, _IGNORED)[neighbours] + 1e-6
    matrix = among + diagonal[..., None] * np.eye(neighbours.shape[1])
    weights = np.linalg.solve(matrix, near[..., None])[..., 0]
    return (weights * scaled[neighbours]).sum(axis=1), np.maximum(1 - (weights * near).sum(axis=1), 0)
