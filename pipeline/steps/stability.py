"""How steady an hour is beside its inputs: across its seams, from cell to cell, from issue to issue of a valid time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.products import layout
from pipeline.science.stability import Borders, borders, flip_flop, jump, roughness
from pipeline.steps import Deployment
from pipeline.steps.inputs import sources_of
from pipeline.steps.published import arrays_of, last_lead
from pipeline.steps.verify_pairs import Pairs, pair

Array = NDArray[np.float32]
Float = NDArray[np.float64]
Ours = Callable[[Cycle, Parameter, int, Mapping[str, Array], int], Array]

WATCHED = ("temperature_2m", "wind_speed_10m", "pressure_at_sea_level", "precipitation", "total_cloud_cover")
"""Whose change from hour to hour is followed: of all it would cost more than their scores."""
ISSUES, A_DAY = 6, 24
"""Hours of which the last is scored, and the lead it is followed at."""
FEWEST_ISSUES = 3
TRUTH = "analysis"
"""The system that is the verifying analysis: weather has gradients of its own at coasts, where clusters often end."""
LEAST_SHARE = 0.9
"""Of the globe that a field must cover for its seams and roughness to mean anything."""


class StabilityRecord(TypedDict):
    """One figure of one system.

    `cluster_jump`, `region_jump`: from cell to cell across the borders of clusters, or where a regional source's weight
    changes, in the parameter's units, and `..._contrast`: over that elsewhere; `roughness`: in the parameter's units;
    `flip_flop`: index over `issues` of one valid time, in its units, too, the last issued at `lead_time_hours`.
    """

    parameter: str
    lead_time_hours: float
    measure: str
    system: str
    value: float
    issues: int


def stability(
    deployment: Deployment, row: Parameter, scored: Cycle, found: Mapping[int, Sequence[Pairs]], ours: Ours
) -> list[StabilityRecord]:
    """The figures of one parameter from its pairs by lead, the last of each those of the published hour `scored`.

    `ours`: what a published hour says of a parameter at a lead, for the hours before. Directions have no figures.
    """
    records: list[StabilityRecord] = []
    if row.kind == "direction" or not found:
        return records
    seams = dict(_seams(deployment, row.name, scored))
    for lead, parts in found.items():
        records += _spatial(deployment, row.name, lead, parts[-1], seams)
    lead = min((lead for lead in found if lead >= A_DAY), default=min(found))
    hourly = [(lead, found[lead][-1]), *earlier_issues(deployment, row, scored, lead, ours)]
    known = [(ahead, part) for ahead, parts in found.items() for part in parts]
    return [*records, *_temporal(deployment, row.name, known), *_temporal(deployment, row.name, hourly)]


def earlier_issues(
    deployment: Deployment, row: Parameter, scored: Cycle, lead: int, ours: Ours
) -> Iterator[tuple[int, Pairs]]:
    """Lead and pairs of the hours published just before `scored`, for the time that is `lead` hours after it."""
    unknown = np.full(len(sources_of(deployment, row)), np.nan)
    for back in range(1, ISSUES):
        if row.name not in WATCHED or not deployment.store.exists(paths.forecast(scored - back, "manifest.json")):
            continue
        if row.name not in arrays_of(deployment, scored - back, "best.zarr"):
            continue
        if lead + back > last_lead(deployment, scored - back):
            continue
        part = pair(
            deployment, row, scored - back, lead + back, unknown, partial(ours, scored - back, row, lead + back)
        )
        if part is not None:
            yield lead + back, part


def _seams(deployment: Deployment, name: str, hour: Cycle) -> Iterator[tuple[str, Borders]]:
    """The seams of a parameter's weights: between clusters, and where a regional source begins to count for less."""
    key = paths.forecast(hour, "weights.zarr")
    if not deployment.store.exists(f"{key}/{name}_membership/zarr.json"):
        return
    yield "cluster", borders(layout.read_tile(deployment.store, key, f"{name}_membership", slice(None)).argmax(0))
    takes = layout.read_coordinate(deployment.store, key, f"{name}_last_lead") >= 0
    coverage = layout.read_tile(deployment.store, key, "coverage", slice(None))
    covered = [field for field in coverage[takes] if field.min() < field.max()]
    if covered:
        parts = [borders(field) for field in covered]
        east = np.logical_or.reduce([part.east for part in parts])
        yield "region", Borders(east, np.logical_or.reduce([part.south for part in parts]))


def _spatial(
    deployment: Deployment, name: str, lead: int, part: Pairs, seams: Mapping[str, Borders]
) -> Iterator[StabilityRecord]:
    grid = deployment.grid
    if len(part.cells) < LEAST_SHARE * grid.shape[0] * grid.shape[1]:
        return
    field = np.full(grid.shape[0] * grid.shape[1], np.nan)
    for system, error in (*zip(part.systems, part.errors, strict=True), (TRUTH, np.zeros(len(part.cells)))):
        field[part.cells] = error + part.truth
        on_grid = field.reshape(grid.shape)
        figures = {"roughness": roughness(on_grid, grid.latitude)}
        for kind, seam in seams.items():
            figures[f"{kind}_jump"], figures[f"{kind}_contrast"] = jump(on_grid, seam, grid.latitude)
        for measure, value in figures.items():
            if np.isfinite(value):
                yield StabilityRecord(
                    parameter=name, lead_time_hours=float(lead), measure=measure, system=system, value=value, issues=1
                )


def _temporal(deployment: Deployment, name: str, found: Iterable[tuple[int, Pairs]]) -> Iterator[StabilityRecord]:
    """Flip-flop index of every system over the issues of one valid time, the mean of all valid times with as many.

    found: pairs and their leads.
    """
    by_time: dict[Cycle, list[Pairs]] = {}
    for lead, part in found:
        by_time.setdefault(part.hour + lead, []).append(part)
    means: dict[tuple[float, int], list[dict[str, float]]] = {}
    for valid, parts in by_time.items():
        issues = sorted(parts, key=lambda part: part.hour)
        if len(issues) >= FEWEST_ISSUES:
            key = (issues[-1].hour.lead_hours(valid.init_time), len(issues))
            means.setdefault(key, []).append(_mean_index(deployment, issues))
    for (ahead, count), times in means.items():
        for system in (name for name in times[-1] if all(name in figures for figures in times)):
            yield StabilityRecord(
                parameter=name, lead_time_hours=ahead, measure="flip_flop", system=system,
                value=float(np.mean([figures[system] for figures in times])), issues=count,
            )  # fmt: skip


def _mean_index(deployment: Deployment, issues: Sequence[Pairs]) -> dict[str, float]:
    """Mean flip-flop index of each system that all issues have, over the cells they share.

    Errors turn as forecasts do, for the truth is one.
    """
    systems = [name for name in issues[-1].systems if all(name in part.systems for part in issues)]
    cells = issues[0].cells[np.logical_and.reduce([np.isin(issues[0].cells, part.cells) for part in issues])]
    area = np.repeat(deployment.grid.cell_area, deployment.grid.shape[1])[cells]
    chosen = [[part.systems.index(name) for name in systems] for part in issues]
    stack = np.stack([
        part.errors[rows][:, np.isin(part.cells, cells)] for part, rows in zip(issues, chosen, strict=True)
    ])  # fmt: skip
    return dict(zip(systems, np.average(flip_flop(stack), axis=1, weights=area).tolist(), strict=True))
