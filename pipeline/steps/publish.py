"""Publish: check that the hour is whole, write provenance and catalogue item, move the pointer.

A reader follows `forecast/latest.json`, which is moved last and by a conditional write: it sees a whole hour or the
one before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.products import layout, provenance
from pipeline.products.catalogue import item
from pipeline.science.derive.catalogue import STATES
from pipeline.sources import SOURCES, Source
from pipeline.steps import Deployment
from pipeline.steps import validate as gate
from pipeline.steps.blending import available, lost
from pipeline.steps.collate import mean_weights
from pipeline.steps.observe import record_key
from pipeline.steps.plausible import left_out
from pipeline.steps.publish_ramp import publish_ramp
from pipeline.steps.retention import remove_old
from pipeline.steps.runs import record, role
from pipeline.steps.served import ensembles, serving
from pipeline.steps.states import carried


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The hour as a whole."""
    return ["hour"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Publish the hour; ValueError says what is not as it must be, and then nothing is published."""
    store = deployment.store
    sources = _sources(deployment, hour)
    if all(part["status"] == "absent" for part in sources.values()):
        raise ValueError(f"expected a source of {hour} at least; none has arrived of {', '.join(sources)}")
    parameters = _check_arrays(deployment, hour)
    ranges = _ranges(deployment, hour)
    weights = mean_weights(deployment, hour)
    parameters["weights"] = list(weights)
    parameters |= publish_ramp(deployment, hour)
    store.remove_unfinished(paths.forecast(hour))
    leads = range(deployment.config.last_lead_hours + 1)
    config = deployment.config.model_dump(mode="json")
    made_from = provenance.Ingredients(
        sources, _observations(deployment, hour), weights, _corrections(deployment, hour),
        _states(deployment, hour, parameters["best"]), lost(deployment, hour),
    )  # fmt: skip
    manifest = provenance.manifest(hour, deployment.grid, config, leads, made_from, ranges, parameters)
    _write_json(deployment, paths.forecast(hour, "manifest.json"), manifest)
    _write_json(deployment, paths.forecast(hour, "item.json"), item(hour, deployment.grid, manifest))
    store.update(paths.LATEST, lambda old: _pointer(old, hour))
    remove_old(deployment, hour)


def _write_json(deployment: Deployment, key: str, content: Mapping[str, Any]) -> None:
    deployment.store.write(key, json.dumps(content, indent=1, allow_nan=False).encode())


def _pointer(old: bytes | None, hour: Cycle) -> bytes:
    """The pointer to the hour, or the old one if that is as new: it never moves back in time."""
    new = {"init_time": hour.init_time.isoformat() + "Z", "path": paths.forecast(hour)}
    if old is not None and json.loads(old)["init_time"] >= new["init_time"]:
        return old
    return json.dumps(new).encode()


def _sources(deployment: Deployment, hour: Cycle) -> dict[str, dict[str, Any]]:
    """Provenance of every configured source but the verifying analyses, in the configured order."""
    result, implausible, runs = {}, left_out(deployment, hour), serving(deployment, hour)
    for name in deployment.config.sources:
        source = SOURCES[name]
        if source.role == "analysis":
            continue
        if source.role == "ensemble":
            result[name] = _ensemble(deployment, source, hour)
            continue
        part = runs.get(name)
        if part is None:
            result[name] = provenance.source_record(source, None, None, {})
        else:
            noted = record(deployment.store, name, part.cycle) | {"implausible": implausible.get(name, [])}
            here = replace(source, role=role(deployment, part))
            result[name] = provenance.source_record(here, part.cycle, part.age_hours, noted, part.longer)
    return result


def _ensemble(deployment: Deployment, source: Source, hour: Cycle) -> dict[str, Any]:
    """Provenance of an ensemble, which is filed under the hour that uses it."""
    if source.name not in ensembles(deployment, hour):
        return provenance.source_record(source, None, None, {})
    noted = json.loads(deployment.store.read(paths.input_record(source.name, hour)))
    group = json.loads(deployment.store.read(f"{paths.ensemble(hour, source.name)}/zarr.json"))
    cycle = Cycle.parse(group["attributes"]["init_time"])
    return provenance.source_record(source, cycle, round(cycle.lead_hours(hour.init_time)), noted)


def _corrections(deployment: Deployment, hour: Cycle) -> dict[str, int]:
    """How many values each rule of consistency changed, over all tiles."""
    total: Counter[str] = Counter()
    for tile in gate.shards(deployment, hour):
        total.update(json.loads(deployment.store.read(paths.work(hour, f"consistency/{tile}.json"))))
    return dict(total)


def _observations(deployment: Deployment, hour: Cycle) -> dict[str, dict[str, Any]]:
    """How many stations and values of each network corrected the first hours; empty if none were asked for."""
    try:
        record: dict[str, dict[str, Any]] = json.loads(deployment.store.read(record_key(hour)))
    except FileNotFoundError:
        return {}
    return {
        network: {key: part[key] for key in ("status", "stations", "observations")} for network, part in record.items()
    }


def _states(deployment: Deployment, hour: Cycle, published: Collection[str]) -> dict[str, Any]:
    """From which earlier hour which states were carried on, and which of the published ones begin anew."""
    known = carried(deployment, hour)
    anew = [name for name in STATES if name in published and name not in known.names]
    return {
        "cycle": known.cycle, "age_hours": known.age_hours if known.cycle else None, "carried": list(known.names),
        "standard_start": anew,
    }  # fmt: skip


def _check_arrays(deployment: Deployment, hour: Cycle) -> dict[str, list[str]]:
    """Names of the arrays of each Zarr; ValueError unless every delivered parameter is there with its coordinates."""
    found: dict[str, list[str]] = {}
    for zarr in gate.CHECKED:
        arrays = layout.array_metadata(deployment.store, paths.forecast(hour, zarr))
        found[zarr.removesuffix(".zarr")] = [name for name, array in arrays.items() if layout.is_tiled(array)]
        data = xr.open_zarr(deployment.store.zarr(paths.forecast(hour, zarr)), chunks=None)
        wanted = {
            "lead_time": np.arange(deployment.config.last_lead_hours + 1),
            "latitude": deployment.grid.latitude,
            "longitude": deployment.grid.longitude,
        }
        for name, values in wanted.items():
            if not np.array_equal(data[name].values, values):
                raise ValueError(
                    f"{zarr}: expected {len(values)} {name} values of the configuration; found {data[name].values}"
                )
        if data["init_time"].values != np.datetime64(hour.init_time):
            raise ValueError(f"{zarr}: expected init_time {hour}; found {data['init_time'].values}")
    absent = sorted({row.name for row in available(deployment, hour)} - set(found["best"]))
    if absent:
        raise ValueError(f"best.zarr: expected every parameter that a source delivered; found no {', '.join(absent)}")
    return found


def _ranges(deployment: Deployment, hour: Cycle) -> dict[str, list[float]]:
    """Lowest and highest value of every array; ValueError unless the gate has passed every tile."""
    ranges: dict[str, list[float]] = {}
    for tile in gate.shards(deployment, hour):
        try:
            part = json.loads(deployment.store.read(paths.work(hour, f"validated/{tile}.json")))
        except FileNotFoundError:
            raise ValueError(
                f"expected every tile of {hour} validated; {tile} is not: run the stage validate"
            ) from None
        for name, (low, high) in part.items():
            before = ranges.get(name, [low, high])
            ranges[name] = [min(before[0], low), max(before[1], high)]
    return ranges
