"""The pool of a distribution, and who knows the ensemble's variance."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from pipeline import paths
from pipeline.parameters import blended, parameter
from pipeline.science.weights import Weights
from pipeline.steps import Deployment
from pipeline.steps.ensembles import ensemble_variance, ensembles, held
from pipeline.steps.ingest_members import Variance
from pipeline.steps.members import pooled
from tests.steps.stored_inputs import BIAS, HOUR, fill, tiny_deployment

NAME, NUMBER = "temperature_2m", 10
LEADS = np.arange(0, 25, 6)
Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Two sources and two ensembles, one of them 5 K warmer than the other."""
    plain = tiny_deployment(tmp_path_factory.mktemp("members"))
    fill(plain)
    sources = plain.config.sources | {"gefs": {}, "ifs_ens": {}}
    deployment = Deployment.open(plain.config.model_copy(update={"sources": sources}))
    for name, warmer in (("gefs", 0), ("ifs_ens", 5)):
        _store_members(deployment, name, _members(deployment, name) + warmer)
    return deployment


def _members(deployment: Deployment, name: str) -> Array:
    generator = np.random.default_rng(len(name))
    return generator.normal(280, 2, (NUMBER, len(LEADS), *deployment.grid.shape)).astype(np.float32)


def _store_members(deployment: Deployment, name: str, values: Array) -> None:
    dims = ("number", "lead_time", "latitude", "longitude")
    data = xr.Dataset(
        {
            NAME: (dims, values),
            f"{NAME}_variance": (("verified_lead_time", *dims[2:]), values[:, [1, 4]].var(axis=0, ddof=1)),
        },
        {"number": np.arange(NUMBER), "lead_time": LEADS, "verified_lead_time": [6, 24]},
    )
    stored = {NAME: {"chunks": (1, *values.shape[1:]), "compressors": ZstdCodec(level=1)}}
    key = deployment.store.zarr(paths.ensemble(HOUR, name))
    data.to_zarr(key, consolidated=False, zarr_format=3, encoding=stored)


def _weights(deployment: Deployment) -> Weights:
    shape = (2, 2, deployment.grid.places[0].size)
    bias = np.array(list(BIAS.values()), np.float32)[:, None, None] * np.ones(shape, np.float32)
    flat = np.ones(shape[1:], np.float32)
    return Weights(tuple(BIAS), (6.0, 24.0), bias, np.full(shape, 0.5, np.float32), flat, flat, ratio=False)


@pytest.fixture
def gaps_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored runs have leads of 0, 6 and 24 hours only."""
    monkeypatch.setattr("pipeline.steps.members.LARGEST_GAP_HOURS", 18)


def test_all_ensembles_that_have_arrived_are_found(deployment: Deployment) -> None:
    assert ensembles(deployment, HOUR) == ["gefs", "ifs_ens"]
    assert NAME in held(deployment, HOUR)
    assert ensembles(deployment, HOUR - 24) == []


@pytest.mark.usefixtures("gaps_allowed")
def test_the_pool_has_every_member_about_one_mean(deployment: Deployment) -> None:
    rows = slice(1, 4)
    pool = pooled(deployment, HOUR, parameter(NAME), LEADS, rows, _rows(_weights(deployment), deployment, rows))
    runs = len(pool) - 2 * NUMBER
    assert runs == len(BIAS)
    groups = pool[:NUMBER], pool[NUMBER : 2 * NUMBER], pool[2 * NUMBER :]
    for group in groups[1:]:
        np.testing.assert_allclose(group.mean(axis=0), groups[0].mean(axis=0), atol=1e-3)
    wanted = _members(deployment, "ifs_ens")[:, :, rows].reshape(NUMBER, len(LEADS), -1)
    np.testing.assert_allclose(groups[1] - groups[1].mean(axis=0), wanted - wanted.mean(axis=0), atol=1e-3)


def _rows(weights: Weights, deployment: Deployment, rows: slice) -> Weights:
    columns = deployment.grid.shape[1]
    cells = slice(rows.start * columns, rows.stop * columns)
    return Weights(
        weights.sources, weights.lead_bins, weights.bias[..., cells], weights.weight[..., cells],
        weights.error_variance[:, cells], weights.spread_factor[:, cells], weights.ratio,
    )  # fmt: skip


def test_a_run_that_was_kept_for_verification_only_is_no_member(deployment: Deployment) -> None:
    rows = slice(0, deployment.grid.shape[0])
    pool = pooled(deployment, HOUR, parameter(NAME), LEADS, rows, _weights(deployment))
    assert len(pool) == 2 * NUMBER


@pytest.mark.usefixtures("gaps_allowed")
def test_a_run_lies_where_its_bias_is_removed(deployment: Deployment) -> None:
    rows = slice(0, deployment.grid.shape[0])
    pool = pooled(deployment, HOUR, parameter(NAME), LEADS[[1, 4]], rows, _weights(deployment))
    difference = pool[-2] - pool[-1]
    assert difference.mean() == pytest.approx(0, abs=0.3), "noise only, though one is 3 K warmer"


def test_the_variance_is_the_members_where_they_were_kept(deployment: Deployment) -> None:
    variance = ensemble_variance(deployment, parameter(NAME), HOUR, 24, 0)
    wanted = [_members(deployment, name)[:, 4].var(axis=0, ddof=1).ravel() for name in ("gefs", "ifs_ens")]
    assert variance is not None
    np.testing.assert_allclose(variance, np.mean(wanted, axis=0), rtol=1e-4)


def test_nobody_knows_the_variance_of_an_hour_without_members_or_spread(deployment: Deployment) -> None:
    assert ensemble_variance(deployment, parameter(NAME), HOUR - 24, 24, 0) is None
    assert ensemble_variance(deployment, blended()["wind_speed_10m"], HOUR, 24, 0) is None


def test_variance_of_members_as_they_come() -> None:
    generator = np.random.default_rng(1)
    members = generator.normal(1e5, 30, (12, 3, 5)).astype(np.float32)
    members[2, 1, 3] = np.nan
    nothing = np.zeros((3, 2, 5), np.float32)
    running = Variance((6, 24), (1, 2), *nothing)
    for member in members:
        running.add(member)
    np.testing.assert_allclose(running.values(), np.nanvar(members[:, 1:], axis=0, ddof=1), rtol=0.01)
