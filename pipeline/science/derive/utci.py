"""The Universal Thermal Climate Index's polynomial (Bröde et al. 2012); coefficients in `utci.csv`."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.science.derive.math import f4, kernel
from pipeline.science.registers import full_width

LANES = 256
"""Places worked on at a time, so that the powers of their inputs stay in cache."""


@cache
def terms() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(group, 3) powers of wind, radiation and vapour; (group, 7) coefficients by power of temperature."""
    groups: dict[tuple[int, ...], NDArray[np.float32]] = {}
    with resources.files(__package__).joinpath("utci.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (int(row["wind"]), int(row["radiation"]), int(row["vapour"]))
            groups.setdefault(key, np.zeros(7, np.float32))[int(row["temperature"])] = float(row["coefficient"])
    return np.array(list(groups), np.int64), np.array(list(groups.values()))


@kernel
def add_terms(
    temperature: Any, wind: Any, radiation: Any, vapour: Any, powers: Any, coefficients: Any, out: Any
) -> None:
    """The polynomial (K) of air temperature (degC), wind (m s-1), mean radiant temperature over the air's (K) and
    vapour pressure (kPa)."""
    full_width()
    power = np.ones((3, 7, LANES), np.float32)
    for start in range(0, len(out), LANES):
        stop = min(start + LANES, len(out))
        t, total = temperature[start:stop], out[start:stop]
        a, b, c = wind[start:stop], radiation[start:stop], vapour[start:stop]
        for k in range(1, 7):
            for i in range(len(t)):
                power[0, k, i] = power[0, k - 1, i] * a[i]
                power[1, k, i] = power[1, k - 1, i] * b[i]
                power[2, k, i] = power[2, k - 1, i] * c[i]
        total[:] = f4(0.0)
        for g in range(len(powers)):
            first, second, third = power[0, powers[g, 0]], power[1, powers[g, 1]], power[2, powers[g, 2]]
            _add_group(coefficients[g], t, first, second, third, total)


@numba.njit(error_model="numpy", fastmath={"contract"}, inline="never")
def _add_group(c: Any, t: Any, first: Any, second: Any, third: Any, total: Any) -> None:
    """The terms of one power of wind, radiation and vapour, by Horner's rule in temperature."""
    c0, c1, c2, c3, c4, c5, c6 = c[0], c[1], c[2], c[3], c[4], c[5], c[6]
    for i in range(len(t)):
        value = (((((c6 * t[i] + c5) * t[i] + c4) * t[i] + c3) * t[i] + c2) * t[i] + c1) * t[i] + c0
        total[i] += value * first[i] * second[i] * third[i]
