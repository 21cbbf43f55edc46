"""Quantiles and exceedance against numpy, and what must hold for any members."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from pipeline.science.pooling import Pool
from pipeline.science.probability import distribution
from pipeline.science.registers import sorting_network

Floats = NDArray[np.float32]
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
RAIN = (0.1, 1, 5, 20)


def additive(
    members: Floats, centre: Floats, factor: Floats, thresholds: tuple[float, ...] = (0,)
) -> tuple[Floats, Floats]:
    return distribution(members, centre, factor, LEVELS, thresholds, minimum=-1e6, maximum=1e6, multiplicative=False)


def rain(members: Floats, centre: Floats, factor: float = 1) -> tuple[Floats, Floats]:
    factors = np.full_like(centre, factor)
    return distribution(members, centre, factors, LEVELS, RAIN, minimum=0, maximum=200, multiplicative=True)


@pytest.mark.parametrize("number", [1, 2, 3, 5, 30, 31, 51, 112])
def test_network_sorts(number: int) -> None:
    values = np.random.default_rng(number).normal(size=(number, 50))
    expected = np.sort(values, axis=0)
    for low, high in sorting_network(number):
        values[[low, high]] = np.sort(values[[low, high]], axis=0)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("places", [1, 127, 128, 129, 5000])
def test_inside_the_members_quantiles_are_numpys_hazen(places: int) -> None:
    members = np.random.default_rng(0).normal(280, 3, (30, 2, places)).astype(np.float32)
    quantiles, _ = additive(members, members.mean(axis=0), np.ones((2, places), np.float32))
    np.testing.assert_allclose(quantiles, np.quantile(members, LEVELS, axis=0, method="hazen"), atol=3e-4)


def test_recentred_and_widened() -> None:
    members = np.random.default_rng(1).normal(0, 1, (30, 1, 100)).astype(np.float32)
    centre = np.full((1, 100), 7, np.float32)
    quantiles, _ = additive(members, centre, np.full((1, 100), 2, np.float32))
    expected = np.quantile(7 + 2 * (members - members.mean(axis=0)), LEVELS, axis=0, method="hazen")
    np.testing.assert_allclose(quantiles, expected, atol=1e-5)


def test_exceedance_is_calibrated_where_the_blend_knows_the_centre() -> None:
    thresholds = (-2, -1, 0, 0.5, 1, 2, 2.5)
    members = np.random.default_rng(2).normal(size=(30, 1, 100_000)).astype(np.float32)
    _, exceedance = additive(members, np.zeros((1, 100_000), np.float32), np.ones((1, 100_000), np.float32), thresholds)
    expected = stats.norm.sf(thresholds)
    assert exceedance.mean(axis=(1, 2)) == pytest.approx(expected, abs=0.004)
    assert exceedance[:6].mean(axis=(1, 2)) == pytest.approx(expected[:6], rel=0.06)


def test_known_errors_steady_a_small_ensemble() -> None:
    places = 50_000
    generator = np.random.default_rng(8)
    members = generator.normal(size=(30, 1, places)).astype(np.float32)
    truth = generator.normal(size=places)
    centre, ones = np.zeros((1, places), np.float32), np.ones((1, places), np.float32)
    levels = (np.arange(50) + 0.5) / 50
    score = {}
    for name, known in (("members", None), ("known", ones)):
        quantiles, _ = distribution(
            members, centre, ones, levels.tolist(), (), minimum=-9, maximum=9, multiplicative=False,
            expected_error=known,
        )  # fmt: skip
        over = truth - quantiles[:, 0]
        score[name] = (2 * np.where(over > 0, levels[:, None] * over, (levels[:, None] - 1) * over)).mean()
        assert (over[[2, 47]] > 0).mean(axis=1) == pytest.approx(1 - levels[[2, 47]], abs=0.015)
    perfect = 1 / np.sqrt(np.pi)  # CRPS of the standard normal distribution for its own draws
    assert score["known"] - perfect < 0.6 * (score["members"] - perfect)


def test_an_amount_makes_no_use_of_the_expected_error() -> None:
    members = np.random.default_rng(9).exponential(3, (30, 1, 40)).astype(np.float32)
    centre, ones = members.mean(axis=0), np.ones((1, 40), np.float32)
    alone, known = (
        distribution(
            members, centre, ones, LEVELS, RAIN, minimum=0, maximum=200, multiplicative=True, expected_error=error
        )
        for error in (None, 5 * ones)
    )
    np.testing.assert_array_equal(alone[0], known[0])


def test_tails_reach_a_little_beyond_the_members_as_a_normal_distribution_does() -> None:
    members = np.random.default_rng(3).normal(size=(30, 1, 100_000)).astype(np.float32)
    centre, ones = np.zeros((1, 100_000), np.float32), np.ones((1, 100_000), np.float32)
    extreme, _ = distribution(members, centre, ones, (0.01, 0.99), (), minimum=-9, maximum=9, multiplicative=False)
    assert extreme.mean(axis=(1, 2)) == pytest.approx(stats.norm.ppf((0.01, 0.99)), abs=0.08)
    beyond = extreme[1] > members.max(axis=0) - members.mean(axis=0)
    assert beyond.all()


def test_dry_blend_is_dry() -> None:
    members = np.random.default_rng(4).exponential(3, (30, 1, 40)).astype(np.float32)
    quantiles, exceedance = rain(members, np.zeros((1, 40), np.float32))
    assert not quantiles.any()
    assert not exceedance.any()


def test_wet_blend_over_dry_members_is_not_certain_of_dry_weather() -> None:
    quantiles, exceedance = rain(np.zeros((30, 1, 1), np.float32), np.full((1, 1), 5, np.float32))
    assert exceedance[0, 0, 0] > 0.9
    assert exceedance[:, 0, 0] == pytest.approx(stats.expon(scale=5).sf(RAIN), abs=0.05)
    assert quantiles[3, 0, 0] == pytest.approx(5 * np.log(2), rel=0.05)


def test_dry_members_stay_dry_and_the_mean_is_kept() -> None:
    members = np.random.default_rng(5).exponential(2, (30, 1, 200)).astype(np.float32)
    members[:12] = 0
    centre = 1.5 * members.mean(axis=0)
    quantiles, exceedance = rain(members, centre)
    assert not quantiles[:3].any()
    assert exceedance[0].mean() == pytest.approx(18 / 30, abs=0.02)
    np.testing.assert_allclose(quantiles[4:6], np.quantile(1.5 * members, LEVELS[4:6], axis=0, method="hazen"),
                               rtol=1e-5)  # fmt: skip


@pytest.mark.parametrize("factor", [0.5, 1.5, 2.0, 4.0])
def test_an_amounts_spread_changes_neither_its_mean_nor_its_chance(factor: float) -> None:
    members = np.random.default_rng(5).exponential(2, (30, 1, 500)).astype(np.float32)
    members[:12] = 0
    centre, levels = members.mean(axis=0), ((np.arange(300) + 0.5) / 300).tolist()
    plain, wide = (
        distribution(
            members, centre, np.full_like(centre, value), levels, (1e-6,), minimum=0, maximum=1e3, multiplicative=True
        )
        for value in (1, factor)
    )
    np.testing.assert_allclose(wide[1], plain[1], atol=5e-3)
    assert wide[0].mean() == pytest.approx(centre.mean(), rel=0.07), "tails reach beyond the members"
    ratio = wide[0].std(axis=0).mean() / plain[0].std(axis=0).mean()
    assert 0.5 < ratio < 0.8 if factor < 1 else 1.2 < ratio < factor


rain_fields = hnp.arrays(
    np.float32, st.tuples(st.sampled_from([25, 30, 31]), st.just(1), st.integers(1, 40)),
    elements=st.floats(0, 40, width=32) | st.just(0.0),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(members=rain_fields, centre=st.floats(5, 60, width=32), factor=st.floats(0, 4, width=32))
def test_no_dry_weather_under_a_wet_forecast(members: Floats, centre: float, factor: float) -> None:
    centres = np.full(members.shape[1:], centre, np.float32)
    levels = ((np.arange(50) + 0.5) / 50).tolist()
    quantiles, exceedance = distribution(
        members, centres, np.full_like(centres, factor), levels, RAIN, minimum=0, maximum=1e3, multiplicative=True
    )
    assert (exceedance[0] > 0.02).all(), "members of 40 and three times as much need one of 24 to be wet"
    assert (exceedance[1] > 0.02).all()
    assert (quantiles.max(axis=0) >= 0.8 * centre).all(), "the forecast lies within its distribution"
    assert quantiles.mean(axis=0) == pytest.approx(centres, rel=0.35)


def test_missing_members_are_left_out_and_empty_cells_have_no_value() -> None:
    members = np.random.default_rng(6).normal(size=(30, 1, 64)).astype(np.float32)
    centre, ones = np.zeros((1, 64), np.float32), np.ones((1, 64), np.float32)
    expected, expected_exceedance = additive(members[:28] - members[:28].mean(axis=0), centre, ones)
    members[28:, :, 10:40] = np.nan
    members[:, :, 50:] = np.nan
    centre[0, 5] = np.nan
    quantiles, exceedance = additive(members, centre, ones)
    np.testing.assert_allclose(quantiles[:, 0, 10:40], expected[:, 0, 10:40], atol=1e-5)
    np.testing.assert_allclose(exceedance[:, 0, 10:40], expected_exceedance[:, 0, 10:40], atol=1e-5)
    missing = np.isnan(quantiles).all(axis=0)[0]
    np.testing.assert_array_equal(np.flatnonzero(missing), [5, *range(50, 64)])
    np.testing.assert_array_equal(np.isnan(exceedance).any(axis=0)[0], missing)


def test_bounds_are_kept() -> None:
    members = np.random.default_rng(7).uniform(0, 1, (30, 1, 100)).astype(np.float32)
    quantiles, exceedance = distribution(
        members, np.full((1, 100), 0.95, np.float32), np.ones((1, 100), np.float32), (0.01, 0.5, 0.99), (-0.1, 1.0),
        minimum=0, maximum=1, multiplicative=False,
    )  # fmt: skip
    assert quantiles.min() >= 0
    assert quantiles.max() == 1
    assert (exceedance[0] == 1).all()
    assert (exceedance[1] == 0).all()


numbers = st.floats(-50, 50, width=32)
sizes = st.sampled_from([1, 2, 4, 7, 24, 30, 31])  # two compilations


@settings(max_examples=60, deadline=None)
@given(
    members=hnp.arrays(np.float32, st.tuples(sizes, st.just(1), st.integers(1, 40)), elements=numbers),
    centre=numbers, factor=st.floats(0, 4, width=32), multiplicative=st.booleans(),
)  # fmt: skip
def test_monotone_and_coherent(members: Floats, centre: float, factor: float, multiplicative: bool) -> None:
    if multiplicative:
        members, centre = abs(members), abs(centre)
    levels = np.linspace(0.02, 0.98, 25)
    thresholds = np.linspace(-60, 60, 25)
    shape = members.shape[1:]
    quantiles, exceedance = distribution(
        members, np.full(shape, centre, np.float32), np.full(shape, factor, np.float32), levels, thresholds,
        minimum=-100, maximum=100, multiplicative=multiplicative,
    )  # fmt: skip
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()
    assert ((exceedance >= 0) & (exceedance <= 1)).all()
    assert (np.diff(exceedance, axis=0) <= 0).all()
    # Above a threshold at level p means a probability of at least 1 - p to exceed it, and the other way round.
    slack = 1e-3
    for level, quantile in zip(levels, quantiles, strict=True):
        above = quantile > thresholds[:, None, None] + slack
        assert (exceedance[above] >= 1 - level - slack).all()
        below = quantile < thresholds[:, None, None] - slack
        assert (exceedance[below] <= 1 - level + slack).all()


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"expected members \(number, lead, place\)"):
        additive(np.zeros((3, 2, 4), np.float32), np.zeros((2, 5), np.float32), np.zeros((2, 5), np.float32))
    with pytest.raises(ValueError, match="levels between 0 and 1"):
        distribution(np.zeros((3, 1, 1), np.float32), np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32),
                     (1.0,), (), minimum=0, maximum=1, multiplicative=False)  # fmt: skip


@pytest.mark.parametrize("place_count", [50, 1500])
def test_a_pool_is_its_members_about_one_mean(place_count: int) -> None:
    generator = np.random.default_rng(12)
    leads, hours = 4, np.arange(4)
    values = generator.normal(280, 5, (30 * 2 + 3 * leads, place_count)).astype(np.float32)
    values[-1, :40] = np.nan
    values[-2] = np.nan
    rows = 2 * np.arange(30)[:, None] + np.zeros(leads, np.int64)
    single = 60 + np.arange(3 * leads).reshape(3, leads)
    share = np.broadcast_to((hours / leads).astype(np.float32), (30, leads))
    weight = np.concatenate([share, np.zeros((3, leads), np.float32)])
    pool = Pool(values, np.concatenate([rows, single]), np.concatenate([rows + 1, single]), weight, np.array([30, 33]))
    members = values[pool.before] + weight[..., None] * (values[pool.after] - values[pool.before])
    members[30:] += members[:30].mean(axis=0) - np.ma.masked_invalid(members[30:]).mean(axis=0).filled(0)
    each = np.arange(33 * leads).reshape(33, leads)
    flat = members.reshape(-1, place_count).astype(np.float32)
    one_by_one = Pool(flat, each, each, np.zeros((33, leads), np.float32), np.array([33]))
    centre, ones = members[0].copy(), np.ones((leads, place_count), np.float32)
    limits = {"minimum": 200.0, "maximum": 350.0, "multiplicative": False}
    found, wanted = (
        distribution(some, centre, ones, LEVELS, (275.0, 285.0), **limits, expected_error=ones)  # type: ignore[arg-type]
        for some in (pool, one_by_one)
    )
    for ours, theirs in zip(found, wanted, strict=True):
        assert np.isfinite(ours).all()
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-4)
