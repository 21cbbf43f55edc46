"""Parameters that follow from a place's neighbours too, for all pressure levels: derived before all others, from what
the blend says of whole rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science import gradients

Array = NDArray[np.float32]

LEVELS = parameters.pressure_levels()  # hPa
DEFORMED = (700, 500, 250)  # where turbulence is told from deformation
ADVECTED = (850, 700)  # where fronts are told from the advection of temperature


@dataclass(frozen=True)
class Gradient:
    """Parameters of one level, the fields that they follow from (both components of a wind, perhaps a scalar), and how
    in words."""

    names: tuple[str, ...]
    inputs: tuple[str, ...]
    words: str


def _gradients() -> tuple[Gradient, ...]:
    found = []
    for level in LEVELS:
        wind = f"eastward_wind_{level}hpa", f"northward_wind_{level}hpa"
        names = [f"relative_vorticity_{level}hpa", f"divergence_{level}hpa"]
        names += [f"total_deformation_{level}hpa"] if level in DEFORMED else []
        found.append(
            Gradient(tuple(names), wind, "s-1: how the wind of the cells around turns, spreads and stretches.")
        )
        if level in ADVECTED:
            names = [f"temperature_advection_{level}hpa"]
            words = "K s-1: wind times how the temperature of the cells around falls along it."
            found.append(Gradient(tuple(names), (*wind, f"temperature_{level}hpa"), words))
    return tuple(found)


GRADIENTS = _gradients()
BY_NAME = {name: gradient for gradient in GRADIENTS for name in gradient.names}
NAMES = tuple(BY_NAME)
INPUTS = tuple(dict.fromkeys(name for gradient in GRADIENTS for name in gradient.inputs))


def possible(given: Collection[str]) -> list[str]:
    """Names that follow from fields of the given names, in order."""
    return [name for gradient in GRADIENTS if set(given).issuperset(gradient.inputs) for name in gradient.names]


def derive(
    fields: Mapping[str, Array], beyond: Mapping[str, Array], latitude: NDArray[np.float64], step: float, columns: slice
) -> dict[str, Array]:
    """Everything that follows, (lead, row, column) within the catalogue's bounds, on some `columns` of whole rows.

    fields: (lead, row, column) all columns of the globe on the rows of `latitude` (row,), north to south; beyond:
    (lead, 2, column) the row to the north of them and that to the south, whose values do not matter beyond a pole;
    step: degrees between neighbours, both ways.
    """
    framed = {name: _framed(fields[name], beyond[name], columns) for name in INPUTS if name in beyond}
    found: dict[str, Array] = {}
    for gradient in GRADIENTS:
        if framed.keys() >= set(gradient.inputs):
            made = _of_rows([framed[name] for name in gradient.inputs], latitude, step)
            for row in np.flatnonzero(np.abs(latitude) >= 90):
                ring = [_beside_pole(fields[name], beyond[name], latitude[row]) for name in gradient.inputs]
                for field, value in zip(made, _at_pole(ring, latitude[row], step), strict=True):
                    field[:, row] = value[:, None]
            found |= dict(zip(gradient.names, made, strict=False))  # deformation is not wanted at every level
    rows = parameters.derived()
    return {name: np.clip(field, rows[name].minimum, rows[name].maximum, out=field) for name, field in found.items()}


def _framed(field: Array, beyond: Array, columns: slice) -> Array:
    """The columns with their neighbours on all sides."""
    around = np.arange(columns.start - 1, columns.stop + 1) % field.shape[-1]
    parts = (part[..., around] for part in (beyond[:, :1], field, beyond[:, 1:]))
    return np.concatenate(list(parts), axis=1)


def _beside_pole(field: Array, beyond: Array, pole: float) -> Array:
    """(lead, column) the row beside a pole, which is the first (90) or the last (-90) row of the field."""
    if field.shape[1] > 1:
        return field[:, 1 if pole > 0 else -2]
    return beyond[:, 1 if pole > 0 else 0]


def _of_rows(parts: list[Array], latitude: NDArray[np.float64], step: float) -> tuple[Array, ...]:
    if len(parts) == 2:
        return gradients.turn_and_spread(parts[0], parts[1], latitude, step)
    return (gradients.advection(parts[0], parts[1], parts[2], latitude, step),)


def _at_pole(ring: list[Array], pole: float, step: float) -> tuple[Array, ...]:
    if len(ring) == 2:
        return gradients.polar_turn_and_spread(ring[0], ring[1], pole, step)
    return (gradients.polar_advection(ring[0], ring[1], ring[2], pole, step),)
