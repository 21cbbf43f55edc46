"""Sources that go wrong: the weights answer, the blend suffers little, and a gross field does nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.parameters import parameter
from pipeline.science import skill as skills
from pipeline.science.blend import blend
from pipeline.science.learn import Places, learn
from pipeline.science.plausibility import implausible
from pipeline.science.pools import single

SOURCES = ("good", "fair", "poor", "other")
ERRORS = np.array([1.0, 1.4, 2.0, 1.4])[:, None]
DAYS, SINCE, PLACES = 50, 25, 200
LEAD = 24
Change = Callable[[int, NDArray[np.floating], NDArray[np.floating]], NDArray[np.floating]]


@dataclass(frozen=True)
class Run:
    """By day: mean weight (day, source) and root mean square error (day,)."""

    weight: NDArray[np.floating]
    rmse: NDArray[np.floating]


def _run(change: Change | None = None) -> Run:
    """Daily forecasts of a weather that moves, each blended with what the days before have taught.

    `change(day, fields, truth)` is what the sources say instead of `fields` (source, place).
    """
    generator = np.random.default_rng(0)
    latitude = np.linspace(-80, 80, PLACES)
    places = Places(latitude, np.linspace(0, 350, PLACES), np.zeros(PLACES), np.zeros(PLACES), single(PLACES))
    state, centres = skills.zero(SOURCES, (float(LEAD),), single(PLACES)), None
    weight, rmse = [], []
    weather = np.zeros(PLACES)
    for day in range(DAYS):
        weather = 0.7 * weather + 4 * generator.standard_normal(PLACES)
        truth = 285 + weather
        fields = truth + ERRORS * generator.standard_normal((len(SOURCES), PLACES))
        fields = (fields if change is None else change(day, fields, truth)).astype(np.float32)
        learnt = learn(parameter("temperature_2m"), [state], places, centres)
        centres, weights = learnt.centres, learnt.weights[0]
        usual = np.sqrt(skills.mean_square(state))
        absurd = implausible(fields[:, None], usual)
        result = blend(np.where(absurd[..., None], np.float32(np.nan), fields[:, None]), weights, np.array([LEAD]))[0]
        rmse.append(np.sqrt(((result - truth) ** 2).mean()))
        weight.append(weights.weight[:, 0].mean(axis=1))
        errors = np.where(absurd, np.float32(np.nan), fields - truth).astype(np.float32)
        skills.update(state, 0, errors)
        state = skills.decay(state, skills.decay_factors(state.lead_bins, 24))
    return Run(np.array(weight), np.array(rmse))


@pytest.fixture(scope="module")
def calm() -> Run:
    return _run()


def _without_good(day: int, fields: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where((np.arange(len(SOURCES)) == 0)[:, None] & (day >= SINCE), np.nan, fields)


@pytest.fixture(scope="module")
def gone() -> Run:
    return _run(_without_good)


def test_a_gross_day_costs_no_more_than_a_day_without_the_source(calm: Run, gone: Run) -> None:
    def wrong(day: int, fields: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.floating]:
        return fields + 50 * ((np.arange(len(SOURCES)) == 0)[:, None] & (day == SINCE))

    found = _run(wrong)
    assert found.rmse[SINCE] <= gone.rmse[SINCE] * 1.001
    after = (found.rmse / calm.rmse)[SINCE + 1 :]
    assert after.max() < 1.1
    assert after.mean() < 1.03


def test_a_source_that_vanishes_costs_what_it_was_worth(calm: Run, gone: Run) -> None:
    assert (gone.rmse / calm.rmse)[SINCE:].mean() < 1.5
    np.testing.assert_array_equal(gone.rmse[:SINCE], calm.rmse[:SINCE])


def test_a_frozen_source_loses_its_weight_within_days(gone: Run) -> None:
    kept: dict[int, NDArray[np.floating]] = {}

    def frozen(day: int, fields: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.floating]:
        kept[day] = fields[0]
        return np.concatenate([kept[min(day, SINCE)][None], fields[1:]])

    found = _run(frozen)
    before = found.weight[SINCE, 0]
    assert before > 0.35
    assert found.weight[SINCE + 3, 0] < before / 2
    late = slice(SINCE + 7, DAYS)
    assert found.rmse[late].mean() < 1.1 * gone.rmse[late].mean()


def test_a_copy_shares_the_weight_of_what_it_copies(calm: Run) -> None:
    def copied(day: int, fields: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.floating]:
        return fields[[0, 1, 0, 3]] if day >= SINCE else fields

    found = _run(copied)
    both = found.weight[-1, 0] + found.weight[-1, 2]
    assert both < 1.35 * calm.weight[-1, 0]
    assert (found.rmse / calm.rmse)[SINCE:].mean() < 1.12


def test_a_source_that_improves_overnight_earns_weight_within_days(calm: Run) -> None:
    def improves(day: int, fields: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.floating]:
        changed = fields.copy()
        changed[2] = truth + (0.3 if day >= SINCE else 1.0) * (fields[2] - truth)
        return changed

    found = _run(improves)
    assert found.weight[SINCE + 10, 2] > 1.4 * found.weight[SINCE, 2]
    assert found.weight[-1, 2] > found.weight[-1, 1]
    assert (found.rmse / calm.rmse)[SINCE:].max() < 1
