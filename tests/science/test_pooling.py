from __future__ import annotations

import numpy as np

from pipeline.science.pooling import about_the_first


def test_every_group_gets_the_mean_of_the_first() -> None:
    generator = np.random.default_rng(0)
    pool = generator.normal(280, 3, (9, 2, 2500)).astype(np.float32)
    pool[generator.random(pool.shape) < 0.1] = np.nan
    pool[5:, 1, 7] = np.nan
    before = pool.copy()
    for lead in (0, 1):
        shifted = pool[:, lead].copy()
        about_the_first(shifted, np.array([4, 5, 9]))
        pool[:, lead] = shifted
    np.testing.assert_array_equal(pool[:4], before[:4])
    for group in (slice(4, 5), slice(5, 9)):
        mean = [np.ma.masked_invalid(before[part]).mean(axis=0).filled(np.nan) for part in (slice(0, 4), group)]
        expected = before[group] + (mean[0] - mean[1])
        np.testing.assert_allclose(pool[group], expected, rtol=1e-6)
