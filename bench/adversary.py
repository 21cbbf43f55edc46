"""`python -m bench.adversary [PARAMETER...]`: sources that go wrong, and how the blend takes it; build/adversary.json.

Every day of the demo's month is forecast for the next with what was known, once undisturbed and once with a source that
misbehaves from a day on; needs a finished `make demo`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.rehearsal import Array, Change, finished_demo, forget, read_truth, read_verified, rehearsal, walk
from pipeline.cycle import Cycle
from pipeline.demo import HOUR
from pipeline.parameters import blended
from pipeline.science.plausibility import frozen, implausible
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.hindcast import Hindcast, blend_fields
from pipeline.steps.inputs import sources_of
from pipeline.steps.verify_pairs import blocks, pair

OUT = Path("build/adversary.json")
LEAD, LATER = 24, 72
DAYS, CALM_DAYS = 29, 14  # of which nothing happens in the first
SHIFTS = {"temperature_2m": 50.0, "pressure_at_sea_level": 5000.0, "wind_speed_10m": 50.0, "precipitation": 10.0}
IMPROVED = 0.3  # of its errors are left to a source that improves overnight


@dataclass(frozen=True)
class Replay:
    """A month day by day: mean weight (hour, source), root mean square error of the blend and of equal weights (hour,).

    `caught`: (hour, source) whether the source's field was found implausible, and so left out if that was wanted.
    """

    sources: tuple[str, ...]
    weight: NDArray[np.float64]
    rmse: NDArray[np.float64]
    equal: NDArray[np.float64]
    caught: NDArray[np.bool_]


def replay(deployment: Deployment, name: str, hours: Sequence[Cycle], change: Change | None, *, check: bool) -> Replay:
    """Forecast every hour with what was then known; `check`: implausible fields are left out."""
    row, caught, weight, rmse = blended()[name], [], [], []
    sources = sources_of(deployment, row)
    with rehearsal(change):
        for hindcast in walk(deployment, name, hours):
            seen = np.zeros(len(sources), bool)
            repeats = [_repeats(deployment, name, source, hindcast.hour, change) for source in sources]
            errors, area = _errors(deployment, hindcast, name, seen, np.array(repeats), check=check)
            rmse.append(np.sqrt(errors**2 @ area / area.sum()))
            weight.append(_mean_weight(deployment, hindcast))
            caught.append(seen)
    ours, equal = np.array(rmse).T
    return Replay(sources, np.array(weight), ours, equal, np.array(caught))


def _repeats(deployment: Deployment, name: str, source: str, hour: Cycle, change: Change | None) -> bool:
    """Whether a source says of LEAD what it said the day before, though it says another thing of later on."""
    row = blended()[name]
    said = [read_verified(deployment, source, row, start, LEAD) for start in (hour, hour - 24)]
    later = read_verified(deployment, source, row, hour, LATER)
    if change is not None:
        said = [change(source, start, field) for start, field in zip((hour, hour - 24), said, strict=True)]
    newest, before = said
    return newest is not None and before is not None and later is not None and frozen(newest, before, later)


def _errors(
    deployment: Deployment,
    hindcast: Hindcast,
    name: str,
    seen: NDArray[np.bool_],
    repeats: NDArray[np.bool_],
    *,
    check: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2, cell) errors of the blend and of equal weights, and the cells' area; fills in `seen` (source,)."""
    row, sources = blended()[name], hindcast.weights.sources

    def ours(fields: Mapping[str, Array], _: int) -> Array:
        index = [sources.index(source) for source in fields]
        usual = np.sqrt(hindcast.mean_square[index])
        absurd = implausible(np.stack(list(fields.values()))[:, None], usual)[:, 0]
        if 2 * repeats[index].sum() < len(index):
            absurd = absurd | repeats[index]
        seen[index] = absurd
        kept = {source: field for source, field, bad in zip(fields, fields.values(), absurd, strict=True) if not bad}
        return blend_fields(deployment, row, hindcast, LEAD, kept if check else fields)

    found = pair(deployment, row, hindcast.hour, LEAD, hindcast.mean_square[:, 0], ours)
    if found is None:
        raise ValueError(f"expected a truth {LEAD} h after {hindcast.hour}; found none: make the demo again")
    chosen = [found.systems.index(system) for system in ("hourcast", "equal_weights")]
    return found.errors[chosen], blocks(deployment, [found]).weight


def _mean_weight(deployment: Deployment, hindcast: Hindcast) -> NDArray[np.float64]:
    """(source,) over the globe."""
    area = np.repeat(deployment.grid.cell_area, deployment.grid.shape[1])
    return np.asarray(hindcast.weights.weight[:, 0].astype(np.float64) @ area / area.sum())


def scenarios(deployment: Deployment, name: str, since: Cycle, best: str, worst: str) -> dict[str, Change]:
    """By what happens: what the sources say from `since` on."""
    row = blended()[name]

    def wrong_for_a_day(source: str, start: Cycle, field: Array | None) -> Array | None:
        return field + np.float32(SHIFTS[name]) if field is not None and (source, start) == (best, since) else field

    def freezes(source: str, start: Cycle, field: Array | None) -> Array | None:
        if source != best or start < since:
            return field
        return read_verified(deployment, best, row, since, LEAD)

    def duplicated(source: str, start: Cycle, field: Array | None) -> Array | None:
        if source != worst or start < since:
            return field
        return read_verified(deployment, best, row, start, LEAD)

    def vanishes(source: str, start: Cycle, field: Array | None) -> Array | None:
        return None if source == best and start >= since else field

    def improves(source: str, start: Cycle, field: Array | None) -> Array | None:
        seen = read_truth(deployment, row, start + LEAD)
        if source != worst or start < since or field is None or seen is None:
            return field
        return np.asarray(seen + np.float32(IMPROVED) * (field - seen), np.float32)

    return {
        "wrong for a day": wrong_for_a_day, "freezes": freezes, "duplicated": duplicated, "vanishes": vanishes,
        "improves overnight": improves,
    }  # fmt: skip


def attack(deployment: Deployment, name: str) -> list[dict[str, Any]]:
    """One record a scenario: how fast the weights answer, and what the blend's error is of the undisturbed one's."""
    hours = [HOUR - 24 * day for day in range(DAYS, -1, -1)]
    since = hours[CALM_DAYS]
    calm = replay(deployment, name, hours, None, check=True)
    order = [calm.sources[index] for index in np.argsort(calm.weight[CALM_DAYS])]
    worst, *_, best = [source for source in order if SOURCES[source].role != "regional"]  # which harms one region only
    records = []
    for what, change in scenarios(deployment, name, since, best, worst).items():
        actor = worst if what in ("duplicated", "improves overnight") else best
        index = calm.sources.index(actor)
        checked, unchecked = (replay(deployment, name, hours, change, check=check) for check in (True, False))
        moved = checked.weight[CALM_DAYS:, index]
        records.append({
            "parameter": name, "scenario": what, "source": actor, "hours": len(moved),
            "weight_before": float(calm.weight[CALM_DAYS, index]), "weight_after": float(moved[-1]),
            "hours_until_half": _hours_until_half(moved),
            **_suffering("", checked, calm), **_suffering("unchecked_", unchecked, calm),
            "equal_weights_ratio_max": float((checked.equal / calm.equal)[CALM_DAYS:].max()),
            "hours_caught": int(checked.caught[CALM_DAYS:, index].sum()),
            "others_caught": int(np.delete(checked.caught, index, axis=1).sum()),
        })  # fmt: skip
    forget()
    return records


def _hours_until_half(moved: NDArray[np.float64]) -> int | None:
    """Until the weight has gone half of the furthest way it goes; None if it stays within a hundredth."""
    way = np.abs(moved - moved[0])
    return None if way.max() < 0.01 else 24 * int(np.flatnonzero(way >= way.max() / 2)[0])


def _suffering(prefix: str, run: Replay, calm: Replay) -> dict[str, float]:
    ratio = (run.rmse / calm.rmse)[CALM_DAYS:]
    return {f"{prefix}ratio_max": float(ratio.max()), f"{prefix}ratio_mean": float(ratio.mean())}


_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "parameter": lambda record: record["parameter"],
    "source": lambda record: record["source"],
    "weight": lambda record: f"{record['weight_before']:.3f} to {record['weight_after']:.3f}",
    "half after": lambda record: "-" if record["hours_until_half"] is None else f"{record['hours_until_half']} h",
    "RMSE, worst day": lambda record: f"{record['ratio_max']:.3f}",
    "mean": lambda record: f"{record['ratio_mean']:.3f}",
    "unchecked, worst day": lambda record: f"{record['unchecked_ratio_max']:.3f}",
    "equal weights, worst day": lambda record: f"{record['equal_weights_ratio_max']:.3f}",
    "caught": lambda record: f"{record['hours_caught']} of {record['hours']}",
}


def table(records: Sequence[dict[str, Any]]) -> Table:
    """A row a parameter, a section a scenario; errors as ratios to the undisturbed blend's."""
    result = Table("scenario", *_COLUMNS, title=f"What a source that goes wrong does to the blend {LEAD} h on")
    for what in dict.fromkeys(record["scenario"] for record in records):
        result.add_section()
        for record in (record for record in records if record["scenario"] == what):
            result.add_row(what, *(show(record) for show in _COLUMNS.values()))
    return result


def main(names: Sequence[str]) -> int:
    """Attack the named parameters (all of SHIFTS if none), write the records and print the table."""
    deployment, records = finished_demo(), []
    learning = deployment.config.learning.model_copy(update={"lead_hours": (LEAD,)})
    alone = replace(deployment, config=deployment.config.model_copy(update={"learning": learning}))
    for name in names or SHIFTS:
        records += attack(alone, name)
        OUT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    console = Console()
    (console if console.is_terminal else Console(width=170)).print(table(records))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
