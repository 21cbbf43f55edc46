"""Biases that follow the sun: a harmonic of the local solar hour for every source, lead bin and cluster.

It is learnt from how errors depart from their mean at the same place when the hour of the day is another. So nothing is
believed of hours that were never verified, and nothing where the departures are no larger than luck makes them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science.covariance import pool_membership
from pipeline.science.skill import Skill, repetition

Array = NDArray[np.float32]
Float = NDArray[np.float64]

LEAST_SEEN = 0.05
"""Variance of the hours that were verified, along cosine and sine, below which nothing is said: a day's is 0.5."""
INDEPENDENT_PLACES = 2.0
"""Errors of neighbours are alike: what a cluster's places say together is as sure as from so many."""


def fit_course(skill: Skill, lead_bin: int, membership: Array, longitude: Float) -> Float:
    """(source, 2, cluster) by how much a bias changes with cosine and sine of the solar angle, 0 where nobody knows.

    Least squares on the departures of each cluster (cluster, place), shrunk by what chance would make of them: the
    positive part of James and Stein (1961). longitude: (place,) degrees east.
    """
    weight = skill.weight[:, lead_bin].astype(np.float64)
    shares = pool_membership(membership, skill.pools)
    mass = weight @ shares.T
    moments = _solar(
        skill.course[2:, :, lead_bin].astype(np.float64), longitude[skill.pools.sample[skill.pools.starts[:-1]]]
    )
    basis, product = np.split((moments * weight) @ shares.T / np.maximum(mass, 1e-9), [3])
    pairs = mass / np.maximum(shares.sum(axis=1), 1e-9) * INDEPENDENT_PLACES / repetition(skill, lead_bin)[:, None]
    noise = np.maximum(skill.echo[1, :, lead_bin].astype(np.float64), 1e-30)[:, None]
    values, vectors = np.linalg.eigh(np.moveaxis(basis[[[0, 1], [1, 2]]], (0, 1), (-2, -1)))
    along = np.einsum("scik,isc->sck", vectors, product)
    found = np.where(values >= LEAST_SEEN, along / np.maximum(values, LEAST_SEEN), 0)
    evidence = (found**2 * values).sum(axis=-1) * pairs / noise  # of as many degrees of freedom as are seen
    seen = (values >= LEAST_SEEN).sum(axis=-1)
    found *= np.maximum(1 - seen / np.maximum(evidence, 1e-9), 0)[..., None]
    return np.asarray(np.einsum("scik,sck->sic", vectors, found))


def _solar(moments: Float, longitude: Float) -> Float:
    """Products (5, source, pool) of a skill state, as of the solar angle instead of the hour in UTC."""
    c, s = np.cos(np.deg2rad(longitude)), np.sin(np.deg2rad(longitude))
    cc, cs, ss, first, second = moments
    return np.stack([
        c * c * cc - 2 * c * s * cs + s * s * ss, c * s * (cc - ss) + (c * c - s * s) * cs,
        s * s * cc + 2 * c * s * cs + c * c * ss, c * first - s * second, s * first + c * second,
    ])  # fmt: skip


def at_places(course: Float, skill: Skill, lead_bin: int, membership: Array, longitude: Float) -> tuple[Array, Array]:
    """What to take off at every place: (source, place) beside the bias, and (2, source, place) times cosine and sine of
    the hour in UTC; course: see `fit_course`."""
    cosine, sine = np.einsum("sic,cp->isp", course, membership).astype(np.float32)
    east, north = np.cos(np.deg2rad(longitude)).astype(np.float32), np.sin(np.deg2rad(longitude)).astype(np.float32)
    waves = np.stack([cosine * east + sine * north, sine * east - cosine * north])
    centre = skill.course[:2, :, lead_bin][..., skill.pools.index]  # the hours that the bias is the mean of
    return -(waves * centre).sum(axis=0), waves
