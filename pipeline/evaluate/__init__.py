"""The honest referee: the blend's own science on any table of forecasts and observations, strictly in time order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.amounts import AmountLearner
from pipeline.evaluate.persistence import with_persistence
from pipeline.evaluate.probability import Probabilities
from pipeline.evaluate.table import Case, Series, read_table, series
from pipeline.parameters import parameter
from pipeline.science import skill as skills
from pipeline.science.blend import angular_error, blend, simple_blends
from pipeline.science.learn import AMOUNT_RULES, Learnt, candidates, learn
from pipeline.science.references import models
from pipeline.science.scores import ScoreRecord, score
from pipeline.science.skill import Skill
from pipeline.science.weights import fit

Float = NDArray[np.float64]

BLENDS = ("equal_weights", "best_source", "inverse_mse", "hourcast")
PROBABILISTIC = ("equal_weights", "hourcast")
"""Systems with a distribution: the sources as they come, as an ensemble of equal members, and ours."""


@dataclass(frozen=True)
class Outcome:
    """Errors of every system (system, pair) at one hour and lead bin, and the CRPS of those of PROBABILISTIC."""

    hour: int
    lead_bin: int
    errors: Float
    crps: Float


@dataclass(frozen=True)
class Learners:
    """What learns beside the skill: distributions, amounts where the parameter is one; whether there is experience."""

    chances: Probabilities
    amounts: AmountLearner | None
    experienced: bool


def evaluate(table: Path, out: Path | None = None, score_from: datetime | None = None) -> list[ScoreRecord]:
    """Score every source and blend of `table` on identical pairs; write scores.json under `out` if given.

    Raises TableError in one line for a table that cannot be used.
    """
    frame = read_table(table)
    records = [
        record
        for name in frame["parameter"].unique()
        for record in evaluate_series(with_persistence(series(frame, str(name))), score_from)
    ]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "scores.json").write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    return records


def evaluate_series(data: Series, score_from: datetime | None = None) -> list[ScoreRecord]:
    """Score one parameter: learn from what had been observed before each hour, forecast it, go on to the next."""
    start = None if score_from is None else np.datetime64(score_from.isoformat(), "ns")
    outcomes = [case for case in _walk(data) if start is None or data.hours[case.hour] >= start]
    records = []
    for lead_bin, lead in enumerate(data.lead_bins):
        cases = [case for case in outcomes if case.lead_bin == lead_bin and case.errors.shape[1]]
        if not cases:
            continue
        errors = np.concatenate([case.errors for case in cases], axis=1)
        blocks = np.concatenate([np.full(case.errors.shape[1], case.hour) for case in cases])
        crps = dict(zip(PROBABILISTIC, np.concatenate([case.crps for case in cases], axis=1), strict=True))
        common = [name for name, present in zip(data.sources, data.common[lead_bin], strict=True) if present]
        for row, system in enumerate((*data.sources, *BLENDS)):
            if system not in (*common, *BLENDS):
                continue
            records.append(score(data.parameter, lead, system, errors[row], blocks, crps.get(system)))
    return records


def _walk(data: Series) -> Iterator[Outcome]:
    """Every case in time order; before an hour's cases all that was observed before it is learnt, and nothing else."""
    state = skills.zero(data.sources, data.lead_bins, data.places.pools)
    clock = data.hours[0]
    pending = sorted(data.cases, key=lambda case: (case.valid_time, case.hour, case.lead))
    learnt: Learnt | None = None
    chances, amounts, seen = Probabilities(data), _amounts(data), set[int]()
    said: dict[tuple[int, np.datetime64], NDArray[np.float32]] = {}
    for index, hour in enumerate(data.hours):
        known = [case for case in pending if case.valid_time < hour]
        pending = pending[len(known) :]
        for case in known:
            elapsed = (case.valid_time - clock) / np.timedelta64(1, "h")
            if elapsed > 0:
                state = skills.decay(state, skills.decay_factors(data.lead_bins, elapsed))
                clock = case.valid_time
            made = case.forecasts if amounts is None else amounts.learn(case)
            _learn_case(data, state, case, made, said.pop((case.hour, case.valid_time), None))
            chances.learn(case)
            seen.add(case.lead_bin)
        cases = [case for case in data.cases if case.hour == index]
        if not cases:
            continue
        learnt = learn(parameter(data.parameter), [state], data.places, learnt.centres if learnt else None)
        if amounts is not None:
            amounts.fit(learnt.membership)
        for case in cases:
            if amounts is None and case.lead_bin in seen:
                said[case.hour, case.valid_time] = _candidates(data, state, learnt, case)
            yield _outcome(data, state, learnt, case, Learners(chances, amounts, case.lead_bin in seen))


def _amounts(data: Series) -> AmountLearner | None:
    return AmountLearner(data) if parameter(data.parameter).blend in AMOUNT_RULES else None


def _candidates(data: Series, state: Skill, learnt: Learnt, case: Case) -> NDArray[np.float32]:
    """(candidate, place) what the guard will compare once the truth is known."""
    circular = parameter(data.parameter).kind == "direction"
    scheme = fit([state], learnt.membership, amounts=False, guarded=False)[0]
    ours = blend(case.forecasts[:, None], scheme, np.array([case.lead]), circular=circular)[0]
    model = models(data.sources)
    known = skills.mean_square_at(state, case.lead_bin)[model]
    return candidates(ours, case.forecasts[model], known, circular=circular)


def _learn_case(
    data: Series, state: Skill, case: Case, forecasts: NDArray[np.float32], said: NDArray[np.float32] | None
) -> None:
    """Take in a case; `said`: what the guard compares, as it was said beforehand, if it was."""
    errors = _errors(data, forecasts, case.observed)
    judged = None if said is None else _errors(data, said, case.observed)
    bounded = parameter(data.parameter).blend not in AMOUNT_RULES
    skills.update(state, case.lead_bin, errors, candidates=judged, bounded=bounded)


def _errors(data: Series, forecasts: NDArray[np.float32], observed: NDArray[np.float32]) -> NDArray[np.float32]:
    if parameter(data.parameter).kind == "direction":
        return angular_error(forecasts, observed)
    return forecasts - observed


def _outcome(data: Series, state: Skill, learnt: Learnt, case: Case, learners: Learners) -> Outcome:
    """All systems on the pairs for which every commonly present source and the observation exist."""
    row, position, weights = parameter(data.parameter), case.lead_bin, learnt.weights[0]
    circular, known = row.kind == "direction", skills.mean_square_at(state, position)
    if learners.amounts is None:
        ours = blend(case.forecasts[:, None], weights, np.array([case.lead]), circular=circular)[0]
        corrected = case.forecasts - weights.bias[:, position]
    else:
        known = learners.amounts.mean_square(position)
        corrected = learners.amounts.mapped(case)
        ours = learners.amounts.expected(case, corrected, blend(corrected[:, None], weights, np.array([case.lead]))[0])
    ours = np.clip(ours, row.minimum, row.maximum)
    common = data.common[position]
    pairs = np.isfinite(case.observed) & np.isfinite(case.forecasts[common]).all(axis=0) & np.isfinite(ours)
    chosen, model = case.forecasts[:, pairs], models(data.sources)
    simple = simple_blends(chosen[model], known[model], circular=circular)
    systems = np.concatenate([chosen, simple, ours[None, pairs]])
    errors = _errors(data, systems.astype(np.float32), case.observed[pairs]).astype(np.float64)
    deviation = np.sqrt(weights.error_variance[position])
    crps = learners.chances.forecast(
        case, corrected, weights.weight[:, position], ours, deviation, learnt=learners.experienced
    )
    return Outcome(
        case.hour, position, errors, np.stack([fair_crps(chosen[common], case.observed[pairs]), crps[pairs]])
    )


def fair_crps(members: NDArray[np.floating], observed: NDArray[np.floating]) -> Float:
    """(place,) CRPS of the distribution that `members` (member, place) are a sample of (Ferro 2014).

    Of a single member the absolute error.
    """
    count = len(members)
    distance = np.abs(members - observed).mean(axis=0)
    rank = 2 * np.arange(1, count + 1) - count - 1
    spread = (rank[:, None] * np.sort(members, axis=0)).sum(axis=0) / max(count * (count - 1), 1)
    return np.asarray(distance - spread, np.float64)
