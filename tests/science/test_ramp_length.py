"""How long an increment pays: recovered from pairs, never rising, and nothing without history but the prior."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science.ramp_length import (
    PRIOR_PAIRS,
    RampSums,
    at_leads,
    decay,
    merge,
    of_leads,
    prior_factor,
    ramp_factor,
    update,
    zero,
)


def learnt(factors: list[float], pairs: int, noise: float = 0.5, size: float = 1.0) -> RampSums:
    """Sums of increments of which `factors` (lead,) are right, seen through noise."""
    random = np.random.default_rng(1)
    sums = zero(len(factors) - 1)
    for lead, factor in enumerate(factors):
        increment = size * random.normal(size=pairs)
        sums = update(sums, lead, increment, factor * increment + noise * size * random.normal(size=pairs))
    return sums


def test_without_history_the_prior_acts_and_fades_smoothly() -> None:
    factor = ramp_factor(zero(24), hours=12, longest=24)
    np.testing.assert_allclose(factor[:11], prior_factor(np.arange(11.0), 12), atol=1e-6)
    assert factor[0] == 1
    assert not factor[12:].any()
    short = ramp_factor(zero(6), hours=12, longest=6)
    assert short[-1] == 0
    assert (short[1:-1] > 0).all()
    assert not ramp_factor(zero(6), hours=12, longest=0).any()


def test_the_length_is_found_out() -> None:
    true = [*np.exp(-np.arange(13) / 8.0), *[0.0] * 12]
    factor = ramp_factor(learnt(true, 100_000), hours=3, longest=24)
    np.testing.assert_allclose(factor[:12], true[:12], atol=0.02)
    assert not factor[13:].any()
    assert factor[5] > 0.5 > 0 == prior_factor(np.array([5.0]), 3)[0]


def test_where_it_does_harm_it_ends() -> None:
    factor = ramp_factor(learnt([1.0, 0.8, 0.3, -0.2, -0.5, -0.5, -0.5], 50_000), hours=12, longest=12)
    assert factor[2] > 0.25
    assert not factor[3:7].any()


def test_few_pairs_change_little() -> None:
    prior = ramp_factor(zero(12), hours=8, longest=12)
    few = ramp_factor(learnt([0.0] * 13, int(PRIOR_PAIRS / 50)), hours=8, longest=12)
    np.testing.assert_allclose(few, prior, atol=0.06)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 5000), st.integers(1, 30))
def test_between_one_and_nothing_and_never_rising(seed: int, pairs: int, longest: int) -> None:
    random = np.random.default_rng(seed)
    sums = learnt(list(random.normal(0.3, 0.7, 13)), pairs, noise=2.0, size=float(random.choice([1e-3, 1, 1e3])))
    factor = ramp_factor(sums, hours=9, longest=longest)
    assert factor.shape == (longest + 1,)
    assert factor.min() >= 0
    assert factor.max() <= 1
    assert (np.diff(factor) <= 1e-7).all()
    assert factor[-1] == 0


def test_sums_merge_in_any_order_and_decay_alike() -> None:
    one, two, three = (learnt([1.0, 0.5], n) for n in (10, 20, 30))
    left, right = merge(merge(one, two), three), merge(one, merge(three, two))
    for a, b in zip(vars(decay(left, 5)).values(), vars(merge(decay(three, 5), decay(merge(one, two), 5))).values(),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b)
    np.testing.assert_allclose(left.product, right.product)
    missing = update(one, 0, np.array([np.nan, 1.0]), np.array([1.0, np.nan]))
    np.testing.assert_array_equal(missing.count, one.count)
    assert of_leads(one, 4).count.tolist() == [10, 10, 0, 0, 0]
    assert of_leads(one, 0).count.tolist() == [10]


def test_between_and_beyond_the_hours() -> None:
    np.testing.assert_allclose(at_leads(np.array([1, 0.5, 0.2]), np.array([0, 0.5, 2, 3, 48])), [1, 0.75, 0.2, 0, 0])
