"""Learn: what has been verified since the last hour goes into the skill; clusters and weights are fitted from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended, parameter
from pipeline.products.weights import as_stored, membership_as_stored
from pipeline.science import amounts
from pipeline.science import skill as skills
from pipeline.science.amounts import Correction, Past
from pipeline.science.blend import blend, without_course
from pipeline.science.learn import AMOUNT_RULES, Places, candidates, learn
from pipeline.science.pools import boxes
from pipeline.science.references import models
from pipeline.science.skill import Skill
from pipeline.science.skill_exchange import align_leads, align_sources
from pipeline.science.weights import Weights
from pipeline.steps import Deployment, served, skill_store
from pipeline.steps.ensembles import variances
from pipeline.steps.inputs import components, sources_of
from pipeline.steps.learn_pairs import Pair, awaited, difference, due, read_pairs
from pipeline.steps.plausible import judge, usual_errors
from pipeline.steps.skill_store import Known
from pipeline.steps.surface import surface
from pipeline.store import arrays as store_arrays

Array = NDArray[np.float32]
Float = NDArray[np.float64]

JUDGE_HOURS = 120
"""How old the weights may be that the guard judges; an hour's run takes those of the hour before."""
APPLIED = ("bias", "weight", "error_variance", "spread_factor")
"""What the blend applies, as it is stored."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """Parameters that a model has, in the order of the catalogue; a vector under its eastward component."""
    found = {row.name: models(sources_of(deployment, row)).any() for row in blended().values()}
    return [name for name, has_model in found.items() if has_model and not name.startswith("northward_")]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Fit the weights of a parameter (or of a vector's two) at the hour, and judge what its sources say today.

    What has come by now serves the hour, and what comes while it is made does not.
    """
    served.decide(deployment, hour)
    for row, state in zip(components(parameter(shard)), fit(deployment, hour, shard), strict=True):
        judge(deployment, hour, row, state.sources, state.lead_bins, usual_errors(deployment, state))


def fit(deployment: Deployment, hour: Cycle, shard: str) -> list[Skill]:
    """Bring the skill of a parameter (or of a vector's two) up to the hour, which is returned, and fit its weights."""
    rows = components(parameter(shard))
    sources = sources_of(deployment, rows[0])
    previous, where = skill_store.newest(deployment, [row.name for row in rows], hour), places(deployment)
    before = [_start(deployment, previous, row, sources, where) for row in rows]
    past = _start_amounts(deployment, previous, rows[0], before[0].state)
    found = absorb(
        deployment, rows, [part.state for part in before], previous, hour, past, before[0].centres, before[0].awaited
    )
    states, past = found.states, found.past
    today = np.mean([variances(deployment, row, hour) for row in rows], axis=0)
    learnt = learn(rows[0], states, where, before[0].centres, today=today, past=past)
    for row, weights in zip(rows, learnt.weights, strict=True):
        stored = weights_dataset(as_stored(weights, row), membership_as_stored(learnt.membership), learnt.correction)
        store_arrays.write(deployment.store, weights_key(hour, row.name), by_tiles(deployment, stored))
    if past is not None:
        store_arrays.write(deployment.store, _amounts_key(shard, hour), amounts.to_dataset(past))
    late = awaited(deployment, rows[0], found.missed, hour)
    known = {
        row.name: Known(state, part.written, learnt.centres, late)
        for row, state, part in zip(rows, states, before, strict=True)
    }
    skill_store.write(deployment, hour, known, found.fresh)
    return states


def _start(
    deployment: Deployment, previous: Cycle | None, row: Parameter, sources: tuple[str, ...], where: Places
) -> Known:
    """What the hour before knew, for today's sources and lead bins; nothing where there is none or the grid differs."""
    bins = tuple(float(lead) for lead in deployment.config.learning.lead_hours)
    known = None if previous is None else skill_store.read(deployment, row.name, previous)
    if known and np.array_equal(known.state.pools.index, where.pools.index):
        late = tuple((start, lead) for start, lead in known.awaited if lead in bins)
        return replace(known, state=align_leads(align_sources(known.state, sources), bins), awaited=late)
    return skill_store.nothing(skills.zero(sources, bins, where.pools))


def _start_amounts(deployment: Deployment, previous: Cycle | None, row: Parameter, state: Skill) -> Past | None:
    """What the hour before knew of amounts, on the terms of `state`; nothing where there is none. None of others."""
    nothing = no_amounts(row, state)
    key = "" if previous is None else _amounts_key(row.name, previous)
    if nothing is None or not deployment.store.exists(f"{key}/zarr.json"):
        return nothing
    past = amounts.from_dataset(store_arrays.read(deployment.store, key), state.pools)
    if past.counts.forecast.shape[2] != state.pools.count:
        return nothing
    return amounts.align_leads(amounts.align_sources(past, state.sources), state.lead_bins)


def no_amounts(row: Parameter, state: Skill) -> Past | None:
    """A past of amounts that knows nothing, on the terms of `state`; None of other parameters."""
    return amounts.zero(state.sources, state.lead_bins, state.pools) if row.blend in AMOUNT_RULES else None


@dataclass(frozen=True)
class Absorbed:
    """States and the past of amounts with new pairs, the lead bins that have any, and start and lead of the pairs that
    were due and had no truth."""

    states: list[Skill]
    past: Past | None
    fresh: set[float]
    missed: list[tuple[Cycle, int]]


def absorb(
    deployment: Deployment,
    rows: list[Parameter],
    states: list[Skill],
    previous: Cycle | None,
    hour: Cycle,
    past: Past | None = None,
    centres: Float | None = None,
    late: Sequence[tuple[Cycle, int]] = (),
) -> Absorbed:
    """The states with every pair whose truth came from `previous` (or a month ago) until just before `hour`.

    Pairs are first forecast with what was fitted to what was known some days before, for the guard to judge.
    centres: of the clusters at `previous`; late: start and lead of earlier pairs whose truth had not come by then.
    """
    clock = judged = deployment.learning_starts(hour)[0] if previous is None else previous
    found, where = Absorbed(states, past, set(), []), places(deployment)
    scheme = None
    for known, start, lead in [(clock, *pair) for pair in late] + due(deployment, previous, hour):
        if judged + JUDGE_HOURS <= known:
            judged = known
            scheme = learn(rows[0], states, where, scheme.centres if scheme else centres, guarded=False, past=past)
        states, past, clock = [_aged(state, clock, known) for state in states], _faded(past, clock, known), known
        pairs = read_pairs(deployment, rows, states, start, lead)
        if pairs is None:
            found.missed.append((start, lead))
            continue
        if scheme is None and previous:
            scheme = learn(rows[0], found.states, where, centres, guarded=False, past=found.past)
        for index, (row, state, pair) in enumerate(zip(rows, states, pairs, strict=True)):
            judging = (scheme.weights[index], scheme.correction) if scheme else None
            _take_in(row, state, past, judging, lead, pair)
        found.fresh.add(float(lead))
    return replace(found, states=[_aged(state, clock, hour) for state in states], past=_faded(past, clock, hour))


def _aged(state: Skill, clock: Cycle, now: Cycle) -> Skill:
    elapsed = clock.lead_hours(now.init_time)
    return skills.decay(state, skills.decay_factors(state.lead_bins, elapsed)) if elapsed > 0 else state


def _faded(past: Past | None, clock: Cycle, now: Cycle) -> Past | None:
    elapsed = clock.lead_hours(now.init_time)
    return past if past is None or elapsed <= 0 else amounts.decay(past, elapsed)


def _take_in(
    row: Parameter,
    state: Skill,
    past: Past | None,
    scheme: tuple[Weights, Correction | None] | None,
    lead: int,
    pair: Pair,
) -> None:
    """Add a pair to the state and to the past of amounts, in place; scheme: what it would have been blended with."""
    lead_bin, rivals, ours = state.lead_bins.index(lead), None, None
    if scheme is not None:
        (weights, correction), leads, circular = scheme, np.array([lead]), row.blend == "circular"
        made = pair.forecasts
        if weights.course is not None:
            made = without_course(made[:, None], weights.course, weights.lead_bins, leads, np.array([pair.hour]))[:, 0]
        if correction is not None:
            made = amounts.mapped(made[:, None], correction, leads)[:, 0]
        ours = blend(made[:, None], weights, leads, circular=circular, energy=pair.energy)[0]
        model = models(state.sources)
        said = candidates(ours, made[model], pair.known[model], circular=circular)
        rivals = difference(row, said, pair.observed)
    if past is not None:
        amounts.update(past, lead_bin, pair.forecasts, pair.observed, ours)
    errors = difference(row, pair.forecasts, pair.observed)
    hour = pair.hour if past is None else None
    skills.update(state, lead_bin, errors, variance=pair.variance, candidates=rivals, hour=hour, bounded=past is None)


def places(deployment: Deployment) -> Places:
    """The cells of the target grid with altitude and land fraction."""
    latitude, longitude = deployment.grid.places
    return Places(latitude, longitude, *surface(deployment), boxes(latitude, longitude))


def weights_dataset(weights: Weights, membership: Array, correction: Correction | None = None) -> xr.Dataset:
    """What the blend applies, as it lies between learn and publish."""
    tables: dict[str, Any] = {} if correction is None else dict(amounts.tables(correction))
    if weights.course is not None:
        tables["course"] = ("wave", "source", "lead_bin", "place"), weights.course
    return xr.Dataset(
        {
            **{part: (("source", "lead_bin", "place"), getattr(weights, part)) for part in APPLIED[:2]},
            **{part: (("lead_bin", "place"), getattr(weights, part)) for part in APPLIED[2:]},
            "membership": (("cluster", "place"), membership),
            **tables,
        },
        {"source": np.array(weights.sources, dtype=object), "lead_bin": np.asarray(weights.lead_bins, np.float64)},
    )


def by_tiles(deployment: Deployment, stored: xr.Dataset) -> xr.Dataset:
    """The dataset, to be stored in chunks of one tile of the forecast each."""
    tile = deployment.config.tile_rows * deployment.grid.shape[1]
    for array in (array for array in stored.data_vars.values() if "place" in array.dims):
        array.encoding["chunks"] = (*array.shape[:-1], min(tile, array.shape[-1]))
    return stored


def read_weights(deployment: Deployment, hour: Cycle, name: str, cells: slice = slice(None)) -> Weights:
    """The weights that learn fitted for a parameter at an hour, on the flattened `cells`."""
    key, parts = weights_key(hour, name), (*APPLIED, "course", "source", "lead_bin")
    data = store_arrays.values(deployment.store, key, parts, place=cells)
    bias, weight, error_variance, spread_factor = (data[part] for part in APPLIED)
    return Weights(
        tuple(str(source) for source in data["source"]), tuple(float(lead) for lead in data["lead_bin"]),
        bias, weight, error_variance, spread_factor, data.get("course"),
    )  # fmt: skip


def read_correction(deployment: Deployment, hour: Cycle, name: str, cells: slice = slice(None)) -> Correction | None:
    """What learn found is to be done to a parameter's amounts on the flattened `cells`; None if it is no amount."""
    if parameter(name).blend not in AMOUNT_RULES:
        return None
    data = store_arrays.read(deployment.store, weights_key(hour, name), amounts.TABLES)
    membership = store_arrays.read(deployment.store, weights_key(hour, name), ("membership",), place=cells)
    return amounts.from_tables(data.assign(membership=membership["membership"]))


def weights_key(hour: Cycle, name: str) -> str:
    """Where what learn fitted for a parameter lies until the hour is published."""
    return paths.work(hour, f"weights/{name}.zarr")


def _amounts_key(name: str, hour: Cycle) -> str:
    return paths.skill(f"{name}_amounts", hour)
