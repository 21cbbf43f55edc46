"""The intervals are of pairs, cover what they claim, and know that hours and regions err as one."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.science.resampling import drawn_rmse, interval

HOURS, BOXES = 9, 40
HOUR, BOX = (axis.ravel() for axis in np.indices((HOURS, BOXES)))


def test_one_hour_and_one_box_leave_nothing_to_chance() -> None:
    drawn = drawn_rmse(np.array([[3.0, 4.0], [1.0, 1.0]]), np.zeros(2, int), weight=np.array([1.0, 3.0]))
    np.testing.assert_allclose(drawn, np.tile([np.sqrt(57 / 4), 1.0], (len(drawn), 1)))


def test_hours_alone_are_drawn_as_an_ordinary_bootstrap_draws_them() -> None:
    errors = np.random.default_rng(1).standard_normal((1, 30))
    drawn = drawn_rmse(errors, np.repeat(np.arange(6), 5))[:, 0]
    squares = (errors**2).reshape(6, 5).mean(axis=1)
    chosen = np.random.default_rng(0).integers(0, 6, (1000, 6))
    np.testing.assert_allclose(drawn, np.sqrt(squares[chosen].mean(axis=1)))


def test_the_same_draws_serve_every_system() -> None:
    errors = np.random.default_rng(2).standard_normal((1, HOURS * BOXES))
    drawn = drawn_rmse(np.concatenate([errors, 2 * errors]), HOUR, BOX)
    np.testing.assert_allclose(drawn[:, 1], 2 * drawn[:, 0])


@pytest.mark.parametrize("alike", ["hour", "box", "neither"])
def test_the_interval_covers_the_truth_about_as_often_as_it_says_or_more(alike: str) -> None:
    generator, covered = np.random.default_rng(3), 0
    sizes = {"hour": HOURS, "box": BOXES, "neither": HOURS * BOXES}[alike]
    block = {"hour": HOUR, "box": BOX, "neither": np.arange(HOURS * BOXES)}[alike]
    for _ in range(60):
        scale = np.exp(0.3 * generator.standard_normal(sizes))[block]
        errors = scale * generator.standard_normal(HOURS * BOXES)
        low, high = interval(drawn_rmse(errors[None], HOUR, BOX)[:, 0])
        covered += low <= np.exp(0.3**2) <= high  # the root of E[scale^2] = exp(2 * 0.3^2)
    assert covered >= 0.85 * 60
