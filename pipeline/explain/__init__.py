"""Explain: why a published hour says what it says of one place, and whether that comes to the published number."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import suppress

from pipeline import parameters
from pipeline.config import Place
from pipeline.cycle import Cycle
from pipeline.explain.chain import chain
from pipeline.explain.published import At
from pipeline.parameters import Parameter, blended, derived
from pipeline.products.explanation import Chain, Derivation, Explanation
from pipeline.products.explanation_picture import picture
from pipeline.products.point import nearest_cell
from pipeline.science.derive import gradients as derive_gradients
from pipeline.science.derive.catalogue import FORMULAS, STATES
from pipeline.steps import Deployment
from pipeline.steps.forecast import consistent, surroundings
from pipeline.steps.learn import places
from pipeline.steps.published import published

SHOWN, A_DAY = "temperature_2m", 24
LAND = 0.5
"""Fraction from which a cell is spoken of as land."""


def explain(
    deployment: Deployment, hour: Cycle, latitude: float, longitude: float, name: str, lead: int
) -> Explanation:
    """The chain, or of a derived parameter the derivation, behind a published number `lead` hours on at a place.

    Raises KeyError for a parameter that is unknown or not published, ValueError for a place or lead that is not
    there, FileNotFoundError once a run of a source is no longer kept.
    """
    row = parameters.parameter(name)
    best = published(deployment, hour, "best.zarr")
    if name not in best:
        raise KeyError(f"{name} is not in the forecast of {hour}, which holds {', '.join(map(str, best.data_vars))}")
    leads = best["lead_time"].values
    if lead not in leads:
        raise ValueError(f"expected a lead of {leads[0]} to {leads[-1]} whole hours; found {lead}")
    at = At(
        deployment, hour, lead, *nearest_cell(best["latitude"].values, best["longitude"].values, latitude, longitude)
    )
    behind: Chain | Derivation = derivation(at, row) if name in derived() else chain(at, row)
    cell = (float(at.best["latitude"]), float(at.best["longitude"]))
    value = float(at.best[name].sel(lead_time=lead))
    synthetic = bool(at.manifest["synthetic"])
    return Explanation(hour, lead, row, (latitude, longitude), cell, synthetic, value, behind, _notes(at, row))


def pictures(deployment: Deployment, hour: Cycle, places: Sequence[Place]) -> dict[str, str]:
    """By name of a place the picture of its temperature a day ahead; none once the sources' runs are gone."""
    lead = min(A_DAY, deployment.config.last_lead_hours)
    with suppress(FileNotFoundError):
        return {
            place.name: picture(explain(deployment, hour, place.latitude, place.longitude, SHOWN, lead))
            for place in places
        }
    return {}


def derivation(at: At, row: Parameter) -> Derivation:
    """How a derived parameter follows from what is published beside it."""
    if row.name in derive_gradients.NAMES:
        return _of_neighbours(at, row)
    given = {*blended(), *derive_gradients.NAMES}
    fields = {name: at.best[name].values[:, None] for name in at.best.data_vars if name in given}
    beside = surroundings(at.deployment, at.hour, at.leads, at.cells)
    beside |= {f"{name}_start": at.best[name].values[:1] for name in STATES if name in at.best}
    result, _ = consistent(fields, beside)
    inputs = tuple((name, float(at.best[name].sel(lead_time=at.lead))) for name in _inputs(at, row.name))
    words = (inspect.getdoc(FORMULAS[row.name].compute) or "").split("\n\n")[0]
    return Derivation(f"{' '.join(words.split())} [{row.source}]", inputs, float(result[row.name][at.index, 0]))


def _of_neighbours(at: At, row: Parameter) -> Derivation:
    """How a parameter follows from what is published here and in the cells around."""
    gradient = derive_gradients.BY_NAME[row.name]
    data = published(at.deployment, at.hour, "best.zarr")[list(gradient.inputs)].sel(lead_time=at.lead)
    beside = [max(at.row - 1, 0), min(at.row + 1, at.deployment.grid.shape[0] - 1)]
    here = {name: data[name].values[None, at.row : at.row + 1] for name in gradient.inputs}
    beyond = {name: data[name].values[None, beside] for name in gradient.inputs}
    grid, columns = at.deployment.grid, slice(at.column, at.column + 1)
    found = derive_gradients.derive(here, beyond, grid.latitude[at.row : at.row + 1], grid.resolution, columns)
    inputs = tuple((name, float(here[name][0, 0, at.column])) for name in gradient.inputs)
    return Derivation(f"{gradient.words} [{row.source}]", inputs, float(found[row.name][0, 0, 0]))


def _inputs(at: At, name: str) -> list[str]:
    """The published parameters that a formula starts from, through intermediate ones that are not published."""
    found: list[str] = []
    for other in (*FORMULAS[name].inputs, *FORMULAS[name].optional):
        if other in at.best.data_vars:  # the latitude is none of them
            found.append(other)
        elif other in FORMULAS:
            found += _inputs(at, other)
    return list(dict.fromkeys(found))


def _notes(at: At, row: Parameter) -> tuple[str, ...]:
    """What is to be known of the place."""
    land = float(places(at.deployment).land[at.cells][0])
    if row.domain == "sea" and land >= LAND:
        return (f"this cell is land ({land:.0%}): a parameter of the sea is continued from the nearest sea",)
    if row.domain == "land" and land < LAND:
        return (f"this cell is sea ({1 - land:.0%}): a parameter of the land is continued from the nearest land",)
    return ()
