"""A field that no weather explains is left out, and said so; the others are as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.products import provenance
from pipeline.science import skill as skills
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment, learn
from pipeline.steps.input_store import InputWriter
from pipeline.steps.plausible import _bands, judge, leave_out, left_out, usual_errors

HOUR = Cycle.parse("2026-01-31T06")
NAME = "temperature_2m"
NAMES = ("gfs", "ifs", "aifs", "icon")
LEADS, BINS = np.arange(13), (6.0, 12.0)
USUAL = np.array([[1.0, 1], [1, 1], [1, 1], [np.nan, np.nan]])  # icon has no history
Array = NDArray[np.float32]


def _deployment(folder: Path, resolution: float) -> Deployment:
    settings = {
        "store": f"file://{folder}/store", "grid_resolution": resolution, "last_lead_hours": 12, "tile_rows": 2,
        "synthetic": True, "sources": {name: {} for name in NAMES},
    }  # fmt: skip
    return Deployment.open(Config.model_validate(settings))


@pytest.fixture(params=[30, 1.0])
def deployment(tmp_path: Path, request: pytest.FixtureRequest) -> Deployment:
    """Seven rows, each a band of its own, or 181, of which every fifth is looked at."""
    return _deployment(tmp_path, request.param)


def _fields(deployment: Deployment) -> Array:
    """(source, lead, row, column)"""
    generator = np.random.default_rng(0)
    weather = 280 + 15 * generator.standard_normal((1, len(LEADS), *deployment.grid.shape))
    return (weather + generator.standard_normal((4, *weather.shape[1:]))).astype(np.float32)


def _write(deployment: Deployment, name: str, cycle: Cycle, leads: NDArray[np.int64], values: Array) -> None:
    key = paths.input_zarr(name, cycle)
    writer = InputWriter(deployment.store, key, deployment.grid, leads.tolist(), [NAME], ["forecast"])
    writer.write(parameter(NAME), "forecast", values.reshape(len(leads), -1), np.zeros(len(leads)))
    writer.close(np.ones(values[0].size, np.float32), {})
    deployment.store.write(paths.input_record(name, cycle), json.dumps({}).encode())


def _judged(deployment: Deployment, fields: Array) -> Array:
    """The fields when what is not believed is left out."""
    for name, values in zip(NAMES, fields, strict=True):
        cycle = due_cycles(SOURCES[name], HOUR)[0]
        _write(deployment, name, cycle, LEADS + round(cycle.lead_hours(HOUR.init_time)), values)
    usual = np.broadcast_to(USUAL, (len(list(_bands(deployment.grid))), *USUAL.shape))
    judge(deployment, HOUR, parameter(NAME), NAMES, BINS, usual)
    found = fields.copy().reshape(4, len(LEADS), -1)
    leave_out(deployment, HOUR, parameter(NAME), NAMES, found, LEADS, slice(0, found.shape[2]))
    return found.reshape(fields.shape)


def test_plausible_fields_stay_as_they_are(deployment: Deployment) -> None:
    fields = _fields(deployment)
    np.testing.assert_array_equal(_judged(deployment, fields), fields)
    assert left_out(deployment, HOUR) == {}


def test_what_is_left_out_is_noted_and_becomes_a_sentence(deployment: Deployment) -> None:
    fields = _fields(deployment)
    fields[1, 3:9] += 50
    fields[3, 10] -= 273.15
    found = _judged(deployment, fields)
    assert np.isnan(found[1, 3:9]).all()
    assert np.isnan(found[3, 10]).all()
    assert np.isnan(found).sum() == 7 * fields[0, 0].size
    noted = left_out(deployment, HOUR)
    assert [item | {"reason": ""} for item in noted["ifs"]] == [
        {"parameter": NAME, "leads": list(range(3, 9)), "latitudes": [90.0, -90.0], "reason": ""}
    ]
    record = provenance.source_record(SOURCES["ifs"], HOUR - 6, 6, {"implausible": noted["ifs"]})
    assert provenance.degradations(provenance.Ingredients({"ifs": record}, {}, {}, {}, {"standard_start": []}, [])) == [
        f"ifs: {NAME} left out at 6 leads from 3 to 8 h (too far from what the sources agree on)"
    ]


@pytest.mark.parametrize("stale", [True, False])
def test_a_run_that_repeats_the_one_before_is_left_out(deployment: Deployment, stale: bool) -> None:
    fields = _fields(deployment)
    cycle = due_cycles(SOURCES["ifs"], HOUR)[0]
    leads = LEADS + round(cycle.lead_hours(HOUR.init_time))
    before = fields[1] if stale else np.roll(fields[1], 3, axis=0)
    _write(deployment, "ifs", cycle - 12, leads, before)
    found = _judged(deployment, fields)
    assert np.isnan(found[1]).all() == stale
    assert np.isfinite(found[[0, 2, 3]]).all()
    reasons = {item["reason"] for item in left_out(deployment, HOUR).get("ifs", [])}
    assert reasons == ({"the same as the run before"} if stale else set())


def test_a_source_that_is_absurd_in_one_region_is_left_out_there(deployment: Deployment) -> None:
    fields, bands = _fields(deployment), [rows for rows, _ in _bands(deployment.grid)]
    rows = slice(bands[2].start, bands[3].stop)
    fields[0, :, rows] += 60
    found = _judged(deployment, fields)
    np.testing.assert_array_equal(np.isnan(found[0]).all(axis=(0, 2)), np.isin(np.arange(found.shape[2]), _all(rows)))
    assert np.isfinite(found[1:]).all()
    latitudes = deployment.grid.latitude[[rows.start, rows.stop - 1]].tolist()
    assert [(item["leads"], item["latitudes"]) for item in left_out(deployment, HOUR)["gfs"]] == [
        (LEADS.tolist(), latitudes)
    ]


def _all(rows: slice) -> range:
    return range(rows.start, rows.stop)


def test_a_tile_leaves_out_what_the_whole_leaves_out(deployment: Deployment) -> None:
    fields, bands = _fields(deployment), [rows for rows, _ in _bands(deployment.grid)]
    fields[0, 4:, : bands[2].stop] -= 60
    whole = _judged(deployment, fields)
    columns = deployment.grid.shape[1]
    for first in range(0, len(whole[0, 0]), 2):
        part = fields[:, 2:, first : first + 2].reshape(4, len(LEADS) - 2, -1)
        cells = slice(first * columns, first * columns + part.shape[2])
        leave_out(deployment, HOUR, parameter(NAME), NAMES, part, LEADS[2:], cells)
        np.testing.assert_array_equal(part, whole[:, 2:, first : first + 2].reshape(part.shape))


def test_errors_of_a_band_are_judged_by_what_is_usual_there(deployment: Deployment) -> None:
    bands, places = [rows for rows, _ in _bands(deployment.grid)], learn.places(deployment)
    columns = deployment.grid.shape[1]
    errors = np.ones((len(NAMES), places.latitude.size), np.float32)
    errors[:, bands[1].start * columns : bands[1].stop * columns] = 30
    state = skills.zero(NAMES, BINS, places.pools)
    for lead_bin in range(len(BINS)):
        skills.update(state, lead_bin, errors)
    usual = usual_errors(deployment, state)
    assert usual.shape == (len(bands), len(NAMES), len(BINS))
    np.testing.assert_allclose(usual[1], 30, rtol=1e-3)
    everywhere = np.sqrt(skills.mean_square(state))
    assert (everywhere > 1).all(), "a quiet band is not held to more than the world"
    np.testing.assert_array_equal(np.delete(usual, 1, axis=0), np.stack([everywhere] * (len(bands) - 1)))


def test_bands_do_not_depend_on_tiles_and_cover_every_row() -> None:
    for resolution, height, cap in ((0.25, 20, 80), (1.0, 5, 20), (3.0, 2, 7), (30.0, 1, 1)):
        grid = Deployment(Config(store="memory://", grid_resolution=resolution, sources={"gfs": {}}), None).grid  # type: ignore[arg-type]
        bands = list(_bands(grid))
        assert [row for rows, _ in bands for row in _all(rows)] == list(range(grid.shape[0]))
        sizes = [rows.stop - rows.start for rows, _ in bands]
        assert [sizes[0], *sizes[1:-2]] == [cap] + [height] * (len(sizes) - 3), "polar caps, and bands between"
        assert sizes[-1] in (cap, cap + 1)
        assert height <= sizes[-2] <= 1.5 * height
        assert all(rows.start <= looked.start < looked.stop <= rows.stop for rows, looked in bands)
