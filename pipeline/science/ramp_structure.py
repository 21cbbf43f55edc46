"""How the blend's errors hang together, as assumed and as departures of observations tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from pipeline.grid import unit_vectors

Floats = NDArray[np.floating]
Float = NDArray[np.float64]

_FEWEST_FOR_AN_ESTIMATE = 30
_FEWEST_FOR_A_FIT, _MOST_FOR_A_FIT = 100, 3000
_BINS = np.array([0.1, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4])  # edges, in prior lengths
EARTH_RADIUS = 6.371e6  # m
# Standard deviation over median absolute value of a normal distribution.
_NORMAL_SCALE = 1.4826
_COAST = 0.5
"""Land fraction apart at which a correlation falls as over one decorrelation length: over the coast, to 0.14."""


@dataclass(frozen=True)
class Structure:
    """How errors of the blend at lead 0 hang together.

    `background_error`: standard deviation where too few observations tell, in the parameter's units. `horizontal` and
    `vertical`: decorrelation lengths in m, 0 for no vertical. `lapse_rate`: change of the parameter with height per m,
    which takes the blend from the model's surface to a station. `coast`: decorrelation length in land fraction, 0 for
    none. `hours`: until when an error is felt, the length of the ramp where no history tells.
    """

    background_error: float
    horizontal: float
    vertical: float = 0.0
    lapse_rate: float = 0.0
    coast: float = 0.0
    hours: float = 9.0


# Lapse rates: standard atmosphere for temperature; Liston and Elder 2006, table 1 (annual mean), for dew point.
# Hours: winds forget first, then what the sun drives, then what the flow carries; the height of the sea last. A mean
# period goes with the swell that brings it: 8 s travel at 6 m s-1 (gT/4 pi), out of a decorrelation length in 13 h.
STRUCTURES: dict[str, Structure] = {
    "temperature_2m": Structure(1.2, 250e3, 500, -0.0065, _COAST, 12),
    "dew_point_temperature_2m": Structure(1.5, 250e3, 500, -0.0051, _COAST, 12),
    "eastward_wind_10m": Structure(1.8, 300e3, 500, coast=_COAST, hours=9),
    "northward_wind_10m": Structure(1.8, 300e3, 500, coast=_COAST, hours=9),
    "wind_speed_10m": Structure(1.6, 300e3, 500, coast=_COAST, hours=9),
    "pressure_at_sea_level": Structure(120, 400e3, hours=12),
    "significant_wave_height": Structure(0.4, 300e3, hours=18),
    "mean_wave_period": Structure(0.8, 300e3, hours=12),
}
"""Of what stations measure at all times. Gusts, visibility and high cloud are reported only where they matter or as
far as an instrument sees: interpolating them would spread the exception."""


@dataclass(frozen=True)
class Stations:
    """Observations of one parameter at one time, each (station,): degrees, m (NaN unknown), and catalogue units.

    `land`: fraction of land that a station feels, None for the grid's at its place.
    """

    latitude: Floats
    longitude: Floats
    elevation: Floats
    value: Floats
    error: Floats
    land: Floats | None = None


def fit(departure: Floats, stations: Stations, prior: Structure) -> Structure:
    """`prior` with background error and horizontal length as the departures tell them.

    Hollingsworth and Lönnberg (1986): errors of observations are independent, so what departures at two stations have
    in common is the blend's error; a Gaussian is fitted to their products by distance. The prior counts as known to its
    own size in variance and to a factor of 2 in length, so that few stations change it little. departure, stations:
    good ones only. Within a quarter and four times the prior error and half and twice its length; its error by
    `background_error` for fewer than 100 departures.
    """
    if len(departure) < _FEWEST_FOR_A_FIT:
        return replace(prior, background_error=background_error(departure, stations.error, prior.background_error))
    chosen = slice(None, None, -(-len(departure) // _MOST_FOR_A_FIT))
    values = np.asarray(departure[chosen], float)
    count, distance, covariance = _in_common(values, stations.latitude[chosen], stations.longitude[chosen], prior)
    before, most = prior.background_error**2, float(np.mean(values**2))
    # Stations recur in a bin's products, which tell no more than as many as there are stations.
    known = np.minimum(count, len(values)) / max(most, 1e-6 * before) ** 2
    lengths = prior.horizontal * np.geomspace(0.5, 2, 29)
    shapes = np.exp(-0.5 * (distance / lengths[:, None]) ** 2)
    total, weight = (known * shapes * covariance).sum(axis=1), (known * shapes**2).sum(axis=1)
    variances = (total + 1 / before) / (weight + 1 / before**2)
    misfit = (known * (covariance - variances[:, None] * shapes) ** 2).sum(axis=1)
    best = np.argmin(misfit + (variances / before - 1) ** 2 + np.log2(lengths / prior.horizontal) ** 2)
    error = np.clip(np.sqrt(np.clip(variances[best], 0, most) / before), 0.25, 4)
    return replace(prior, background_error=prior.background_error * float(error), horizontal=float(lengths[best]))


def _in_common(values: Float, latitude: Floats, longitude: Floats, prior: Structure) -> tuple[Float, Float, Float]:
    """Of pairs of stations by distance, each (bin,): how many, their mean distance in m, and their mean product."""
    points = unit_vectors(np.asarray(latitude, float), np.asarray(longitude, float)) * EARTH_RADIUS
    near = KDTree(points).query_pairs(1.001 * _BINS[-1] * prior.horizontal, output_type="ndarray")
    one, other = near[np.lexsort((near[:, 1], near[:, 0]))].T  # a sum's last digits depend on its order
    distance = np.linalg.norm(points[one] - points[other], axis=1)
    which = np.digitize(distance, _BINS * prior.horizontal) - 1
    inside = (which >= 0) & (which < len(_BINS) - 1)
    count, total, product = (
        np.bincount(which[inside], weights, len(_BINS) - 1)
        for weights in (None, distance[inside], (values[one] * values[other])[inside])
    )
    filled = count > 0
    return count[filled].astype(float), total[filled] / count[filled], product[filled] / count[filled]


def observation_scale(departure: Floats, observation_error: Floats, background_error: float) -> float:
    """What to multiply the errors stated of observations by, for they cannot be more than the blend's error leaves.

    Of departures' variance `fit` has found what they have in common; the rest is the observations' own (Hollingsworth
    and Lönnberg 1986), or of the blend too near for pairs to tell, so that it may lower a stated error and not raise
    it. Between a half and 1; 1 for fewer than 100 departures.
    """
    if len(departure) < _FEWEST_FOR_A_FIT:
        return 1.0
    rest = np.mean(departure**2) - background_error**2
    return float(np.sqrt(np.clip(rest / np.mean(observation_error**2), 0.25, 1)))


def background_error(departure: Floats, observation_error: Floats, prior: float) -> float:
    """Standard deviation of the blend's error from the size of departures less the observations' error.

    Robust against gross errors (median of absolute departures); between a quarter and four times `prior`, which is used
    alone with fewer than 30 departures.
    """
    if len(departure) < _FEWEST_FOR_AN_ESTIMATE:
        return prior
    size = _NORMAL_SCALE * np.median(np.abs(departure))
    variance = size**2 - np.median(observation_error) ** 2
    return float(np.clip(np.sqrt(max(variance, 0)), prior / 4, prior * 4))
