"""Formulas written again from their sources, in float64 and apart from the code: what derived parameters are held to.

A transcription bears the name of its parameter and takes its inputs by name, as they are published, so that an error
of an input is not counted twice. By default it has to agree within the precision at which the parameter is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import signature

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline import parameters
from pipeline.science.derive.catalogue import derive
from tests.science.plausible import Array, Wide, plausible
from tests.science.referee import agrees

Transcription = Callable[..., ArrayLike]
ZERO = 273.15
PLACES, LEADS = 200, 72
FEW = (slice(None, None, 9), slice(None, None, 2))
"""Columns enough for what is worked out one by one."""


def _with_inversions(fields: dict[str, Array], rng: np.random.Generator) -> None:
    """Every third place has cold air on the ground, so that rain freezes, every fourth old snow in any weather."""
    for name in ("temperature_2m", "temperature_2m_maximum", "temperature_2m_minimum", "dew_point_temperature_2m"):
        fields[name][:, ::3] -= 8
    fields["temperature_925hpa"][:, ::6] -= 5
    fields["snow_depth"][:, ::4] = rng.gamma(1, 0.5, fields["snow_depth"][:, ::4].shape)
    mixed = fields["precipitation"] * rng.random(fields["precipitation"].shape, np.float32)
    fields["snowfall"][:, 1::4] = np.minimum(fields["snowfall"], mixed)[:, 1::4]


@cache
def published() -> dict[str, Wide]:
    """What is blended and what follows from it, (lead, place), of days of plausible weather."""
    rng = np.random.default_rng(2)
    fields = plausible(5, PLACES, LEADS)
    del fields["sea_surface_temperature"]  # which follows from the skin's
    _with_inversions(fields, rng)
    return {name: values.astype(np.float64) for name, values in (fields | derive(fields)).items()}


Where = tuple[slice, slice] | NDArray[np.bool_]
EVERYWHERE = (slice(None), slice(None))


def judge(
    transcription: Transcription, *, name: str = "", rtol: float = 0.0, atol: float | None = None, by: str = "",
    where: Where = EVERYWHERE,
) -> None:  # fmt: skip
    """As `judge_values` of what a transcription makes of the fields that it asks for."""
    fields = published()
    shape = fields["temperature_2m"].shape
    inputs = (np.broadcast_to(fields[other], shape)[where] for other in signature(transcription).parameters)
    name = name or transcription.__name__
    judge_values(name, transcription(*inputs), rtol=rtol, atol=atol, by=by, where=where)


def judge_values(
    name: str, values: ArrayLike, *, rtol: float = 0.0, atol: float | None = None, by: str = "",
    where: Where = EVERYWHERE,
) -> None:  # fmt: skip
    """AssertionError unless the parameter has these values, brought within its bounds, at the leads and places `where`.

    The values have to differ by more than the tolerance, so that no constant passes.
    """
    row = parameters.derived()[name]
    expected = np.clip(np.asarray(values, np.float64), row.minimum, row.maximum)
    tolerance = row.precision if atol is None else atol
    assert np.ptp(expected) > 1.5 * tolerance, f"{name}: all values alike"
    agrees(name, published()[name][where], expected, by=by or f"NumPy, {row.source}", rtol=rtol, atol=tolerance)
