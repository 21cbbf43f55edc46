"""Perturbed initial states: each member's follows from the cycle and the member's number alone.

Noise is a Gaussian random field on the sphere with Matern covariance, as earth2studio's SphericalGaussian, drawn with
numpy so that every device gets the same. Bred vectors let the model itself choose what grows (Toth and Kalnay 1993,
https://doi.org/10.1175/1520-0477(1993)074<2317:EFANTG>2.0.CO;2). Their size is the root mean square over the sphere,
measured, not hoped for.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import sph_legendre_p_all

if TYPE_CHECKING:
    from torch import Tensor

    from models.emulator import DeviceEmulator

Array = NDArray[np.float32]

ALPHA, TAU = 2.0, 3.0
"""Regularity and inverse length of the covariance, earth2studio's defaults."""
HIGHEST_DEGREE = 42  # of the noise; what is finer dies in the first steps
BREEDING_STEPS = 4


def earlier_analyses(kind: str, members: int) -> int:
    """How many analyses before the newest the members are made of, each a step of the model before the next."""
    return {"HemisphericCentredBredVector": BREEDING_STEPS, "LaggedEnsemble": members}.get(kind, 0)


def seed_of(cycle: str, member: int) -> int:
    """A seed of 63 bits from the cycle and the member's number, however the members are shared out."""
    return int.from_bytes(hashlib.sha256(f"{cycle} member {member}".encode()).digest()[:8], "big") >> 1


def spherical_gaussian(variables: int, latitude: NDArray[np.float64], columns: int, seed: int) -> Array:
    """(variable, latitude, longitude) independent fields, each with root mean square 1 over the sphere."""
    random = np.random.default_rng(seed)
    degree = min(HIGHEST_DEGREE, len(latitude) // 2 - 1)
    degrees = np.arange(degree + 1)
    size = (degrees * (degrees + 1) + TAU**2) ** (-ALPHA / 2)
    draws = random.standard_normal((2, variables, degree + 1, degree + 1)) * size[:, None]
    draws[..., 0] *= np.sqrt(2)  # a zonal mean has no sine beside its cosine: without this the poles are quieter
    draws[1, ..., 0] = 0
    functions = _functions(degree, latitude.tobytes())
    waves = (draws.reshape(2 * variables, degree + 1, -1).transpose(2, 0, 1) @ functions).transpose(1, 2, 0)
    waves = waves.reshape(2, variables, len(latitude), degree + 1)  # cosines and sines of each row
    area = np.cos(np.deg2rad(latitude))
    squares = (waves**2 * np.where(degrees, 2, 1)).sum((0, 3)) @ area / area.sum()  # Parseval: no sum over longitudes
    waves /= np.sqrt(squares)[:, None, None]
    return np.concatenate(list(waves), -1).astype(np.float32) @ _along(degree, columns)


@lru_cache(maxsize=2)
def _functions(degree: int, latitude: bytes) -> NDArray[np.float64]:
    """(order, degree, latitude) of the spherical harmonics' Legendre functions, zero where the order is the larger."""
    colatitude = np.deg2rad(90 - np.frombuffer(latitude))
    return np.ascontiguousarray(sph_legendre_p_all(degree, degree, colatitude)[0, :, : degree + 1].swapaxes(0, 1))


@lru_cache(maxsize=2)
def _along(degree: int, columns: int) -> Array:
    """(2 orders, longitude) fields from cosines before sines: for so few waves faster than an FFT."""
    angle = 2 * np.pi / columns * np.outer(np.arange(degree + 1), np.arange(columns))
    once = np.where(np.arange(degree + 1), 2, 1)[:, None]
    return np.concatenate([once * np.cos(angle), -once * np.sin(angle)]).astype(np.float32)


def bred_vector(
    model: DeviceEmulator, still: Sequence[Tensor], start: datetime, noise: Tensor, size: Tensor, seed: int
) -> Tensor:
    """(variable, latitude, longitude) what grows most of the noise in the steps of `still`, of the asked size.

    still: (variable, latitude, longitude) states of the unperturbed run, from `start` on; noise: like one of them;
    size: (variable, 1, 1) root mean squares asked for. After each step the difference is brought back to them. All of
    it stays on the model's device.
    """
    area = noise.new_tensor(np.cos(np.deg2rad(model.latitude)))
    difference = noise * size
    for step, (before, after) in enumerate(itertools.pairwise(still)):
        now = start + timedelta(hours=step * model.step_hours)
        run = model.steps((before + difference)[None], start=now, seeds=[seed])
        difference = next(itertools.islice(run, 1, None))[0] - after
        difference /= _root_mean_square(difference / size, area)
    return difference


def size_of(difference: Array, size: Array, latitude: NDArray[np.float64]) -> np.float32:
    """Root mean square over the sphere and the variables, as a share of their sizes (variable,)."""
    return np.float32(_root_mean_square(difference / size[:, None, None], np.cos(np.deg2rad(latitude))))


def _root_mean_square(values: Any, area: Any) -> Any:
    """Of (variable, latitude, longitude), of numpy or torch; area: (latitude,) weights of the rows, in any unit."""
    return ((values**2).mean((0, 2)) @ area / area.sum()) ** 0.5
