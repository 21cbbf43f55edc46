"""Distributions in closed form against quadrature, and learning from the past alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit

from pipeline.parameters import parameter
from pipeline.science import predictive
from pipeline.science.censored_logistic import Distribution, Family, crps
from pipeline.science.predictive import History

FAMILIES = [Family(0.5, 0.0, np.inf), Family(1.0, -np.inf, np.inf), Family(1.0, 0.0, 1.0), Family(1.0, 0.0, np.inf)]


@pytest.mark.parametrize("family", FAMILIES)
@given(location=st.floats(-3, 6), scale=st.floats(0.05, 3), observed=st.floats(0, 1))
def test_crps_is_the_integral_over_the_squared_distance(
    family: Family, location: float, scale: float, observed: float
) -> None:
    """Independent of the closed form: the integral itself, in the parameter's units (2 x dx = d x^2)."""
    low, high = max(family.lower, -150.0), min(family.upper, 150.0)

    def distance(x: float) -> float:
        below = 1.0 if x >= family.upper else expit((x - location) / scale)
        return (below - (x >= observed)) ** 2 * (2 * x if family.power == 0.5 else 1)

    points = [x for x in (observed, *(location + k * scale for k in range(-12, 13, 3))) if low < x < high]
    expected = quad(distance, low, high, points=points, limit=400)[0]
    found = crps(Distribution(family, np.array([location]), np.array([scale])), np.array([observed]))
    assert found[0] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def _pairs(hours: int, places: int, seed: int, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """(sources, truth) of days: three sources with errors, whose plain mean is 2 too high and too steep."""
    generator = np.random.default_rng(seed)
    days = []
    for _ in range(hours):
        signal = generator.normal(0, 5, places)
        truth = 285 + 0.7 * signal + generator.normal(0, 1, places)
        sources = 287 + signal + generator.normal(0, 0.5, (3, places))
        if name == "precipitation":
            wet = np.maximum(generator.logistic(0.5, 1, places), 0)
            truth, sources = np.maximum(wet + generator.logistic(-0.3, 0.4, places), 0) ** 2, np.stack([wet**2] * 3)
        days.append((sources, truth))
    return days


def _walk(name: str, days: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """(day, place) distribution function at the truth and CRPS, each day learnt after it is forecast."""
    row = parameter(name)
    family = predictive.family_of(row)
    history, fits = predictive.empty(), [None] * len(predictive.MEMORIES)
    below, scores = [], []
    for day, (sources, truth) in enumerate(days):
        given = predictive.predictors(family, sources, sources, np.full(sources.shape, 1 / 3), row.precision)
        fits = predictive.fit(history, family, 24.0 * day, fits)
        memories = predictive.forecast(fits, family, given)
        ours = predictive.combine(history, memories)
        observed = truth**family.power
        below.append(expit((observed - ours.location) / ours.scale))
        scores.append(predictive.score(ours, observed))
        more = History(np.full(len(truth), 24.0 * day), given, observed, predictive.score(memories, observed))
        history = predictive.remember(history, more)
    return np.array(below), np.array(scores)


def test_a_steep_biased_mean_is_learnt_and_calibrated() -> None:
    below, scores = _walk("temperature_2m", _pairs(40, 30, 0, "temperature_2m"))
    late = below[20:].ravel()
    assert np.abs(np.quantile(late, [0.1, 0.5, 0.9]) - [0.1, 0.5, 0.9]).max() < 0.06
    assert scores[20:].mean() < 1.1 * 0.5642 * np.sqrt(1 + 0.49 * 0.25 / 3), "close to the CRPS of the planted truth"
    assert scores[:3].mean() > 1.5 * scores[20:].mean()


def test_the_chance_of_a_dry_day_is_learnt() -> None:
    days = _pairs(40, 40, 1, "precipitation")
    below, _ = _walk("precipitation", days)
    dry = np.array([truth == 0 for _, truth in days])
    expected = np.where(dry, below, np.nan)[20:]
    assert np.nanmean(expected) > dry[20:].mean(), "dry days had a greater chance of it"


def test_without_history_the_forecast_is_the_bare_blend_with_its_expected_error() -> None:
    family = predictive.family_of(parameter("temperature_2m"))
    sources = np.array([[280.0], [282.0]])
    given = predictive.predictors(family, sources, sources, np.full((2, 1), 0.5), 0.01, np.array([1.5]))
    fits = predictive.fit(predictive.empty(), family, 0.0, [None] * len(predictive.MEMORIES))
    ours = predictive.combine(predictive.empty(), predictive.forecast(fits, family, given))
    assert ours.location[0] == pytest.approx(281)
    assert ours.scale[0] * np.pi / np.sqrt(3) == pytest.approx(1.5)


def test_memories_that_forecast_better_weigh_more_whatever_the_count_of_places() -> None:
    given = predictive.Predictors(*(np.ones(60) for _ in range(4)))
    scores = np.ones((len(predictive.MEMORIES), 60))
    scores[1] = 0.8
    one_place = History(np.arange(60) * 24.0, given, np.ones(60), scores)
    ten_places = History(np.repeat(np.arange(6) * 24.0, 10), given, np.ones(60), scores)
    sure, unsure = predictive.memory_weights(one_place), predictive.memory_weights(ten_places)
    assert sure.argmax() == unsure.argmax() == 1
    assert sure[1] > unsure[1], "ten places of one day are no ten days"
    assert sure.sum() == pytest.approx(1)


@given(st.lists(st.floats(0, 400, allow_subnormal=False), min_size=6, max_size=12), st.integers(0, 3))
def test_any_past_gives_a_finite_forecast(amounts: list[float], seed: int) -> None:
    days = [(np.full((3, 1), amount), np.array([amounts[-k]])) for k, amount in enumerate(amounts)]
    below, scores = _walk("precipitation", days)
    assert np.isfinite(below).all()
    assert np.isfinite(scores).all()
    assert (scores >= -1e-9).all()
