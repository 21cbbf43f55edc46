"""What needs a place's neighbours on a grid of latitudes and longitudes: vorticity, divergence, deformation, advection.

Vorticity is circulation round the box of the four neighbours over its area, divergence the flux out of it: centred, of
second order, and over the whole globe both come to nothing, as on the sphere. At a pole the box is the cap within the
next row; what has a direction follows from that row's first and second wave, as of a wind that changes linearly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science import gradient_kernels as kernels

Array = NDArray[np.float32]

EARTH_RADIUS = 6371229.0  # m, of the sphere that the models' grids are on (GRIB2 code table 3.2, 6)
_POLE = 90 - 1e-6


def turn_and_spread(east: Array, north: Array, latitude: NDArray[np.float64], step: float) -> tuple[Array, ...]:
    """Relative vorticity, divergence and total deformation (s-1) of a wind (m s-1).

    east, north: (lead, row + 2, column + 2) with a frame of neighbours; what lies beyond a pole does not matter.
    latitude: (row,) degrees, north to south; step: degrees between neighbours, both ways.
    Returns three (lead, row, column); those of a polar row are not right, see `polar_turn_and_spread`.
    Source: Holton and Hakim (2013), 4.2: circulation; Bluestein (1992), 1.1: deformation.
    """
    phi, d = np.deg2rad(latitude), np.deg2rad(step)
    inner = np.abs(latitude) < _POLE
    cosine = np.where(inner, np.cos(phi), 1)
    rows = np.stack([
        np.cos(phi + d), np.cos(phi - d), inner / (2 * EARTH_RADIUS * np.sin(d) * cosine),
        inner * np.sin(phi) / cosine / EARTH_RADIUS,
    ]).astype(np.float32)  # fmt: skip
    results = tuple(np.empty((len(east), len(latitude), east.shape[-1] - 2), np.float32) for _ in range(3))
    for lead in range(len(east)):
        kernels.turn_and_spread(east[lead], north[lead], rows, *(result[lead] for result in results))
    return results


def advection(east: Array, north: Array, scalar: Array, latitude: NDArray[np.float64], step: float) -> Array:
    """What a wind (m s-1) brings of a scalar, in its units a second; arguments and result as of `turn_and_spread`.

    Source: Holton and Hakim (2013), 2.1.
    """
    phi, d = np.deg2rad(latitude), np.deg2rad(step)
    inner = np.abs(latitude) < _POLE
    along = inner / (2 * d * EARTH_RADIUS * np.where(inner, np.cos(phi), 1))
    rows = np.stack([along, np.full(len(phi), 1 / (2 * d * EARTH_RADIUS))]).astype(np.float32)
    result = np.empty((len(east), len(latitude), east.shape[-1] - 2), np.float32)
    for lead in range(len(east)):
        kernels.advect(east[lead], north[lead], scalar[lead], rows, result[lead])
    return result


def polar_turn_and_spread(east: Array, north: Array, pole: float, step: float) -> tuple[Array, ...]:
    """(lead,) vorticity, divergence and deformation (s-1) at a pole, from the wind (lead, column) of the row beside it.

    pole: 90 or -90. Source: circulation round the cap and flux out of it over its area.
    """
    d, sign = np.deg2rad(step), np.sign(pole)
    outward = -sign * north.astype(np.float64)
    size = np.sin(d) / (EARTH_RADIUS * (1 - np.cos(d)))
    stretching, shearing = _wave(outward, east, 2)
    reach = EARTH_RADIUS * np.sin(d)
    found = (sign * size * east.mean(axis=1, dtype=np.float64), size * outward.mean(axis=1))
    deformation = 2 / reach * np.hypot(stretching, shearing)
    return tuple(np.asarray(part, np.float32) for part in (*found, deformation))


def polar_advection(east: Array, north: Array, scalar: Array, pole: float, step: float) -> Array:
    """(lead,) advection at a pole from the wind and the scalar (lead, column) of the row beside it; as `advection`."""
    angle = 2 * np.pi * np.arange(scalar.shape[1]) / scalar.shape[1]
    reach = EARTH_RADIUS * np.sin(np.deg2rad(step))
    slopes = (2 / reach * (scalar * wave).mean(axis=1) for wave in (np.cos(angle), np.sin(angle)))
    winds = _wave(-np.sign(pole) * north.astype(np.float64), east, 1)
    return np.asarray(-sum(wind * slope for wind, slope in zip(winds, slopes, strict=True)), np.float32)


def _wave(outward: NDArray[np.float64], east: Array, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(lead,) both parts of the wave of a wind round a pole that a uniform (1) or a deformed (2) wind makes there."""
    angle = number * 2 * np.pi * np.arange(east.shape[1]) / east.shape[1]
    cosine, sine = np.cos(angle), np.sin(angle)
    return (outward * cosine - east * sine).mean(axis=1), (outward * sine + east * cosine).mean(axis=1)
