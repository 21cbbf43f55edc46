"""Nests: the hazards that the hour's ensembles foresee, and the fine runs that would pay, within a budget.

Always a dry run: it writes the plan. `hourcast nests --prepare FOLDER` on the cluster makes runs of what it chose.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline import nest_plan, paths
from pipeline.cycle import Cycle
from pipeline.nest_plan import WINDOW_HOURS, Hazard
from pipeline.products.storms import TROPICS, tracks_of
from pipeline.science.hazards import EARTH_RADIUS_KM, boxes, peaks
from pipeline.science.strike import strike_probability
from pipeline.science.tracks import Track
from pipeline.steps import Deployment
from pipeline.steps.published import published
from pipeline.steps.surface import surface

Array = NDArray[np.float32]
HORIZON_DAYS = 5
"""Beyond, a day's hazard is too uncertain to aim a small domain at."""
MOST_BOXES = 10
"""Of a day, the largest."""
STRIKE = "strike"
LAND = 0.5
"""Share of a cell from which a hazard of the land makes it a likely one."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The hour as a whole, where the configuration has a budget for nests."""
    return ["hour"] if deployment.config.nests else []


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Write the plan: every candidate with its hazards, price, time, value, and why it is to be started or not."""
    settings = deployment.config.nests
    if settings is None:
        raise ValueError(f"expected `nests` in the configuration of {hour}; found none")
    last = min(deployment.config.last_lead_hours, HORIZON_DAYS * WINDOW_HOURS)
    leads = list(range(last + 1))
    chances = {row: _chance(deployment, hour, row, leads) for row in nest_plan.hazards()}
    exposed = {row: _exposed(deployment, row) for row in chances}
    cell_km2 = 4 * np.pi * EARTH_RADIUS_KM**2 * deployment.grid.cell_area[:, None]
    found = []
    for window in range(-(-last // WINDOW_HOURS)):
        today = {row: chance[window] for row, chance in chances.items() if chance is not None}
        likely = np.zeros(deployment.grid.shape, bool)
        for row, chance in today.items():
            likely |= (chance >= row.likely) & (exposed[row] >= LAND)
        for number, box in enumerate(boxes(likely, deployment.grid)[:MOST_BOXES], 1):
            hit = {
                row.hazard: float((chance * exposed[row] * cell_km2).ravel()[box.cells].sum())
                for row, chance in today.items()
            }
            found.append(nest_plan.candidate(hour, window, number, box, hit, settings.deadline_hours))
    decided = nest_plan.decide(found, settings.budget_dollars, settings.deadline_hours)
    document = nest_plan.plan(hour, decided) | settings.model_dump() | {"synthetic": deployment.config.synthetic}
    document["unknown"] = [row.hazard for row, chance in chances.items() if chance is None]
    deployment.store.write(paths.nests(hour), json.dumps(document, indent=1).encode())


def _exposed(deployment: Deployment, row: Hazard) -> Array:
    """(latitude, longitude) share of each cell that the hazard threatens: all, or its land."""
    if row.where == "all":
        return np.ones(deployment.grid.shape, np.float32)
    return surface(deployment)[1].reshape(deployment.grid.shape).astype(np.float32)


def _chance(deployment: Deployment, hour: Cycle, row: Hazard, leads: list[int]) -> Array | None:
    """(day, latitude, longitude) greatest probability of the hazard in an hour of each day; None if it is not known.

    What is derived has no probabilities: it is 1 where the best forecast reaches the threshold and 0 elsewhere.
    """
    if row.parameter == STRIKE:
        return _strikes(deployment, hour, -(-leads[-1] // WINDOW_HOURS))
    data = published(deployment, hour, "probability.zarr")
    if f"{row.parameter}_exceedance" in data:
        position = data[f"{row.parameter}_threshold"].values.tolist().index(row.threshold)
        return peaks(
            data[f"{row.parameter}_exceedance"][position, : len(leads)].values, np.asarray(leads), WINDOW_HOURS
        )
    best = published(deployment, hour, "best.zarr")
    if row.parameter not in best:
        return None
    reached = best[row.parameter][: len(leads)].values >= row.threshold
    return peaks(reached.astype(np.float32), np.asarray(leads), WINDOW_HOURS)


def _strikes(deployment: Deployment, hour: Cycle, days: int) -> Array | None:
    """(day, latitude, longitude) share of all ensembles' members of which a tropical cyclone comes near in that day."""
    members: dict[tuple[str, int], list[Track]] = {}
    for info in deployment.store.list(paths.tracks(hour, "").rstrip("/")):
        if info.key.endswith(".geojson"):
            collection = json.loads(deployment.store.read(info.key))
            for number, tracks in tracks_of(collection).items():
                members[info.key, number] = [track for track in tracks if abs(track[0].latitude) <= TROPICS]
    if not members:
        return None
    return np.stack([strike_probability(_of_day(members, day), deployment.grid) for day in range(days)])


def _of_day(members: Mapping[tuple[str, int], list[Track]], day: int) -> dict[int, list[Track]]:
    """Every member's tracks as far as they lie in the day."""
    first, last = day * WINDOW_HOURS, (day + 1) * WINDOW_HOURS
    return {
        number: [part for track in tracks if (part := tuple(f for f in track if first <= f.lead_hours <= last))]
        for number, tracks in enumerate(members.values())
    }
