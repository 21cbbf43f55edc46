"""Which limited-area runs to start for the hazards of an hour: what each is worth, costs, and whether it makes it.

Coarse finds, fine refines: ensembles tell where something is likely, WRF at 3 km then tells where in there and how
hard. `hazards.csv` says what counts as a hazard and how severe it is beside the others: judgements, to be edited. The
value of a run is the area in km² that the hazards are expected to hit, times their severity.

Time and price follow from the measured MPAS run of `scaling.csv`, by the work there is: cells times levels times steps.
That a cell of WRF costs what one of MPAS does, and that the shape of the scaling is that of as much work a node, is
assumed; the nodes stay within what was measured.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np

from models.namelists_wrf import WrfRun
from pipeline.cycle import Cycle
from pipeline.science.hazards import Box
from pipeline.slurm import layouts
from pipeline.slurm.scaling import HIGH, LOW, Scaling, fit, read_measurements

WINDOW_HOURS = 24
"""Hazards of a day are forecast by one run."""
SPIN_UP_HOURS = 6
"""Before the window: the fine scales have to grow out of the coarse state."""
SPACING_M = 3000
LEVELS = 50
DRIVER_HOURS = 3
FEWEST_CELLS = 130
"""Along a side: enough for the ranks of one node."""
FARTHEST, TROPICS = 80.0, 23.5
"""Degrees of latitude: no centre lies beyond the one; nearer than the other physics are the tropical suite."""
LEAST_KM2 = 100.0
"""A hazard of which less is expected is not named."""
INSTANCE = "hpc7a.96xlarge"
_MEASURED, _MEASURED_ON = "mpas_laura_15_3km", "hpc6a.48xlarge"
_RELATIVE = "wrf_conus_2.5km"
_MESH_WORK = 6_488_066 * 55 * 3600 / 18
"""Cells, levels and steps of 18 s of a simulated hour on MPAS's mesh of 15 to 3 km."""


@dataclass(frozen=True)
class Hazard:
    """A row of the table: `parameter` beyond `threshold` with a probability of `likely` or more, over land or all."""

    hazard: str
    parameter: str
    threshold: float | None
    where: Literal["land", "all"]
    likely: float
    severity: float
    source: str


@dataclass(frozen=True)
class Candidate:
    """A run that might be started: why, where, when, at what price (best, low, high), and what was decided.

    `hazards`: expected km² by hazard. `lead_hours`: of the window, from the hour. `decision` is a sentence.
    """

    name: str
    hazards: dict[str, float]
    lead_hours: tuple[int, int]
    run: WrfRun
    nodes: int
    hours: tuple[float, float, float]
    dollars: tuple[float, ...]
    value: float
    chosen: bool = False
    decision: str = ""


@cache
def hazards() -> tuple[Hazard, ...]:
    """The table of hazards."""
    with resources.files(__package__).joinpath("hazards.csv").open(encoding="utf-8") as file:
        return tuple(_hazard(row) for row in csv.DictReader(file))


def _hazard(row: Mapping[str, str]) -> Hazard:
    threshold = float(row["threshold"]) if row["threshold"] else None
    where: Literal["land", "all"] = "land" if row["where"] == "land" else "all"
    return Hazard(
        row["hazard"], row["parameter"], threshold, where, float(row["likely"]), float(row["severity"]), row["source"]
    )


def candidate(
    hour: Cycle, window: int, number: int, box: Box, hit_km2: Mapping[str, float], deadline_hours: float
) -> Candidate:
    """The run for a box in that day after the hour, on the fewest nodes that make the deadline, or as many as serve.

    hit_km2: expected area by hazard.
    """
    first, last = window * WINDOW_HOURS, (window + 1) * WINDOW_HOURS
    begin = hour.init_time + timedelta(hours=max(first - SPIN_UP_HOURS, 0))
    begin -= timedelta(hours=begin.hour % DRIVER_HOURS)
    length = (hour.init_time + timedelta(hours=last) - begin) / timedelta(hours=1)
    run = _domain(box, begin, DRIVER_HOURS * math.ceil(length / DRIVER_HOURS))
    severity = {row.hazard: row.severity for row in hazards()}
    sizes = [(nodes, _wall_hours(run, nodes)) for nodes in _node_counts(run)]
    nodes, wall = next((size for size in sizes if size[1][2] <= deadline_hours), sizes[-1])
    price = _scalings()[1].price_per_hour[INSTANCE]
    return Candidate(
        name=f"{hour}-day{window + 1}-{number}",
        hazards={name: round(area) for name, area in hit_km2.items() if area >= LEAST_KM2},
        lead_hours=(first, last),
        run=run.model_copy(update={"ranks": nodes * _ranks_per_node()}),
        nodes=nodes,
        hours=wall,
        dollars=tuple(round(nodes * price * hours, 2) for hours in wall),
        value=round(sum(severity[name] * area for name, area in hit_km2.items())),
    )


def decide(candidates: Sequence[Candidate], budget_dollars: float, deadline_hours: float) -> list[Candidate]:
    """All candidates, the most valuable a dollar first, with what was decided; the budget is spent in that order."""
    left, decided = budget_dollars, []
    for one in sorted(candidates, key=lambda one: (-one.value / one.dollars[0], one.name)):
        if one.hours[2] > deadline_hours:
            why = f"left: up to {one.hours[2]:.1f} h on {one.nodes} nodes, the deadline is {deadline_hours:g} h"
        elif one.dollars[2] > left:
            why = f"left: up to ${one.dollars[2]:.2f}, ${left:.2f} of the budget of ${budget_dollars:g} are left"
        else:
            left -= one.dollars[2]
            why = f"chosen: {one.value / one.dollars[0]:.0f} severity km² a dollar, ${left:.2f} remain of the budget"
        decided.append(replace(one, chosen=why.startswith("chosen"), decision=why))
    return decided


def _domain(box: Box, start: datetime, hours: int) -> WrfRun:
    nx, ny = (max(math.ceil(side * 1000 / SPACING_M), FEWEST_CELLS) for side in (box.width_km, box.height_km))
    latitude = min(max(box.latitude, -FARTHEST), FARTHEST)
    return WrfRun(
        start=start, hours=hours, ranks=_ranks_per_node(), centre_latitude=round(latitude, 2),
        centre_longitude=round(box.longitude, 2), spacing_m=SPACING_M, nx=nx, ny=ny, levels=LEVELS,
        suite="tropical" if abs(latitude) < TROPICS else "CONUS",
    )  # fmt: skip


def _ranks_per_node() -> int:
    return layouts()["wrf", "run"].ranks_per_node


@cache
def _scalings() -> tuple[Scaling, Scaling]:
    """The measured speed, and how the instances compare."""
    table = read_measurements()
    return fit(table, _MEASURED), fit(table, _RELATIVE)


def _share(run: WrfRun) -> float:
    """A simulated hour's work as a share of that of the measured run."""
    return run.nx * run.ny * run.levels * 3600 / run.time_step / _MESH_WORK


def _node_counts(run: WrfRun) -> list[int]:
    """Nodes with as much work each as in the measurements, one at least, whose patches are not too small."""
    fewest, most = (max(round(nodes * _share(run)), 1) for nodes in _scalings()[0].nodes)
    counts = [nodes for nodes in range(fewest, most + 1) if _fits(run, nodes)]
    return counts or [1]


def _fits(run: WrfRun, nodes: int) -> bool:
    try:
        return bool(run.model_copy(update={"ranks": nodes * _ranks_per_node()}).decomposition)
    except ValueError:
        return False


def _wall_hours(run: WrfRun, nodes: int) -> tuple[float, float, float]:
    """Best, low and high: the measured speed where a node has as much work, faster by what the instance is."""
    measured, relative = _scalings()
    alike = np.clip(nodes / _share(run), *measured.nodes)
    speed = measured.speed(_MEASURED_ON, [alike])[:, 0]
    faster = relative.faster[INSTANCE] / relative.faster[_MEASURED_ON]
    hours = run.hours / (speed * faster)
    low, high = np.percentile(hours, (LOW, HIGH))
    return float(hours[0]), float(low), float(high)


def plan(hour: Cycle, decided: Sequence[Candidate]) -> dict[str, Any]:
    """The decisions as plain data, with the table of hazards that they rest on."""
    return {
        "init_time": f"{hour.init_time.isoformat()}Z",
        "hazards": [asdict(row) for row in hazards()],
        "candidates": [asdict(one) | {"run": one.run.model_dump(mode="json")} for one in decided],
    }
