"""What the past month says about every source: exponentially weighted means that merge in any order.

Errors are forecast minus truth. A place keeps each source's mean error and the mean square of its departure from that,
16 bits each, the latter for rows of places that are close together; the sums of weights, and what sources have in
common, are kept for pools of neighbouring places, of which a sample of places tells enough. Decay touches only weights,
so that a lead that does not verify need not be rewritten.

Means are as of all that was seen, in any order; only the bounds on gross errors depend on what came before.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.science.course_kernels import follow
from pipeline.science.pools import Pools
from pipeline.science.skill_kernel import NOTHING, Half, seen, unpack, update_means
from pipeline.science.skill_sample import add_products, depart, look, mean_squares

Array = NDArray[np.float32]

MEAN_LIMIT, SQUARE_LIMIT = 1.345, 3.0
"""Standard deviations beyond which an error counts no more for the mean (95 % efficient if errors are normal: Huber
1981) and for the mean square: a corrupt truth or forecast cannot leak into a month of statistics."""
PRIORS = (np.float32(1), np.float32(15))
"""Pairs that all places count for in the gate of one, in its centre and in its square: it cannot widen it at once."""
FEWEST_PAIRS = 3.0
"""Weight of a source before which its errors are not bounded: nobody knows yet how large they are."""
MOST_ALIKE = 0.6
"""Correlation of successive errors beyond which their common part is a bias, and to be removed, for all purposes."""
SURE_PAIRS = 3.0
"""Pairs for which the belief counts that errors are independent, in how uncertain a mean is."""
LEAST_UNCERTAIN = 0.3
"""Less than which a mean's variance is not believed to be: half of one of independent errors, and some luck."""
CANDIDATES = 3
"""What the guard compares: the blend of the scheme, equal weights and the source best so far."""


@dataclass(frozen=True)
class Skill:
    """Means over past pairs of forecast and truth; `pair` runs over i <= j of the sources, row by row.

    mean: (source, lead_bin, place) error, and square: (source, lead_bin, square) square of its departure from the mean,
    where the pools keep it; both upper halves of float32
    weight: (source, lead_bin, pool) sum of the weights of the pairs seen
    product, shared: (pair, lead_bin, pool) mean product of two sources' departures, and its weight
    variance, variance_weight: (lead_bin, pool) of the ensemble
    contest, contest_weight: (pair of candidates, lead_bin, pool) mean product of the candidates' errors; see `guard`
    course: (7, source, lead_bin, pool) how errors follow the day: means of cosine and sine of the hour in UTC, mean
    products of their departures (cosine twice, both, sine twice), and those of theirs with the error's
    last: (source, lead_bin, sample) newest departure; echo: (3, source, lead_bin) mean product of a departure with the
    one before, mean square, and how far it leads back from the mean before, by its weight: how much news is in a pair
    """

    sources: tuple[str, ...]
    lead_bins: tuple[float, ...]
    pools: Pools
    mean: Half
    square: Half
    weight: Array
    product: Array
    shared: Array
    variance: Array
    variance_weight: Array
    contest: Array
    contest_weight: Array
    course: Array
    last: Array
    echo: Array

    @property
    def bias(self) -> Array:
        """(source, lead_bin, place) mean error as it was seen; NaN where it never was."""
        return unpack(self.mean)

    @property
    def spread(self) -> Array:
        """(source, lead_bin, place) mean square departure from the mean error; NaN where the source never was."""
        return np.stack([self.squares(lead_bin) for lead_bin in range(len(self.lead_bins))], axis=1)

    def squares(self, lead_bin: int) -> Array:
        """(source, place) mean square departure of a lead bin; NaN where the source never was."""
        return np.where(np.isnan(unpack(self.mean[:, lead_bin])), np.float32(np.nan), self.seen(lead_bin)[2])

    def presence(self, lead_bin: int) -> Array:
        """(source, place) sum of the weights for which the source was present."""
        return self.seen(lead_bin)[0]

    def seen(self, lead_bin: int) -> tuple[Array, Array, Array]:
        """Presence, mean error and mean square departure of a lead bin, each (source, place), 0 where it never was.

        Where it was, but not where the square is kept, the square is its mean over all places.
        """
        return seen(self.mean, self.square, self.weight, lead_bin, self.pools.index, self.pools.square_of)


STATISTICS = tuple(field.name for field in fields(Skill))[3:]
WEIGHTS = ("weight", "shared", "variance_weight", "contest_weight")


def diagonal(sources: int) -> NDArray[np.intp]:
    """Indices of the pairs (i, i)."""
    return np.cumsum(np.r_[0, np.arange(sources, 1, -1)]).astype(np.intp)


def zero(sources: tuple[str, ...], lead_bins: tuple[float, ...], pools: Pools) -> Skill:
    """The state that knows nothing."""
    count, bins, places = len(sources), len(lead_bins), len(pools.index)
    pairs, contest = count * (count + 1) // 2, CANDIDATES * (CANDIDATES + 1) // 2
    mean, square = (np.full((count, bins, size), NOTHING, np.uint16) for size in (places, len(pools.kept)))

    def nothing(*leading: int) -> Array:
        return np.zeros((*leading, bins, pools.count), np.float32)

    return Skill(
        sources, lead_bins, pools, mean, square, nothing(count), nothing(pairs), nothing(pairs),
        nothing(), nothing(), nothing(contest), nothing(contest), nothing(7, count),
        np.full((count, bins, len(pools.sample)), np.nan, np.float32), np.zeros((3, count, bins), np.float32),
    )  # fmt: skip


def update(
    skill: Skill,
    lead_bin: int,
    errors: Array,
    *,
    variance: Array | None = None,
    candidates: Array | None = None,
    hour: float | None = None,
    bounded: bool = True,
) -> None:
    """Add one verified forecast to the state, in place.

    errors: (source, place), NaN where a source is absent; variance: (place,) of the ensemble; candidates: (candidate,
    place) errors of the blends that the guard compares; hour: of the day in UTC, where biases may follow it.
    bounded: False for amounts, rare and large as they are.
    """
    expected = (len(skill.sources), len(skill.pools.index))
    if errors.shape != expected:
        raise ValueError(f"expected errors of shape (source, place) {expected}; found {errors.shape}")
    errors, pools, weight = np.ascontiguousarray(errors, np.float32), skill.pools, skill.weight
    sampled, before, found = look(
        errors, skill.mean, skill.square, weight, lead_bin, pools.sample, pools.square_of_sample, pools.starts,
        SQUARE_LIMIT,
    )  # fmt: skip
    narrow, wide, fewest = np.float32(MEAN_LIMIT), np.float32(SQUARE_LIMIT), FEWEST_PAIRS if bounded else np.inf
    overall, typical, parts, uniform = depart(
        sampled, before, skill.last, skill.echo, weight, lead_bin, pools.starts, pools.partly, found, float(fewest),
        wide, PRIORS,
    )  # fmt: skip
    if hour is not None:
        follow(sampled, float(hour), parts[0], skill.course, lead_bin, pools.starts)
    add_products(sampled, pools.starts, skill.product, skill.shared, lead_bin, True)
    update_means(
        errors, skill.mean, skill.square, lead_bin, parts, pools.index, uniform, overall, typical, narrow, wide,
        pools.columns, pools.together,
    )  # fmt: skip
    if variance is not None:
        _average(skill.variance[lead_bin], skill.variance_weight[lead_bin], variance[pools.sample], pools)
    if candidates is not None:
        bound = SQUARE_LIMIT * np.sqrt(typical.max())
        rivals = np.ascontiguousarray(np.clip(candidates[:, pools.sample], -bound, bound), np.float32)
        add_products(rivals, pools.starts, skill.contest, skill.contest_weight, lead_bin, False)


def repetition(skill: Skill, lead_bin: int) -> Array:
    """(source,) how many pairs say as much as one that is independent of the others, at least 1.

    (1 + r) / (1 - r) of errors whose correlation from pair to pair is r (Bartlett 1935); what two departures share
    because both are from one uncertain mean is taken off.
    """
    product, square, _ = skill.echo[:, :, lead_bin].astype(np.float64)
    pairs = np.maximum(skill.weight[:, lead_bin].max(axis=1, initial=0), 1)
    alike = np.clip(product / np.maximum(square, 1e-30) - 1 / pairs, 0, MOST_ALIKE)
    return np.asarray((1 + alike) / (1 - alike), np.float32)


def uncertainty(skill: Skill, lead_bin: int) -> Array:
    """(source,) variance of a place's mean error in that of a mean of so many errors that are independent.

    Measured, since means are bounded, weighed by age and of errors that are alike for longer than one pair shows. What
    an error departs by from the mean before it, times that mean, comes to what the two share less the mean's variance,
    and true biases are in neither; of errors whose correlation from pair to pair is r, they share r / (1 - r).
    """
    product, square, back = skill.echo[:, :, lead_bin].astype(np.float64)
    pairs, square = skill.weight[:, lead_bin].max(axis=1, initial=0), np.maximum(square, 1e-30)
    alike = np.clip(product / square, 0, MOST_ALIKE)
    measured = (pairs * back / square + SURE_PAIRS) / (pairs + SURE_PAIRS)
    return np.asarray(np.maximum(measured + alike / (1 - alike), LEAST_UNCERTAIN), np.float32)


def _average(mean: Array, weight: Array, values: Array, pools: Pools) -> None:
    """Move means (..., pool) by `values` (..., sample), NaN left out, and add to their weights."""
    good = np.isfinite(values)
    count = np.add.reduceat(good, pools.starts[:-1], axis=-1, dtype=np.float32)
    total = np.add.reduceat(np.where(good, values, 0), pools.starts[:-1], axis=-1, dtype=np.float32)
    _move(mean, weight, total / np.maximum(count, 1), count / np.diff(pools.starts))


def _move(mean: Array, weight: Array, value: NDArray[np.floating], share: NDArray[np.floating]) -> None:
    weight += share
    mean += share / np.maximum(weight, 1e-9) * (value - mean)


def mean_square(skill: Skill, places: slice = slice(None)) -> NDArray[np.float64]:
    """(source, lead_bin) mean square error over all places or those in the slice, NaN without history."""
    return np.stack([mean_square_at(skill, lead_bin, places) for lead_bin in range(len(skill.lead_bins))], axis=1)


def mean_square_at(skill: Skill, lead_bin: int, places: slice = slice(None)) -> NDArray[np.float64]:
    """(source,) the same at one lead bin."""
    first, stop, _ = places.indices(len(skill.pools.index))
    chosen = np.flatnonzero((skill.pools.sample >= first) & (skill.pools.sample < stop))
    pools = skill.pools
    place, square, pool = pools.sample[chosen], pools.square_of_sample[chosen], pools.of_sample[chosen]
    return mean_squares(skill.mean, skill.square, skill.weight, lead_bin, place, square, pool)


def decay(skill: Skill, factors: NDArray[np.floating] | float) -> Skill:
    """The state with every weight multiplied by its lead bin's factor; `factors` is (lead_bin,) or one number."""
    scale = np.broadcast_to(np.asarray(factors, np.float32), (len(skill.lead_bins),))[:, None]
    return replace(skill, **{name: getattr(skill, name) * scale for name in WEIGHTS})


def decay_factors(
    lead_bins: tuple[float, ...], elapsed_hours: float, time_scale_days: float = 12.0
) -> NDArray[np.float64]:
    """(lead_bin,) exp(-elapsed / scale), with a scale that grows by half towards 120 h.

    Biases of longer leads are noisier, so that a longer memory pays (Cui et al. 2012; NBM's decaying average).
    """
    growth = 1 + 0.5 * np.clip(np.asarray(lead_bins) / 120, 0, 1)
    return np.exp(-elapsed_hours / (24 * time_scale_days * growth))
