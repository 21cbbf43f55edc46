"""Collate: the weights that learn has fitted become one group of the hour, with the skill behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.products import layout, provenance
from pipeline.products import weights as maps
from pipeline.science import amounts, guard
from pipeline.science.cluster_skill import cluster_means, cluster_skill
from pipeline.science.learn import AMOUNT_RULES
from pipeline.science.skill import Skill
from pipeline.steps import Deployment, skill_store
from pipeline.steps.learn import APPLIED, weights_key
from pipeline.steps.runs import Contribution, coverage, valid_hours
from pipeline.steps.served import serving
from pipeline.store import arrays as store_arrays

Array = NDArray[np.float32]

_JUDGED = ("contest", "contest_weight")
"""What the guard judges by."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The hour as a whole."""
    return ["hour"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Write weights.zarr from what learn has fitted, and each source's mean weights for the manifest.

    ValueError if nothing has been fitted.
    """
    store, grid = deployment.store, deployment.grid
    names = [name for name in blended() if store.exists(f"{weights_key(hour, name)}/zarr.json")]
    if not names:
        raise ValueError(
            f"expected the weights of {hour} in {paths.work(hour, 'weights')}; found none: run the stage learn"
        )
    weighed = {str(name) for one in names for name in store_arrays.read_one(store, weights_key(hour, one), "source")}
    sources = [name for name in deployment.config.sources if name in weighed]
    bins = store_arrays.read_one(store, weights_key(hour, names[0]), "lead_bin")
    runs = serving(deployment, hour)
    learnt = [_learnt(deployment, hour, blended()[name], sources, runs) for name in names]
    present = [_source(name, runs.get(name)) for name in sources]
    template = maps.template(hour, grid, present, bins.tolist(), learnt, synthetic=deployment.config.synthetic)
    key = paths.forecast(hour, "weights.zarr")
    layout.create(store, key, template)
    layout.write_coordinates(store, key, template)
    covered = _coverage(deployment, sources, runs).reshape(len(sources), *grid.shape)
    layout.write_tile(store, key, {"coverage": covered}, slice(None))
    means = {}
    for part in learnt:
        name = part.row.name
        fields = _fields(deployment, hour, name, sources)
        layout.write_tile(store, key, fields, slice(None))
        reached = bins[None] <= part.last_lead[:, None]
        used = maps.share_of_total(fields[f"{name}_weight"] * covered[:, None] * reached[..., None, None])
        means[name] = {source: mean for source, mean in provenance.mean_weights(used, grid, sources).items() if mean}
    store.write(_means_key(hour), json.dumps(means).encode())


def mean_weights(deployment: Deployment, hour: Cycle) -> dict[str, dict[str, float]]:
    """Each source's mean weight by parameter, of those collated."""
    means: dict[str, dict[str, float]] = json.loads(deployment.store.read(_means_key(hour)))
    return means


def _means_key(hour: Cycle) -> str:
    return paths.work(hour, "mean_weights.json")


def _fields(deployment: Deployment, hour: Cycle, name: str, sources: Sequence[str]) -> dict[str, Array]:
    """The maps of one parameter (..., latitude, longitude), sources that do not bring it without weight or bias."""
    parts = ("source", "membership", *APPLIED, "course", "mapping")
    data = store_arrays.values(deployment.store, weights_key(hour, name), parts)
    known = [str(source) for source in data["source"]]
    fields = {
        "weight": _of_all(data["weight"], known, sources), "membership": data["membership"],
        "expected_error": np.sqrt(data["error_variance"]), "spread_factor": data["spread_factor"],
    }  # fmt: skip
    if "mapping" not in data:
        fields["bias"] = _of_all(data["bias"], known, sources)
    if "course" in data:
        fields["course"] = np.stack([_of_all(wave, known, sources) for wave in data["course"]])
    shape = deployment.grid.shape
    return {f"{name}_{part}": values.reshape(*values.shape[:-1], *shape) for part, values in fields.items()}


def _of_all(
    values: NDArray[np.floating], known: Sequence[str], sources: Sequence[str], nothing: float = 0.0
) -> Array:  # fmt: skip
    """(source, ...) the values (known, ...) of each of the `sources`, `nothing` of those that are not `known`.

    One that is no longer configured is left out.
    """
    result = np.full((len(sources), *values.shape[1:]), nothing, np.float32)
    for name, own in zip(known, values, strict=True):
        if name in sources:
            result[sources.index(name)] = np.nan_to_num(own, nan=nothing)
    return result


def _learnt(
    deployment: Deployment, hour: Cycle, row: Parameter, sources: Sequence[str], runs: Mapping[str, Contribution]
) -> maps.Learnt:
    """What lies behind the weights of one parameter, sources that do not bring it without anything."""
    key = weights_key(hour, row.name)
    data = store_arrays.values(deployment.store, key, ("source", "bias", "weight", "membership"))
    membership = data["membership"]
    state = skill_store.read(deployment, row.name, hour, ("mean", "square", "weight", *_JUDGED)).state
    seen = [state.seen(lead_bin) for lead_bin in range(len(state.lead_bins))]
    weight, mean, square = (np.stack(parts, axis=1) for parts in zip(*seen, strict=True))
    square += mean**2
    rmse, sample = cluster_skill(weight, mean, square, data["bias"], membership)
    share, known = cluster_means(data["weight"], membership), [str(source) for source in data["source"]]
    correction = None
    if row.blend in AMOUNT_RULES:
        tables = store_arrays.read(deployment.store, key, ("membership", *amounts.TABLES))
        correction = amounts.from_tables(tables.reindex(source=list(sources), fill_value=0))
    return maps.Learnt(
        row, correction, _last_lead(deployment, row, sources, runs),
        _of_all(share, known, sources), _of_all(rmse, known, sources, nothing=np.nan), _of_all(sample, known, sources),
        _guard(deployment, hour, row, state, membership), deployment.store.exists(f"{key}/course/zarr.json"),
    )  # fmt: skip


def _guard(deployment: Deployment, hour: Cycle, row: Parameter, state: Skill, membership: Array) -> Array:
    """(candidate, lead_bin, cluster) what the guard has made the weights of; of a vector it judges the eastward one."""
    if row.name.startswith("northward"):
        state = skill_store.read(deployment, row.name.replace("northward", "eastward"), hour, _JUDGED).state
    shares = [guard.shares(state, lead_bin, membership) for lead_bin in range(len(state.lead_bins))]
    return np.stack(shares).transpose(2, 0, 1).astype(np.float32)


def _source(name: str, part: Contribution | None) -> maps.Source:
    if part is None:
        return maps.Source(name, "", -1)
    return maps.Source(name, str(part.cycle), part.age_hours, str(part.longer or ""))


def _coverage(deployment: Deployment, sources: Sequence[str], runs: Mapping[str, Contribution]) -> Array:
    """(source, place) how much of each source counts where; nothing of one that has not arrived."""
    covered = np.zeros((len(sources), deployment.grid.shape[0] * deployment.grid.shape[1]), np.float32)
    for index, name in enumerate(sources):
        if name in runs:
            covered[index] = coverage(deployment, runs[name])
    return covered


def _last_lead(
    deployment: Deployment, row: Parameter, sources: Sequence[str], runs: Mapping[str, Contribution]
) -> NDArray[np.int32]:
    """(source,) hours after the hour to which its run brings the parameter; -1 where it does not."""
    reached = [valid_hours(deployment, runs[name], row).max(initial=-1) if name in runs else -1 for name in sources]
    return np.asarray(reached, np.int32)
