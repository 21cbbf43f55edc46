"""The elementary functions of the kernels against numpy in double precision, and the kernels against plain numpy."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.science.derive import math as derive_math
from pipeline.science.derive import thermo
from pipeline.science.derive.utci import terms
from pipeline.science.registers import full_width


@numba.njit
def _loop(which: int, x: Any, y: Any, out: Any) -> None:
    for i in range(len(out)):
        if which == 0:
            out[i] = derive_math.exp(x[i])
        elif which == 1:
            out[i] = derive_math.log(x[i])
        elif which == 2:
            out[i] = derive_math.arctan2(y[i], x[i])
        else:
            out[i] = derive_math.power(x[i], y[i])


def run(which: int, x: NDArray[np.floating], y: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    x = x.astype(np.float32)
    out = np.empty_like(x)
    _loop(which, x, x if y is None else y.astype(np.float32), out)
    return out.astype(np.float64)


def test_elementary_functions_are_of_single_precision() -> None:
    x = np.linspace(-85, 85, 100001).astype(np.float32)
    np.testing.assert_allclose(run(0, x), np.exp(x.astype(np.float64)), rtol=3e-7)
    positive = np.geomspace(1e-30, 1e30, 100001).astype(np.float32)
    np.testing.assert_allclose(run(1, positive), np.log(positive.astype(np.float64)), rtol=3e-7, atol=2e-7)
    np.testing.assert_allclose(
        run(3, positive, np.full_like(positive, 0.2857)), positive.astype(float) ** np.float32(0.2857), rtol=4e-6
    )
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 10, (2, 100000)).astype(np.float32)
    np.testing.assert_allclose(run(2, a, b), np.arctan2(b.astype(np.float64), a), atol=4e-7)
    np.testing.assert_array_equal(run(0, np.array([-1e9, 1e9])) < np.inf, True)
    assert run(2, np.zeros(1), np.zeros(1))[0] == 0


def test_saturation_of_the_written_equation() -> None:
    t = np.linspace(160, 350, 5000)
    latent = 2.50084e6 - (4219.4 - 1860.078) * (t - 273.16)
    log = np.log(611.655) + (4219.4 - 1860.078) / 461.5 * np.log(273.16 / t) + (2.50084e6 / 273.16 - latent / t) / 461.5
    np.testing.assert_allclose(thermo.saturation_vapour_pressure(t.astype(np.float32)), np.exp(log), rtol=1e-5)


def test_parcels_and_crossings_of_broken_columns() -> None:
    z = [np.array([height], np.float32) for height in (1000, 800, 1500, 3000)]
    t = [np.array([value], np.float32) for value in (290, 250, 280, 270)]
    assert thermo.crossing(z, t, 273.15)[0] == pytest.approx(1500 + 1500 * 6.85 / 10, rel=1e-5)  # 800 m is underground
    assert thermo.crossing(z, t, 300)[0] == 1000
    assert thermo.at_height(z, t, 250)[0] == pytest.approx(285)
    assert thermo.at_height(z, t, np.array([5000], np.float32))[0] == 270
    assert thermo.mean_below(z, t, 500)[0] == pytest.approx(285)


def test_categories_count_the_limits_reached_and_nothing_of_what_is_missing() -> None:
    values = np.array([[0.5, 1.0, 2.5, np.nan]], np.float32)
    np.testing.assert_array_equal(thermo.category(values, 1, 2), [[0, 1, 2, 0]])


def test_read_only_fields_are_welcome() -> None:
    fixed = np.broadcast_to(np.float32(280), (2, 3))
    assert thermo.saturation_vapour_pressure(fixed).shape == (2, 3)
    whole = np.full(3, 280, np.float32)
    whole.flags.writeable = False
    assert np.isfinite(thermo.saturation_vapour_pressure(whole)).all()
    assert thermo.category(whole, 270).tolist() == [1, 1, 1]


def test_the_polynomial_of_the_thermal_index_is_whole() -> None:
    powers, coefficients = terms()
    assert (coefficients != 0).sum() == 210
    degree = powers.sum(axis=1)
    assert degree.max() <= 6
    assert all((row[7 - d :] == 0).all() for row, d in zip(coefficients, degree, strict=True))


def test_a_kernel_may_ask_for_the_widest_vectors() -> None:
    @numba.njit
    def twice(values: np.ndarray) -> None:
        full_width()
        for i in range(len(values)):
            values[i] *= np.float32(2)

    values = np.arange(40, dtype=np.float32)
    twice(values)
    np.testing.assert_array_equal(values, 2 * np.arange(40))
    (compiled,) = twice.inspect_llvm().values()
    assert '"prefer-vector-width"="512"' in compiled


def test_columns_are_the_same_wherever_they_are_cut() -> None:
    generator = np.random.default_rng(0)
    heights = [np.float32(1500 * k) + generator.uniform(-900, 900, 2500).astype(np.float32) for k in range(6)]
    values = [generator.uniform(230, 300, 2500).astype(np.float32) for _ in range(6)]
    for found in (
        lambda cut: thermo.crossing([z[cut] for z in heights], [t[cut] for t in values], 273.15),
        lambda cut: thermo.at_height([z[cut] for z in heights], [t[cut] for t in values], 3000),
        lambda cut: thermo.mean_below([z[cut] for z in heights], [t[cut] for t in values], 6000),
        lambda cut: thermo.helicity(
            [z[cut] for z in heights], [t[cut] for t in values], [t[cut] for t in values[::-1]],
            (values[0][cut], values[1][cut]), 3000,
        ),
    ):  # fmt: skip
        whole = found(slice(None))
        for cut in (slice(0, 7), slice(1000, 1500), slice(2047, 2500)):
            np.testing.assert_array_equal(found(cut), whole[cut])
