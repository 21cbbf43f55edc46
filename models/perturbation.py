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
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import sph_legendre_p_all

from models.base import Emulator

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
    functions = _functions(degree, latitude.tobytes())
    degrees = np.arange(degree + 1)
    size = (degrees * (degrees + 1) + TAU**2) ** (-ALPHA / 2)
    draws = random.standard_normal((2, variables, degree + 1, degree + 1)) * size[:, None]
    draws[..., 0] *= np.sqrt(2)  # a zonal mean has no sine beside its cosine: without this the poles are quieter
    waves = np.einsum("vlm,lmy->vym", draws[0] + 1j * draws[1], functions)
    fields = np.fft.irfft(waves, n=columns, axis=2) * columns
    area = np.cos(np.deg2rad(latitude))[:, None]
    rms = np.sqrt((fields**2 * area).mean((1, 2), keepdims=True) / area.mean())
    return np.asarray(fields / rms, np.float32)


@lru_cache(maxsize=2)
def _functions(degree: int, latitude: bytes) -> NDArray[np.float64]:
    """(degree, order, latitude) of the spherical harmonics' Legendre functions, zero where the order is the larger."""
    colatitude = np.deg2rad(90 - np.frombuffer(latitude))
    return np.asarray(sph_legendre_p_all(degree, degree, colatitude)[0, :, : degree + 1])


def bred_vector(model: Emulator, still: Sequence[Array], noise: Array, size: Array, seed: int) -> Array:
    """(variable, latitude, longitude) what grows most of the noise in the steps of `still`, of the asked size.

    still: (variable, latitude, longitude) states of the unperturbed run, one after the other; noise: like one of them;
    size: (variable,) root mean squares asked for. After each step the difference is brought back to them.
    """
    difference = noise * size[:, None, None]
    for before, after in itertools.pairwise(still):
        moved = next(itertools.islice(model.run((before + difference)[None], seeds=[seed]), 1, None))[0]
        difference = moved - after
        difference /= size_of(difference, size, model.latitude)
    return difference


def size_of(difference: Array, size: Array, latitude: NDArray[np.float64]) -> np.float32:
    """Root mean square over the sphere and the variables, as a share of their sizes (variable,)."""
    area = np.cos(np.deg2rad(latitude))[:, None]
    return np.float32(np.sqrt(((difference / size[:, None, None]) ** 2 * area).mean() / area.mean()))
