"""Swells of models are matched by what they are, whatever their numbers."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pipeline import parameters
from pipeline.science.wave_systems import (
    DIRECTION_SCALE,
    HEIGHT_SCALE,
    MEMBERS,
    PERIOD_SCALE,
    SYSTEMS,
    match,
    renumbered,
)

Array = NDArray[np.float32]
OCEAN = np.array([[2.0, 14.0, 300.0], [1.9, 9.0, 200.0], [0.5, 11.0, 20.0]], np.float32)[..., None]
"""A long swell from the north-west, a short one from the south of nearly one height, a low one from the north."""
SWELLS = st.lists(
    st.tuples(st.floats(0, 8, width=32), st.floats(3, 22, width=32), st.floats(0, 360, width=32)),
    min_size=len(SYSTEMS), max_size=len(SYSTEMS),
)  # fmt: skip


def test_names_are_the_catalogues() -> None:
    assert len(MEMBERS) == 9
    assert set(MEMBERS) <= set(parameters.blended())


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_ranks_that_differ_between_models_give_the_same_systems(order: tuple[int, ...]) -> None:
    nearly = OCEAN + np.array([0.15, 0.5, 8], np.float32)[None, :, None]
    other = nearly[list(order)]
    found = match(other, OCEAN)
    for part in range(3):
        for system in range(3):
            assert renumbered(other[:, part], found, system) == nearly[system, part]


def test_a_direction_is_compared_round_the_circle() -> None:
    reference = np.array([[1, 10, 359], [1, 10, 90], [0.2, 8, 180]], np.float32)[..., None]
    other = np.array([[1, 10, 91], [1, 10, 1], [0.2, 8, 180]], np.float32)[..., None]
    assert match(other, reference)[:, 0].tolist() == [1, 0, 2]


def test_without_a_reference_ranks_stay() -> None:
    assert match(OCEAN[::-1], np.full_like(OCEAN, np.nan))[:, 0].tolist() == [0, 1, 2]
    assert match(np.full_like(OCEAN, np.nan), OCEAN)[:, 0].tolist() == [0, 1, 2]


@settings(max_examples=150, deadline=None)
@given(SWELLS, SWELLS)
def test_of_all_permutations_the_cheapest_is_taken(
    first: list[tuple[float, ...]], second: list[tuple[float, ...]]
) -> None:
    one, other = np.array(first, np.float32), np.array(second, np.float32)
    a, b = one[:, None].astype(float), other[None].astype(float)
    turn = (a[..., 2] - b[..., 2] + 180) % 360 - 180
    cost = (
        0.5 * (a[..., 0] + b[..., 0]) * (((a[..., 1] - b[..., 1]) / PERIOD_SCALE) ** 2 + (turn / DIRECTION_SCALE) ** 2)
    )
    cost += ((a[..., 0] - b[..., 0]) / HEIGHT_SCALE) ** 2
    order = match(other[..., None], one[..., None])[:, 0]
    assert sorted(order) == [0, 1, 2]
    assert cost[range(3), order].sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum(), rel=1e-4, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(SWELLS, SWELLS, st.permutations(range(3)))
def test_the_numbers_of_a_model_do_not_matter(
    first: list[tuple[float, ...]], second: list[tuple[float, ...]], order: list[int]
) -> None:
    reference, swells = (np.array(part, np.float32)[..., None] for part in (first, second))
    again = swells[order]
    plain, moved = match(swells, reference), match(again, reference)
    kept = [[renumbered(part[:, 0], found, system)[0] for system in range(3)] for part, found in
            ((swells, plain), (again, moved))]  # fmt: skip
    cost = [_cost(reference, swells, plain), _cost(reference, again, moved)]
    assert cost[0] == pytest.approx(cost[1], rel=1e-4, abs=1e-3)
    assert sorted(kept[0]) == sorted(kept[1])


def _cost(reference: Array, swells: Array, order: NDArray[np.int64]) -> float:
    total = 0.0
    for system in range(3):
        a, b = reference[system, :, 0].astype(float), swells[order[system, 0], :, 0].astype(float)
        turn = (a[2] - b[2] + 180) % 360 - 180
        total += 0.5 * (a[0] + b[0]) * (((a[1] - b[1]) / PERIOD_SCALE) ** 2 + (turn / DIRECTION_SCALE) ** 2)
        total += ((a[0] - b[0]) / HEIGHT_SCALE) ** 2
    return float(total)
