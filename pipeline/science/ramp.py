"""From the blend to the newest observations: optimal interpolation at lead 0, ramped out over the first hours.

Optimal interpolation (Gandin 1963; Daley 1991, chapter 4) of departures from the blend with Gaussian correlations in
distance, height and land fraction, all observations at once: one sparse system of equations, solved by scipy, and one
sum at every cell. Distances are straight lines through the sphere, so the date line and the poles are ordinary places.
gridpp, which does the same from the nearest observations of every cell, is the referee of the tests; it errs by 0.02 to
0.05 of a departure against the exact solution where this errs by 0.006 at most, and takes fifty times as long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import cg
from scipy.spatial import cKDTree

from pipeline.grid import Grid, unit_vectors
from pipeline.science.interpolate import bilinear
from pipeline.science.ramp_kernel import REACH, spread
from pipeline.science.ramp_structure import EARTH_RADIUS, Stations, Structure

Floats = NDArray[np.floating]

_MOST_ITERATIONS = 2000


def departures(
    background: Floats, grid: Grid, stations: Stations, *, altitude: Floats, lapse_rate: float
) -> NDArray[np.float64]:
    """Observation minus blend (station,), the blend taken to the station's height; NaN where the blend has no value.

    background, altitude: (latitude, longitude); lapse_rate per m. A station of unknown height stands on the model's.
    """
    places = stations.latitude, stations.longitude
    above = np.nan_to_num(stations.elevation - bilinear(altitude, grid, *places))
    return np.asarray(stations.value - bilinear(background, grid, *places) - lapse_rate * above)


def analysis_increment(
    departure: Floats,
    grid: Grid,
    stations: Stations,
    *,
    altitude: Floats,
    structure: Structure,
    background_error: Floats | float | None = None,
    land: Floats | None = None,
) -> NDArray[np.float32]:
    """What to add to the blend at lead 0, (latitude, longitude), given `departure` (station,) of good observations.

    altitude: (latitude, longitude) in m; background_error: standard deviation, (latitude, longitude) or a number, the
    structure's by default; land: fraction (latitude, longitude), without which there is no coast. Far from every
    station the increment is 0. Raises ValueError if a departure is not finite.
    """
    if not np.all(np.isfinite(departure)):
        raise ValueError("every departure must be finite; leave out observations where the blend has no value")
    if len(departure) == 0:
        return np.zeros(grid.shape, np.float32)
    one = structure.background_error if background_error is None else background_error
    error = np.broadcast_to(np.asarray(one, float), grid.shape)
    error_there = bilinear(error, grid, stations.latitude, stations.longitude)
    # All in decorrelation lengths: straight lines through the earth, height, land.
    height, shore, there = _coordinates(grid, stations, altitude, land, structure)
    # In units of the background error, so that the correlations serve where the error varies.
    weights = _weights(departure / error_there, (stations.error / error_there) ** 2, there)
    return np.asarray(_spread(weights, grid, stations, height, shore, there, structure) * error, np.float32)


def _coordinates(
    grid: Grid, stations: Stations, altitude: Floats, land: Floats | None, structure: Structure
) -> tuple[Floats, Floats, Floats]:
    """Height and land of the cells, each (latitude, longitude), and all five coordinates of the stations (station, 5).

    A station of unknown height or land has the grid's at its place.
    """
    fields = [(altitude, stations.elevation, structure.vertical), (land, stations.land, structure.coast)]
    points = unit_vectors(np.asarray(stations.latitude, float), np.asarray(stations.longitude, float))
    cells, own = [], [points * (EARTH_RADIUS / structure.horizontal)]
    for field, known, length in fields:
        if field is None or not length:
            cells.append(np.zeros(grid.shape, np.float32))
            own.append(np.zeros((len(points), 1)))
            continue
        local = bilinear(field, grid, stations.latitude, stations.longitude)
        there = local if known is None else np.where(np.isfinite(known), known, local)
        cells.append(np.asarray(field, np.float32) * np.float32(1 / length))
        own.append(there[:, None] / length)
    return cells[0], cells[1], np.concatenate(own, axis=1)


def _weights(departure: Floats, noise: Floats, places: Floats) -> Floats:
    """(station,) solution of (correlations + noise) weights = departures, by conjugate gradients."""
    pairs = cKDTree(places).query_pairs(REACH, output_type="ndarray")
    one, other = pairs[:, 0], pairs[:, 1]
    correlation = np.exp(-((places[one] - places[other]) ** 2).sum(axis=1) / 2)
    itself = np.arange(len(departure))
    matrix = csr_matrix(
        (np.r_[correlation, correlation, 1 + noise], (np.r_[one, other, itself], np.r_[other, one, itself]))
    )
    weights, failed = cg(matrix, departure, rtol=1e-5, maxiter=_MOST_ITERATIONS)
    if failed:
        raise ValueError(
            f"optimal interpolation of {len(departure)} observations did not converge in {_MOST_ITERATIONS} steps; "
            "expected observation errors above a hundredth of the background error"
        )
    return np.asarray(weights)


def _spread(
    weights: Floats, grid: Grid, stations: Stations, height: Floats, shore: Floats, there: Floats, structure: Structure
) -> NDArray[np.float32]:
    """(latitude, longitude) sum of weights times correlations."""
    result = np.zeros(grid.shape, np.float32)
    order = np.argsort(stations.latitude, kind="stable")
    phi, lam = np.deg2rad(grid.latitude), np.deg2rad(grid.longitude)
    spread(
        np.sin(phi), np.cos(phi), np.cos(lam).astype(np.float32), np.sin(lam).astype(np.float32), height, shore,
        np.deg2rad(stations.latitude[order].astype(float)),
        np.mod(np.deg2rad(stations.longitude[order].astype(float)), 2 * np.pi), there[order, 3], there[order, 4],
        weights[order], structure.horizontal / EARTH_RADIUS, result,
    )  # fmt: skip
    return result
