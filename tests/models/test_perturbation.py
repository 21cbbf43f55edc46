"""Perturbations: the same for a member wherever it is made, of the asked size, alike everywhere on the sphere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pytest
from scipy.special import sph_legendre_p_all

torch = pytest.importorskip("torch")

from models.perturbation import ALPHA, TAU, bred_vector, seed_of, size_of, spherical_gaussian  # noqa: E402

START, LATITUDE = datetime(2025, 9, 5), np.linspace(90, -90, 30, endpoint=False)


def test_seeds_are_those_of_cycle_and_member() -> None:
    seeds = {seed_of(cycle, member) for cycle in ("20250905T00Z", "20250905T06Z") for member in range(31)}
    assert len(seeds) == 62
    assert seed_of("20250905T00Z", 3) == 2868453799559967697  # sha256sum's first 16 digits, halved


def test_noise_repeats_and_has_unit_size() -> None:
    one, other = (spherical_gaussian(3, LATITUDE, 60, seed) for seed in (1, 2))
    np.testing.assert_array_equal(one, spherical_gaussian(3, LATITUDE, 60, 1))
    assert not np.allclose(one, other)
    assert size_of(one, np.ones(3, np.float32), LATITUDE) == pytest.approx(1, rel=1e-5)


def test_noise_is_what_scipys_transforms_make_of_the_same_draws() -> None:
    degree, random = 14, np.random.default_rng(7)
    sizes = (np.arange(15) * np.arange(1, 16) + TAU**2) ** (-ALPHA / 2)
    real, imaginary = random.standard_normal((2, 1, 15, 15)) * sizes[:, None]
    functions = sph_legendre_p_all(degree, degree, np.deg2rad(90 - LATITUDE))[0, :, : degree + 1]
    waves = np.einsum("lm,lmy->ym", (real + 1j * imaginary)[0] * np.where(np.arange(15), 1, np.sqrt(2)), functions)
    field = np.fft.irfft(waves, n=60, axis=1)
    area = np.cos(np.deg2rad(LATITUDE))
    field /= np.sqrt((field**2).mean(1) @ area / area.sum())
    np.testing.assert_allclose(spherical_gaussian(1, LATITUDE, 60, 7)[0], field, atol=1e-5)


def test_noise_is_isotropic() -> None:
    fields = np.concatenate([spherical_gaussian(4, LATITUDE, 60, seed) for seed in range(100)])
    by_latitude = (fields**2).mean((0, 2))
    assert by_latitude.min() > 0.85
    assert by_latitude.max() < 1.15


class _Growing:
    """A linear model whose first variable doubles in a step and whose second halves."""

    variables = ("fast", "slow")
    latitude = LATITUDE
    longitude = np.arange(0, 360, 6.0)
    step_hours = 6

    def steps(self, states: torch.Tensor, *, start: datetime, seeds: Sequence[int]) -> Iterator[torch.Tensor]:
        for step in itertools.count():
            yield states * torch.tensor([2.0, 0.5])[:, None, None] ** step


def test_breeding_finds_what_grows() -> None:
    ones, noise = torch.ones(2, 1, 1), spherical_gaussian(2, LATITUDE, 60, 1)
    still = [
        state[0] for state in itertools.islice(_Growing().steps(torch.ones(1, 2, 30, 60), start=START, seeds=[1]), 9)
    ]
    bred = bred_vector(_Growing(), still, START, torch.as_tensor(noise), 0.1 * ones, 1).numpy()
    assert size_of(bred, np.ones(2, np.float32), LATITUDE) == pytest.approx(0.1, rel=1e-3)
    assert np.abs(bred[1]).max() < 1e-3 * np.abs(bred[0]).max()
    np.testing.assert_allclose(bred[0] / np.abs(bred[0]).max(), noise[0] / np.abs(noise[0]).max(), atol=1e-2)
