"""A field that no weather explains is left out, and said so; the others are as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.products import provenance
from pipeline.science import skill as skills
from pipeline.science.pools import single
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.plausible import believed, left_out, note_usual_errors
from tests.steps.stored_inputs import tiny_deployment

HOUR = Cycle.parse("2026-01-31T06")
NAME = "temperature_2m"
NAMES = ("gfs", "ifs", "aifs", "icon")
LEADS = np.arange(13)
PLACES = 60  # five of seven rows


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """Three sources err by 1 K as usual, icon has no history."""
    deployment = tiny_deployment(tmp_path)
    state = skills.zero(NAMES, (6.0, 12.0), single(PLACES))
    errors = np.ones((4, PLACES), np.float32)
    errors[3] = np.nan
    for lead_bin in (0, 1):
        skills.update(state, lead_bin, errors, np.zeros(PLACES, np.float32))
    note_usual_errors(deployment, HOUR, NAME, state)
    return deployment


def _fields() -> np.ndarray:
    generator = np.random.default_rng(0)
    weather = 280 + 15 * generator.standard_normal((1, len(LEADS), PLACES))
    return (weather + generator.standard_normal((4, len(LEADS), PLACES))).astype(np.float32)


def test_plausible_fields_are_returned_as_they_are(deployment: Deployment) -> None:
    fields = _fields()
    assert believed(deployment, HOUR, parameter(NAME), NAMES, fields, LEADS, slice(0, PLACES)) is fields
    assert left_out(deployment, HOUR) == {}


def test_what_is_left_out_is_noted_and_becomes_a_sentence(deployment: Deployment) -> None:
    fields = _fields()
    fields[1, 3:9] += 50
    fields[3, 10] -= 273.15
    found = believed(deployment, HOUR, parameter(NAME), NAMES, fields, LEADS, slice(0, PLACES))
    assert np.isnan(found[1, 3:9]).all()
    assert np.isnan(found[3, 10]).all()
    assert np.isfinite(found).sum() == fields.size - 7 * PLACES
    noted = left_out(deployment, HOUR)
    assert noted["ifs"][0] | {"reason": ""} == {
        "parameter": NAME, "leads": list(range(3, 9)), "latitudes": [90.0, -30.0], "reason": "",
    }  # fmt: skip
    record = provenance.source_record(SOURCES["ifs"], HOUR - 6, 6, {"implausible": noted["ifs"]})
    assert provenance.degradations(provenance.Ingredients({"ifs": record}, {}, {}, {})) == [
        f"ifs: {NAME} left out at 6 leads from 3 to 8 h (too far from what the sources agree on)"
    ]


def test_tiles_judge_for_themselves(deployment: Deployment) -> None:
    fields = _fields()
    fields[0, :, :20] += 60
    for cells in (slice(0, 20), slice(20, 40), slice(40, 60)):
        found = believed(deployment, HOUR, parameter(NAME), NAMES, fields[:, :, cells], LEADS, cells)
        assert np.isnan(found[0]).all() == (cells.start == 0)
        assert np.isfinite(found[1:]).all()
    assert [item["leads"] for item in left_out(deployment, HOUR)["gfs"]] == [LEADS.tolist()]


def test_the_background_of_the_observations_is_judged_and_not_noted(deployment: Deployment) -> None:
    fields = _fields()[:, :1]
    fields[2] += 50
    assert np.isnan(believed(deployment, HOUR, parameter(NAME), NAMES, fields, LEADS[:1], slice(0, PLACES))[2]).all()
    assert left_out(deployment, HOUR) == {}
