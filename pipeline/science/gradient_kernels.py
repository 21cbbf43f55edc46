"""Compiled loops over rows of a grid for what a place and its four neighbours make: (row, column), a frame of one more
row and column on every side of the fields. Winds and scalars in; the last arguments are the results."""

from __future__ import annotations

from typing import Any

from pipeline.science.derive.math import f4, kernel


@kernel
def turn_and_spread(east: Any, north: Any, rows: Any, vorticity: Any, divergence: Any, deformation: Any) -> None:
    """Circulation round the box of the four neighbours, flux out of it, and how it is deformed (all s-1).

    rows: (4, row) cosine of the latitude to the north and to the south, one over the sides' m that make the box's area
    (0 at a pole, where all is 0), tangent of the latitude over the radius.
    """
    for j in range(vorticity.shape[0]):
        upper, lower, scale, bend = rows[0, j], rows[1, j], rows[2, j], rows[3, j]
        for i in range(vorticity.shape[1]):
            turn = north[j + 1, i + 2] - north[j + 1, i]
            stretch = east[j + 1, i + 2] - east[j + 1, i]
            curl = scale * (turn - (east[j, i + 1] * upper - east[j + 2, i + 1] * lower))
            flux = scale * (stretch + (north[j, i + 1] * upper - north[j + 2, i + 1] * lower))
            stretching = f4(2.0) * (scale * stretch - north[j + 1, i + 1] * bend) - flux
            shearing = f4(2.0) * (scale * turn + east[j + 1, i + 1] * bend) - curl
            vorticity[j, i] = curl
            divergence[j, i] = flux
            deformation[j, i] = (stretching * stretching + shearing * shearing) ** f4(0.5)


@kernel
def advect(east: Any, north: Any, scalar: Any, rows: Any, out: Any) -> None:
    """What the wind brings of the scalar in a second; rows: (2, row) one over the m from neighbour to neighbour along
    the row (0 at a pole) and along the meridian."""
    for j in range(out.shape[0]):
        along, across = rows[0, j], rows[1, j]
        for i in range(out.shape[1]):
            downwind = east[j + 1, i + 1] * along * (scalar[j + 1, i + 2] - scalar[j + 1, i])
            out[j, i] = -downwind - north[j + 1, i + 1] * across * (scalar[j, i + 1] - scalar[j + 2, i + 1])
