"""Publish: collate the weights, check that the hour is whole, write provenance and catalogue item, move the pointer.

A reader follows `forecast/latest.json`, which is moved last and by a conditional write: it sees a whole hour or the
one before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.products import layout, provenance
from pipeline.products.catalogue import item
from pipeline.sources import SOURCES, Source
from pipeline.steps import Deployment
from pipeline.steps import validate as gate
from pipeline.steps.inputs import contribution, coverage
from pipeline.steps.observe import record_key


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The hour as a whole."""
    return ["hour"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Publish the hour; ValueError says what is not as it must be, and then nothing is published."""
    store = deployment.store
    sources = _sources(deployment, hour)
    parameters = _check_arrays(deployment, hour, sources)
    ranges = _ranges(deployment, hour)
    weights = _collate_weights(deployment, hour)
    store.remove_unfinished(paths.forecast(hour))
    leads = range(deployment.config.last_lead_hours + 1)
    config = deployment.config.model_dump(mode="json")
    made_from = provenance.Ingredients(
        sources, _observations(deployment, hour), weights, _corrections(deployment, hour)
    )
    manifest = provenance.manifest(hour, deployment.grid, config, leads, made_from, ranges, parameters)
    _write_json(deployment, paths.forecast(hour, "manifest.json"), manifest)
    _write_json(deployment, paths.forecast(hour, "item.json"), item(hour, deployment.grid, manifest))
    store.update(paths.LATEST, lambda old: _pointer(old, hour))


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
    result = {}
    for name in deployment.config.sources:
        source = SOURCES[name]
        if source.role == "analysis":
            continue
        if source.role == "ensemble":
            result[name] = _ensemble(deployment, source, hour)
            continue
        part = contribution(deployment, name, hour)
        if part is None:
            result[name] = provenance.source_record(source, None, None, {})
        else:
            record = json.loads(deployment.store.read(paths.input_record(name, part.cycle)))
            result[name] = provenance.source_record(source, part.cycle, part.age_hours, record)
    return result


def _ensemble(deployment: Deployment, source: Source, hour: Cycle) -> dict[str, Any]:
    """Provenance of an ensemble, which is filed under the hour that uses it."""
    try:
        record = json.loads(deployment.store.read(paths.input_record(source.name, hour)))
        group = json.loads(deployment.store.read(f"{paths.ensemble(hour, source.name)}/zarr.json"))
    except FileNotFoundError:
        return provenance.source_record(source, None, None, {})
    cycle = Cycle.parse(group["attributes"]["init_time"])
    return provenance.source_record(source, cycle, round(cycle.lead_hours(hour.init_time)), record)


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


def _check_arrays(
    deployment: Deployment, hour: Cycle, sources: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[str]]:
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
    delivered = _delivered(deployment, sources)
    absent = sorted(delivered - set(found["best"]))
    if absent:
        raise ValueError(f"best.zarr: expected every parameter that a source delivered; found no {', '.join(absent)}")
    return found


def _delivered(deployment: Deployment, sources: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Parameters that an input record of a global deterministic source of the hour holds."""
    names: set[str] = set()
    for name, source in sources.items():
        if source["cycle"] and SOURCES[name].role in ("deterministic", "wave"):
            record = deployment.store.read(paths.input_record(name, Cycle.parse(source["cycle"])))
            names |= set(json.loads(record)["parameters"])
    return names & set(blended())


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


def _collate_weights(deployment: Deployment, hour: Cycle) -> dict[str, dict[str, float]]:
    """Write weights.zarr from what learn has fitted; returns each source's mean weight by parameter."""
    store, grid = deployment.store, deployment.grid
    names = [name for name in blended() if store.exists(f"{paths.work(hour, f'weights/{name}.zarr')}/zarr.json")]
    fitted = {
        name: xr.open_zarr(store.zarr(paths.work(hour, f"weights/{name}.zarr")), consolidated=False, chunks=None)
        for name in names
    }
    sources = [name for name in deployment.config.sources if any(name in data["source"] for data in fitted.values())]
    if not fitted:
        raise ValueError(
            f"expected the weights of {hour} in {paths.work(hour, 'weights')}; found none: run the stage learn"
        )
    bins = fitted[names[0]]["lead_bin"].values
    ratios = {name for name, data in fitted.items() if data.attrs["ratio"]}
    rows = [blended()[name] for name in names]
    key = paths.forecast(hour, "weights.zarr")
    layout.create(
        store, key, layout.weights(hour, grid, sources, bins, rows, ratios, synthetic=deployment.config.synthetic)
    )
    means = {}
    for name, data in fitted.items():
        shape = (len(sources), len(bins), *grid.shape)
        weight = data["weight"].reindex(source=sources, fill_value=0).values
        weight = _as_used(weight, _present(deployment, hour, blended()[name], sources, bins)).reshape(shape)
        bias = data["bias"].reindex(source=sources).values.reshape(shape)
        layout.write_tile(store, key, {f"{name}_weight": weight, f"{name}_bias": bias}, slice(None))
        means[name] = {source: mean for source, mean in provenance.mean_weights(weight, grid, sources).items() if mean}
    return means


def _as_used(weight: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights (source, lead_bin, place) with what absent sources leave to the others; all zero where none is there."""
    share = weight * present
    total = share.sum(axis=0)
    return np.divide(share, total, out=np.zeros_like(share), where=total > 0)


def _present(
    deployment: Deployment, hour: Cycle, row: Parameter, sources: Sequence[str], bins: NDArray[np.int32]
) -> NDArray[np.float32]:
    """(source, lead_bin, place) how much of a source is there: its coverage, at the leads that it reaches."""
    present = np.zeros((len(sources), len(bins), deployment.grid.shape[0] * deployment.grid.shape[1]), np.float32)
    for index, name in enumerate(sources):
        part = contribution(deployment, name, hour)
        if part is None:
            continue
        record = json.loads(deployment.store.read(paths.input_record(name, part.cycle)))
        missing = {item["lead_time"] for item in record["missing"] if item["parameter"] == row.name}
        leads = [lead - part.age_hours for lead in record["leads"] if lead not in missing]
        if row.name in record["parameters"] and leads:
            reached = np.asarray(bins) <= max(leads)
            present[index, reached] = coverage(deployment, part) if SOURCES[name].role == "regional" else 1
    return present
