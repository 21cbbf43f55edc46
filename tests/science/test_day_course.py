"""Biases that follow the sun: a planted course is found, luck is not taken for one, hours unseen stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.science import skill as skills
from pipeline.science.blend import without_course
from pipeline.science.day_course import fit_course
from pipeline.science.pools import boxes
from pipeline.science.skill import Skill
from pipeline.science.skill_exchange import from_dataset, merge, to_dataset
from pipeline.science.weights import fit

GRID = np.meshgrid(np.arange(90, -91, -10.0), np.arange(0, 360, 10.0), indexing="ij")
LATITUDE, LONGITUDE = (axis.ravel() for axis in GRID)
POOLS, SOURCES = boxes(LATITUDE, LONGITUDE), ("follows", "steady")
PLACES = len(LATITUDE)
EVERYWHERE = np.ones((1, PLACES), np.float32)
AMPLITUDE, PEAK = 1.2, 15.0
"""Of the planted bias, K, and the local hour of its largest value."""


def planted(hour: float) -> np.ndarray:
    return AMPLITUDE * np.cos(np.deg2rad(LONGITUDE + 15 * (hour - PEAK)))


def month(hours: tuple[int, ...], days: int = 30, *, course: float = 1.0, seed: int = 0) -> Skill:
    """Both sources with a bias of their own at each place, the first with the planted course too."""
    state, generator = skills.zero(SOURCES, (24.0,), POOLS), np.random.default_rng(seed)
    own = np.random.default_rng(9).normal(0, 1, PLACES)
    for _ in range(days):
        for hour in hours:
            errors = own + generator.normal(0, 1, (2, PLACES))
            errors[0] += course * planted(hour)
            skills.update(state, 0, errors.astype(np.float32), hour=hour)
    return state


@pytest.mark.parametrize("hours", [(0, 6, 12, 18), (0, 12)])
def test_a_planted_course_is_found_and_taken_off_at_every_hour_seen(hours: tuple[int, ...]) -> None:
    state = month(hours)
    found = fit_course(state, 0, EVERYWHERE, LONGITUDE)
    assert (found[1] == 0).all(), "a source without a course gets none"
    if len(hours) == 4:
        angle = 2 * np.pi * PEAK / 24
        np.testing.assert_allclose(found[0, :, 0], [AMPLITUDE * np.cos(angle), AMPLITUDE * np.sin(angle)], atol=0.12)
    (weights,) = fit([state], EVERYWHERE, amounts=False, guarded=False, longitude=LONGITUDE)
    own = np.random.default_rng(9).normal(0, 1, PLACES)
    for hour in hours:
        error = (own + planted(hour)).astype(np.float32)[None, None]
        left = without_course(error, weights.course[:, :1], (24.0,), np.array([24]), np.array([hour]))[0, 0]
        left = left - weights.bias[0, 0]
        assert abs(left.mean()) < 0.1
        assert np.sqrt((left**2).mean()) < 0.3
    (plain,) = fit([state], EVERYWHERE, amounts=False, guarded=False)
    assert plain.course is None
    assert np.sqrt(((own + planted(hours[1]) - plain.bias[0, 0]) ** 2).mean()) > 0.6


def test_nothing_is_said_of_hours_that_were_never_verified() -> None:
    state = month((6,))
    assert np.abs(state.course[2:]).max() < 1e-5, "neither at the poles, whose boxes are wide"
    assert (fit_course(state, 0, EVERYWHERE, LONGITUDE) == 0).all()


def test_luck_is_no_course() -> None:
    found = np.array(
        [np.abs(fit_course(month((0, 6, 12, 18), 8, course=0, seed=k), 0, EVERYWHERE, LONGITUDE)) for k in range(6)]
    )
    assert found.max() < 0.25
    assert (found == 0).all(axis=(2, 3)).mean() > 0.4


def test_what_two_states_know_is_what_one_would_and_storage_keeps_it() -> None:
    generator = np.random.default_rng(3)
    parts = [skills.zero(SOURCES, (24.0,), POOLS) for _ in range(3)]
    for number in range(24):
        hour = float(generator.integers(24))
        errors = (generator.normal(0, 1, (2, PLACES)) + planted(hour)).astype(np.float32)
        for state in (parts[2], parts[0] if number < 12 else parts[1]):
            skills.update(state, 0, errors, hour=hour, bounded=False)
    np.testing.assert_allclose(merge(parts[0], parts[1]).course, parts[2].course, atol=0.02)
    np.testing.assert_array_equal(from_dataset(to_dataset(parts[2])).course, parts[2].course)
