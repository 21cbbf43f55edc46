"""What is planted in the embedded world is found again by the science that has never seen it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.parameters import parameter
from pipeline.science import skill as skills
from pipeline.science.learn import Learnt, Places, learn
from pipeline.science.pools import boxes
from pipeline.world import errors, forecasts
from pipeline.world.forecasts import Run
from pipeline.world.grids import native_grid
from pipeline.world.state import at_points
from tests.world.conftest import grown_world, toy_nature

SOURCES = ("ifs", "aifs", "gefs_mean")  # on one native grid, so that no regridding stands between
NAME, LEAD, DAYS = "temperature_2m", 24, 30
HOURS = timedelta(hours=LEAD)
FIRST = datetime(2025, 8, 6)


@pytest.fixture(scope="module")
def errors_seen(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float32]:
    """(day, source, place) errors of a month of midnight starts."""
    folder = tmp_path_factory.mktemp("month")
    toy_nature(folder, DAYS + 6)
    world = grown_world(folder, DAYS + 6, FIRST + timedelta(days=DAYS))
    seen = []
    for start in (FIRST + timedelta(days=day) for day in range(DAYS)):
        truth = at_points(world, native_grid("ifs"), start + HOURS, (NAME,))[NAME]
        runs = [Run(source, start, start.date()) for source in SOURCES]
        seen.append([forecasts.instant(world, run, start + HOURS, (NAME,))[NAME] - truth for run in runs])
    return np.array(seen, np.float32)


@pytest.fixture(scope="module")
def learnt(errors_seen: NDArray[np.float32]) -> Learnt:
    """Weights and biases after those days."""
    grid = native_grid("ifs")
    count = grid.latitude.size
    pools = boxes(grid.latitude, grid.longitude)
    state = skills.zero(SOURCES, (float(LEAD),), pools)
    for day in errors_seen:
        skills.update(state, 0, day)
    places = Places(grid.latitude, grid.longitude, np.zeros(count), np.zeros(count), pools)
    return learn(parameter(NAME), [state], places)


def test_planted_biases_are_estimated_within_their_sampling_error(
    errors_seen: NDArray[np.float32], learnt: Learnt
) -> None:
    grid = native_grid("ifs")
    for index, source in enumerate(SOURCES):
        planted = errors.planted_bias(source, NAME, LEAD, grid.latitude, grid.longitude, 0)
        found = learnt.weights[0].bias[index, 0]
        sampling = errors_seen[:, index].std(axis=0) * np.sqrt(3 / DAYS)  # errors of neighbouring days are alike
        wrong = np.abs(found - planted) / sampling
        assert np.sqrt((wrong**2).mean()) < 1, f"{source}: {np.sqrt((wrong**2).mean()):.2f} sampling errors"
        strong = np.abs(planted) > 0.8 * np.abs(planted).max()
        np.testing.assert_allclose(found[strong].mean(), planted[strong].mean(), rtol=0.25)


def test_the_best_model_of_a_region_weighs_most_there(learnt: Learnt) -> None:
    grid = native_grid("ifs")
    weight = learnt.weights[0].weight[:, 0]
    for index, source in enumerate(SOURCES):
        share = errors.BEST_REGIONS[source](grid.latitude, grid.longitude)
        inside, outside = weight[index, share > 0.7].mean(), weight[index, share < 0.05].mean()
        assert inside > outside + 0.1, f"{source}: {inside:.2f} in its best region, {outside:.2f} elsewhere"
        assert weight[:, share > 0.7].mean(axis=1).argmax() == index
