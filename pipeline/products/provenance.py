"""What a published hour was made from: sources, their cycles and licences, what was missing, weights, code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pipeline
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.sources import Source

# Where an hour is made, and by how many processes, does not belong to what it is.
_PRIVATE_KEYS = {"store", "workers"}
_SHOWN = 4


@dataclass(frozen=True)
class Ingredients:
    """Sources, networks of observations, by parameter the mean weight of each source, and how many values each rule of
    consistency changed; all by name. Which `states` the hour carries on, of which `cycle` they are and its age. Which
    parameters of its sources are `lost`, as no global model that has them serves the hour."""

    sources: Mapping[str, Mapping[str, Any]]
    observations: Mapping[str, Mapping[str, Any]]
    mean_weights: Mapping[str, Mapping[str, float]]
    corrections: Mapping[str, int]
    states: Mapping[str, Any]
    lost: Sequence[str]


def source_record(
    source: Source,
    cycle: Cycle | None,
    age_hours: int | None,
    record: Mapping[str, Any],
    longer: Cycle | None = None,
) -> dict[str, Any]:
    """Provenance of one source: its cycle and `record` as ingest left it; cycle None if it did not arrive.

    longer: the cycle before that goes on where that has ended.
    """
    files = sorted((file["key"], file["sha256"]) for file in record.get("files", []))
    return {
        "title": source.title,
        "role": source.role,
        "status": record.get("status", "complete") if cycle else "absent",
        "cycle": str(cycle) if cycle else None,
        "age_hours": age_hours,
        "longer_cycle": str(longer) if longer else None,
        "licence": source.licence,
        "attribution": source.attribution,
        "missing": record.get("missing", []),
        "quarantined": record.get("quarantined", []),
        "implausible": record.get("implausible", []),
        "files": len(files),
        "sha256": hashlib.sha256(repr(files).encode()).hexdigest() if files else None,
    }


def degradations(made_from: Ingredients) -> list[str]:
    """What the hour had to do without, a sentence each, in the order of the sources."""
    notes = []
    for name, source in made_from.sources.items():
        if source["status"] == "absent":
            notes.append(f"{name}: no usable cycle had arrived; the others share its weight")
        whole = [item["reason"] for item in source["missing"] if not item["parameter"]]  # of a member, not a field
        notes += [f"{name}: {sentence}" for sentence in (*dict.fromkeys(whole), *_fields(source))]
        notes += [
            f"{name}: quarantined {item if isinstance(item, str) else item.get('key', item)}"
            for item in source["quarantined"]
        ]
    notes += [
        f"{network}: no observations of the hour had arrived"
        for network, part in made_from.observations.items()
        if part["status"] == "missing"
    ]
    if made_from.lost:
        notes.append(f"no global model had {', '.join(made_from.lost)}: left out, and what is derived from them")
    anew = made_from.states["standard_start"]
    if anew:
        notes.append(f"no earlier hour carries on {', '.join(anew)}: they begin with standard values")
    return notes


def _fields(source: Mapping[str, Any]) -> Iterator[str]:
    """What a source lacks or is not believed in, the parameters of one file that did not come in one sentence."""
    leads: dict[tuple[str, str, str], set[int]] = {}
    for item in (item for item in source["missing"] if item["parameter"]):
        leads.setdefault(("missing", item["reason"], item["parameter"]), set()).add(item["lead_time"])
    for item in source["implausible"]:
        leads.setdefault(("left out", item["reason"], item["parameter"]), set()).update(item["leads"])
    alike: dict[tuple[str, str, tuple[int, ...]], list[str]] = {}
    for (verb, reason, parameter), found in leads.items():
        alike.setdefault((verb, reason, tuple(sorted(found))), []).append(parameter)
    for (verb, reason, together), parameters in alike.items():
        named = ", ".join(parameters) if len(parameters) <= _SHOWN else f"{len(parameters)} parameters"
        yield f"{named} {verb} at {_leads(together)} ({reason})"


def _leads(leads: Sequence[int]) -> str:
    if len(leads) <= _SHOWN:
        return f"lead {', '.join(str(lead) for lead in leads)} h"
    return f"{len(leads)} leads from {min(leads)} to {max(leads)} h"


def mean_weights(weight: NDArray[np.float32], grid: Grid, sources: Sequence[str]) -> dict[str, float]:
    """Each source's mean weight over the globe and the lead bins; weight (source, lead_bin, latitude, longitude)."""
    area = grid.cell_area[:, None] * np.ones(grid.shape)
    means = np.average(np.nan_to_num(weight), axis=(2, 3), weights=area).mean(axis=1)
    return {name: round(float(mean), 4) for name, mean in zip(sources, means, strict=True)}


def manifest(
    hour: Cycle,
    grid: Grid,
    config: Mapping[str, Any],
    lead_hours: Sequence[int],
    made_from: Ingredients,
    ranges: Mapping[str, Sequence[float]],
    parameters: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The provenance document; it holds nothing that depends on when or where the hour was made."""
    label = "SYNTHETIC (embedded world, not the weather): " if config["synthetic"] else ""
    return {
        "title": f"{label}Hourcast forecast of {hour}",
        "synthetic": config["synthetic"],
        "init_time": hour.init_time.isoformat() + "Z",
        "lead_hours": list(lead_hours),
        "grid": {"resolution_degrees": grid.resolution, "shape": list(grid.shape)},
        "code": {"name": "hourcast", "version": pipeline.__version__},
        "sources": dict(made_from.sources),
        "observations": dict(made_from.observations),
        "states": dict(made_from.states),
        "degradations": degradations(made_from),
        "parameters": dict(parameters),
        "ranges": dict(ranges),
        "mean_weights": dict(made_from.mean_weights),
        "values_corrected": dict(made_from.corrections),
        "bill": paths.bill(hour),
        "configuration": {key: value for key, value in config.items() if key not in _PRIVATE_KEYS},
    }
