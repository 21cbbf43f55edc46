"""Phases of precipitation: energies against a fine integral, probabilities against Bourgouin's own table of cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from pipeline.science.derive import phase
from pipeline.science.derive.catalogue import FORMULAS
from tests.science.referee import agrees

Array = NDArray[np.float32]
Wide = NDArray[np.float64]
ZERO = 273.15
NAMES = [f"{name}_probability" for name in ("snow", "ice_pellets", "freezing_rain", "rain")]


def array(*values: float) -> Array:
    return np.array(values, np.float32)


def fine_energies(pressure: float, ground: float, wet_bulb: Wide) -> Wide:
    """J kg-1 aloft, below and on the ground of one profile at 200,000 points from the top down, warm and cold layers
    told apart one after the other."""
    above = [(100.0 * level, t) for level, t in zip(phase.LEVELS, wet_bulb, strict=True) if 100.0 * level < pressure]
    levels, temperatures = np.array([*above[::-1], (pressure, ground)]).T
    x = np.linspace(np.log(levels[0]), np.log(levels[-1]), 200_001)
    warmth = np.interp(x, np.log(levels), temperatures - ZERO)
    edges = np.flatnonzero(np.diff(warmth > 0)) + 1
    layers = [
        (part[0] > 0, abs(287.05 * trapezoid(part, position)))
        for part, position in zip(np.split(warmth, edges), np.split(x, edges), strict=True)
    ]
    below = layers.pop()[1] if layers[-1][0] else 0.0
    aloft, frozen = 0.0, 0.0
    for warm, energy in layers:
        aloft += energy * warm
        frozen += energy * (not warm and aloft > 0)
    return np.array([aloft, frozen, below])


def bourgouin(energies: Wide, temperature: float, snow: float) -> dict[str, float]:
    """Probabilities, by cases, of what is not snow."""
    aloft, frozen, below = energies
    pellets = 0.0
    if aloft > 0:
        share = min(aloft / 4, 1.0)
        excess = frozen - 0.66 * aloft
        pellets = share * (0.0 if excess <= 46 else 1.0 if excess >= 66 else (excess - 46) / 20)
        pellets *= 1.0 if below <= 5.6 else 0.0 if below >= 13.2 else (13.2 - below) / 7.6
    pellets *= 1 - snow
    icy = 1.0 if temperature <= ZERO - 1 else 0.0 if temperature >= ZERO + 1 else (ZERO + 1 - temperature) / 2
    freezing = (1 - snow - pellets) * icy
    found = (snow, pellets, freezing, 1 - snow - pellets - freezing)
    return dict(zip(NAMES, found, strict=True))


def derived(pressure: Array, ground: Array, wet_bulb: Array, share: Array | None = None) -> dict[str, Array]:
    """All of a column (place,); share of snow in 1 mm, dry without; air at 2 m as warm as its wet bulb, saturated."""
    dry = share is None
    fields = {f"wet_bulb_temperature_{level}hpa": row for level, row in zip(phase.LEVELS, wet_bulb, strict=True)}
    fields |= {"surface_pressure": pressure, "wet_bulb_temperature_2m": ground, "temperature_2m": ground}
    fields |= {"relative_humidity_2m": np.ones_like(ground), "precipitation": np.full_like(ground, 0 if dry else 1)}
    fields["snowfall"] = np.zeros_like(ground) if dry else share
    for name in ("phase_energies", *NAMES, "precipitation_type"):
        fields[name] = FORMULAS[name].compute(*(fields[other] for other in FORMULAS[name].inputs))
    return fields


def soundings(count: int, seed: int) -> tuple[Array, Array, Array]:
    """Surface pressure, wet bulb on the ground and at LEVELS, round freezing, many with warm noses."""
    rng = np.random.default_rng(seed)
    pressure = rng.uniform(78000, 104000, count)
    wet_bulb = ZERO + np.array([0, 0, 0, -4, -10, -18])[:, None] + rng.normal(0, 4, (6, count))
    return tuple(part.astype(np.float32) for part in (pressure, ZERO + rng.normal(0, 3, count), wet_bulb))  # type: ignore[return-value]


def test_an_independent_integral_and_table_of_cases_agree() -> None:
    pressure, ground, wet_bulb = soundings(150, 1)
    share = np.random.default_rng(2).random(150).astype(np.float32)
    found = derived(pressure, ground, wet_bulb, share)
    energies = np.array([
        fine_energies(float(p), float(t), column.astype(float))
        for p, t, column in zip(pressure, ground, wet_bulb.T, strict=True)
    ]).T  # fmt: skip
    np.testing.assert_allclose(found["phase_energies"], energies, atol=0.05, rtol=1e-3)
    assert ((energies[0] > 4) & (energies[1] > 46)).sum() > 10
    cases = [bourgouin(energies[:, k], float(ground[k]), float(share[k])) for k in range(len(share))]
    for name in NAMES:
        expected = [case[name] for case in cases]
        agrees(name, found[name], expected, by="SciPy, Bourgouin's cases", atol=0.005)


@pytest.mark.parametrize(
    ("wet_bulb", "ground", "kind"),
    [
        ((-20, -12, -6, -4, -3, -2), -2, "snow"),
        ((-20, -10, 2, 6, 8, 10), 12, "rain"),
        ((-20, -8, -1, 5, -0.5, -1.5), -2, "freezing_rain"),
        ((-20, -8, -2, 1.5, -6, -9), -10, "ice_pellets"),
        ((-20, -8, -2, 5, -4, 4), 6, "rain"),
    ],
)
def test_classic_soundings(wet_bulb: tuple[float, ...], ground: float, kind: str) -> None:
    """Cold all through, warm from 700 hPa down, a warm nose over shallow frost, over deep frost, over warm ground."""
    column = np.array(wet_bulb[::-1], np.float32)[:, None] + np.float32(ZERO)
    found = derived(array(101500), array(ZERO + ground), column)
    assert found[f"{kind}_probability"][0] > 0.9


def test_snow_melts_by_temperature_and_humidity_where_nothing_falls() -> None:
    """Jennings et al. (2018), table 2: 50 % at 50 % humidity near 3.9 degC, at saturation near 0.7."""
    temperature, humidity = array(ZERO + (10.04 - 4.5) / 1.41, ZERO + (10.04 - 9) / 1.41), array(0.5, 1)
    none = np.zeros((3, 2), np.float32)
    half = phase.snow_probability(temperature, humidity, 0 * humidity, 0 * humidity, none)
    np.testing.assert_allclose(half, 0.5, atol=1e-3)
    none[0], none[2] = 4.4, 5
    aloft = phase.snow_probability(temperature, humidity, 0 * humidity, 0 * humidity, none)
    np.testing.assert_allclose(aloft, 0.25, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_phases_add_up_and_the_type_is_the_most_probable(seed: int) -> None:
    pressure, ground, wet_bulb = soundings(60, seed)
    share = np.random.default_rng(seed).choice([0, 0.1, 0.26, 0.5, 0.9, 1], 60).astype(np.float32)
    codes = {"snow_probability": 5, "ice_pellets_probability": 8, "freezing_rain_probability": 3, "rain_probability": 1}
    for given_ in (None, share):
        found = derived(pressure, ground, wet_bulb, given_)
        parts = np.stack([found[name] for name in NAMES])
        np.testing.assert_allclose(parts.sum(axis=0), 1, atol=1e-5)
        assert parts.min() >= -1e-6
        assert parts.max() <= 1 + 1e-6
        kind = found["precipitation_type"]
        assert given_ is not None or not kind.any()
        for k, code in enumerate(kind if given_ is not None else ()):
            likely = {c for name, c in codes.items() if found[name][k] >= parts[:, k].max() - 1e-6}
            if code == 7:
                assert likely & {1, 5}
                assert min(found["snow_probability"][k], found["rain_probability"][k]) > 0.25 - 1e-6
            else:
                assert code in likely


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 8))
def test_a_warmer_column_has_no_more_snow(seed: int, warmer: float) -> None:
    pressure, ground, wet_bulb = soundings(40, seed)
    cold = derived(pressure, ground, wet_bulb)["snow_probability"]
    warm = derived(pressure, ground + np.float32(warmer), wet_bulb + np.float32(warmer))["snow_probability"]
    assert (warm <= cold + 1e-5).all()


def test_type_of_mixed_precipitation() -> None:
    """Precipitation, snow, ice pellets, freezing rain, rain, and what is reported."""
    cases = (
        (0.05, 1.0, 0, 0, 0, 0), (2, 0.0, 0, 0, 1.0, 1), (2, 0.8, 0, 0, 0.2, 5), (2, 0.6, 0, 0, 0.4, 7),
        (2, 0.3, 0, 0, 0.7, 7), (2, 0.25, 0, 0, 0.75, 1), (2, 0.1, 0.1, 0.5, 0.3, 3), (2, 0.1, 0.6, 0.2, 0.1, 8),
        (2, 0.4, 0.3, 0.2, 0.1, 5), (2, 0.5, 0, 0.5, 0, 5),
    )  # fmt: skip
    *columns, kind = (np.array(column, np.float32) for column in zip(*cases, strict=True))
    np.testing.assert_array_equal(phase.precipitation_type(*columns), kind)
