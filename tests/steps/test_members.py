"""The pool of a distribution, and who knows the ensemble's variance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from pipeline import paths
from pipeline.parameters import blended, parameter
from pipeline.science.pooling import gather
from pipeline.science.weights import Weights
from pipeline.steps import Deployment
from pipeline.steps.ensembles import ensemble_variance, held
from pipeline.steps.ingest_members import Variance
from pipeline.steps.members import Ensemble, _between_leads, _every_hour, _single_runs, pools
from pipeline.steps.plausible import _bands, judge
from pipeline.steps.runs import Contribution, role
from pipeline.steps.served import ensembles
from tests.steps.stored_inputs import BIAS, HOUR, fill, store_run, tiny_deployment

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
    unknown = np.full((len(list(_bands(deployment.grid))), 2, 2), np.nan)
    judge(deployment, HOUR, parameter(NAME), tuple(BIAS), (6.0, 24.0), unknown)
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
    data.to_zarr(key, mode="w", consolidated=False, zarr_format=3, encoding=stored)
    deployment.store.write(paths.input_record(name, HOUR), b"{}")


def _weights(deployment: Deployment) -> Weights:
    shape = (2, 2, deployment.grid.places[0].size)
    bias = np.array(list(BIAS.values()), np.float32)[:, None, None] * np.ones(shape, np.float32)
    flat = np.ones(shape[1:], np.float32)
    return Weights(tuple(BIAS), (6.0, 24.0), bias, np.full(shape, 0.5, np.float32), flat, flat)


@pytest.fixture
def gaps_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored runs have leads of 0, 6 and 24 hours only."""
    monkeypatch.setattr("pipeline.steps.members.LARGEST_GAP_HOURS", 18)


def test_all_ensembles_that_have_arrived_are_found(deployment: Deployment) -> None:
    assert ensembles(deployment, HOUR) == ["gefs", "ifs_ens"]
    assert NAME in held(deployment, HOUR)
    assert ensembles(deployment, HOUR - 24) == []


def _pooled(deployment: Deployment, leads: NDArray[np.int64], rows: slice, weights: Weights) -> tuple[Array, list[int]]:
    """(number, lead, place) the members at every lead as they are before groups are shifted, and where groups end."""
    found = list(pools(deployment, HOUR, parameter(NAME), leads, rows, weights))
    values = [pool.values for _, pool in found]
    hourly = [
        field[pool.before] + pool.weight[..., None] * (field[pool.after] - field[pool.before])
        for field, (_, pool) in zip(values, found, strict=True)
    ]
    return np.concatenate(hourly, axis=-1), found[0][1].ends.tolist()


@pytest.mark.usefixtures("gaps_allowed")
def test_the_pool_has_every_member_in_groups(deployment: Deployment) -> None:
    rows = slice(1, 4)
    pool, ends = _pooled(deployment, LEADS, rows, _rows(_weights(deployment), deployment, rows))
    assert ends == [NUMBER, 2 * NUMBER, 2 * NUMBER + len(BIAS)]
    for first, name in ((0, "gefs"), (NUMBER, "ifs_ens")):
        wanted = (_members(deployment, name) + 5 * (name == "ifs_ens"))[:, :, rows].reshape(NUMBER, len(LEADS), -1)
        np.testing.assert_array_equal(pool[first : first + NUMBER], wanted)


@pytest.mark.usefixtures("gaps_allowed")
@pytest.mark.parametrize(
    ("name", "ends_at", "wanted"),
    [
        ("mpas", 91, "deterministic"),
        ("mpas-europe", 30, "regional"),
        ("ww3", 85, "wave"),
        ("ww3-baltic", 45, "regional"),
    ],
)
def test_a_run_is_a_member_where_its_domain_goes_round_the_globe(
    tmp_path: Path, name: str, ends_at: float, wanted: str
) -> None:
    """Whatever its model: waves need not reach the poles."""
    row = parameter("sea_ice_fraction")
    plain = tiny_deployment(tmp_path)
    deployment = Deployment.open(plain.config.model_copy(update={"sources": {name: {}}}))
    latitude, cycle = deployment.grid.places[0], HOUR - 12
    covered = (np.abs(latitude) < ends_at).astype(np.float32)
    fields = {row.name: np.zeros((3, covered.size), np.float32)}
    store_run(deployment, name, cycle, [12, 18, 36], fields, covered)
    part = Contribution(name, cycle, 12)
    assert role(deployment, part) == wanted
    one = np.ones((1, 1, 1), np.float32)
    parts = _single_runs(deployment, HOUR, row, Weights((name,), (6.0,), one, one, one[0], one[0]))
    assert parts == ([part] if wanted != "regional" else [])


def test_members_are_alike_from_two_leads_and_at_every_hour() -> None:
    generator, leads, row = np.random.default_rng(2), np.arange(30), parameter(NAME)
    hours = np.array([3.0, 6, 9, 15, 21])
    values = generator.normal(280, 9, (3 * 5 + 2 * len(leads), 40)).astype(np.float32)
    group, runs = Ensemble(values[:15].reshape(3, 5, 40), hours), values[15:].reshape(2, len(leads), 40)
    quick = _between_leads(row, [group], runs, leads, values)
    plain = _every_hour(row, [group], runs, leads, slice(0, 40))
    assert plain.values.shape[0] == (3 + 2) * 30
    members = [np.empty((5, 40), np.float32) for _ in range(2)]
    for hour in range(len(leads)):
        for pool, out in zip((quick, plain), members, strict=True):
            gather(pool.values, (pool.before, pool.after, pool.weight), hour, 0, out)
        np.testing.assert_array_equal(members[0], members[1])


def test_a_member_without_any_value_is_none_and_changes_no_other() -> None:
    leads, row = np.arange(12), parameter(NAME)
    whole = np.random.default_rng(3).normal(280, 9, (3, 5, 40)).astype(np.float32)
    lost, hours, nothing = whole.copy(), np.array([0.0, 3, 6, 9, 12]), np.empty((0, 12, 40), np.float32)
    lost[1] = np.nan
    lost[2, :, 7] = np.nan  # as a field that is known over land only
    complete, damaged = (
        _every_hour(row, [Ensemble(values, hours)], nothing, leads, slice(0, 40)).values.reshape(3, 12, 40)
        for values in (whole, lost)
    )
    np.testing.assert_array_equal(damaged[0], complete[0])
    assert np.isnan(damaged[1]).all()
    np.testing.assert_array_equal(np.isnan(damaged[2]).all(axis=0), np.arange(40) == 7)
    np.testing.assert_array_equal(np.delete(damaged[2], 7, axis=1), np.delete(complete[2], 7, axis=1))


@pytest.mark.usefixtures("gaps_allowed")
def test_a_member_with_a_gap_takes_the_nearest_lead_whatever_the_parts(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, rows = _members(deployment, "gefs"), slice(0, deployment.grid.shape[0])
    values[2, 4, 1, 3] = np.nan
    _store_members(deployment, "gefs", values)
    monkeypatch.setattr("pipeline.steps.members.PART_BYTES", 1)
    try:
        pool, _ = _pooled(deployment, LEADS, rows, _weights(deployment))
    finally:
        _store_members(deployment, "gefs", _members(deployment, "gefs"))
    place = deployment.grid.shape[1] + 3
    assert pool[2, 4, place] == values[2, 3, 1, 3]
    np.testing.assert_array_equal(pool[3, :, place], values[3, :, 1, 3])


def _rows(weights: Weights, deployment: Deployment, rows: slice) -> Weights:
    columns = deployment.grid.shape[1]
    cells = slice(rows.start * columns, rows.stop * columns)
    return Weights(
        weights.sources, weights.lead_bins, weights.bias[..., cells], weights.weight[..., cells],
        weights.error_variance[:, cells], weights.spread_factor[:, cells],
    )  # fmt: skip


def test_a_run_that_was_kept_for_verification_only_is_no_member(deployment: Deployment) -> None:
    rows = slice(0, deployment.grid.shape[0])
    pool, ends = _pooled(deployment, LEADS, rows, _weights(deployment))
    assert len(pool) == ends[-1] == 2 * NUMBER


@pytest.mark.usefixtures("gaps_allowed")
def test_a_run_lies_where_its_bias_is_removed(deployment: Deployment) -> None:
    rows = slice(0, deployment.grid.shape[0])
    pool, _ = _pooled(deployment, LEADS[[1, 4]], rows, _weights(deployment))
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
    running = Variance((6, 24), (1, 2), (((0, 1.0),), ((1, 1.0),)), *nothing)
    for member in members:
        running.add(member)
    np.testing.assert_allclose(running.values(), np.nanvar(members[:, 1:], axis=0, ddof=1), rtol=0.01)


@pytest.mark.usefixtures("gaps_allowed")
def test_a_run_of_a_source_that_is_not_believed_is_no_member(deployment: Deployment) -> None:
    rows, key = slice(0, deployment.grid.shape[0]), paths.work(HOUR, f"implausible/{NAME}.json")
    believed = deployment.store.read(key)
    deployment.store.write(key, json.dumps([{"source": "ifs", "leads": [6], "rows": [2, 7]}]).encode())
    try:
        pool, _ = _pooled(deployment, LEADS, rows, _weights(deployment))
    finally:
        deployment.store.write(key, believed)
    missing = np.zeros((len(LEADS), *deployment.grid.shape), np.bool_)
    missing[1, 2:7] = True
    np.testing.assert_array_equal(np.isnan(pool[-1]).reshape(missing.shape), missing)
    assert np.isfinite(pool[:-1]).all()
